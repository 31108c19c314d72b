/* Device interrupts for dom0: vectors, IO-APIC pins, PIRQs, MSI and MSI-X. Layer: irq.
 * Files: irq.c (lines, vectors, delivery), pirq.c (what dom0 binds), ioapic.c, msi.c, pci.c
 * (configuration access), physdev.c. One domain drives the hardware: dom0.
 * Lock: RANK_IRQ, one for all. Spec: SDM 3A ch. 10; Intel 82093AA; PCI 3.0 section 6.8. */
#pragma once
#include "hv/dom/vcpu.h"

/* Boot: what ACPI's MADT says. */
struct irq_ioapic { maddr_t base; uint32_t first_gsi; uint8_t id; };
struct irq_override { uint8_t isa; uint32_t gsi; bool active_low, level; };
void irq_init(const struct irq_ioapic *ioapics, unsigned n, const struct irq_override *ov,
	unsigned n_ov, maddr_t ecam_base); /* 0: config access by ports 0xcf8/0xcfc */
/* Vectors 0x30..0xdf are devices'; above are the CPU's own (timer, IPIs, spurious). */
#define IRQ_VECTOR_FIRST 0x30
#define IRQ_VECTOR_LAST  0xdf
/* Claim a GSI for the hypervisor (UART): dom0 may map but not bind it. @fn runs from upcall_irq().
 * -EINVAL: no such GSI; -EBUSY: claimed or bound already; -ENOSPC: no vector. */
int irq_claim_gsi(uint32_t gsi, void (*fn)(void)) MUST_CHECK;
uint32_t irq_isa_to_gsi(uint8_t isa);

/* PHYSDEVOP_*: @cmd and the guest's argument; all but set_iopl and set_iobitmap, which are the
 * vCPU's (hv/pv). 0 or -Exxx as the ABI expects; -EPERM for domains that drive no hardware. */
int64_t irq_physdev_op(struct vcpu *v, unsigned cmd, gva_t arg);
/* EVTCHNOP_bind_pirq: checks the pirq, binds, unmasks the line. -EPERM: not dom0; -EINVAL: not
 * mapped; -EBUSY: bound, or the hypervisor's own; or what evtchn_bind_pirq() says. */
int irq_bind_pirq(struct domain *d, unsigned pirq, bool shared, uint32_t *port) MUST_CHECK;

/* dom0's PCI configuration window (0xcf8..0xcff) when we use the ports ourselves: its address is
 * a latch, data accesses go under our lock. True if @port is one of them. */
bool irq_owns_config_ports(void);
bool irq_port_access(uint16_t port, unsigned size, bool write, uint32_t *value);
