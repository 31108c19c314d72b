/* What the fuzzer does, as 16 bytes: any bytes are an operation, so that lists of them can be generated, mutated by a
 * byte fuzzer, shrunk, written as text and replayed. Operands name objects by role ("page 3 of domain 1"), not by
 * number of frame, so a list means the same on the modelled machine and under QEMU.
 * Used by the hosted fuzzer and by the PV kernel tests/guest/replay: needs only stdint. */
#pragma once
#include <stdint.h>

#define SLOTS	4u		/* domains at most; slot 0 is the control domain */
#define VCPUS	2u		/* of each */
#define POOL	16u		/* frames a domain knows by index (its pseudo-physical numbers) */
#define PORTS	24u		/* limit of each domain's port table; ports 1.. */
#define REFS	8u		/* grant references that are used */
#define HANDLES	24u		/* map-track handles that are used */

enum op_kind {
#define X(name, operands, flags, meaning) OP_##name,
#include "tests/fuzz/ops.def"
#undef X
	OP_COUNT
};

#define OP_ARGS 11u
struct op {
	uint8_t kind;			/* % OP_COUNT */
	uint8_t actor;			/* bits 0-1 domain slot, bit 2 vCPU */
	uint8_t cut;			/* 0; else preempt at every (cut & 15 or 16)-th check; bit 7: the next
					 * operation runs between the first cut and the re-entry */
	uint8_t fail;			/* 0; else the fail-th allocation of this operation fails */
	uint8_t with;			/* 0; else the next operation runs beside this one, on its own CPU, switched
					 * at locks, flushes and atomics as this seed says */
	uint8_t arg[OP_ARGS];
};
_Static_assert(sizeof(struct op) == 16, "lists are files");

static inline unsigned op_slot(const struct op *o) { return o->actor & 3; }
static inline unsigned op_vcpu(const struct op *o) { return o->actor >> 2 & 1; }

/* --- operands --- */
/* Frame: bits 0-3 index, bits 4-5 domain slot, bits 6-7 both set: special, by index. */
#define FRAME_OF(slot, index)	((uint8_t)((slot) << 4 | (index)))
#define FRAME_SPECIAL(slot, s)	((uint8_t)(0xc0 | (slot) << 4 | (s)))
#define FRAME_IS_SPECIAL(f)	(((f) & 0xc0) == 0xc0)
enum special {
	SPECIAL_HOME,		/* the L4 the domain was started on; not in its pool */
	SPECIAL_SHARED_INFO,
	SPECIAL_GRANT_FRAME,	/* first of its grant table */
	SPECIAL_RELEASED,	/* the last frame it gave back */
	SPECIAL_DEVICE,		/* device memory */
	SPECIAL_DEVICE_RO,	/* device memory that even a control domain may only read */
	SPECIAL_HV,		/* the hypervisor's own */
	SPECIAL_ZERO,		/* frame number 0 */
	SPECIAL_HUGE,		/* beyond the physical address width */
	SPECIAL_INVALID,	/* all ones; also every other number */
};
/* Entry: flag bits of its second byte. */
#define ENTRY_PRESENT	0x01
#define ENTRY_WRITE	0x02
#define ENTRY_NX	0x04
#define ENTRY_PCD	0x08
#define ENTRY_ACCESSED	0x10	/* accessed and dirty */
#define ENTRY_PSE	0x20
#define ENTRY_NOT_USER	0x40
#define ENTRY_GRANT	0x80	/* the bit that marks grant mappings */
/* Its third byte: 0 as composed; 1..64 what is there now with bit n - 1 flipped; 65..128 as composed
 * with bit n - 65 flipped; else as composed. */

/* Index of an entry: bits 0-2; with bit 7 in a machine of 512 entries one of index_unusual[] */
#define INDEX_UNUSUAL { 8, 100, 255, 256, 257, 271, 272, 511 }
/* Address: byte 0 bits 0-2 L1 index, 3-5 L2; byte 1 bits 0-2 L3, 3-5 L4; bits 6-7 of both: 0 plain;
 * 1 in byte 0: offset 8; 1 in byte 1: the hypervisor's range; 2 in byte 1: not canonical; 3: index unusual. */

#define UPDATE_PRESERVE	0x01	/* keep accessed and dirty */
#define UPDATE_TABLES(n) ((n) >> 4 & 7)	/* 0: tables are the actor's; 1-4: those of domain slot n - 1 */
#define UPDATE_MISALIGN	0x02
#define VA_FLUSH_COUNT	5	/* none, all on this CPU, page on this CPU, all everywhere, page everywhere */
#define GRANT_NONE	0	/* n % 4: what is written: no permission, */
#define GRANT_RW	1
#define GRANT_RO	2
#define GRANT_BAD	3	/* of a type there is not */
#define MAP_READONLY	0x01
#define MAP_DEVICE	0x02
#define MAP_NO_HOST	0x04	/* without GNTMAP_host_map */
#define UNMAP_HOST	0x01	/* name the address it was mapped at */
#define UNMAP_DEVICE	0x02	/* name its bus address */
#define UNMAP_WRONG	0x04	/* name the operand v instead */
#define COPY_DST_REF	0x01
#define COPY_SRC_REF	0x02
#define COPY_LENGTH(n)	((unsigned)((n) >> 2 & 7) * 600)	/* bytes; offsets are 0, or 4000 with bit 7 */
#define COPY_FAR	0x80
#define STORE_COUNT	4	/* mov, xchg, lock cmpxchg (of what is there), lock btr (bit 1) */
