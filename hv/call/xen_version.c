/* xen_version: who we say we are. Tools and kernels parse these texts, so they keep the forms of
 * the version whose interface we speak; the extra version names us.
 * Sub-operation 0 with no argument is what guests use as "check my events now": it does nothing
 * here, the way back to the guest delivers.
 * Each answer is built in a zeroed object of the ABI's size and written in one piece. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/call/call.h"
#include "hv/mem/guest_copy.h"
#include "hv/mem/machine_map.h"
#include "protocol/version.h"

#define VERSION_MAJOR	4
#define VERSION_MINOR	17

/* Written over when hv.elf is made (Makefile). */
char hv_commit[24] __attribute__((section(".commit"))) = "unknown";

static int text_write(gva_t to, const char *text, size_t size)
{
	char buf[128] = { 0 };		/* every text of ours is shorter; the rest is zero */
	string_copy(buf, text, sizeof buf < size ? sizeof buf : size);
	for (size_t at = 0; at < size; at += sizeof buf) {
		size_t n = size - at < sizeof buf ? size - at : sizeof buf;
		if (guest_write(gva_add(to, at), buf, n))
			return -EFAULT;
		memset(buf, 0, sizeof buf);
	}
	return 0;
}

static int compile_info_write(gva_t to)
{
	struct xen_compile_info info = { .compiler = __VERSION__ };
	string_copy(info.compile_by, "bothy", sizeof info.compile_by);
	string_copy(info.compile_domain, "bothy", sizeof info.compile_domain);
	/* No build date: two builds are equal byte for byte. */
	return guest_write(to, &info, sizeof info);
}

static int features_write(const struct domain *d, gva_t to)
{
	struct xen_feature_info info;
	if (guest_read(&info, to, sizeof info))
		return -EFAULT;
	if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
		return -EINVAL;
	info.submap = 1u << XENFEAT_mmu_pt_update_preserve_ad |
		      1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_pae_pgdir_above_4gb |
		      1u << XENFEAT_not_direct_mapped;
	if (d->is_control)
		info.submap |= 1u << XENFEAT_dom0 | 1u << XENFEAT_linux_rsdp_unrestricted;
	return guest_write(to, &info, sizeof info);
}

static int platform_parameters_write(gva_t to)
{
	struct xen_platform_parameters p = { .virt_start = HV_VIRT_START };
	return guest_write(to, &p, sizeof p);
}

int64_t call_xen_version(struct call *c)
{
	const struct domain *d = c->vcpu->domain;
	gva_t arg = gva(c->arg[1]);

	switch ((unsigned)c->arg[0]) {
	case XENVER_version:
		return VERSION_MAJOR << 16 | VERSION_MINOR;
	case XENVER_extraversion:
		return text_write(arg, ".0-bothy", sizeof(xen_extraversion_t));
	case XENVER_compile_info:
		return compile_info_write(arg);
	case XENVER_capabilities:
		return text_write(arg, "xen-3.0-x86_64 ", sizeof(xen_capabilities_info_t));
	case XENVER_changeset:
		return text_write(arg, hv_commit, sizeof(xen_changeset_info_t));
	case XENVER_platform_parameters:
		return platform_parameters_write(arg);
	case XENVER_get_features:
		return features_write(d, arg);
	case XENVER_pagesize:
		return PAGE_SIZE;
	case XENVER_guest_handle:
		return guest_write(arg, d->uuid, sizeof d->uuid);
	case XENVER_commandline:
		if (!d->is_control)
			return -EPERM;
		return guest_write(arg, machine.command_line, sizeof(xen_commandline_t));
	default:
		return -ENOSYS;	/* build_id among them: there is none */
	}
}
