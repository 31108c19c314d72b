/* What the firmware said about the machine, kept after boot for hypercalls: memory map, command line,
 * power registers. Filled once by hv/boot before any guest runs, read-only after. Layer: mem.
 * Empty in hosted tests unless a test fills it. */
#pragma once
#include "hv/base/types.h"

/* Types of ranges are e820's. */
enum { RANGE_RAM = 1, RANGE_RESERVED = 2, RANGE_ACPI = 3, RANGE_NVS = 4, RANGE_UNUSABLE = 5 };
struct machine_range { uint64_t start, size; uint32_t type; };
#define MACHINE_RANGES 128

/* Fixed hardware of ACPI's FADT. Ports 0 = absent. */
struct machine_power {
	uint16_t pm1a_control, pm1b_control;
	uint16_t sleep_a, sleep_b;	/* what to write there for S5 (SLP_TYP and SLP_EN); 0 = not known */
	uint8_t reset_space;		/* 0 memory, 1 port; */
	uint8_t reset_value;
	uint64_t reset_address;		/* 0 = no reset register */
};

struct machine {
	unsigned range_count;
	struct machine_range range[MACHINE_RANGES];	/* sorted, disjoint; dom0's XENMEM_machine_memory_map:
							 * the hypervisor's own memory stays typed RAM */
	char command_line[1024];	/* the hypervisor's */
	maddr_t rsdp;			/* 0 = not found */
	struct machine_power power;
};
extern struct machine machine;

/* Add a range to a sorted map; where ranges overlap, the higher type number wins over RAM. -ENOSPC. */
int machine_range_add(struct machine *m, uint64_t start, uint64_t size, uint32_t type) MUST_CHECK;
/* No byte of frame @m is RAM: device memory or a hole, which a control domain may map. A frame that is RAM
 * but unknown to the frame table is the hypervisor's. */
bool machine_is_device(mfn_t m);
