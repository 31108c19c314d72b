/* Typed system control operations and xen_version: the struct at the start of the door's scratch
 * buffer, what it points to behind it. */
#include "dom0/lib/sysctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "protocol/hypercall.h"
#include "protocol/version.h"

#define SCRATCH_DATA 1024u
#define LIST_MAX 64u
_Static_assert(sizeof(struct xen_sysctl) <= SCRATCH_DATA, "the operation fits before its data");
_Static_assert(SCRATCH_DATA + LIST_MAX * sizeof(struct xen_domctl_getdomaininfo) <=
	       PRIVCMD_SCRATCH_SIZE, "a list fits");

static struct xen_sysctl *sysctl_begin(struct privcmd *p, uint32_t cmd)
{
	struct xen_sysctl *op = p->scratch;

	memset(op, 0, sizeof *op);
	op->cmd = cmd;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return op;
}

static int sysctl_issue(struct privcmd *p)
{
	long ret = privcmd_call(p, __HYPERVISOR_sysctl, (uintptr_t)p->scratch, 0, 0, 0, 0);

	return ret < 0 ? (int)ret : 0;
}

static void *scratch_data(struct privcmd *p)
{
	return (char *)p->scratch + SCRATCH_DATA;
}

int sysctl_info_list(struct privcmd *p, uint16_t first, uint32_t max,
		     struct xen_domctl_getdomaininfo *info, uint32_t *count)
{
	struct xen_sysctl *op = sysctl_begin(p, XEN_SYSCTL_getdomaininfolist);
	uint32_t room = max < LIST_MAX ? max : LIST_MAX;
	int err;

	op->u.getdomaininfolist.first_domain = first;
	op->u.getdomaininfolist.max_domains = room;
	op->u.getdomaininfolist.buffer = (uintptr_t)scratch_data(p);
	err = sysctl_issue(p);
	if (err)
		return err;
	if (op->u.getdomaininfolist.num_domains > room)
		return -EPROTO;
	*count = op->u.getdomaininfolist.num_domains;
	memcpy(info, scratch_data(p), *count * sizeof *info);
	return 0;
}

int sysctl_domain_list(struct privcmd *p, struct xen_domctl_getdomaininfo **list, uint32_t *count)
{
	struct xen_domctl_getdomaininfo *all = NULL, *more;
	uint32_t n = 0, got;
	uint32_t first = 0;
	int err;

	do {
		more = realloc(all, (n + LIST_MAX) * sizeof *all);
		if (!more) {
			free(all);
			return -ENOMEM;
		}
		all = more;
		err = sysctl_info_list(p, (uint16_t)first, LIST_MAX, all + n, &got);
		if (err) {
			free(all);
			return err;
		}
		n += got;
		if (got)
			first = (uint32_t)all[n - 1].domain + 1;
	} while (got == LIST_MAX && first < DOMID_FIRST_RESERVED);
	*list = all;
	*count = n;
	return 0;
}

int sysctl_physinfo(struct privcmd *p, struct xen_sysctl_physinfo *info)
{
	struct xen_sysctl *op = sysctl_begin(p, XEN_SYSCTL_physinfo);
	int err = sysctl_issue(p);

	if (!err)
		*info = op->u.physinfo;
	return err;
}

int sysctl_flaws(struct privcmd *p, struct flaws *flaws)
{
	struct xen_sysctl *op = sysctl_begin(p, XEN_SYSCTL_physinfo);
	int err = sysctl_issue(p);

	if (!err)
		memcpy(flaws->state, op->u.bothy_physinfo.flaw, sizeof flaws->state);
	return err;
}

int sysctl_sched_id(struct privcmd *p, uint32_t *id)
{
	struct xen_sysctl *op = sysctl_begin(p, XEN_SYSCTL_sched_id);
	int err = sysctl_issue(p);

	if (!err)
		*id = op->u.sched_id.sched_id;
	return err;
}

int sysctl_credit_get(struct privcmd *p, struct xen_sysctl_credit_schedule *s)
{
	struct xen_sysctl *op = sysctl_begin(p, XEN_SYSCTL_scheduler_op);
	int err;

	op->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
	op->u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	err = sysctl_issue(p);
	if (!err)
		*s = op->u.scheduler_op.u.sched_credit;
	return err;
}

int sysctl_readconsole(struct privcmd *p, char *buf, uint32_t *len, int clear, int incremental,
		       uint32_t *index)
{
	struct xen_sysctl *op = sysctl_begin(p, XEN_SYSCTL_readconsole);
	struct xen_sysctl_readconsole *rc = &op->u.readconsole;
	uint32_t room = *len < PRIVCMD_SCRATCH_SIZE / 2 ? *len : PRIVCMD_SCRATCH_SIZE / 2;
	int err;

	rc->clear = clear != 0;
	rc->incremental = incremental != 0;
	rc->index = *index;
	rc->buffer = (uintptr_t)scratch_data(p);
	rc->count = room;
	err = sysctl_issue(p);
	if (err)
		return err;
	if (rc->count > room)
		return -EPROTO;
	memcpy(buf, scratch_data(p), rc->count);
	*len = rc->count;
	*index = rc->index;
	return 0;
}

int xen_version_number(struct privcmd *p)
{
	return (int)privcmd_call(p, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0);
}

long xen_version_raw(struct privcmd *p, unsigned int op, void *out, size_t size)
{
	long ret;

	if (size > PRIVCMD_SCRATCH_SIZE)
		return -EINVAL;
	memcpy(p->scratch, out, size);
	ret = privcmd_call(p, __HYPERVISOR_xen_version, op, (uintptr_t)p->scratch, 0, 0, 0);
	if (ret >= 0)
		memcpy(out, p->scratch, size);
	return ret;
}

int xen_version_text(struct privcmd *p, unsigned int op, char *buf, size_t size)
{
	char text[1024] = { 0 };
	long ret;

	if (size == 0)
		return -EINVAL;
	ret = xen_version_raw(p, op, text, sizeof text);
	if (ret < 0)
		return (int)ret;
	text[sizeof text - 1] = '\0';
	strncpy(buf, text, size - 1);
	buf[size - 1] = '\0';
	return 0;
}
