/* What the hypervisor needs of ACPI's tables. Layer: boot. Pure: reads machine memory through
 * struct phys; tables are the firmware's, but lengths and checksums are verified. Spec: ACPI
 * 6.4, chapters 5.2 and 4.8.3. */
#pragma once
#include "hv/boot/boot_info.h"
#include "hv/cpu/cpu.h"
#include "hv/irq/irq.h"

#define ACPI_IOAPICS	8
#define ACPI_OVERRIDES	24
struct acpi_info {
	uint64_t rsdp;			/* 0: no tables; everything else is then empty */
	unsigned cpu_count;		/* enabled processors, at most MAX_CPUS */
	uint32_t apic_id[MAX_CPUS];
	unsigned ioapic_count, override_count;
	struct irq_ioapic ioapic[ACPI_IOAPICS];
	struct irq_override override[ACPI_OVERRIDES];
	uint64_t ecam_base;		/* of PCI segment 0; 0: none */
	uint16_t pm1a_control, pm1b_control;	/* ports; 0: none */
	uint16_t s5_a, s5_b;		/* values for them: SLP_TYP and SLP_EN; 0: not found */
	bool has_reset;
	uint16_t reset_port;
	uint8_t reset_value;
};
/* @rsdp: where the boot loader says it is, or 0: scan the BIOS areas. */
void acpi_parse(const struct phys *p, uint64_t rsdp, struct acpi_info *out);
