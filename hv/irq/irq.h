/* Device interrupts for dom0: vectors, IO-APIC pins, PIRQs, MSI and MSI-X. Layer: irq.
 * Lock: RANK_IRQ, one for all. Spec: SDM 3A ch. 10; Intel 82093AA; PCI 3.0 section 6.8. */
#pragma once
#include "hv/dom/domain.h"

/* Boot: what ACPI's MADT says. */
struct irq_ioapic { maddr_t base; uint32_t first_gsi; uint8_t id; };
struct irq_override { uint8_t isa; uint32_t gsi; bool active_low, level; };
void irq_init(const struct irq_ioapic *ioapics, unsigned n, const struct irq_override *ov, unsigned n_ov,
	      maddr_t ecam_base);	/* 0: config access by ports 0xcf8/0xcfc */
/* Vectors 0x30..0xdf are devices'; above are the CPU's own (timer, IPIs, spurious). */
#define IRQ_VECTOR_FIRST 0x30
#define IRQ_VECTOR_LAST  0xdf
/* Claim a GSI for the hypervisor (UART): dom0 may map but not bind it. @fn runs from upcall_irq(). */
int irq_claim_gsi(uint32_t gsi, void (*fn)(void)) MUST_CHECK;
uint32_t irq_isa_to_gsi(uint8_t isa);

/* PHYSDEVOP_*: @cmd and the guest's argument. 0 or -Exxx as FACTS/ABI expects. */
int64_t irq_physdev_op(struct vcpu *v, unsigned cmd, gva_t arg);
/* EVTCHNOP_bind_pirq: checks the pirq, binds, unmasks the line. */
int irq_bind_pirq(struct domain *d, unsigned pirq, bool shared, uint32_t *port) MUST_CHECK;
