/* grant_table_op: batches of operations, each with a status of its own.
 *
 * Every operation is copied in once, done, and only its output fields are written back. The call
 * fails as a whole only when the batch cannot be read or written. A preempted batch continues
 * with the rest: pointer and count move on.
 * Unmapping: the TLB is flushed once per group of up to GRANT_BATCH; until then the frames stay
 * pinned, and no status is written. */
#include "hv/base/errno.h"
#include "hv/call/call.h"
#include "hv/core/work.h"
#include "hv/grant/grant.h"
#include "hv/mem/frame.h"
#include "hv/mem/guest_copy.h"
#include "protocol/grant_table.h"

/* From @field to the end of the structure: what we answer. */
#define REPLY_WRITE(at, op, field) \
	guest_write(gva_add((at), offsetof(__typeof__(op), field)), \
		    (const char *)&(op) + offsetof(__typeof__(op), field), \
		    sizeof(op) - offsetof(__typeof__(op), field))

static int map_one(struct vcpu *v, gva_t at)
{
	struct gnttab_map_grant_ref op;
	if (guest_read(&op, at, sizeof op))
		return -EFAULT;
	op.dom = call_domid(v, op.dom);
	op.status = GNTST_general_error;
	op.handle = ~0u;
	op.dev_bus_addr = 0;
	grant_map(v, &op);
	return REPLY_WRITE(at, op, status);
}

static int status_write(gva_t at, size_t offset, int16_t status)
{
	return guest_write(gva_add(at, offset), &status, sizeof status);
}

static int copy_one(struct vcpu *v, gva_t at)
{
	struct gnttab_copy op;
	if (guest_read(&op, at, sizeof op))
		return -EFAULT;
	op.source.domid = call_domid(v, op.source.domid);
	op.dest.domid = call_domid(v, op.dest.domid);
	op.status = GNTST_general_error;
	grant_copy(v->domain, &op);
	return status_write(at, offsetof(struct gnttab_copy, status), op.status);
}

static int setup_one(struct vcpu *v, gva_t at)
{
	struct gnttab_setup_table op;
	struct domain *d;

	if (guest_read(&op, at, sizeof op))
		return -EFAULT;
	op.status = GNTST_bad_domain;
	int rc = call_target(v, op.dom, &d);
	if (rc == -EPERM)
		op.status = GNTST_permission_denied;
	if (!rc) {
		rc = grant_setup_table(d, op.nr_frames);
		op.status = (int16_t)rc;
		for (uint32_t i = 0; i < op.nr_frames && op.status == GNTST_okay; i++) {
			uint64_t m = grant_frame(d, i).n;
			preempt_count(1);
			if (guest_write(gva(op.frame_list + i * sizeof m), &m, sizeof m))
				op.status = GNTST_bad_virt_addr;
		}
		domain_put(d);
		if (rc == -ERESTART)
			return rc;
	}
	return status_write(at, offsetof(struct gnttab_setup_table, status), op.status);
}

static int query_one(struct vcpu *v, gva_t at)
{
	struct gnttab_query_size op;
	struct domain *d;

	if (guest_read(&op, at, sizeof op))
		return -EFAULT;
	op.nr_frames = op.max_nr_frames = 0;
	op.status = GNTST_bad_domain;
	if (!call_target(v, op.dom, &d)) {
		grant_query_size(d, &op.nr_frames, &op.max_nr_frames);
		op.status = GNTST_okay;
		domain_put(d);
	}
	return REPLY_WRITE(at, op, nr_frames);
}

typedef int grant_one_fn(struct vcpu *v, gva_t at);
static int64_t batch(struct call *c, grant_one_fn *one, size_t op_bytes)
{
	uint32_t left = (uint32_t)c->arg[2];
	while (left > 0) {
		preempt_count(PREEMPT_ITEM);
		int rc = one(c->vcpu, gva(c->arg[1]));
		if (rc)
			return rc;
		c->arg[1] += op_bytes;
		c->arg[2] = --left;
		if (left && preempt_due())
			return -ERESTART;
	}
	return 0;
}

/* Up to GRANT_BATCH operations from @at. *n: how many were read and done. */
static int unmap_group(struct domain *d, gva_t at, uint32_t *n)
{
	struct grant_unmap_batch b = { .n = 0 };
	int16_t status[GRANT_BATCH];
	uint32_t want = *n, i;
	int rc = 0;

	for (i = 0; i < want; i++) {
		struct gnttab_unmap_grant_ref op;
		rc = guest_read(&op, gva_add(at, i * sizeof op), sizeof op);
		if (rc)
			break;
		op.status = GNTST_general_error;
		grant_unmap(d, &op, &b);
		status[i] = op.status;
	}
	grant_unmap_finish(d, &b);
	*n = i;
	for (i = 0; i < *n; i++) {
		gva_t op = gva_add(at, i * sizeof(struct gnttab_unmap_grant_ref));
		if (status_write(op, offsetof(struct gnttab_unmap_grant_ref, status), status[i]))
			rc = -EFAULT;
	}
	return rc;
}

static int64_t unmap(struct call *c)
{
	uint32_t left = (uint32_t)c->arg[2];
	while (left > 0) {
		uint32_t n = left < GRANT_BATCH ? left : GRANT_BATCH;
		preempt_count(n * PREEMPT_ITEM);
		int rc = unmap_group(c->vcpu->domain, gva(c->arg[1]), &n);
		if (rc)
			return rc;
		c->arg[1] += n * sizeof(struct gnttab_unmap_grant_ref);
		left -= n;
		c->arg[2] = left;
		if (left && preempt_due())
			return -ERESTART;
	}
	return 0;
}

static int set_version(gva_t arg)
{
	struct gnttab_set_version op;
	if (guest_read(&op, arg, sizeof op))
		return -EFAULT;
	if (op.version != 1)
		return -ENOSYS;		/* versions other than 1 are not offered */
	return guest_write(arg, &op, sizeof op);
}

static int get_version(struct vcpu *v, gva_t arg)
{
	struct gnttab_get_version op;
	struct domain *d;

	if (guest_read(&op, arg, sizeof op))
		return -EFAULT;
	int rc = call_target(v, op.dom, &d);
	if (rc)
		return rc;
	domain_put(d);
	op.version = 1;
	return REPLY_WRITE(arg, op, version);
}

int64_t call_grant_table_op(struct call *c)
{
	gva_t arg = gva(c->arg[1]);

	switch ((unsigned)c->arg[0]) {
	case GNTTABOP_map_grant_ref:
		return batch(c, map_one, sizeof(struct gnttab_map_grant_ref));
	case GNTTABOP_unmap_grant_ref:
		return unmap(c);
	case GNTTABOP_copy:
		return batch(c, copy_one, sizeof(struct gnttab_copy));
	case GNTTABOP_setup_table:
		return (uint32_t)c->arg[2] == 1 ? setup_one(c->vcpu, arg) : -EINVAL;
	case GNTTABOP_query_size:
		return (uint32_t)c->arg[2] == 1 ? query_one(c->vcpu, arg) : -EINVAL;
	case GNTTABOP_set_version:
		return (uint32_t)c->arg[2] == 1 ? set_version(arg) : -EINVAL;
	case GNTTABOP_get_version:
		return (uint32_t)c->arg[2] == 1 ? get_version(c->vcpu, arg) : -EINVAL;
	default:
		return -ENOSYS;
	}
}
