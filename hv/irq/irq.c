/* Lines and vectors: from a CPU vector to whoever waits for it.
 *
 * Every line has one vector, delivered to the boot CPU. An interrupt is either the hypervisor's
 * own (the UART) or dom0's, for which an event becomes pending.
 * A level line is masked when it arrives and stays so until dom0 says it is done; an edge or a
 * message needs nothing. A level interrupt that arrives while one is owed (it was already
 * in flight) is dropped: the device still asserts it when the line is unmasked.
 * The legacy interrupt controllers are moved out of the exceptions' way and masked for good.
 * Neighbours: pirq.c (binding), ioapic.c, msi.c. */
#include "hv/base/errno.h"
#include "hv/core/log.h"
#include "hv/cpu/upcall.h"
#include "hv/event/evtchn.h"
#include "hv/irq/line.h"
#include "hv/mem/table.h"

#define LOCAL_APIC_MFN 0xfee00u

#define VECTOR_INT80	0x80	/* guests' own gate */
#define ISA_LINES	16u
#define PIC_VECTORS	0x20	/* 16 of them, below ours: only spurious ones ever come */

struct lock irq_lock = LOCK_INIT(RANK_IRQ);
struct irq_line irq_line[IRQ_LINES];
static struct irq_line *line_of_vector[256];
static uint32_t isa_gsi[ISA_LINES];

uint32_t irq_line_pirq(const struct irq_line *l)
{
	return (uint32_t)(l - irq_line);
}

struct irq_line *irq_line_of(uint32_t pirq)
{
	if (pirq >= IRQ_LINES || (pirq < IRQ_GSIS && !ioapic_has_gsi(pirq)))
		return NULL;
	return &irq_line[pirq];
}

int irq_vector_alloc(struct irq_line *l)
{
	if (l->vector)
		return 0;
	for (unsigned v = IRQ_VECTOR_FIRST; v <= IRQ_VECTOR_LAST; v++) {
		if (v == VECTOR_INT80 || line_of_vector[v])
			continue;
		line_of_vector[v] = l;
		l->vector = (uint8_t)v;
		return 0;
	}
	return -ENOSPC;
}

void irq_vector_free(struct irq_line *l)
{
	if (l->vector)
		line_of_vector[l->vector] = NULL;
	l->vector = 0;
}

void irq_line_program(struct irq_line *l)
{
	if (l->kind == LINE_GSI)
		ioapic_write(irq_line_pirq(l), l);
	else
		msi_write(l);
}

void irq_line_mask(struct irq_line *l, bool masked)
{
	l->is_masked = masked;
	if (l->kind == LINE_GSI)
		ioapic_mask(irq_line_pirq(l), masked);
	else if (l->kind != LINE_NONE)
		msi_mask(l, masked);
}

void irq_line_unbind(struct irq_line *l)
{
	irq_line_mask(l, true);
	irq_eoi_bit(l, false);
	l->port = 0;
	l->is_owed = false;
}

void upcall_irq(unsigned vector)
{
	void (*fn)(void) = NULL;
	uint32_t port = 0;

	lock(&irq_lock);
	struct irq_line *l = vector < ARRAY_COUNT(line_of_vector) ? line_of_vector[vector] : NULL;
	if (l && l->fn)
		fn = l->fn;
	else if (l)
		irq_arrived(l, &port);
	unlock(&irq_lock);

	if (fn)
		fn();
	else if (port)
		evtchn_raise_pirq(dom0, port);
}

int irq_claim_gsi(uint32_t gsi, void (*fn)(void))
{
	lock(&irq_lock);
	struct irq_line *l = gsi < IRQ_GSIS ? irq_line_of(gsi) : NULL;
	int rc = !l ? -EINVAL : l->fn || l->port ? -EBUSY : irq_vector_alloc(l);
	if (!rc) {
		l->fn = fn;
		l->is_set_up = true;
		l->is_masked = false;
		irq_line_program(l);
	}
	unlock(&irq_lock);
	return rc;
}

uint32_t irq_isa_to_gsi(uint8_t isa)
{
	return isa < ISA_LINES ? isa_gsi[isa] : isa;
}

/* Initialise both 8259s (ICW1-4: edge, cascade on 2, 8086 mode) at harmless vectors, mask all. */
static void pic_disable(void)
{
	static const struct { uint8_t port, value; } script[] = {
		{ 0x20, 0x11 }, { 0xa0, 0x11 },
		{ 0x21, PIC_VECTORS }, { 0xa1, PIC_VECTORS + 8 },
		{ 0x21, 4 }, { 0xa1, 2 },
		{ 0x21, 1 }, { 0xa1, 1 },
		{ 0x21, 0xff }, { 0xa1, 0xff },
	};
	for (unsigned i = 0; i < ARRAY_COUNT(script); i++)
		cpu_port_out(script[i].port, 1, script[i].value);
}

static void lines_init(const struct irq_override *ov, unsigned n_ov)
{
	for (uint32_t gsi = 0; gsi < IRQ_GSIS; gsi++) {
		struct irq_line *l = &irq_line[gsi];
		*l = (struct irq_line){ .kind = LINE_GSI, .is_masked = true };
		l->level = l->active_low = gsi >= ISA_LINES;	/* PCI's way; ISA is edge, high */
	}
	for (unsigned i = IRQ_GSIS; i < IRQ_LINES; i++)
		irq_line[i] = (struct irq_line){ .kind = LINE_NONE };
	for (uint32_t i = 0; i < ISA_LINES; i++)
		isa_gsi[i] = i;
	for (unsigned i = 0; i < n_ov; i++) {
		if (ov[i].isa >= ISA_LINES || ov[i].gsi >= IRQ_GSIS) {
			log_warn("irq: override of ISA line %u to GSI %u ignored", ov[i].isa,
				ov[i].gsi);
			continue;
		}
		isa_gsi[ov[i].isa] = ov[i].gsi;
		irq_line[ov[i].gsi].level = ov[i].level;
		irq_line[ov[i].gsi].active_low = ov[i].active_low;
	}
}

static void port_closed(struct domain *d, unsigned pirq)
{
	(void)d;	/* only dom0 binds */
	lock(&irq_lock);
	struct irq_line *l = irq_line_of(pirq);
	if (l && l->port)
		irq_line_unbind(l);
	unlock(&irq_lock);
}

void irq_init(const struct irq_ioapic *ioapics, unsigned n, const struct irq_override *ov,
	unsigned n_ov, maddr_t ecam_base)
{
	for (unsigned v = 0; v < ARRAY_COUNT(line_of_vector); v++)
		line_of_vector[v] = NULL;
	pic_disable();
	for (unsigned i = 0; i <= n; i++) { /* dom0 may look at the controllers, not program them */
		mfn_t m = i < n ? maddr_to_mfn(ioapics[i].base) : mfn(LOCAL_APIC_MFN);
		if (table_protect_mmio(m))
			log_warn(
				"irq: frame %llx stays writable for dom0", (unsigned long long)m.n);
	}
	ioapic_init(ioapics, n);
	lines_init(ov, n_ov);
	pci_init(ecam_base);
	pirq_init();
	evtchn_pirq_closed = port_closed;
}
