/* dom0: the domain that drives the hardware and has all rights; and which boot module is what.
 *
 * Multiboot order: kernel, initrd; modules whose string begins with `domain` are domains of
 * their own (module_domain.c). Neighbours: dom0_size.c (memory), domain_build.c. */
#include "hv/base/string.h"
#include "hv/boot/dom0.h"
#include "hv/boot/module_spec.h"
#include "hv/core/panic.h"
#include "hv/dom/sched.h"
#include "hv/mem/frame.h"

void boot_plan_make(const struct boot_info *info, struct boot_plan *p)
{
	for (unsigned i = 0; i < info->module_count; i++) {
		const struct boot_module *m = &info->module[i];
		if (module_is_domain(m->text))
			p->domain[p->domain_count++] = m;
		else if (!p->dom0)
			p->dom0 = m;
		else if (!p->initrd)
			p->initrd = m;
		else
			log_warn("boot module %u (%.40s) is not used", i, m->text);
	}
}

/* The screen dom0 inherits: a linear framebuffer, or nothing (it then assumes 80x25 text). */
static bool video_describe(const struct boot_video *v, struct dom0_vga_console_info *out)
{
	if (v->width == 0 || v->width > 0xffff || v->height > 0xffff || v->pitch > 0xffff)
		return false;
	*out = (struct dom0_vga_console_info){ .video_type = XEN_VGATYPE_VESA_LFB };
	out->u.vesa_lfb.width = (uint16_t)v->width;
	out->u.vesa_lfb.height = (uint16_t)v->height;
	out->u.vesa_lfb.bytes_per_line = (uint16_t)v->pitch;
	out->u.vesa_lfb.bits_per_pixel = v->bits_per_pixel;
	out->u.vesa_lfb.lfb_base = (uint32_t)v->base;
	out->u.vesa_lfb.ext_lfb_base = (uint32_t)(v->base >> 32);
	out->u.vesa_lfb.lfb_size =
		(uint32_t)(align_up((uint64_t)v->pitch * v->height, 0x10000) >> 16);
	out->u.vesa_lfb.red_pos = v->red_pos;
	out->u.vesa_lfb.red_size = v->red_size;
	out->u.vesa_lfb.green_pos = v->green_pos;
	out->u.vesa_lfb.green_size = v->green_size;
	out->u.vesa_lfb.blue_pos = v->blue_pos;
	out->u.vesa_lfb.blue_size = v->blue_size;
	return true;
}

static unsigned vcpus_choose(const struct boot_options *o)
{
	unsigned n = o->dom0_max_vcpus ? o->dom0_max_vcpus : cpu_count();
	if (n > MAX_VCPUS)
		log_warn("dom0 gets %u vCPUs, not %u: that is the most a domain can have",
			MAX_VCPUS, n);
	return n > MAX_VCPUS ? MAX_VCPUS : n;
}

static void vcpus_pin(struct domain *d)
{
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		cpumask_t one = 1ull << (i % cpu_count());
		if (sched_affinity_set(d->vcpu[i], one, one) < 0)
			log_warn("dom0: vCPU %u cannot be pinned", i);
	}
}

struct domain *dom0_create(const struct boot_plan *p, const struct boot_info *info,
	const struct boot_options *o, const void *initrd, uint64_t total_bytes)
{
	struct dom0_vga_console_info video;
	struct domain_config config = {
		.max_vcpus = vcpus_choose(o), .is_control = true};
	struct boot_domain b = {.kernel = &p->dom0_kernel,
		.initrd = initrd,
		.initrd_size = p->initrd ? p->initrd->size : 0,
		.start_flags = SIF_PRIVILEGED | SIF_INITDOMAIN,
		.command_line = boot_text_skip_name(p->dom0->text, NULL),
		.video = video_describe(&info->video, &video) ? &video : NULL};
	struct domain *d;

	if (domain_create(0, &config, &d) < 0 || boot_domain_add_vcpus(d) < 0)
		give_up("dom0: not enough memory for its vCPUs");
	dom0_memory_choose(
		o, total_bytes, frame_free_count() << PAGE_SHIFT, &b.pages, &b.max_pages);
	log_info("dom0: %u vCPUs, %lu MiB, command line \"%s\"", config.max_vcpus, b.pages >> 8,
		b.command_line);
	const char *why = boot_domain_build(d, &b);
	if (why)
		give_up("dom0: %s", why);
	if (o->dom0_vcpus_pin)
		vcpus_pin(d);
	return d;
}
