/* Creating a domain and its vCPUs: what a builder may ask for, and what it gets of it. */
#include "hv/grant/table.h"
#include "tests/unit/control_world.h"

START_TEST(create_refused)
{
	const struct xen_domctl_createdomain good = {
		.max_vcpus = 1, .max_evtchn_port = 1023, .grant_opts = 1};
	struct xen_domctl_createdomain bad[8];
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++)
		bad[i] = good;
	bad[0].flags = XEN_DOMCTL_CDF_hvm;
	bad[1].max_vcpus = 0;
	bad[2].max_vcpus = 33;
	bad[3].arch.emulation_flags = 1;
	bad[4].arch.misc_flags = 2;
	bad[5].cpupool_id = 1;
	bad[6].grant_opts = 3;
	bad[7].vmtrace_size = 1;
	uint64_t digest = frame_audit_digest();
	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		op->u.createdomain = bad[i];
		ck_assert_int_eq(domctl(XEN_DOMCTL_createdomain, 0), -EINVAL);
		ck_assert_uint_eq(frame_audit_digest(), digest);
	}
	op->u.createdomain = good;
	ck_assert_int_eq(domctl(XEN_DOMCTL_createdomain, 5), 0);
	ck_assert_uint_eq(op->domain, 5);
	op->u.createdomain = good;
	ck_assert_int_eq(domctl(XEN_DOMCTL_createdomain, 5), -EEXIST);
}
END_TEST

/* The domain @id, which lives on. */
static struct domain *domain_of(domid_t id)
{
	struct domain *d = domain_find(id);
	ck_assert_ptr_nonnull(d);
	domain_put(d);
	return d;
}

static unsigned ports_there_are(struct domain *d)
{
	uint32_t port;
	unsigned n = 0;
	while (evtchn_alloc_unbound(d, 0, &port) == 0)
		n++;
	return n;
}

/* A domain has as much of each as its builder says, and a number when it may choose one. */
START_TEST(create_with_limits)
{
	static const struct {
		domid_t asked;
		uint32_t port;
		int32_t frames, tracks;
		unsigned ports, grants, handles;
	} rows[] = {
		{ 0, 7, 3, 2, 7, 3, 256 },
		{ DOMID_FIRST_RESERVED, 4094, 1, 1, 4094, 1, 128 },
		{ DOMID_INVALID, 4095, 0, -1, 4095, 64, 131072 },
		{ 0, ~0u, -1, 0, 4095, 64, 131072 },
	};
	for (unsigned i = 0; i < ARRAY_COUNT(rows); i++) {
		uint32_t now, max;
		op->u.createdomain = (struct xen_domctl_createdomain){ .max_vcpus = 1, .max_evtchn_port = rows[i].port,
			.max_grant_frames = rows[i].frames, .max_maptrack_frames = rows[i].tracks, .grant_opts = 1 };
		ck_assert_int_eq(domctl(XEN_DOMCTL_createdomain, rows[i].asked), 0);
		ck_assert_uint_eq(op->domain, 1 + i);
		struct domain *d = domain_of(op->domain);
		grant_query_size(d, &now, &max);
		ck_assert_uint_eq(max, rows[i].grants);
		ck_assert_uint_eq(d->grants->track_limit, rows[i].handles);
		ck_assert_uint_eq(ports_there_are(d), rows[i].ports);
		world_check();
	}
}
END_TEST

static bool refuse(void)
{
	return true;
}

/* Without memory no vCPU is made; those that are there stay, and the builder may try again. */
START_TEST(no_memory_for_vcpus)
{
	struct vcpu *v;
	op->u.createdomain = (struct xen_domctl_createdomain){ .max_vcpus = 2, .grant_opts = 1 };
	ck_assert_int_eq(domctl(XEN_DOMCTL_createdomain, 5), 0);
	struct domain *d = domain_of(5);
	ck_assert_int_eq(vcpu_create(d, 0, &v), 0);
	op->u.max_vcpus.max = 2;
	alloc_refuse = refuse;
	ck_assert_int_eq(domctl(XEN_DOMCTL_max_vcpus, 5), -ENOMEM);
	alloc_refuse = NULL;
	ck_assert_ptr_eq(d->vcpu[0], v);
	ck_assert_ptr_null(d->vcpu[1]);
	ck_assert_int_eq(domctl(XEN_DOMCTL_max_vcpus, 5), 0);
	ck_assert_ptr_nonnull(d->vcpu[1]);
}
END_TEST

CHECK_MAIN("creation", control_start, NULL, create_refused, create_with_limits, no_memory_for_vcpus)
