/* physdev_op: dom0's kernel learns, maps and releases interrupt lines.
 *
 * The order it uses for a GSI: map_pirq, alloc_irq_vector, irq_status_query, setup_gsi, then
 * EVTCHNOP_bind_pirq. Legacy lines are mapped whether or not anybody uses them, also those we
 * own: mapping always succeeds, binding is refused.
 * For messages: map_pirq chooses a number and writes the message, masked; binding unmasks.
 * Several messages for one MSI device are refused, drivers then ask for one.
 * What concerns devices only by name (device_add and the like) is accepted and not recorded:
 * there is no IOMMU to program. */
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/irq/line.h"
#include "hv/mem/guest_copy.h"
#include "protocol/physdev.h"

static int gsi_map(struct physdev_map_pirq *a)
{
	if (a->index < 0 || (a->pirq >= 0 && a->pirq != a->index))
		return -EINVAL;
	struct irq_line *l = irq_line_of((uint32_t)a->index);
	if (!l || l->kind != LINE_GSI)
		return -EINVAL;
	l->is_mapped = true;
	a->pirq = a->index;
	return 0;
}

/* A free MSI line, or the one dom0 names and has reserved. */
static struct irq_line *msi_line_find(int32_t wanted)
{
	if (wanted >= 0) {
		struct irq_line *l = irq_line_of((uint32_t)wanted);
		return l && l->is_reserved && !l->is_mapped ? l : NULL;
	}
	for (uint32_t i = IRQ_GSIS; i < IRQ_LINES; i++)
		if (irq_line[i].kind == LINE_NONE && !irq_line[i].is_reserved)
			return &irq_line[i];
	return NULL;
}

static void msi_release(struct irq_line *l)
{
	irq_line_unbind(l);
	irq_vector_free(l);
	*l = (struct irq_line){ .kind = LINE_NONE };
}

static bool same_message(
	const struct irq_line *l, struct pci_address a, enum line_kind kind, int entry)
{
	return l->kind == kind && l->pci.bus == a.bus && l->pci.devfn == a.devfn &&
	       l->entry == entry;
}

static int msi_map(struct physdev_map_pirq *a)
{
	uint32_t bus = (uint32_t)a->bus;
	struct pci_address at = { (uint8_t)bus, (uint8_t)a->devfn };
	bool is_msix = a->table_base != 0;

	if (bus > 0xff || (uint32_t)a->devfn > 0xff || a->entry_nr < 0)
		return a->type == MAP_PIRQ_TYPE_MSI_SEG && bus > 0xff ? -ENODEV : -EINVAL;
	int entry = is_msix ? a->entry_nr : 0;
	for (uint32_t i = IRQ_GSIS; i < IRQ_LINES; i++)
		if (same_message(&irq_line[i], at, is_msix ? LINE_MSIX : LINE_MSI, entry))
			return -EEXIST;
	struct irq_line *l = msi_line_find(a->pirq);
	if (!l)
		return a->pirq >= 0 ? -EINVAL : -ENOSPC;
	int rc = irq_vector_alloc(l);
	if (rc)
		return rc;
	rc = msi_attach(l, at, is_msix, (unsigned)entry, maddr(a->table_base));
	if (rc) {
		irq_vector_free(l);
		return rc;
	}
	l->is_mapped = l->is_masked = true;
	irq_line_program(l);
	a->pirq = (int32_t)irq_line_pirq(l);
	return 0;
}

static int map_pirq(struct vcpu *v, gva_t arg)
{
	struct physdev_map_pirq a;
	int rc;

	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	if (a.domid != DOMID_SELF && a.domid != v->domain->id)
		return -EPERM;		/* no other domain drives hardware */
	lock(&irq_lock);
	switch (a.type) {
	case MAP_PIRQ_TYPE_GSI:
		rc = gsi_map(&a);
		break;
	case MAP_PIRQ_TYPE_MSI:
	case MAP_PIRQ_TYPE_MSI_SEG:
		rc = msi_map(&a);
		break;
	case MAP_PIRQ_TYPE_MULTI_MSI:
		rc = -EOPNOTSUPP;
		break;
	default:
		rc = -EINVAL;
	}
	unlock(&irq_lock);
	if (rc)
		return rc;
	return guest_write(
		gva_add(arg, offsetof(struct physdev_map_pirq, pirq)), &a.pirq, sizeof a.pirq);
}

static int unmap_pirq(struct vcpu *v, gva_t arg)
{
	struct physdev_unmap_pirq a;

	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	if (a.domid != DOMID_SELF && a.domid != v->domain->id)
		return -EPERM;
	lock(&irq_lock);
	struct irq_line *l = a.pirq >= 0 ? irq_line_of((uint32_t)a.pirq) : NULL;
	int rc = l && l->is_mapped ? 0 : -EINVAL;
	if (!rc && l->kind == LINE_GSI) {
		if (l->port)
			irq_line_unbind(l);
		l->is_mapped = false;
	} else if (!rc) {
		msi_release(l);
	}
	unlock(&irq_lock);
	return rc;
}

static int alloc_vector(gva_t arg)
{
	struct physdev_irq a;

	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	lock(&irq_lock);
	struct irq_line *l = a.irq < IRQ_GSIS ? irq_line_of(a.irq) : NULL;
	int rc = l ? irq_vector_alloc(l) : -EINVAL;
	a.vector = rc ? 0 : l->vector;
	unlock(&irq_lock);
	return rc ? rc : guest_write(arg, &a, sizeof a);
}

static int setup_gsi(gva_t arg)
{
	struct physdev_setup_gsi a;

	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	if (a.triggering > 1 || a.polarity > 1)
		return -EINVAL;
	lock(&irq_lock);
	struct irq_line *l =
		a.gsi >= 0 && (uint32_t)a.gsi < IRQ_GSIS ? irq_line_of((uint32_t)a.gsi) : NULL;
	int rc = !l ? -EINVAL : l->is_set_up || l->port ? -EEXIST : 0;
	if (!rc) {
		l->is_set_up = true;
		l->level = a.triggering;
		l->active_low = a.polarity;
	}
	unlock(&irq_lock);
	return rc;
}

static int status_query(gva_t arg)
{
	struct physdev_irq_status_query a;

	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	lock(&irq_lock);
	const struct irq_line *l = irq_line_of(a.irq);
	if (l)
		a.flags = (l->kind == LINE_GSI && l->level ? XENIRQSTAT_needs_eoi : 0) |
			  (l->is_shared ? XENIRQSTAT_shared : 0);
	unlock(&irq_lock);
	return l ? guest_write(arg, &a, sizeof a) : -EINVAL;
}

static int64_t eoi(struct vcpu *v, gva_t arg)
{
	struct physdev_eoi a;
	return guest_read(&a, arg, sizeof a) ? -EFAULT : irq_eoi(v->domain, a.irq);
}

static int eoi_page(struct vcpu *v, gva_t arg, bool unmasks)
{
	struct physdev_pirq_eoi_gmfn a;
	return guest_read(&a, arg, sizeof a) ? -EFAULT
					     : irq_eoi_page_set(v->domain, mfn(a.gmfn), unmasks);
}

static int apic_read(gva_t arg)
{
	struct physdev_apic a;

	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	lock(&irq_lock);
	int rc = ioapic_read(maddr(a.apic_physbase), a.reg, &a.value);
	unlock(&irq_lock);
	return rc ? rc
		  : guest_write(gva_add(arg, offsetof(struct physdev_apic, value)), &a.value,
			    sizeof a.value);
}

static int free_pirq(gva_t arg)
{
	struct physdev_get_free_pirq a;

	if (guest_read(&a, arg, sizeof a))
		return -EFAULT;
	lock(&irq_lock);
	struct irq_line *l = msi_line_find(-1);
	if (l) {
		l->is_reserved = true;
		a.pirq = irq_line_pirq(l);
	}
	unlock(&irq_lock);
	return l ? guest_write(arg, &a, sizeof a) : -ENOSPC;
}

/* After a reset or resume of a device: write its messages again. */
static int restore_messages(uint16_t seg, struct pci_address at)
{
	int rc = -ESRCH;

	lock(&irq_lock);
	for (uint32_t i = IRQ_GSIS; i < IRQ_LINES && seg == 0; i++) {
		struct irq_line *l = &irq_line[i];
		if (l->kind == LINE_NONE || l->pci.bus != at.bus || l->pci.devfn != at.devfn)
			continue;
		msi_write(l);
		rc = 0;
	}
	unlock(&irq_lock);
	return rc;
}

static int restore_msi(gva_t arg, bool has_segment)
{
	struct physdev_pci_device d = { 0 };
	struct physdev_restore_msi old = { 0 };

	if (has_segment ? guest_read(&d, arg, sizeof d) : guest_read(&old, arg, sizeof old))
		return -EFAULT;
	struct pci_address at = { old.bus, old.devfn };
	if (has_segment)
		at = (struct pci_address){ d.bus, d.devfn };
	return restore_messages(d.seg, at);
}

int64_t irq_physdev_op(struct vcpu *v, unsigned cmd, gva_t arg)
{
	if (!v->domain->is_control)
		return -EPERM;
	preempt_count(IRQ_LINES);	/* most look at all of them, or half */
	switch (cmd) {
	case PHYSDEVOP_irq_status_query:
		return status_query(arg);
	case PHYSDEVOP_apic_read:
		return apic_read(arg);
	case PHYSDEVOP_alloc_irq_vector:
		return alloc_vector(arg);
	case PHYSDEVOP_eoi:
		return eoi(v, arg);
	case PHYSDEVOP_map_pirq:
		return map_pirq(v, arg);
	case PHYSDEVOP_unmap_pirq:
		return unmap_pirq(v, arg);
	case PHYSDEVOP_pirq_eoi_gmfn_v1:
	case PHYSDEVOP_pirq_eoi_gmfn_v2:
		return eoi_page(v, arg, cmd == PHYSDEVOP_pirq_eoi_gmfn_v1);
	case PHYSDEVOP_restore_msi:
	case PHYSDEVOP_restore_msi_ext:
		return restore_msi(arg, cmd == PHYSDEVOP_restore_msi_ext);
	case PHYSDEVOP_setup_gsi:
		return setup_gsi(arg);
	case PHYSDEVOP_get_free_pirq:
		return free_pirq(arg);
	case PHYSDEVOP_manage_pci_add:
	case PHYSDEVOP_manage_pci_remove:
	case PHYSDEVOP_manage_pci_add_ext:
	case PHYSDEVOP_pci_mmcfg_reserved:
	case PHYSDEVOP_pci_device_add:
	case PHYSDEVOP_pci_device_remove:
	case PHYSDEVOP_prepare_msix:
	case PHYSDEVOP_release_msix:
		return 0;
	default:
		return -ENOSYS;
	}
}
