/* bothy trigger, bothy sysrq: what reaches a guest's kernel past its users. */
#include <errno.h>
#include <string.h>

#include "dom0/lib/domctl.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

enum { VCPUS_MAX = 8192 };

static enum exit_code send_nmi(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const unsigned long *vcpu = arg;
	int rc;

	if (*vcpu > d->max_vcpu_id) {
		why_set(&c->why, -ESRCH, "domain %u has no virtual CPU %lu", d->domain, *vcpu);
		return EXIT_USAGE;
	}
	rc = domctl_send_nmi(&h->hv, d->domain, (uint32_t)*vcpu);
	return rc < 0 ? host_failed(c, rc, "trigger") : cli_done(c, d->domain);
}

static enum exit_code send_sysrq(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const char *letter = arg;
	int rc = host_domain_write(h, STORE_NO_TX, d->domain, "control/sysrq", "%s", letter);

	return rc < 0 ? host_failed(c, rc, "sysrq") : cli_done(c, d->domain);
}

/* xl's other triggers are buttons of a machine that PV guests do not have. */
enum exit_code verb_trigger(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);
	unsigned long vcpu = 0;

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 2, 3) ||
		(count == 3 && !cli_number(c, "virtual CPU", argv[2], 0, VCPUS_MAX, &vcpu)))
		return EXIT_USAGE;
	if (strcmp(argv[1], "nmi") == 0)
		return host_guest_run(c, false, argv[0], send_nmi, &vcpu);
	cli_usage(c, "\"%.40s\" reaches no PV guest: only nmi does", argv[1]);
	why_hint(&c->why, "bothy shutdown, reboot, destroy end a guest");
	return EXIT_USAGE;
}

enum exit_code verb_sysrq(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 2, 2))
		return EXIT_USAGE;
	if (argv[1][0] <= ' ' || argv[1][0] > '~' || argv[1][1])
		return cli_usage(c, "\"%.40s\" is not one letter", argv[1]);
	return host_guest_run(c, true, argv[0], send_sysrq, argv[1]);
}
