/* What the firmware said about the machine, kept after boot for hypercalls: memory map, command
 * line. Filled once by hv/boot before any guest runs, read-only after. Layer: mem.
 * Empty in hosted tests unless a test fills it. */
#pragma once
#include "hv/base/types.h"

/* Types of ranges are e820's. */
enum { RANGE_RAM = 1, RANGE_RESERVED = 2, RANGE_ACPI = 3, RANGE_NVS = 4, RANGE_UNUSABLE = 5 };
struct machine_range { uint64_t start, size; uint32_t type; };
#define MACHINE_RANGES 128

struct machine {
	unsigned range_count;
	/* Sorted, disjoint: dom0's XENMEM_machine_memory_map. The hypervisor's own memory stays
	 * typed RAM. */
	struct machine_range range[MACHINE_RANGES];
	char command_line[1024];	/* the hypervisor's */
	maddr_t rsdp;			/* 0 = not found */
	/* PM1 control values dom0 named for S5 (XENPF_enter_acpi_sleep val_a, val_b), written by
	 * hv/call; 0 = never: the firmware's are used. */
	uint16_t sleep_a, sleep_b;
};
extern struct machine machine;

/* Add a range to a sorted map; where ranges overlap, the higher type number wins over RAM.
 * -ENOSPC. */
int machine_range_add(struct machine *m, uint64_t start, uint64_t size, uint32_t type) MUST_CHECK;
/* Frame @m is not (wholly) RAM for domains: device memory, a hole or the first MiB, which a control
 * domain may map. A frame above that is RAM but unknown to the frame table is the hypervisor's. */
bool machine_is_device(mfn_t m);
