/* IO-APIC pins. Two registers reach all others: select at +0, window at +0x10.
 * Register 1 holds the number of pins, pin n has the pair 0x10 + 2n (low), 0x11 + 2n (high).
 * Spec: Intel 82093AA section 3.2. Called under irq_lock. */
#include "hv/base/errno.h"
#include "hv/core/log.h"
#include "hv/irq/line.h"

#define IOAPICS_MAX	8u
#define REG_SELECT	0x00u
#define REG_WINDOW	0x10u
#define REG_VERSION	1u
#define REG_PIN(n)	(0x10u + 2 * (n))

#define PIN_ACTIVE_LOW	(1u << 13)
#define PIN_LEVEL	(1u << 15)
#define PIN_MASKED	(1u << 16)

static struct ioapic {
	maddr_t base;
	uint32_t first_gsi, pins;
} ioapic[IOAPICS_MAX];
static unsigned ioapic_count;

static uint32_t reg_read(const struct ioapic *a, uint32_t reg)
{
	cpu_mmio_write(maddr(a->base.a + REG_SELECT), 4, reg);
	return (uint32_t)cpu_mmio_read(maddr(a->base.a + REG_WINDOW), 4);
}

static void reg_write(const struct ioapic *a, uint32_t reg, uint32_t value)
{
	cpu_mmio_write(maddr(a->base.a + REG_SELECT), 4, reg);
	cpu_mmio_write(maddr(a->base.a + REG_WINDOW), 4, value);
}

static const struct ioapic *ioapic_of(uint32_t gsi)
{
	for (unsigned i = 0; i < ioapic_count; i++)
		if (gsi - ioapic[i].first_gsi < ioapic[i].pins)
			return &ioapic[i];
	return NULL;
}

bool ioapic_has_gsi(uint32_t gsi)
{
	return ioapic_of(gsi) != NULL;
}

void ioapic_init(const struct irq_ioapic *list, unsigned n)
{
	ioapic_count = 0;
	for (unsigned i = 0; i < n && ioapic_count < IOAPICS_MAX; i++) {
		struct ioapic *a = &ioapic[ioapic_count++];
		*a = (struct ioapic){ .base = list[i].base, .first_gsi = list[i].first_gsi };
		a->pins = (reg_read(a, REG_VERSION) >> 16 & 0xff) + 1;
		for (uint32_t pin = 0; pin < a->pins; pin++)
			reg_write(a, REG_PIN(pin), PIN_MASKED);
		if (a->first_gsi + a->pins > IRQ_GSIS)
			log_warn("irq: IO-APIC %u: GSIs above %u are not used", list[i].id,
				IRQ_GSIS - 1);
	}
}

static uint32_t pin_low(const struct irq_line *l)
{
	return l->vector | (l->active_low ? PIN_ACTIVE_LOW : 0) | (l->level ? PIN_LEVEL : 0) |
	       (l->is_masked || !l->vector ? PIN_MASKED : 0);
}

void ioapic_write(uint32_t gsi, const struct irq_line *l)
{
	const struct ioapic *a = ioapic_of(gsi);
	if (!a)
		return;
	uint32_t pin = gsi - a->first_gsi;
	reg_write(a, REG_PIN(pin), PIN_MASKED);		/* never half of an entry live */
	reg_write(a, REG_PIN(pin) + 1, cpu_apic_id(0) << 24);
	reg_write(a, REG_PIN(pin), pin_low(l));
}

void ioapic_mask(uint32_t gsi, bool masked)
{
	const struct ioapic *a = ioapic_of(gsi);
	if (!a)
		return;
	uint32_t reg = REG_PIN(gsi - a->first_gsi), low = reg_read(a, reg);
	reg_write(a, reg, masked ? low | PIN_MASKED : low & ~PIN_MASKED);
}

int ioapic_read(maddr_t base, uint32_t reg, uint32_t *value)
{
	for (unsigned i = 0; i < ioapic_count; i++) {
		if (ioapic[i].base.a != base.a)
			continue;
		if (reg > 0xff)
			return -EINVAL;
		*value = reg_read(&ioapic[i], reg);
		return 0;
	}
	return -EINVAL;
}
