/* memory_op: sub-operations that only answer questions, and the map a domain is told.
 *
 * A domain's memory map is set once by its builder and never changes, so that it is read without
 * a lock. dom0's map is the firmware's, in which our own memory stays RAM: dom0's pseudo-physical
 * layout follows it.
 * Neighbours: hv/mem/machine_map.h (the firmware's map), memory_op.c. */
#include "hv/base/errno.h"
#include "hv/base/math.h"
#include "hv/call/call.h"
#include "hv/call/memory.h"
#include "hv/core/work.h"
#include "hv/grant/grant.h"
#include "hv/mem/alloc.h"
#include "hv/mem/guest_copy.h"
#include "hv/mem/machine_map.h"
#include "protocol/grant_table.h"

#define MAP_ENTRIES_MAX 128u
#define M2P_CHUNK	(2ull << 20)	/* bytes of table per extent of machphys_mfn_list */

struct e820_record {
	uint64_t start, size;
	uint32_t type;
} PACKED;

struct memory_map {
	uint32_t count;
	struct e820_record record[];
};

static int64_t reservation_size(struct vcpu *v, unsigned cmd, gva_t arg)
{
	struct xen_memory_domain a;
	struct domain *d;

	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	int rc = call_target(v, a.domid, &d);
	if (rc)
		return rc;
	uint64_t n;
	switch (cmd) {
	case XENMEM_current_reservation:
		n = READ_ONCE(d->mem.frame_count);
		break;
	case XENMEM_maximum_reservation:
		n = READ_ONCE(d->mem.frame_max);
		break;
	default:	/* XENMEM_maximum_gpfn */
		n = READ_ONCE(d->shared->arch.max_pfn);	/* hostile: only handed on */
		n = n ? (n - 1) & (PFN_LIMIT - 1) : 0;
		break;
	}
	domain_put(d);
	return (int64_t)n;
}

static int64_t machphys_mapping(gva_t arg)
{
	struct xen_machphys_mapping m = {
		.v_start = __MACH2PHYS_VIRT_START,
		.v_end = __MACH2PHYS_VIRT_END,
		.max_mfn = frame_max_mfn() - 1,
	};
	return guest_write(arg, &m, sizeof m);
}

static int64_t machphys_mfn_list(struct vcpu *v, gva_t arg)
{
	struct xen_machphys_mfn_list l;

	if (!v->domain->is_control)
		return -EPERM;
	if (guest_read(&l, arg, sizeof l))
		return -EFAULT;
	uint64_t n = (frame_max_mfn() * sizeof(uint64_t) + M2P_CHUNK - 1) / M2P_CHUNK;
	uint32_t i;
	for (i = 0; i < l.max_extents && i < n; i++) {
		uint64_t m = page_mfn((const char *)m2p_table + i * M2P_CHUNK).n;
		if (guest_write(gva(l.extent_start + i * sizeof m), &m, sizeof m))
			return -EFAULT;
	}
	return guest_write(
		gva_add(arg, offsetof(struct xen_machphys_mfn_list, nr_extents)), &i, sizeof i);
}

static void range_to_record(const struct machine_range *r, struct e820_record *e)
{
	e->start = r->start;
	e->size = r->size;
	e->type = r->type;
}

/* The firmware's map (control domains) or the one set for the caller. */
static int64_t memory_map_get(struct vcpu *v, bool of_machine, gva_t arg)
{
	struct xen_memory_map a;
	const struct memory_map *map = LOAD_ACQUIRE(&v->domain->memory_map);

	if (of_machine && !v->domain->is_control)
		return -EPERM;
	if (!of_machine && !map)
		return -ENOSYS;
	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	uint32_t have = of_machine ? machine.range_count : map->count;
	if (a.buffer && a.nr_entries < have)
		have = a.nr_entries;
	preempt_count(have);
	for (uint32_t i = 0; i < have && a.buffer; i++) {
		struct e820_record e;
		if (of_machine)
			range_to_record(&machine.range[i], &e);
		else
			e = map->record[i];
		if (guest_write(gva(a.buffer + i * sizeof e), &e, sizeof e))
			return -EFAULT;
	}
	return guest_write(
		gva_add(arg, offsetof(struct xen_memory_map, nr_entries)), &have, sizeof have);
}

static int64_t memory_map_set(struct vcpu *v, gva_t arg)
{
	struct xen_foreign_memory_map a;
	struct domain *d;

	if (!v->domain->is_control)
		return -EPERM;
	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	if (a.map.nr_entries > MAP_ENTRIES_MAX)
		return -EINVAL;
	int rc = call_target(v, a.domid, &d);
	if (rc)
		return rc;
	size_t bytes = a.map.nr_entries * sizeof(struct e820_record);
	struct memory_map *map = heap_alloc(sizeof *map + bytes), *none = NULL;
	if (!map) {
		rc = -ENOMEM;
	} else {
		map->count = a.map.nr_entries;
		rc = guest_read(map->record, gva(a.map.buffer), bytes);
		if (!rc && !ATOMIC_CAS(&d->memory_map, &none, map))
			rc = -EEXIST;
		if (rc)
			heap_free(map);
	}
	domain_put(d);
	return rc;
}

void memory_map_free(struct domain *d)
{
	heap_free(d->memory_map);
	d->memory_map = NULL;
}

/* Fill in the frames of @d's grant table, growing it as far as asked. */
static int grant_frames_get(struct domain *d, const struct xen_mem_acquire_resource *a)
{
	uint64_t end;
	if (add_overflows(a->frame, a->nr_frames, &end) || end > UINT32_MAX)
		return -EINVAL;
	int rc = grant_setup_table(d, (unsigned)end);
	if (rc)
		return rc == -ERESTART ? rc : -EINVAL;
	for (uint32_t i = 0; i < a->nr_frames; i++) {
		preempt_count(1);
		uint64_t m = grant_frame(d, (unsigned)a->frame + i).n;	/* there: tables only grow */
		if (guest_write(gva(a->frame_list + i * sizeof m), &m, sizeof m))
			return -EFAULT;
	}
	return 0;
}

static int64_t acquire_resource(struct vcpu *v, gva_t arg)
{
	struct xen_mem_acquire_resource a;
	struct domain *d;
	uint32_t now, max;

	if (!v->domain->is_control)
		return -EPERM;
	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	if (a.pad)
		return -EINVAL;
	if (a.type != XENMEM_resource_grant_table || a.id != XENMEM_resource_grant_table_id_shared)
		return -EOPNOTSUPP;
	int rc = call_target(v, a.domid, &d);
	if (rc)
		return rc;
	grant_query_size(d, &now, &max);
	if (a.nr_frames == 0)
		rc = guest_write(gva_add(arg, offsetof(struct xen_mem_acquire_resource, nr_frames)),
				 &max, sizeof max);
	else
		rc = a.nr_frames > max ? -EINVAL : grant_frames_get(d, &a);
	domain_put(d);
	return rc;
}

int64_t memory_query(struct vcpu *v, unsigned cmd, gva_t arg)
{
	switch (cmd) {
	case XENMEM_maximum_ram_page:
		return (int64_t)frame_max_mfn() - 1;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_gpfn:
		return reservation_size(v, cmd, arg);
	case XENMEM_machphys_mapping:
		return machphys_mapping(arg);
	case XENMEM_machphys_mfn_list:
		return machphys_mfn_list(v, arg);
	case XENMEM_memory_map:
		return memory_map_get(v, false, arg);
	case XENMEM_machine_memory_map:
		return memory_map_get(v, true, arg);
	case XENMEM_set_memory_map:
		return memory_map_set(v, arg);
	case XENMEM_acquire_resource:
		return acquire_resource(v, arg);
	case XENMEM_get_vnumainfo:
		return -EOPNOTSUPP;
	case XENMEM_get_sharing_freed_pages:
	case XENMEM_get_sharing_shared_pages:
		return 0;	/* there is no sharing */
	default:
		return -ENOSYS;
	}
}
