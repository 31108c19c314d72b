/* bothy destroy: end a guest at once. */
#include "toolstack/guest_destroy.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

static enum exit_code destroy(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	int rc = guest_destroy(h, d->domain);

	(void)arg;
	return rc < 0 ? host_failed(c, rc, "destroy") : cli_done(c, d->domain);
}

enum exit_code verb_destroy(struct cli *c, int argc, char **argv)
{
	bool ignored = false; /* xl's -f */
	const struct cli_option options[] = {{'f', "force", &ignored, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 1, 1)
		       ? host_guest_run(c, true, argv[0], destroy, NULL)
		       : EXIT_USAGE;
}
