/* bothy create: read and check the configuration, then hand it to guest_create(). */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dom0/lib/domctl.h"
#include "toolstack/config/cfg_json.h"
#include "toolstack/config/guest_cfg.h"
#include "toolstack/config_file.h"
#include "toolstack/console.h"
#include "toolstack/domain/create.h"
#include "toolstack/domain/leftovers.h"
#include "toolstack/domain_view.h"
#include "toolstack/verb.h"
#include "toolstack/wait.h"

/* How long a guest must have run before we leave it, and how long we wait for that. A crash is charged to it, with
 * its line on a serial port: 10 ms. */
enum { FIRST_RUN_NS = 20000000, FIRST_RUN_WAIT_MS = 200 };

struct request {
	bool dry_run, console, paused, quiet;
	const char *file;
};

static int read_text(
	struct cfg_text *t, const char *path, char **overrides, int count, struct why *why)
{
	int rc = config_file_read(t, path, why);

	for (int i = 0; rc == 0 && i < count; i++)
		rc = cfg_text_override(t, overrides[i], why);
	return rc;
}

static void show_warnings(struct cli *c, const struct guest_warnings *w)
{
	char more[64];

	for (size_t i = 0; i < w->count && i < GUEST_WARNINGS_MAX; i++)
		cli_warn(c, w->text[i]);
	if (w->count > GUEST_WARNINGS_MAX) {
		snprintf(more, sizeof(more), "and %zu more", w->count - GUEST_WARNINGS_MAX);
		cli_warn(c, more);
	}
}

/* The configuration is kept for restarts, which happen elsewhere: no path may be relative. */
static int make_absolute(char path[GUEST_PATH_MAX + 1], struct why *why)
{
	char whole[2 * GUEST_PATH_MAX], cwd[GUEST_PATH_MAX];
	int length;

	if (path[0] == '/' || path[0] == '\0')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return why_set(why, -errno, "working directory: %s", strerror(errno));
	length = snprintf(whole, sizeof(whole), "%s/%s", cwd, path);
	if (length > GUEST_PATH_MAX) {
		why_set(why, -ENAMETOOLONG, "path too long");
		why_where(why, "%s", whole);
		return -ENAMETOOLONG;
	}
	memcpy(path, whole, (size_t)length + 1);
	return 0;
}

static enum exit_code read_config(
	struct cli *c, const char *path, char **overrides, int count, struct guest_cfg *g)
{
	struct cfg_text text = {0};
	struct guest_warnings *w = calloc(1, sizeof(*w));
	int rc = w ? read_text(&text, path, overrides, count, &c->why)
		   : why_set(&c->why, -ENOMEM, "%s", strerror(ENOMEM));

	if (rc == 0)
		rc = guest_cfg_parse(g, &text, w, &c->why);
	if (rc < 0 && !c->why.where[0]) /* of the file as a whole */
		why_where(&c->why, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
	if (rc == 0)
		rc = make_absolute(g->kernel, &c->why);
	if (rc == 0)
		rc = make_absolute(g->ramdisk, &c->why);
	if (w)
		show_warnings(c, w);
	free(w);
	cfg_text_free(&text);
	return rc < 0 ? EXIT_CONFIG : EXIT_DONE;
}

static void warn_unreadable(struct cli *c, const char *path)
{
	char text[1200];

	if (!path[0] || access(path, R_OK) == 0)
		return;
	snprintf(text, sizeof(text), "%s: %s", path, strerror(errno));
	cli_warn(c, text);
}

static enum exit_code dry_run(struct cli *c, const struct guest_cfg *g)
{
	char *text = NULL;
	cJSON *root;

	warn_unreadable(c, g->kernel);
	warn_unreadable(c, g->ramdisk);
	for (size_t i = 0; i < g->disk_count; i++)
		warn_unreadable(c, g->disks[i].target);
	if (c->json) {
		root = cli_json_new("config");
		guest_cfg_json(g, root);
		return cli_json(c, root);
	}
	if (guest_cfg_format(g, &text) < 0) {
		why_set(&c->why, -ENOMEM, "%s", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	fputs(text, c->out);
	free(text);
	return EXIT_DONE;
}

static enum exit_code created(struct cli *c, struct host *h, const struct request *r,
	const struct guest_cfg *g, uint16_t domid)
{
	cJSON *root;

	if (r->console)
		return console_attach(c, h, domid, 0, false);
	if (c->json) {
		root = cli_json_new("create");
		cJSON_AddStringToObject(root, "name", g->name);
		cJSON_AddNumberToObject(root, "domid", domid);
		cJSON_AddBoolToObject(root, "paused", r->paused);
		return cli_json(c, root);
	}
	if (!r->quiet)
		fprintf(c->out, "%s is domain %u\n", g->name, domid);
	return EXIT_DONE;
}

struct first_run {
	struct host *h;
	uint16_t domid;
	struct xen_domctl_getdomaininfo info;
};

static int first_run_check(void *arg)
{
	struct first_run *f = arg;
	int rc = domctl_info(&f->h->hv, f->domid, &f->info);

	return rc < 0 ? rc : f->info.flags & XEN_DOMINF_shutdown || f->info.cpu_time >= FIRST_RUN_NS;
}

/* A guest that cannot run at all is not simply created: domaind does what its configuration says, and we
 * tell who waits here. A look that fails says nothing about the guest. */
static enum exit_code first_run(struct cli *c, struct host *h, const char *name, uint16_t domid)
{
	struct first_run f = {.h = h, .domid = domid};
	int rc = wait_until(first_run_check, &f, FIRST_RUN_WAIT_MS);
	const char *end = rc == 0 ? domain_shutdown_reason(&f.info) : NULL;
	char text[192];

	if (rc == -ESRCH) {
		why_set(&c->why, rc, "%s (domain %u) ended as soon as it ran", name, domid);
		why_hint(&c->why, "/var/log/bothy/domaind.log and bothy dmesg say why");
		return EXIT_FAILED;
	}
	if (!end)
		return EXIT_DONE;
	if (strcmp(end, "crash") == 0) {
		why_set(&c->why, -EIO, "%s (domain %u) crashed as soon as it ran", name, domid);
		why_hint(&c->why, "bothy dmesg shows the reason");
		return EXIT_FAILED;
	}
	snprintf(text, sizeof(text), "%s (domain %u) has ended already: %s", name, domid, end);
	cli_warn(c, text);
	return EXIT_DONE;
}

/* bothy -v create: what is being done, and milliseconds since the start. */
static void show_progress(void *arg, const char *step)
{
	static struct timespec start;
	struct timespec now;
	struct cli *c = arg;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (start.tv_sec == 0)
		start = now;
	fprintf(c->err, "bothy: create: %6ld ms %s\n",
		(long)(now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000,
		step);
}

static enum exit_code create(
	struct cli *c, struct host *h, const struct request *r, const struct guest_cfg *g)
{
	const struct create_options options = {
		.places = c->places,
		.paused = r->paused,
		.progress = c->verbose ? show_progress : NULL,
		.progress_arg = c,
	};
	const char *warning = NULL;
	enum exit_code code = EXIT_DONE;
	uint16_t domid = 0;
	int rc;

	leftovers_clear(c, h);
	wait_catch_signals();
	rc = guest_create(h, g, &options, &domid, &warning, &c->why);
	if (rc < 0)
		return cli_exit_of(rc);
	if (warning)
		cli_warn(c, warning);
	if (!r->paused && !r->console)	/* the console shows its end, too */
		code = first_run(c, h, g->name, domid);
	return code == EXIT_DONE ? created(c, h, r, g, domid) : code;
}

static enum exit_code run(struct cli *c, const struct request *r, char **overrides, int count)
{
	struct guest_cfg *g = calloc(1, sizeof(*g));
	struct host h;
	enum exit_code code = EXIT_FAILED;

	if (g)
		code = read_config(c, r->file, overrides, count, g);
	else
		why_set(&c->why, -ENOMEM, "%s", strerror(ENOMEM));
	if (code == EXIT_DONE && r->dry_run) {
		code = dry_run(c, g);
	} else if (code == EXIT_DONE) {
		code = host_open(c, &h, true);
		if (code == EXIT_DONE) {
			code = create(c, &h, r, g);
			host_close(&h);
		}
	}
	free(g);
	return code;
}

enum exit_code verb_create(struct cli *c, int argc, char **argv)
{
	struct request r = {.file = NULL};
	const struct cli_option options[] = {{'n', "dry-run", &r.dry_run, NULL},
		{'n', "dryrun", &r.dry_run, NULL}, {'c', "console", &r.console, NULL},
		{'p', "paused", &r.paused, NULL}, {'q', "quiet", &r.quiet, NULL},
		{'f', "defconfig", NULL, &r.file}, {0}};
	int count = cli_options(c, argc, argv, options), first = 0;

	if (c->done)
		return EXIT_DONE;
	if (!r.file && count > 0)
		r.file = argv[first++];
	if (count >= 0 && (!r.file || !r.file[0]))
		return cli_usage(c, "which configuration file?");
	if (r.console && c->json)
		return cli_usage(c, "a console cannot be shown as JSON");
	for (int i = first; i < count; i++)
		if (!strchr(argv[i], '='))
			return cli_usage(c, "expected KEY=VALUE, got \"%.40s\"", argv[i]);
	return count < 0 ? EXIT_USAGE : run(c, &r, argv + first, count - first);
}
