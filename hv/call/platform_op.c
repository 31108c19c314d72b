/* platform_op: what dom0's kernel does to the machine through us.
 *
 * dom0's ACPI code prepares everything for soft-off, hands us the values of the sleep registers
 * and does not write them itself: we note them and power off, since nothing else follows.
 * Firmware calls, microcode, frequency control and processor hot-plug answer -ENOSYS, which dom0's
 * kernel takes as "not here". */
#include "hv/base/errno.h"
#include "hv/call/call.h"
#include "hv/dom/time.h"
#include "hv/mem/guest_copy.h"
#include "hv/mem/machine_map.h"
#include "protocol/platform.h"
#include "protocol/sched.h"

#define ACPI_STATE_SOFT_OFF 5u

static int settime(uint64_t sec, uint32_t nsec, uint64_t system_ns)
{
	if (nsec >= 1000000000u)
		return -EINVAL;
	time_set_wallclock(sec, nsec, system_ns);
	return 0;
}

static int firmware_info(struct xenpf_firmware_info *f)
{
	switch (f->type) {
	case XEN_FW_DISK_INFO:
	case XEN_FW_DISK_MBR_SIGNATURE:
	case XEN_FW_VBEDDC_INFO:
		return -ESRCH;		/* the end of the list at once */
	case XEN_FW_KBD_SHIFT_FLAGS:
		f->u.kbd_shift_flags = 0;
		return 0;
	case XEN_FW_EFI_INFO:
		return -ENOSYS;		/* not started by EFI */
	default:
		return -EINVAL;
	}
}

static int enter_sleep(const struct xenpf_enter_acpi_sleep *s)
{
	if (s->sleep_state != ACPI_STATE_SOFT_OFF ||
		(s->flags & ~(uint32_t)XENPF_ACPI_SLEEP_EXTENDED))
		return -EOPNOTSUPP;
	if (!(s->flags & XENPF_ACPI_SLEEP_EXTENDED)) {
		machine.sleep_a = s->val_a;
		machine.sleep_b = s->val_b;
	}
	domain_shutdown(dom0, SHUTDOWN_poweroff);
	return 0;
}

/* Absent processors are an answer, not an error. */
static int cpu_info(struct xenpf_pcpuinfo *p)
{
	uint32_t cpu = p->xen_cpuid;
	p->max_present = cpu_count() - 1;
	p->flags = XEN_PCPU_FLAGS_INVALID;
	p->apic_id = p->acpi_id = ~0u;
	if (cpu < cpu_count()) {
		p->flags = XEN_PCPU_FLAGS_ONLINE;
		p->apic_id = cpu_apic_id(cpu);
		p->acpi_id = cpu;	/* firmware numbers its processors in our order */
	}
	return 0;
}

static int platform_op(struct xen_platform_op *op, bool *reply)
{
	*reply = false;
	switch (op->cmd) {
	case XENPF_settime32:
		return settime(
			op->u.settime32.secs, op->u.settime32.nsecs, op->u.settime32.system_time);
	case XENPF_settime64:
		if (op->u.settime64.mbz)
			return -EINVAL;
		return settime(
			op->u.settime64.secs, op->u.settime64.nsecs, op->u.settime64.system_time);
	case XENPF_read_memtype:
		return -EINVAL;		/* no such register: dom0 sees no MTRRs */
	case XENPF_firmware_info:
		*reply = true;
		return firmware_info(&op->u.firmware_info);
	case XENPF_enter_acpi_sleep:
		return enter_sleep(&op->u.enter_acpi_sleep);
	case XENPF_get_cpuinfo:
		*reply = true;
		return cpu_info(&op->u.pcpu_info);
	default:
		return -ENOSYS;
	}
}

int64_t call_platform_op(struct call *c)
{
	struct xen_platform_op op;
	bool reply;

	if (guest_read(&op, gva(c->arg[0]), sizeof op))
		return -EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	int rc = platform_op(&op, &reply);
	if (!rc && reply)
		rc = guest_write(gva(c->arg[0]), &op, sizeof op);
	return rc;
}
