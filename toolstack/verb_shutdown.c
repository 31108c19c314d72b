/* bothy shutdown, bothy reboot: ask the guest, by its store node; it may refuse.
 * Neighbours: host_stop.c does it when the host goes down. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/sysctl.h"
#include "toolstack/domain/leftovers.h"
#include "toolstack/host_stop.h"
#include "toolstack/verb.h"
#include "toolstack/wait.h"

enum { TIMEOUT_DEFAULT_S = 300, HOST_TIMEOUT_DEFAULT_S = 60, TIMEOUT_MAX_S = 86400 };

struct request {
	const char *what; /* "poweroff", "reboot" */
	bool all, wait, host;
	unsigned int timeout_s;
};

struct waiting {
	struct host *h;
	uint16_t domid;
	const char *policy; /* node with what happens after it has shut down */
};

static enum exit_code ask(struct cli *c, struct host *h, uint16_t domid, const char *what)
{
	int rc = host_domain_write(h, STORE_NO_TX, domid, "control/shutdown", "%s", what);

	if (rc < 0) {
		why_set(&c->why, rc, "asking domain %u: %s", domid, strerror(-rc));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

/* Gone; or down, if it is to be kept. */
static int gone_check(void *arg)
{
	const struct waiting *w = arg;
	struct xen_domctl_getdomaininfo info;
	char path[64], policy[32] = "";
	int rc = domctl_info(&w->h->hv, w->domid, &info);

	if (rc == -ESRCH)
		return 1;
	if (rc < 0 || !(info.flags & XEN_DOMINF_shutdown))
		return rc;
	snprintf(path, sizeof(path), "/bothy/domain/%u/%s", w->domid, w->policy);
	(void)!store_read_buf(w->h->store, STORE_NO_TX, path, policy, sizeof(policy));
	return strcmp(policy, "preserve") == 0;
}

static enum exit_code await(struct cli *c, struct host *h, const struct request *r, uint16_t domid)
{
	struct waiting w = {.h = h,
		.domid = domid,
		.policy = strcmp(r->what, "reboot") == 0 ? "on_reboot" : "on_poweroff"};
	int rc = wait_until(gone_check, &w, r->timeout_s * 1000);

	if (rc == 0)
		return EXIT_DONE;
	if (rc != -ETIMEDOUT)
		return host_failed(c, rc, "waiting");
	why_set(&c->why, rc, "domain %u is still there after %u s", domid, r->timeout_s);
	why_hint(&c->why, "bothy destroy %u ends it at once", domid);
	return EXIT_TIMEOUT;
}

static enum exit_code one(struct cli *c, struct host *h, const struct request *r, const char *name)
{
	struct xen_domctl_getdomaininfo info;
	enum exit_code code = host_guest_find(c, h, name, &info);

	if (code == EXIT_DONE)
		code = ask(c, h, info.domain, r->what);
	if (code == EXIT_DONE && r->wait)
		code = await(c, h, r, info.domain);
	return code == EXIT_DONE ? cli_done(c, info.domain) : code;
}

/* Ask all first, then wait: they go down side by side. */
static enum exit_code all(struct cli *c, struct host *h, const struct request *r)
{
	struct xen_domctl_getdomaininfo *list = NULL;
	uint32_t count = 0;
	enum exit_code code = EXIT_DONE;
	int rc = sysctl_domain_list(&h->hv, &list, &count);

	if (rc < 0)
		return host_failed(c, rc, "list of domains");
	for (uint32_t i = 0; i < count && code == EXIT_DONE; i++)
		if (list[i].domain != 0 && !(list[i].flags & XEN_DOMINF_dying))
			code = ask(c, h, list[i].domain, r->what);
	for (uint32_t i = 0; i < count && code == EXIT_DONE && r->wait; i++)
		if (list[i].domain != 0)
			code = await(c, h, r, list[i].domain);
	free(list);
	return code == EXIT_DONE ? cli_done(c, 0) : code;
}

static enum exit_code perform(
	struct cli *c, struct host *h, const struct request *r, const char *name)
{
	if (r->host)
		return host_stop(c, h, r->timeout_s);
	return r->all ? all(c, h, r) : one(c, h, r, name);
}

static enum exit_code run(struct cli *c, int argc, char **argv, const char *what)
{
	struct request r = {.what = what};
	const char *timeout = NULL;
	bool ignored = false; /* xl's -F: ACPI, which PV guests have not */
	const struct cli_option options[] = {{'a', "all", &r.all, NULL},
		{'w', "wait", &r.wait, NULL}, {'F', "fallback", &ignored, NULL},
		{'t', "timeout", NULL, &timeout},
		{0, strcmp(what, "reboot") == 0 ? NULL : "host", &r.host, NULL}, {0}};
	int count = cli_options(c, argc, argv, options), operands = r.all || r.host ? 0 : 1;
	unsigned long seconds = r.host ? HOST_TIMEOUT_DEFAULT_S : TIMEOUT_DEFAULT_S;
	struct host h;
	enum exit_code code;

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, operands, operands) ||
		(timeout && !cli_number(c, "timeout", timeout, 0, TIMEOUT_MAX_S, &seconds)))
		return EXIT_USAGE;
	r.timeout_s = (unsigned int)seconds;
	code = host_open(c, &h, true);
	if (code != EXIT_DONE)
		return code;
	leftovers_clear(c, &h);
	code = perform(c, &h, &r, argv[0]);
	host_close(&h);
	return code;
}

enum exit_code verb_shutdown(struct cli *c, int argc, char **argv)
{
	return run(c, argc, argv, "poweroff");
}

enum exit_code verb_reboot(struct cli *c, int argc, char **argv)
{
	return run(c, argc, argv, "reboot");
}
