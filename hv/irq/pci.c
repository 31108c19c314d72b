/* PCI configuration space of segment 0: memory-mapped where the firmware says so, else the ports
 * 0xcf8 (address) and 0xcfc (data).
 *
 * dom0 drives PCI itself. When we need the ports too, its address register becomes a latch of
 * ours: its data accesses load the real register first, under irq_lock, so that neither sees the
 * other's address. Single bytes at 0xcf9 are the reset register and pass through.
 * Called under irq_lock, but for irq_port_access(), which takes it.
 * Spec: PCI 3.0 section 3.2.2.3.2. */
#include "hv/irq/line.h"

#define PORT_ADDRESS	0xcf8u
#define PORT_DATA	0xcfcu
#define ADDRESS_ENABLE	(1u << 31)

static maddr_t ecam;		/* 0 = ports */
static uint32_t dom0_address;	/* the latch */

void pci_init(maddr_t base)
{
	ecam = base;
	dom0_address = 0;
}

static maddr_t ecam_at(struct pci_address a, unsigned offset)
{
	return maddr(ecam.a + ((uint64_t)a.bus << 20 | (uint64_t)a.devfn << 12 | offset));
}

static uint16_t port_at(struct pci_address a, unsigned offset)
{
	cpu_port_out(PORT_ADDRESS, 4,
		ADDRESS_ENABLE | (uint32_t)a.bus << 16 | (uint32_t)a.devfn << 8 | (offset & 0xfc));
	return (uint16_t)(PORT_DATA + (offset & 3));
}

uint32_t pci_read(struct pci_address a, unsigned offset, unsigned size)
{
	if (ecam.a)
		return (uint32_t)cpu_mmio_read(ecam_at(a, offset), size);
	return cpu_port_in(port_at(a, offset), size);
}

void pci_write(struct pci_address a, unsigned offset, unsigned size, uint32_t value)
{
	if (ecam.a)
		cpu_mmio_write(ecam_at(a, offset), size, value);
	else
		cpu_port_out(port_at(a, offset), size, value);
}

bool irq_owns_config_ports(void)
{
	return ecam.a == 0;
}

static void port_pass(uint16_t port, unsigned size, bool write, uint32_t *value)
{
	if (write)
		cpu_port_out(port, size, *value);
	else
		*value = cpu_port_in(port, size);
}

bool irq_port_access(uint16_t port, unsigned size, bool write, uint32_t *value)
{
	if (ecam.a || port < PORT_ADDRESS || port + size > PORT_DATA + 4)
		return false;
	lock(&irq_lock);
	if (port == PORT_ADDRESS && size == 4) {
		if (write)
			dom0_address = *value;
		else
			*value = dom0_address;
	} else {
		if (port >= PORT_DATA)
			cpu_port_out(PORT_ADDRESS, 4, dom0_address);
		port_pass(port, size, write, value);
	}
	unlock(&irq_lock);
	return true;
}
