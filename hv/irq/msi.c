/* Message-signalled interrupts: dom0's kernel enables the capability of a device, everything
 * else is written here: address, data, the MSI-X entries and their mask bits.
 *
 * A message is a write of the vector to the local APIC's window, so it goes straight to the boot
 * CPU. MSI has one message in configuration space (mask bits only in some devices), MSI-X a table
 * in one of the device's memory BARs, which is read anew at each use: dom0 may move BARs.
 * Devices are trusted with DMA anyway; still, an MSI-X table inside RAM is refused.
 * Called under irq_lock. Spec: PCI 3.0 sections 6.7, 6.8. */
#include "hv/base/errno.h"
#include "hv/irq/line.h"
#include "hv/mem/frame.h"

#define CONFIG_COMMAND		0x04u
#define CONFIG_STATUS		0x06u
#define CONFIG_BAR(n)		(0x10u + 4 * (n))
#define CONFIG_CAPABILITIES	0x34u
#define COMMAND_MEMORY		(1u << 1)
#define STATUS_CAPABILITIES	(1u << 4)
#define CAPABILITIES_MAX	48u

#define CAP_MSI			0x05u
#define CAP_MSIX		0x11u
#define CAP_CONTROL		2u		/* 16 bits, in both */
#define MSI_64BIT		(1u << 7)
#define MSI_MASKABLE		(1u << 8)
#define MSIX_SIZE		0x7ffu		/* entries - 1 */
#define MSIX_TABLE		4u		/* offset; bits 2:0 name the BAR */
#define ENTRY_BYTES		16u
#define ENTRY_MASKED		1u

#define MESSAGE_ADDRESS		0xfee00000u	/* | APIC id << 12: fixed, physical */

static unsigned capability_find(struct pci_address a, unsigned id)
{
	if (!(pci_read(a, CONFIG_STATUS, 2) & STATUS_CAPABILITIES))
		return 0;
	unsigned at = pci_read(a, CONFIG_CAPABILITIES, 1) & 0xfc;
	for (unsigned n = 0; at >= 0x40 && n < CAPABILITIES_MAX; n++) {
		unsigned head = pci_read(a, at, 2);
		if ((head & 0xff) == id)
			return at;
		at = head >> 8 & 0xfc;
	}
	return 0;
}

/* Base of a memory BAR; 0: none, or a port BAR. */
static maddr_t bar_read(struct pci_address a, unsigned n)
{
	uint64_t low = pci_read(a, CONFIG_BAR(n), 4), high = 0;
	if (low & 1)
		return maddr(0);
	if ((low & 6) == 4 && n < 5)
		high = pci_read(a, CONFIG_BAR(n + 1), 4);
	return maddr((high << 32 | low) & ~0xfull);
}

/* @hint: used where the function has no BARs of its own (SR-IOV virtual functions). */
static int table_entry_find(
	struct pci_address a, unsigned cap, unsigned entry, maddr_t hint, maddr_t *at)
{
	uint32_t table = pci_read(a, cap + MSIX_TABLE, 4);

	if ((table & 7) > 5 || entry > (pci_read(a, cap + CAP_CONTROL, 2) & MSIX_SIZE))
		return -EINVAL;
	maddr_t base = bar_read(a, table & 7);
	if (!base.a)
		base = hint;
	*at = maddr(base.a + (table & ~7u) + (uint64_t)entry * ENTRY_BYTES);
	if (!base.a || (base.a & 0xf) || frame_is_ram(maddr_to_mfn(*at)))
		return -EINVAL;
	if (at->a < base.a || at->a >> cpu_features.phys_bits)
		return -EINVAL;		/* no processor can address it: our access would fault */
	return pci_read(a, CONFIG_COMMAND, 2) & COMMAND_MEMORY ? 0 : -EINVAL;
}

int msi_attach(
	struct irq_line *l, struct pci_address a, bool is_msix, unsigned entry, maddr_t bar_hint)
{
	unsigned cap = capability_find(a, is_msix ? CAP_MSIX : CAP_MSI);
	maddr_t table_entry = maddr(0);

	if (!cap)
		return -ENODEV;
	if (is_msix) {
		int rc = table_entry_find(a, cap, entry, bar_hint, &table_entry);
		if (rc)
			return rc;
	}
	l->kind = is_msix ? LINE_MSIX : LINE_MSI;
	l->pci = a;
	l->capability = (uint16_t)cap;
	l->entry = (uint16_t)entry;
	l->table_entry = table_entry;
	return 0;
}

static uint32_t message_address(void)
{
	return MESSAGE_ADDRESS | (cpu_apic_id(0) & 0xff) << 12;
}

static void msi_write_config(const struct irq_line *l)
{
	unsigned cap = l->capability;
	bool wide = pci_read(l->pci, cap + CAP_CONTROL, 2) & MSI_64BIT;

	pci_write(l->pci, cap + 4, 4, message_address());
	if (wide)
		pci_write(l->pci, cap + 8, 4, 0);
	pci_write(l->pci, cap + (wide ? 12 : 8), 2, l->vector);
}

static void entry_write(const struct irq_line *l, unsigned word, uint32_t value)
{
	cpu_mmio_write(maddr(l->table_entry.a + 4 * word), 4, value);
}

void msi_write(const struct irq_line *l)
{
	if (l->kind == LINE_MSI) {
		msi_write_config(l);
	} else {
		entry_write(l, 3, ENTRY_MASKED);
		entry_write(l, 0, message_address());
		entry_write(l, 1, 0);
		entry_write(l, 2, l->vector);
	}
	msi_mask(l, l->is_masked);
}

void msi_mask(const struct irq_line *l, bool masked)
{
	if (l->kind == LINE_MSIX) {
		entry_write(l, 3, masked ? ENTRY_MASKED : 0);
		return;
	}
	unsigned control = pci_read(l->pci, l->capability + CAP_CONTROL, 2);
	if (control & MSI_MASKABLE)
		pci_write(l->pci, l->capability + (control & MSI_64BIT ? 16u : 12u), 4, masked);
}
