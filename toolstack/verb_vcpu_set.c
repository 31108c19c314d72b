/* bothy vcpu-set: how many of its virtual CPUs a guest uses. The guest's kernel does it, told by one store
 * node for each. */
#include <errno.h>

#include "toolstack/host_run.h"
#include "toolstack/verb.h"

enum { VCPUS_MAX = 8192 };

struct plan {
	struct host *h;
	uint16_t domid;
	uint32_t online, all;
};

/* In one transaction: the guest acts on whole sets only. */
static int write_nodes(struct store *s, uint32_t tx, void *arg)
{
	const struct plan *p = arg;
	int rc = 0;

	(void)s;
	for (uint32_t v = 0; rc == 0 && v < p->all; v++) {
		char name[48];

		snprintf(name, sizeof(name), "cpu/%u/availability", v);
		rc = host_domain_write(
			p->h, tx, p->domid, name, "%s", v < p->online ? "online" : "offline");
	}
	return rc;
}

static enum exit_code set(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const unsigned long *wanted = arg;
	uint32_t all = d->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : d->max_vcpu_id + 1;
	struct plan p = {h, d->domain, (uint32_t)*wanted, all};
	int rc;

	if (*wanted > all) {
		why_set(&c->why, -EINVAL, "domain %u has %u virtual CPUs at most (maxvcpus)",
			d->domain, all);
		return EXIT_USAGE;
	}
	rc = store_transact(h->store, write_nodes, &p);
	return rc < 0 ? host_failed(c, rc, "virtual CPUs") : cli_done(c, d->domain);
}

enum exit_code verb_vcpu_set(struct cli *c, int argc, char **argv)
{
	bool ignored = false; /* xl's -i: more than the host has is never refused here */
	const struct cli_option options[] = {{'i', "ignore-host", &ignored, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);
	unsigned long wanted = 0;

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 2, 2) ||
		!cli_number(c, "number of virtual CPUs", argv[1], 1, VCPUS_MAX, &wanted))
		return EXIT_USAGE;
	return host_domain_run(c, true, argv[0], set, &wanted);
}
