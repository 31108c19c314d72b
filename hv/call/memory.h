/* Between the files of memory_op. Layer: call, private. Spec: memory.h. */
#pragma once
#include "hv/dom/vcpu.h"
#include "hv/mem/frame.h"
#include "protocol/memory.h"

#define PFN_LIMIT	(1ull << 40)		/* pseudo-physical numbers end here */

bool memory_pfn_is_valid(uint64_t p, unsigned order);
/* Give back one frame of @o and its M2P entry. -ENOENT, -EPERM: not a frame of its; -EINVAL: not
 * allocated to it (shared frames, or given back before). */
int memory_release(struct owner *o, mfn_t m);
void memory_release_extent(struct owner *o, mfn_t m, unsigned order);

int64_t memory_exchange(struct vcpu *v, gva_t arg);
/* Sub-operations that only answer: sizes, maps, resources. -ENOSYS for unknown ones. */
int64_t memory_query(struct vcpu *v, unsigned cmd, gva_t arg);
/* Free what XENMEM_set_memory_map stored; at the domain's end. */
void memory_map_free(struct domain *d);
