/* Interrupt lines: one per GSI and one per MSI vector dom0 has. Layer: irq, private.
 * A line's index is dom0's PIRQ number: a GSI's is its own number, MSIs follow. */
#pragma once
#include "hv/core/lock.h"
#include "hv/irq/irq.h"

#define IRQ_GSIS	128u
#define IRQ_MSIS	128u
#define IRQ_LINES	(IRQ_GSIS + IRQ_MSIS)

enum line_kind { LINE_NONE, LINE_GSI, LINE_MSI, LINE_MSIX };

struct pci_address { uint8_t bus, devfn; };	/* of segment 0, the only one we reach */

struct irq_line {
	uint8_t kind;
	uint8_t vector;		/* 0 = none yet */
	bool level, active_low;
	bool is_set_up;		/* trigger and polarity are final */
	bool is_mapped;		/* dom0 has the PIRQ */
	bool is_shared;
	bool is_reserved;	/* an MSI number given out by get_free_pirq, not mapped yet */
	bool is_owed;		/* level: delivered, masked until dom0's EOI */
	bool is_masked;		/* the state we want the hardware in */
	uint32_t port;		/* dom0's event channel, 0 = not bound */
	void (*fn)(void);	/* the hypervisor's own handler */

	/* MSI and MSI-X */
	struct pci_address pci;
	uint16_t capability;	/* offset in configuration space */
	uint16_t entry;		/* MSI-X: index */
	maddr_t table_entry;	/* MSI-X: its 16 bytes */
};

/* All of this under irq_lock. */
extern struct lock irq_lock;
extern struct irq_line irq_line[IRQ_LINES];
struct irq_line *irq_line_of(uint32_t pirq);	/* NULL: no such line in this machine */
int irq_vector_alloc(struct irq_line *l) MUST_CHECK;	/* -ENOSPC; keeps one it has */
void irq_vector_free(struct irq_line *l);
uint32_t irq_line_pirq(const struct irq_line *l);
/* Write trigger, polarity, destination, vector and mask to the hardware. */
void irq_line_program(struct irq_line *l);
void irq_line_mask(struct irq_line *l, bool masked);
/* Stop delivery to dom0 and forget the port. */
void irq_line_unbind(struct irq_line *l);

/* pirq.c */
void pirq_init(void);
int64_t irq_eoi(struct domain *d, uint32_t pirq);
int irq_eoi_page_set(struct domain *d, mfn_t m, bool unmasks) MUST_CHECK;
void irq_eoi_bit(const struct irq_line *l, bool owes_eoi);
void irq_arrived(struct irq_line *l, uint32_t *port);

/* ioapic.c */
void ioapic_init(const struct irq_ioapic *list, unsigned n);
bool ioapic_has_gsi(uint32_t gsi);
void ioapic_write(uint32_t gsi, const struct irq_line *l);
void ioapic_mask(uint32_t gsi, bool masked);
int ioapic_read(maddr_t base, uint32_t reg, uint32_t *value) MUST_CHECK;	/* -EINVAL */

/* pci.c: configuration space, all-ones where there is nothing */
void pci_init(maddr_t ecam);
uint32_t pci_read(struct pci_address a, unsigned offset, unsigned size);
void pci_write(struct pci_address a, unsigned offset, unsigned size, uint32_t value);

/* msi.c */
int msi_attach(struct irq_line *l, struct pci_address a, bool is_msix, unsigned entry,
	       maddr_t bar_hint) MUST_CHECK;	/* -ENODEV, -EINVAL */
void msi_write(const struct irq_line *l);
void msi_mask(const struct irq_line *l, bool masked);
