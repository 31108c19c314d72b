/* bothy console DOMAIN */
#include "toolstack/console.h"
#include "toolstack/domain/leftovers.h"
#include "toolstack/verb.h"

enum { WAIT_MS = 5000 };

enum exit_code verb_console(struct cli *c, int argc, char **argv)
{
	const char *ignored = NULL; /* xl's -t pv and -n 0: there is one console */
	const struct cli_option options[] = {
		{'t', "type", NULL, &ignored}, {'n', "num", NULL, &ignored}, {0}};
	struct xen_domctl_getdomaininfo info;
	struct host h;
	int count = cli_options(c, argc, argv, options);
	enum exit_code code;

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 1, 1))
		return EXIT_USAGE;
	if (c->json)
		return cli_usage(c, "a console cannot be shown as JSON");
	code = host_open(c, &h, true);
	if (code != EXIT_DONE)
		return code;
	leftovers_clear(c, &h);
	code = host_guest_find(c, &h, argv[0], &info);
	if (code == EXIT_DONE)
		code = console_attach(c, &h, info.domain, WAIT_MS);
	host_close(&h);
	return code;
}
