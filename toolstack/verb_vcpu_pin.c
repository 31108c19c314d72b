/* bothy vcpu-pin: the physical CPUs a virtual one may run on (hard), and had better (soft). */
#include <errno.h>
#include <string.h>

#include "dom0/lib/domctl.h"
#include "toolstack/config/cpu_set.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

enum { VCPUS_MAX = 8192 };

struct pin {
	bool all; /* every virtual CPU */
	unsigned long vcpu;
	const uint8_t *hard, *soft; /* NULL: left as it is */
	struct cpu_set hard_set, soft_set;
};

/* "-" leaves an affinity alone. */
static bool set_read(struct cli *c, const char *text, struct cpu_set *set, const uint8_t **bits)
{
	if (strcmp(text, "-") == 0)
		return true;
	*bits = set->bits;
	return cpu_set_parse(set, text, &c->why) == 0;
}

static bool pin_read(struct cli *c, struct pin *p, int count, char **argv)
{
	p->all = strcmp(argv[1], "all") == 0;
	if (!p->all && !cli_number(c, "virtual CPU", argv[1], 0, VCPUS_MAX, &p->vcpu))
		return false;
	if (!set_read(c, argv[2], &p->hard_set, &p->hard) ||
		(count > 3 && !set_read(c, argv[3], &p->soft_set, &p->soft)))
		return false;
	if (!p->hard && !p->soft)
		cli_usage(c, "nothing to pin");
	return p->hard || p->soft;
}

static enum exit_code failed(
	struct cli *c, int rc, const struct xen_domctl_getdomaininfo *d, uint32_t vcpu)
{
	switch (-rc) {
	case ESRCH:
		why_set(&c->why, rc, "domain %u has no virtual CPU %u", d->domain, vcpu);
		return EXIT_USAGE;
	case EINVAL:
		why_set(&c->why, rc, "no CPU of the set is there");
		why_hint(&c->why, "bothy info nr_cpus tells how many there are");
		return EXIT_USAGE;
	default:
		return host_failed(c, rc, "affinity");
	}
}

static enum exit_code pin(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const struct pin *p = arg;
	uint32_t first = p->all ? 0 : (uint32_t)p->vcpu, last = p->all ? d->max_vcpu_id : first;

	for (uint32_t v = first; v <= last && v != XEN_INVALID_MAX_VCPU_ID; v++) {
		int rc =
			domctl_setvcpuaffinity(&h->hv, d->domain, v, p->hard, p->soft, CPU_SET_MAX);

		if (rc < 0)
			return failed(c, rc, d, v);
	}
	return cli_done(c, d->domain);
}

enum exit_code verb_vcpu_pin(struct cli *c, int argc, char **argv)
{
	bool ignored = false; /* xl's -f: no guest pins its virtual CPUs itself here */
	const struct cli_option options[] = {{'f', "force", &ignored, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);
	struct pin p = {.all = false};

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 3, 4) || !pin_read(c, &p, count, argv))
		return EXIT_USAGE;
	return host_domain_run(c, false, argv[0], pin, &p);
}
