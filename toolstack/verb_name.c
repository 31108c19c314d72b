/* bothy rename, domid, domname: what a domain is called.
 *
 * A guest's name stands in its own directory, below /vm, in domaind's record and in the configuration kept
 * for its restart; a rename changes them all.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "toolstack/config/guest_cfg.h"
#include "toolstack/config_file.h"
#include "toolstack/domain/marker.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

struct renaming {
	struct host *h;
	const struct xen_domctl_getdomaininfo *d;
	const char *name;
	struct why *why;
};

static int names_write(struct store *s, uint32_t tx, struct renaming *r)
{
	char path[96], uuid[UUID_TEXT];
	int rc = host_domain_write(r->h, tx, r->d->domain, "name", "%s", r->name);

	if (rc < 0)
		return rc;
	uuid_format(r->d->handle, uuid);
	snprintf(path, sizeof(path), "/vm/%s/name", uuid);
	rc = store_write(s, tx, path, r->name);
	snprintf(path, sizeof(path), "/bothy/domain/%u/name", r->d->domain);
	return rc < 0 ? rc : store_write(s, tx, path, r->name);
}

static int config_write(struct store *s, uint32_t tx, struct renaming *r)
{
	char path[64], config[512];
	int rc;

	snprintf(path, sizeof(path), "/bothy/domain/%u/config", r->d->domain);
	rc = store_read_buf(s, tx, path, config, sizeof(config));
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	return config_file_rename(config, r->name, r->why);
}

/* The file comes last, for only the rest can be taken back. */
static int rename_body(struct store *s, uint32_t tx, void *arg)
{
	struct renaming *r = arg;
	int rc = marker_check_name(r->h, tx, r->d->domain, r->name, r->why);

	if (rc == 0)
		rc = names_write(s, tx, r);
	return rc < 0 ? rc : config_write(s, tx, r);
}

static enum exit_code rename_to(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	struct renaming r = {.h = h, .d = d, .name = arg, .why = &c->why};
	int rc = store_transact(h->store, rename_body, &r);

	if (rc == 0)
		return cli_done(c, d->domain);
	if (!c->why.what[0])
		why_set(&c->why, rc, "renaming: %s", strerror(-rc));
	return EXIT_FAILED;
}

/* @show_id: the number, else the name; JSON has both. */
static enum exit_code show(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const bool *show_id = arg;
	char buffer[DOMAIN_NAME_SIZE];
	const char *name = host_domain_name(h, d->domain, buffer);
	cJSON *root;

	if (c->json) {
		root = cli_json_new("name");
		cli_json_text(root, "name", name);
		cJSON_AddNumberToObject(root, "domid", d->domain);
		return cli_json(c, root);
	}
	if (*show_id)
		fprintf(c->out, "%u\n", d->domain);
	else
		fprintf(c->out, "%s\n", host_name_shown(name));
	return EXIT_DONE;
}

static enum exit_code run_show(struct cli *c, int argc, char **argv, bool show_id)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 1, 1)
		       ? host_domain_run(c, true, argv[0], show, &show_id)
		       : EXIT_USAGE;
}

enum exit_code verb_rename(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 2, 2) || guest_name_check(argv[1], &c->why) < 0)
		return EXIT_USAGE;
	return host_guest_run(c, true, argv[0], rename_to, argv[1]);
}

enum exit_code verb_domid(struct cli *c, int argc, char **argv)
{
	return run_show(c, argc, argv, true);
}

enum exit_code verb_domname(struct cli *c, int argc, char **argv)
{
	return run_show(c, argc, argv, false);
}
