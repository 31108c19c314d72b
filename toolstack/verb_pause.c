/* bothy pause, bothy unpause: the guest's CPUs stop and go on; nothing else changes. */
#include "dom0/lib/domctl.h"
#include "toolstack/domain/leftovers.h"
#include "toolstack/host.h"
#include "toolstack/verb.h"

typedef int domain_op(struct privcmd *p, uint16_t domid);

static enum exit_code apply(struct cli *c, const char *domain, domain_op *op)
{
	struct xen_domctl_getdomaininfo info;
	struct host h;
	enum exit_code code = host_open(c, &h, false);
	int rc;

	if (code != EXIT_DONE)
		return code;
	leftovers_clear(c, &h);
	code = host_guest_find(c, &h, domain, &info);
	if (code == EXIT_DONE) {
		rc = op(&h.hv, info.domain);
		code = rc < 0 ? host_failed(c, rc, c->verb) : cli_done(c, info.domain);
	}
	host_close(&h);
	return code;
}

static enum exit_code run(struct cli *c, int argc, char **argv, domain_op *op)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 1, 1) ? apply(c, argv[0], op) : EXIT_USAGE;
}

enum exit_code verb_pause(struct cli *c, int argc, char **argv)
{
	return run(c, argc, argv, domctl_pause);
}

enum exit_code verb_unpause(struct cli *c, int argc, char **argv)
{
	return run(c, argc, argv, domctl_unpause);
}
