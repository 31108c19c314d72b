/* Operations of the control domain in the hands of others: XSA-46, XSA-87, XSA-127.
 *
 * A hypervisor of this kind has some two hundred operations, and a part of them are for the domain
 * that runs the machine. Whoever adds one has to remember the check, and to put it before
 * everything else. XSA-87 is the plain case: two operations on interrupts of PCI devices were added
 * to a list of harmless ones, and any guest could break any device. XSA-46 had checks, of the wrong
 * thing: a domain with control over another passed on a right that it did not have. In XSA-127 the
 * check was there and the operation could keep the machine busy for good. Late checks tell tales:
 * an answer that depends on whether a domain exists says whether it exists, and a reference taken
 * before the check and not returned after it keeps the domain from ever going.
 *
 * Here the right to call stands in the table of hypercalls, beside the number
 * (hv/call/hypercalls.def), and call_run() looks at it before the handler sees an argument;
 * operations on a domain by number go through call_target(), which asks for the right before it
 * looks for the domain. Device memory and ports are a control domain's alone (device_entry() in
 * hv/mem/table_entry.c, pv_port_allowed()), and even for it another domain's page tables hold only
 * that domain's frames (pv_mmu_update()): its rights do not become a guest's.
 *
 * The tests go through every number there is, with arguments that cannot be read: an answer other
 * than "not permitted" or "no such thing" shows that somebody looked.
 * Catches: control-device-memory-for-all, control-domctl-for-all, control-foreign-for-all,
 * control-interrupt-controller, control-others-tables-own-rights, control-ports-for-all,
 * control-target-for-all, blind/46, 47. */
#include "protocol/domctl.h"
#include "protocol/event_channel.h"
#include "protocol/grant_table.h"
#include "protocol/memory.h"
#include "protocol/physdev.h"
#include "protocol/platform.h"
#include "protocol/sched.h"
#include "protocol/sysctl.h"
#include "tests/unit/check_main.h"
#include "tests/bugs/attack.h"

#define NOWHERE va(200, 0)	/* not mapped */
#define DEVICE 0xfed00u		/* a frame of device memory */

/* XSA-87: every control operation by its number; the argument is not touched. */
START_TEST(every_number)
{
	for (unsigned cmd = 0; cmd < 100; cmd++) {
		struct xen_domctl op = { .cmd = cmd, .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
					 .domain = victim.d->id };
		REFUSED(call(mallory.v, __HYPERVISOR_domctl, NOWHERE), EPERM);
		REFUSED(call(mallory.v, __HYPERVISOR_sysctl, NOWHERE), EPERM);
		REFUSED(call(mallory.v, __HYPERVISOR_platform_op, NOWHERE), EPERM);
		memcpy(at(&mallory, ARGS, 0), &op, sizeof op);
		REFUSED(call(mallory.v, __HYPERVISOR_domctl, va(ARGS, 0)), EPERM);
		((struct xen_sysctl *)at(&mallory, ARGS, 0))->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
		REFUSED(call(mallory.v, __HYPERVISOR_sysctl, va(ARGS, 0)), EPERM);
		if (cmd != PHYSDEVOP_set_iopl && cmd != PHYSDEVOP_set_iobitmap)	/* about herself */
			REFUSED(call(mallory.v, __HYPERVISOR_physdev_op, cmd, NOWHERE), EPERM);
		REFUSED(call(mallory.v, __HYPERVISOR_update_va_mapping_otherdomain, va(3, 0), 0, 0, cmd), EPERM);
	}
}
END_TEST

/* By number of the domain, for domains that are there and others that are not: one answer. */
START_TEST(other_domains_by_number)
{
	const domid_t who[] = { 0, victim.d->id, 77, DOMID_IO, DOMID_FIRST_RESERVED - 1 };
	uint32_t refs = victim.d->refs;
	for (unsigned i = 0; i < ARRAY_COUNT(who); i++) {
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = who[i] };
		memcpy(at(&mallory, ARGS, 0), &r, sizeof r);
		for (unsigned cmd = 0; cmd < 64; cmd++)
			if (cmd == XENMEM_populate_physmap || cmd == XENMEM_decrease_reservation ||
			    cmd == XENMEM_increase_reservation || cmd == XENMEM_claim_pages)
				REFUSED(call(mallory.v, __HYPERVISOR_memory_op, cmd, va(ARGS, 0)), EPERM);
		*(domid_t *)at(&mallory, ARGS, 0) = who[i];
		REFUSED(call(mallory.v, __HYPERVISOR_memory_op, XENMEM_maximum_reservation, va(ARGS, 0)), EPERM);
		REFUSED(update_for(&mallory, slot(mallory.l1, 60), pte(mallory.page[3], 0), who[i]), EPERM);
		REFUSED(update_for(&mallory, slot(victim.l1, 60), 0, (who[i] + 1u) << 16 | who[i]), EPERM);
		struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = victim.l4.n };
		memcpy(at(&mallory, ARGS, 0), &op, sizeof op);
		REFUSED(call(mallory.v, __HYPERVISOR_mmuext_op, va(ARGS, 0), 1, 0, who[i]), EPERM);
		struct sched_remote_shutdown s = { .domain_id = who[i], .reason = SHUTDOWN_poweroff };
		memcpy(at(&mallory, ARGS, 0), &s, sizeof s);
		REFUSED(call(mallory.v, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, va(ARGS, 0)), EPERM);
		struct evtchn_status e = { .dom = who[i], .port = 1 };
		memcpy(at(&mallory, ARGS, 0), &e, sizeof e);
		REFUSED(call(mallory.v, __HYPERVISOR_event_channel_op, EVTCHNOP_status, va(ARGS, 0)), EPERM);
	}
	ck_assert_uint_eq(victim.d->refs, refs);
	ck_assert(!victim.d->is_shut_down);
}
END_TEST

/* The machine itself: its devices' memory and its ports, by every way to name them. */
START_TEST(devices)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		uint64_t entry = pte(mfn(DEVICE), flags ? PTE_WRITE | PTE_PCD : 0);
		REFUSED(update(&mallory, slot(mallory.l1, 60), entry), EPERM);
		REFUSED(update_for(&mallory, slot(mallory.l1, 60), entry, DOMID_IO), EPERM);
		REFUSED(update_va(&mallory, va(60, 0), entry, 0), EPERM);
		ck_assert(!store_trapped(&mallory, va(100, 8 * 60), entry));
		*(uint64_t *)at(&mallory, 3, 0) = entry;
	}
	ck_assert_int_eq(pin(&mallory, unmapped(&mallory, 3), 1), -EINVAL);
	struct physdev_set_iopl *iopl = at(&mallory, ARGS, 0);
	iopl->iopl = 3;
	WORKS(call(mallory.v, __HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, va(ARGS, 0)));
	for (uint32_t port = 0; port < 0x10000; port++)
		for (unsigned size = 1; size <= 4; size *= 2)
			ck_assert(!pv_port_allowed(mallory.d, port, size));
	REFUSED(call(mallory.v, __HYPERVISOR_console_io, CONSOLEIO_read, 16, NOWHERE), EPERM);
	REFUSED(call(mallory.v, __HYPERVISOR_console_io, CONSOLEIO_write, 16, NOWHERE), EPERM);
}
END_TEST

/* XSA-46: what the control domain may, it may not pass on; and some things not even it may. */
START_TEST(rights_that_stay)
{
	uint32_t both = (victim.d->id + 1u) << 16;
	world_run(&dom0_guest);
	/* An entry of the victim's table, made by dom0: no frame of dom0, no device. */
	REFUSED(update_for(&dom0_guest, slot(victim.l1, 60), pte(dom0_guest.page[3], 0), both | DOMID_SELF), EPERM);
	REFUSED(update_for(&dom0_guest, slot(victim.l1, 60), pte(dom0_guest.page[3], 0), both), EPERM);
	REFUSED(update_for(&dom0_guest, slot(victim.l1, 60), pte(mallory.page[3], 0), both | mallory.d->id), EPERM);
	REFUSED(update_for(&dom0_guest, slot(victim.l1, 60), pte(mfn(DEVICE), 0), both | DOMID_SELF), EPERM);
	WORKS(update_for(&dom0_guest, slot(victim.l1, 60), pte(victim.page[3], 0), both | victim.d->id));
	/* A page of an interrupt controller can be looked at. */
	WORKS(table_protect_mmio(mfn(DEVICE)));
	WORKS(update(&dom0_guest, slot(dom0_guest.l1, 61), pte(mfn(DEVICE), PTE_WRITE)));
	ck_assert_uint_eq(peek(dom0_guest.l1, 61) & PTE_WRITE, 0);
	(void)update(&dom0_guest, slot(dom0_guest.l1, 61), peek(dom0_guest.l1, 61) | PTE_WRITE);
	ck_assert_uint_eq(peek(dom0_guest.l1, 61) & PTE_WRITE, 0);
}
END_TEST

/* All of it once more as a question of what stays: the victim, asked about so often, dies and is gone. */
START_TEST(nobody_is_kept)
{
	domid_t id = victim.d->id;
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_int_eq(update_for(&mallory, slot(mallory.l1, 60), pte(victim.page[1], 0), id), -EPERM);
		struct xen_memory_reservation r = { .nr_extents = 1, .domid = id };
		memcpy(at(&mallory, ARGS, 0), &r, sizeof r);
		ck_assert_int_eq(call(mallory.v, __HYPERVISOR_memory_op, XENMEM_populate_physmap, va(ARGS, 0)), -EPERM);
	}
	destroy(&victim);
	ck_assert_ptr_null(domain_find(id));
}
END_TEST

CHECK_MAIN("control_operations", scene_set, NULL, every_number, other_domains_by_number,
	   devices, rights_that_stay, nobody_is_kept)
