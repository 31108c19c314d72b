/* Interrupts for dom0 on a modelled IO-APIC and two modelled PCI devices: GSIs edge and level, EOI,
 * the bitmap of owed EOIs, MSI with and without mask bits, MSI-X, the configuration window's latch,
 * and what is refused. */
#include "protocol/event_channel.h"
#include "protocol/physdev.h"
#include "tests/unit/guest_world.h"

#define IOAPIC 0xfec00000ull
#define ECAM 0xb0000000ull
#define BAR 0xfebd0000ull	/* MSI-X table at BAR + 0x800 */
#define ENTRIES 4u
#define PINS 24u

static struct guest dom0_;
static uint32_t select_, pin[2 * PINS];
static uint8_t config[2][256];	/* devices 00:03.0 (MSI-X) and 00:04.0 (MSI) */
static uint32_t table[4 * ENTRIES];
static uint32_t address_port;
static bool by_ports;

static uint32_t get(const uint8_t *p, unsigned size)
{
	uint32_t v = 0;
	memcpy(&v, p, size);
	return v;
}

static uint8_t *config_at(uint32_t bdf, uint32_t offset)
{
	unsigned dev = bdf >> 3;
	return (dev == 3 || dev == 4) && !(bdf & 7) && offset < 256 ? &config[dev - 3][offset]
								    : NULL;
}

static uint64_t mmio_read(maddr_t a, unsigned size)
{
	if (a.a == IOAPIC + 0x10) {
		ck_assert_uint_eq(size, 4);
		return select_ == 1      ? (PINS - 1) << 16 | 0x20
		       : select_ >= 0x10 ? pin[select_ - 0x10]
					 : 0;
	}
	if (a.a >= ECAM && a.a < ECAM + 0x10000000) {
		const uint8_t *p = config_at((uint32_t)(a.a - ECAM) >> 12, a.a & 0xfff);
		return p ? get(p, size) : ~0u;
	}
	ck_assert_msg(0, "read of %llx", (unsigned long long)a.a);
	return 0;
}

static void mmio_write(maddr_t a, unsigned size, uint64_t value)
{
	if (a.a == IOAPIC) {
		select_ = (uint32_t)value;
	} else if (a.a == IOAPIC + 0x10) {
		ck_assert(select_ >= 0x10 && select_ < 0x10 + 2 * PINS);
		pin[select_ - 0x10] = (uint32_t)value;
	} else if (a.a >= BAR + 0x800 && a.a < BAR + 0x800 + sizeof table) {
		ck_assert_uint_eq(size, 4);
		table[(a.a - BAR - 0x800) / 4] = (uint32_t)value;
	} else if (a.a >= ECAM && a.a < ECAM + 0x10000000) {
		uint8_t *p = config_at((uint32_t)(a.a - ECAM) >> 12, a.a & 0xfff);
		ck_assert_ptr_nonnull(p);
		memcpy(p, &value, size);
	} else {
		ck_assert_msg(0, "write of %llx", (unsigned long long)a.a);
	}
}

static uint32_t port_in(uint16_t port, unsigned size)
{
	if (port == 0xcf8)
		return address_port;
	if (port >= 0xcfc && port < 0xd00 && address_port >> 31) {
		const uint8_t *p =
			config_at(address_port >> 8 & 0xffff, (address_port & 0xfc) + (port & 3));
		return p ? get(p, size) : ~0u;
	}
	return ~0u;
}

static void port_out(uint16_t port, unsigned size, uint32_t value)
{
	if (port == 0xcf8 && size == 4)
		address_port = value;
	if (port >= 0xcfc && port < 0xd00 && address_port >> 31) {
		uint8_t *p =
			config_at(address_port >> 8 & 0xffff, (address_port & 0xfc) + (port & 3));
		if (p)
			memcpy(p, &value, size);
	}
}

static void put(unsigned dev, unsigned offset, unsigned size, uint32_t value)
{
	memcpy(&config[dev][offset], &value, size);
}

static void devices_reset(void)
{
	memset(config, 0, sizeof config);
	memset(table, 0xee, sizeof table);
	memset(pin, 0, sizeof pin);
	for (unsigned d = 0; d < 2; d++) {
		put(d, 0x04, 2, 2);		/* memory on */
		put(d, 0x06, 2, 0x10);		/* has capabilities */
		put(d, 0x34, 1, 0x40);
	}
	put(0, 0x40, 2, 0x5009);		/* vendor's, then MSI-X */
	put(0, 0x50, 2, 0x0011);
	put(0, 0x52, 2, ENTRIES - 1);
	put(0, 0x54, 4, 0x801);			/* BAR 1 */
	put(0, 0x14, 4, (uint32_t)BAR);
	put(1, 0x40, 2, 0x0005);		/* MSI, 64 bits, maskable */
	put(1, 0x42, 2, 0x180);
}

static void setup(void)
{
	static const struct irq_ioapic io = { { IOAPIC }, 0, 0 };
	static const struct irq_override ov[] = { { 0, 2, false, false }, { 9, 9, false, true } };

	world_ecam = maddr(by_ports ? 0 : ECAM);
	world_start();
	devices_reset();
	host_mmio_read = mmio_read;
	host_mmio_write = mmio_write;
	host_port_in = port_in;
	host_port_out = port_out;
	irq_init(&io, 1, ov, 2, world_ecam);
	world_guest(&dom0_, 0, true, 1);
	world_run(&dom0_);
}

static int64_t physdev(unsigned cmd)
{
	return call(dom0_.v, __HYPERVISOR_physdev_op, cmd, va(1, 0));
}

static int64_t bind(uint32_t pirq, uint32_t *port)
{
	struct evtchn_bind_pirq *b = at(&dom0_, 2, 0);
	*b = (struct evtchn_bind_pirq){ .pirq = pirq };
	int64_t rc = call(dom0_.v, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, va(2, 0));
	*port = rc ? 0 : b->port;
	return rc;
}

static int64_t map(int type, int index, int devfn, int entry, uint64_t base)
{
	struct physdev_map_pirq *m = at(&dom0_, 1, 0);
	*m = (struct physdev_map_pirq){.domid = DOMID_SELF,
		.type = type,
		.index = index,
		.pirq = type == MAP_PIRQ_TYPE_GSI ? index : -1,
		.devfn = devfn,
		.entry_nr = entry,
		.table_base = base};
	int64_t rc = physdev(PHYSDEVOP_map_pirq);
	return rc ? rc : m->pirq;
}

static bool pending(uint32_t port)
{
	bool p = evtchn_port_is_pending(dom0_.d, port);
	dom0_.d->shared->evtchn_pending[port / 64] &= ~(1ull << port % 64);
	return p;
}

static void interrupt(unsigned vector)
{
	upcall_irq(vector);
	work_run();
	world_check();
}

#define MASKED 0x10000u
#define LEVEL 0x8000u
#define LOW 0x2000u

/* The sequence dom0's Linux goes through for a PCI line. */
START_TEST(level_line)
{
	uint32_t port;
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, 20, 0, 0, 0), 20);
	struct physdev_irq *a = at(&dom0_, 1, 0);
	*a = (struct physdev_irq){ .irq = 20 };
	ck_assert_int_eq(physdev(PHYSDEVOP_alloc_irq_vector), 0);
	ck_assert_uint_ge(a->vector, IRQ_VECTOR_FIRST);
	struct physdev_setup_gsi *s = at(&dom0_, 1, 0);
	*s = (struct physdev_setup_gsi){ .gsi = 20, .triggering = 1, .polarity = 1 };
	ck_assert_int_eq(physdev(PHYSDEVOP_setup_gsi), 0);
	ck_assert_int_eq(physdev(PHYSDEVOP_setup_gsi), -EEXIST);
	struct physdev_irq_status_query *q = at(&dom0_, 1, 0);
	*q = (struct physdev_irq_status_query){ .irq = 20 };
	ck_assert_int_eq(physdev(PHYSDEVOP_irq_status_query), 0);
	ck_assert_uint_eq(q->flags, XENIRQSTAT_needs_eoi);
	ck_assert_uint_ne(pin[2 * 20] & MASKED, 0);
	ck_assert_int_eq(bind(20, &port), 0);
	uint32_t first = port;
	ck_assert_int_eq(bind(20, &port), -EBUSY);

	ck_assert_uint_eq(pin[2 * 20] & (MASKED | LEVEL | LOW), LEVEL | LOW);
	unsigned vector = pin[2 * 20] & 0xff;
	interrupt(vector);
	ck_assert(pending(first));
	ck_assert_uint_ne(pin[2 * 20] & MASKED, 0);
	interrupt(vector);			/* one in flight: not delivered twice */
	ck_assert(!pending(first));
	*(struct physdev_eoi *)at(&dom0_, 1, 0) = (struct physdev_eoi){ 20 };
	ck_assert_int_eq(physdev(PHYSDEVOP_eoi), 0);
	ck_assert_uint_eq(pin[2 * 20] & MASKED, 0);
	interrupt(vector);
	ck_assert(pending(first));

	*(struct evtchn_close *)at(&dom0_, 2, 0) = (struct evtchn_close){ first };
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_event_channel_op, EVTCHNOP_close, va(2, 0)), 0);
	ck_assert_uint_ne(pin[2 * 20] & MASKED, 0);
	*(struct physdev_eoi *)at(&dom0_, 1, 0) = (struct physdev_eoi){ 20 };
	ck_assert_int_eq(physdev(PHYSDEVOP_eoi), 0);
	ck_assert_uint_ne(pin[2 * 20] & MASKED, 0);	/* nobody listens: stays masked */
	ck_assert_int_eq(bind(20, &port), 0);
	ck_assert_uint_eq(pin[2 * 20] & MASKED, 0);
}
END_TEST

START_TEST(edge_line)
{
	uint32_t port;
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, 1, 0, 0, 0), 1);
	ck_assert_int_eq(bind(1, &port), 0);
	ck_assert_uint_eq(pin[2] & (MASKED | LEVEL | LOW), 0);
	interrupt(pin[2] & 0xff);
	ck_assert(pending(port));
	interrupt(pin[2] & 0xff);
	ck_assert(pending(port));
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, 2, 0, 0, 0), 2); /* ours, mapped all the same */
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, 24, 0, 0, 0), -EINVAL);	/* no such pin */
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, -1, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(bind(3, &port), -EINVAL);			/* not mapped */
	ck_assert_int_eq(bind(0xffffffff, &port), -EINVAL);
	ck_assert_uint_eq(irq_isa_to_gsi(0), 2);
	ck_assert_uint_eq(irq_isa_to_gsi(9), 9);
}
END_TEST

static unsigned claimed_calls;
static void claimed(void)
{
	claimed_calls++;
}

START_TEST(claimed_line)
{
	uint32_t port;
	claimed_calls = 0;
	ck_assert_int_eq(irq_claim_gsi(4, claimed), 0);
	ck_assert_int_eq(irq_claim_gsi(4, claimed), -EBUSY);
	ck_assert_int_eq(irq_claim_gsi(99, claimed), -EINVAL);
	ck_assert_uint_eq(pin[8] & MASKED, 0);
	interrupt(pin[8] & 0xff);
	ck_assert_uint_eq(claimed_calls, 1);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, 4, 0, 0, 0), 4);
	ck_assert_int_eq(bind(4, &port), -EBUSY);
	interrupt(pin[8] & 0xff);
	ck_assert_uint_eq(claimed_calls, 2);
	for (unsigned v = 0; v < 256; v++)
		if (v != (pin[8] & 0xff))
			interrupt(v);		/* spurious ones are nobody's */
	ck_assert_uint_eq(claimed_calls, 2);
}
END_TEST

START_TEST(eoi_bitmap)
{
	uint32_t port;
	uint64_t *bits = at(&dom0_, 10, 0);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, 9, 0, 0, 0), 9);
	ck_assert_int_eq(bind(9, &port), 0);
	*(struct physdev_pirq_eoi_gmfn *)at(&dom0_, 1, 0) =
		(struct physdev_pirq_eoi_gmfn){dom0_.l1.n};
	ck_assert_int_lt(physdev(PHYSDEVOP_pirq_eoi_gmfn_v2), 0);	/* a page table */
	*(struct physdev_pirq_eoi_gmfn *)at(&dom0_, 1, 0) =
		(struct physdev_pirq_eoi_gmfn){dom0_.page[10].n};
	ck_assert_int_eq(
		call(dom0_.v, __HYPERVISOR_physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, va(1, 0)), 0);
	ck_assert_uint_eq(bits[0], 1u << 9); /* bound before it was registered */
	ck_assert_int_eq(
		call(dom0_.v, __HYPERVISOR_physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, va(1, 0)),
		-EBUSY);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, 1, 0, 0, 0), 1);
	ck_assert_int_eq(bind(1, &port), 0);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_GSI, 21, 0, 0, 0), 21);
	ck_assert_int_eq(bind(21, &port), 0);
	ck_assert_uint_eq(bits[0], 1u << 9 | 1u << 21);
	*(struct evtchn_close *)at(&dom0_, 2, 0) = (struct evtchn_close){ port };
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_event_channel_op, EVTCHNOP_close, va(2, 0)), 0);
	ck_assert_uint_eq(bits[0], 1u << 9);
}
END_TEST

START_TEST(msix)
{
	uint32_t port[ENTRIES];
	int64_t pirq[ENTRIES];
	for (int i = 0; i < (int)ENTRIES; i++) {
		pirq[i] = map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, i, BAR);
		ck_assert_int_ge(pirq[i], PINS);
		ck_assert_uint_eq(table[4 * i], 0xfee00000 | cpu_apic_id(0) << 12);
		ck_assert_uint_eq(table[4 * i + 1], 0);
		ck_assert_uint_eq(table[4 * i + 3], 1);		/* masked until bound */
		ck_assert_int_eq(bind((uint32_t)pirq[i], &port[i]), 0);
		ck_assert_uint_eq(table[4 * i + 3], 0);
	}
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 1, BAR), -EEXIST);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, ENTRIES, BAR), -EINVAL);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, -1, BAR), -EINVAL);
	for (unsigned i = 0; i < ENTRIES; i++) {
		interrupt(table[4 * i + 2]);
		for (unsigned k = 0; k < ENTRIES; k++)
			ck_assert_int_eq(pending(port[k]), k == i);
	}
	struct physdev_irq_status_query *q = at(&dom0_, 1, 0);
	*q = (struct physdev_irq_status_query){ .irq = (uint32_t)pirq[0] };
	ck_assert_int_eq(physdev(PHYSDEVOP_irq_status_query), 0);
	ck_assert_uint_eq(q->flags, 0);
	/* The device lost its table in a reset. */
	memset(table, 0xee, sizeof table);
	*(struct physdev_pci_device *)at(&dom0_, 1, 0) = (struct physdev_pci_device){0, 0, 3 << 3};
	ck_assert_int_eq(physdev(PHYSDEVOP_restore_msi_ext), 0);
	ck_assert_uint_eq(table[0] >> 20, 0xfee);
	ck_assert_uint_eq(table[3], 0);
	/* Teardown in Linux' order: port, then pirq; number and vector can be used again. */
	uint32_t vector = table[2];
	*(struct evtchn_close *)at(&dom0_, 2, 0) = (struct evtchn_close){ port[0] };
	ck_assert_int_eq(call(dom0_.v, __HYPERVISOR_event_channel_op, EVTCHNOP_close, va(2, 0)), 0);
	ck_assert_uint_eq(table[3], 1);
	*(struct physdev_unmap_pirq *)at(&dom0_, 1, 0) =
		(struct physdev_unmap_pirq){DOMID_SELF, (int32_t)pirq[0]};
	ck_assert_int_eq(physdev(PHYSDEVOP_unmap_pirq), 0);
	ck_assert_int_eq(physdev(PHYSDEVOP_unmap_pirq), -EINVAL);
	interrupt(vector);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 0, BAR), pirq[0]);
	ck_assert_uint_eq(table[2], vector);
}
END_TEST

START_TEST(msix_refused)
{
	put(0, 0x04, 2, 0);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 0, BAR), -EINVAL); /* memory off */
	put(0, 0x04, 2, 2);
	put(0, 0x14, 4, 0x1000);		/* a BAR over RAM */
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 0, BAR), -EINVAL);
	put(0, 0x14, 4, 0);			/* no BAR: the caller's word, out of reach */
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 0, 1ull << 40), -EINVAL);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 1, 0 - 16ull), -EINVAL);
	put(0, 0x14, 4, 1);			/* a port BAR */
	put(0, 0x54, 4, 0x807);			/* BAR 7 */
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 0, BAR), -EINVAL);
	put(0, 0x40, 2, 0x4009);		/* a list that goes round */
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 0, BAR), -ENODEV);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 5 << 3, 0, 0), -ENODEV); /* nothing there */
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MULTI_MSI, -1, 4 << 3, 4, 0), -EOPNOTSUPP);
	ck_assert_int_eq(map(77, -1, 4 << 3, 0, 0), -EINVAL);
	struct physdev_map_pirq *m = at(&dom0_, 1, 0);
	m->type = MAP_PIRQ_TYPE_MSI_SEG;
	m->bus = 1 << 16;
	ck_assert_int_eq(physdev(PHYSDEVOP_map_pirq), -ENODEV);		/* another segment */
	m->domid = 1;
	ck_assert_int_eq(physdev(PHYSDEVOP_map_pirq), -EPERM);
}
END_TEST

START_TEST(msi)
{
	uint32_t port;
	int64_t pirq = map(MAP_PIRQ_TYPE_MSI_SEG, -1, 4 << 3, 0, 0);
	ck_assert_int_ge(pirq, PINS);
	ck_assert_uint_eq(get(&config[1][0x44], 4), 0xfee00000 | cpu_apic_id(0) << 12);
	ck_assert_uint_eq(get(&config[1][0x50], 4), 1);
	ck_assert_int_eq(bind((uint32_t)pirq, &port), 0);
	ck_assert_uint_eq(get(&config[1][0x50], 4), 0);
	interrupt(get(&config[1][0x4c], 2));
	ck_assert(pending(port));
	*(struct physdev_unmap_pirq *)at(&dom0_, 1, 0) =
		(struct physdev_unmap_pirq){DOMID_SELF, (int32_t)pirq};
	ck_assert_int_eq(physdev(PHYSDEVOP_unmap_pirq), 0); /* still bound: stops all the same */
	ck_assert_uint_eq(get(&config[1][0x50], 4), 1);
	put(1, 0x42, 2, 0);					/* 32 bits, no mask */
	memset(&config[1][0x44], 0, 16);
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI, -1, 4 << 3, 0, 0), pirq);
	ck_assert_uint_ne(get(&config[1][0x48], 2), 0);
	ck_assert_uint_eq(get(&config[1][0x4c], 4), 0);
	ck_assert_uint_eq(get(&config[1][0x50], 4), 0);
}
END_TEST

/* We use the ports: dom0's address register is a latch that our accesses do not disturb. */
START_TEST(config_window)
{
	uint32_t v = 0x80000000 | 3 << 11 | 0x54;
	ck_assert_int_eq(irq_owns_config_ports(), by_ports);
	if (!by_ports) {
		ck_assert(!irq_port_access(0xcf8, 4, true, &v));
		ck_assert(pv_port_allowed(dom0_.d, 0xcf8, 4));	/* dom0's alone: we do without */
		ck_assert(pv_port_allowed(dom0_.d, 0xcfc, 4));
		return;
	}
	ck_assert(irq_port_access(0xcf8, 4, true, &v));
	ck_assert_int_ge(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 4 << 3, 0, 0), PINS);
	v = 0;
	ck_assert(irq_port_access(0xcf8, 4, false, &v));
	ck_assert_uint_eq(v, 0x80000000 | 3 << 11 | 0x54);
	ck_assert(irq_port_access(0xcfc, 4, false, &v));
	ck_assert_uint_eq(v, 0x801);
	ck_assert(irq_port_access(0xcfd, 1, false, &v));
	ck_assert_uint_eq(v, 8);
	ck_assert(!irq_port_access(0xcff, 4, false, &v));
	ck_assert(!irq_port_access(0xcf7, 1, false, &v));
	ck_assert(!pv_port_allowed(dom0_.d, 0xcf8, 4));
}
END_TEST

START_TEST(ports)
{
	ck_assert(pv_port_allowed(dom0_.d, 0x70, 1));
	ck_assert(!pv_port_allowed(dom0_.d, 0x20, 1));
	ck_assert(!pv_port_allowed(dom0_.d, 0x1f, 2));
	ck_assert(!pv_port_allowed(dom0_.d, 0xa1, 1));
	ck_assert(pv_port_allowed(dom0_.d, 0x22, 1));
	ck_assert(pv_port_allowed(dom0_.d, 0xfffc, 4));
	ck_assert(!pv_port_allowed(dom0_.d, 0xfffd, 4));
	ck_assert(!pv_port_allowed(dom0_.d, 0x10000, 1));
	struct domain other = { .id = 1 };
	ck_assert(!pv_port_allowed(&other, 0x70, 1));
	/* A range that begins like another is one of its own; the same again is none, or there would be no room. */
	for (unsigned i = 0; i < 100; i++)
		pv_port_reserve(0x20, 0x2f);
	ck_assert(!pv_port_allowed(dom0_.d, 0x22, 1));
	ck_assert(pv_port_allowed(dom0_.d, 0x30, 1));
}
END_TEST

/* An unprivileged domain: every operation of physdev_op is refused or harmless. */
START_TEST(others_refused)
{
	static struct guest guest;
	world_guest(&guest, 1, false, 1);
	world_run(&guest);
	for (unsigned cmd = 8; cmd < 40; cmd++)
		ck_assert_int_eq(call(guest.v, __HYPERVISOR_physdev_op, cmd, va(1, 0)), -EPERM);
	*(struct evtchn_bind_pirq *)at(&guest, 1, 0) = (struct evtchn_bind_pirq){ .pirq = 1 };
	ck_assert_int_eq(
		call(guest.v, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, va(1, 0)), -EPERM);
}
END_TEST

/* dom0 can run out of vectors or numbers, not us. */
START_TEST(exhaustion)
{
	unsigned mapped = 0;
	put(0, 0x52, 2, 0x7ff);
	for (int i = 0; i < 300; i++)
		if (map(MAP_PIRQ_TYPE_MSI_SEG, -1, 4 << 3, 0, 0) >= 0)
			mapped++;
	ck_assert_uint_eq(mapped, 1);
	struct physdev_get_free_pirq *f = at(&dom0_, 1, 0);
	for (int64_t rc = 0; rc == 0; mapped++) {
		*f = (struct physdev_get_free_pirq){ .type = MAP_PIRQ_TYPE_MSI };
		rc = physdev(PHYSDEVOP_get_free_pirq);
	}
	ck_assert_uint_eq(mapped, 129);		/* the 128th failed attempt counted too */
	ck_assert_int_eq(map(MAP_PIRQ_TYPE_MSI_SEG, -1, 3 << 3, 0, BAR), -ENOSPC);
}
END_TEST

int main(void)
{
	int rc = check_run("irq", CHECK_CASE(setup, NULL, level_line, edge_line, claimed_line, eoi_bitmap, msix,
					     msix_refused, msi, config_window, ports, others_refused, exhaustion));
	by_ports = true;
	return rc | check_run("irq by ports", CHECK_CASE(setup, NULL, msix, msi, msix_refused, config_window));
}
