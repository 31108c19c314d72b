/* bothy pause, bothy unpause: the guest's CPUs stop and go on; nothing else changes. */
#include "dom0/lib/domctl.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

typedef int domain_op(struct privcmd *p, uint16_t domid);

static enum exit_code apply(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	domain_op *const *op = arg;
	int rc = (*op)(&h->hv, d->domain);

	return rc < 0 ? host_failed(c, rc, c->verb) : cli_done(c, d->domain);
}

static enum exit_code run(struct cli *c, int argc, char **argv, domain_op *op)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 1, 1) ? host_guest_run(c, false, argv[0], apply, &op)
						     : EXIT_USAGE;
}

enum exit_code verb_pause(struct cli *c, int argc, char **argv)
{
	return run(c, argc, argv, domctl_pause);
}

enum exit_code verb_unpause(struct cli *c, int argc, char **argv)
{
	return run(c, argc, argv, domctl_unpause);
}
