/* bothy console [-r] DOMAIN */
#include "toolstack/console.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

static enum exit_code attach(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const bool *follow = arg;

	return console_attach(c, h, d->domain, *follow);
}

enum exit_code verb_console(struct cli *c, int argc, char **argv)
{
	const char *ignored = NULL; /* xl's -t pv and -n 0: there is one console */
	bool follow = false;
	const struct cli_option options[] = {{'r', "reboots", &follow, NULL},
		{'t', "type", NULL, &ignored}, {'n', "num", NULL, &ignored}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 1, 1))
		return EXIT_USAGE;
	if (c->json)
		return cli_usage(c, "a console cannot be shown as JSON");
	return host_guest_run(c, true, argv[0], attach, &follow);
}
