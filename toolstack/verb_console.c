/* bothy console [-r] [-n NUMBER] DOMAIN */
#include "dom0/lib/console_link.h"
#include "toolstack/console.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

struct wanted {
	unsigned long number;
	bool follow;
};

static enum exit_code attach(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const struct wanted *w = arg;

	return console_attach(c, h, d->domain, (uint32_t)w->number, w->follow);
}

enum exit_code verb_console(struct cli *c, int argc, char **argv)
{
	const char *ignored = NULL; /* xl's -t pv: there are no others */
	const char *number = NULL;
	struct wanted wanted = {.number = 0};
	const struct cli_option options[] = {{'r', "reboots", &wanted.follow, NULL},
		{'t', "type", NULL, &ignored}, {'n', "num", NULL, &number}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 1, 1))
		return EXIT_USAGE;
	if (number && !cli_number(c, "number of the console", number, 0, CONSOLE_NUMBER_MAX, &wanted.number))
		return EXIT_USAGE;
	if (c->json)
		return cli_usage(c, "a console cannot be shown as JSON");
	return host_guest_run(c, true, argv[0], attach, &wanted);
}
