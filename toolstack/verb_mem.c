/* bothy mem-set, bothy mem-max: how much memory a domain has, and may have.
 *
 * The target stands in the store, where the domain's balloon driver watches it; the limit is the
 * hypervisor's. A set raises or lowers both, so that a domain cannot take back what it gave. The
 * limit goes up before the target does: the driver may act at once.
 * Rules: a target lies between what create would accept (for domain 0: what xl would) and static-max, which
 * is the domain's from its creation on; for domain 0 that is what it had at the first set. A guest that gives
 * more than it can spare ends processes of its own; domain 0 would end the host, so it is asked first.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "dom0/lib/domctl.h"
#include "toolstack/config/guest_cfg.h"
#include "toolstack/config/mem_size.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"
#include "toolstack/wait.h"

enum {
	KIB_PER_MIB = 1024,
	KIB_PER_PAGE = 4,
	DOM0_MIB_MIN = 128,
	DOM0_SPARE_MIB = 64, /* what stays available to its processes and files */
	SLACK_KIB = 1024, /* as at creation: pages that are not the balloon driver's to give */
	TIMEOUT_DEFAULT_S = 300,
	TIMEOUT_MAX_S = 86400,
	TELL_MS = 1000,
};

struct request {
	uint64_t kib; /* wanted */
	bool wait;
	unsigned long timeout_s;
};

struct memory {
	uint64_t target_kib, static_max_kib;
};

/* A number of the domain's store directory; @otherwise when there is none, as for domain 0. */
static int node_read(
	struct host *h, uint16_t domid, const char *name, uint64_t otherwise, uint64_t *kib)
{
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/memory/%s", domid, name);
	rc = store_read_u64(h->store, STORE_NO_TX, path, kib);
	if (rc == -ENOENT && domid == 0) {
		*kib = otherwise;
		return 0;
	}
	return rc;
}

static enum exit_code memory_read(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, struct memory *m)
{
	int rc = node_read(h, d->domain, "target", d->tot_pages * KIB_PER_PAGE, &m->target_kib);

	if (rc == 0)
		rc = node_read(h, d->domain, "static-max", d->max_pages * KIB_PER_PAGE,
			&m->static_max_kib);
	if (rc == 0)
		return EXIT_DONE;
	why_set(&c->why, rc, "domain %u: memory in the store: %s", d->domain, strerror(-rc));
	return EXIT_FAILED;
}

/* What domain 0's kernel could do without; -1 if it does not say. */
static int64_t dom0_available_kib(const char *meminfo)
{
	FILE *f = fopen(meminfo, "re");
	char line[128];
	long long kib = -1;

	while (f && kib < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lld kB", &kib) != 1)
			kib = -1;
	if (f)
		fclose(f);
	return kib;
}

static bool dom0_can_give(struct cli *c, uint64_t kib)
{
	int64_t available = dom0_available_kib(c->places->meminfo);
	int64_t spare = available - DOM0_SPARE_MIB * KIB_PER_MIB;

	if (available < 0 || spare >= (int64_t)kib)
		return true;
	why_set(&c->why, -EINVAL, "domain 0 can give %lld MiB now, not %llu",
		spare > 0 ? (long long)spare / KIB_PER_MIB : 0, (unsigned long long)kib / KIB_PER_MIB);
	why_hint(&c->why, "its processes and files in memory need the rest");
	return false;
}

static bool target_is_sensible(struct cli *c, const struct xen_domctl_getdomaininfo *d,
	const struct memory *m, uint64_t kib)
{
	unsigned int min = d->domain == 0 ? DOM0_MIB_MIN : GUEST_MEMORY_MIB_MIN;
	uint64_t has = d->tot_pages * KIB_PER_PAGE;

	if (kib < (uint64_t)min * KIB_PER_MIB)
		why_set(&c->why, -EINVAL, "domain %u cannot live on less than %u MiB", d->domain,
			min);
	else if (kib > m->static_max_kib)
		why_set(&c->why, -EINVAL, "domain %u may have %llu MiB at most (maxmem)", d->domain,
			(unsigned long long)(m->static_max_kib / KIB_PER_MIB));
	else
		return d->domain != 0 || kib >= has || kib >= m->target_kib || dom0_can_give(c, has - kib);
	return false;
}

static int target_write(struct host *h, uint16_t domid, const struct memory *m, uint64_t kib)
{
	int rc = host_domain_write(h, STORE_NO_TX, domid, "memory/static-max", "%llu",
		(unsigned long long)m->static_max_kib);

	if (rc == 0)
		rc = host_domain_write(
			h, STORE_NO_TX, domid, "memory/target", "%llu", (unsigned long long)kib);
	return rc;
}

static int target_set(struct host *h, const struct xen_domctl_getdomaininfo *d,
	const struct memory *m, uint64_t kib)
{
	int rc = domctl_max_mem(&h->hv, d->domain, kib + SLACK_KIB);

	if (rc < 0)
		return rc;
	rc = target_write(h, d->domain, m, kib);
	if (rc < 0)
		(void)!domctl_max_mem(&h->hv, d->domain, d->max_pages * KIB_PER_PAGE);
	return rc;
}

struct reaching {
	struct host *h;
	uint16_t domid;
	uint64_t wanted_kib, kib; /* kib: at the latest look */
};

static int reached_check(void *arg)
{
	struct reaching *r = arg;
	struct xen_domctl_getdomaininfo d;
	int rc = domctl_info(&r->h->hv, r->domid, &d);

	if (rc < 0)
		return rc;
	r->kib = d.tot_pages * KIB_PER_PAGE;
	return r->kib <= r->wanted_kib + SLACK_KIB && r->wanted_kib <= r->kib + SLACK_KIB;
}

static void tell(struct cli *c, const struct reaching *r)
{
	fprintf(c->err, "bothy: %s: domain %u has %llu MiB on its way to %llu\n", c->verb, r->domid,
		(unsigned long long)(r->kib / KIB_PER_MIB),
		(unsigned long long)(r->wanted_kib / KIB_PER_MIB));
}

static enum exit_code await(struct cli *c, struct reaching *r, unsigned long timeout_s)
{
	int rc = -ETIMEDOUT;

	for (unsigned long s = 0; rc == -ETIMEDOUT && s < timeout_s; s++) {
		if (s > 0)
			tell(c, r);
		rc = wait_until(reached_check, r, TELL_MS);
	}
	if (rc == -ETIMEDOUT)
		rc = wait_until(reached_check, r, 0);
	if (rc == 0)
		return EXIT_DONE;
	if (rc != -ETIMEDOUT)
		return host_failed(c, rc, "waiting");
	why_set(&c->why, rc, "domain %u is at %llu MiB after %lu s, not at %llu", r->domid,
		(unsigned long long)(r->kib / KIB_PER_MIB), timeout_s,
		(unsigned long long)(r->wanted_kib / KIB_PER_MIB));
	why_hint(
		&c->why, "it goes on; its kernel may have no balloon driver, or no memory to give");
	return EXIT_TIMEOUT;
}

static enum exit_code set_done(struct cli *c, const struct reaching *r)
{
	cJSON *root;

	if (!c->json)
		return EXIT_DONE;
	root = cli_json_new("mem-set");
	cJSON_AddNumberToObject(root, "domid", r->domid);
	cJSON_AddNumberToObject(root, "target_kib", (double)r->wanted_kib);
	cJSON_AddNumberToObject(root, "memory_kib", (double)r->kib);
	return cli_json(c, root);
}

static enum exit_code set(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const struct request *q = arg;
	struct reaching r = {.h = h,
		.domid = d->domain,
		.wanted_kib = q->kib,
		.kib = d->tot_pages * KIB_PER_PAGE};
	struct memory m;
	enum exit_code code = memory_read(c, h, d, &m);
	int rc;

	if (code != EXIT_DONE)
		return code;
	if (!target_is_sensible(c, d, &m, q->kib))
		return EXIT_USAGE;
	rc = target_set(h, d, &m, q->kib);
	if (rc < 0)
		return host_failed(c, rc, "memory target");
	code = q->wait ? await(c, &r, q->timeout_s) : EXIT_DONE;
	return code == EXIT_DONE ? set_done(c, &r) : code;
}

static enum exit_code set_max(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const struct request *q = arg;
	struct memory m;
	enum exit_code code = memory_read(c, h, d, &m);
	int rc;

	if (code != EXIT_DONE)
		return code;
	if (q->kib < m.target_kib) {
		why_set(&c->why, -EINVAL,
			"domain %u is to have %llu MiB: the most it may have is no less", d->domain,
			(unsigned long long)(m.target_kib / KIB_PER_MIB));
		why_hint(&c->why, "bothy mem-set lowers that");
		return EXIT_USAGE;
	}
	rc = domctl_max_mem(&h->hv, d->domain, q->kib + SLACK_KIB);
	return rc < 0 ? host_failed(c, rc, "memory limit") : cli_done(c, d->domain);
}

static enum exit_code run(
	struct cli *c, const char *domain, const char *size, struct request *q, host_domain_fn *fn)
{
	if (mem_size_parse(size, &q->kib, &c->why) < 0)
		return EXIT_USAGE;
	if (q->kib > (uint64_t)GUEST_MEMORY_MIB_MAX * KIB_PER_MIB)
		return cli_usage(c, "\"%.40s\" is more than any domain may have", size);
	return host_domain_run(c, true, domain, fn, q);
}

enum exit_code verb_mem_set(struct cli *c, int argc, char **argv)
{
	struct request q = {.timeout_s = TIMEOUT_DEFAULT_S};
	const char *timeout = NULL;
	const struct cli_option options[] = {
		{'w', "wait", &q.wait, NULL}, {'t', "timeout", NULL, &timeout}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 2, 2) ||
		(timeout && !cli_number(c, "timeout", timeout, 0, TIMEOUT_MAX_S, &q.timeout_s)))
		return EXIT_USAGE;
	return run(c, argv[0], argv[1], &q, set);
}

enum exit_code verb_mem_max(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	struct request q = {.wait = false};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 2, 2) ? run(c, argv[0], argv[1], &q, set_max)
						     : EXIT_USAGE;
}
