/* Building a PV guest with hypercalls.
 *
 * Order, and why: limits before memory, since memory counts against them; ports before start_info, which
 * names them; every mapping of ours gone before the page tables are pinned; the vCPU last, since its
 * context takes a reference on the pinned L4.
 * Rules: a failure is reported as "step: errno" and leaves undoing to the caller, who destroys the domain:
 * there is no other cleanup than that, on purpose.
 * Neighbours: lib/pvbuild computes the contents, guest_memory.c reaches the frames, create.c calls us.
 */
#include "toolstack/domain/guest_build.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/memctl.h"
#include "toolstack/domain/guest_memory.h"

enum {
	PAGES_PER_MIB = 256,
	KIB_PER_MIB = 1024,
	SLACK_KIB = 1024, /* above the configured size, for pages the guest's kernel asks for */
	EVTCHN_PORT_MAX = 1023,
	GRANT_FRAMES_MAX = 64,
	TSC_MODE_DEFAULT = 0,
	E820_RAM = 1,
};

struct build {
	struct privcmd *hv;
	uint16_t domid;
	const struct guest_cfg *guest;
	const struct guest_image *files;
	struct pv_image_info image;
	struct pv_layout layout;
	struct guest_memory memory;
	struct guest_rings rings;
	uint64_t shared_info_mfn;
	struct why *why;
};

static int step_failed(struct why *why, int rc, const char *step)
{
	why_set(why, rc, "%s: %s", step, strerror(-rc));
	if (rc == -ENOMEM)
		why_hint(why, "bothy info shows free_memory");
	return rc;
}

/* What the image and the memory size make of each other. */
static int plan(const struct guest_image *i, const struct guest_cfg *g, struct pv_image_info *info,
	struct pv_layout *layout, struct why *why)
{
	struct pv_layout_request request = {.image = info,
		.nr_pages = g->memory_mib * PAGES_PER_MIB,
		.initrd_size = i->ramdisk.size,
		.has_rings = true};
	const char *wrong = pv_image_parse(i->kernel.bytes, i->kernel.size, info);
	uint64_t min_pages;

	if (wrong) {
		why_set(why, -ENOEXEC, "%s", wrong);
		why_where(why, "kernel %s", g->kernel);
		return -ENOEXEC;
	}
	wrong = pv_layout_make(&request, layout);
	if (!wrong)
		return 0;
	min_pages = pv_layout_min_pages(&request);
	why_set(why, -EINVAL, "%llu MiB: %s", (unsigned long long)g->memory_mib, wrong);
	why_where(why, "memory");
	if (min_pages)
		why_hint(why, "%s alone take%s %llu MiB: set memory = %llu or more",
			i->ramdisk.size ? "kernel and ramdisk" : "the kernel",
			i->ramdisk.size ? "" : "s",
			(unsigned long long)(min_pages / PAGES_PER_MIB + 1),
			(unsigned long long)(min_pages / PAGES_PER_MIB + 33));
	return -EINVAL;
}

int guest_image_open(
	struct guest_image *i, const struct guest_cfg *g, const char *cache_dir, struct why *why)
{
	struct guest_image image = {{NULL, 0}, {NULL, 0}};
	struct pv_image_info info;
	struct pv_layout layout;
	int rc = kernel_cache_map(cache_dir, g->kernel, &image.kernel, why);

	if (rc == 0 && g->ramdisk[0])
		rc = mapped_file_open(&image.ramdisk, "ramdisk", g->ramdisk, why);
	if (rc == 0)
		rc = plan(&image, g, &info, &layout, why);
	if (rc < 0)
		guest_image_close(&image);
	else
		*i = image;
	return rc;
}

void guest_image_close(struct guest_image *i)
{
	mapped_file_close(&i->kernel);
	mapped_file_close(&i->ramdisk);
}

int guest_domain_create(
	struct privcmd *hv, const struct guest_cfg *g, uint16_t *domid, struct why *why)
{
	struct xen_domctl_createdomain args = {
		.max_vcpus = g->maxvcpus,
		.max_evtchn_port = EVTCHN_PORT_MAX,
		.max_grant_frames = GRANT_FRAMES_MAX,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
	};
	uint16_t id = 0;
	int rc;

	memcpy(args.handle, g->uuid, sizeof(args.handle));
	rc = domctl_create(hv, &id, &args);
	if (rc < 0)
		return step_failed(why, rc, "creating the domain");
	*domid = id;
	return 0;
}

/* Some hypervisors know no such knob; for ours and these the default is what we want. */
static int optional(int rc)
{
	return rc == -ENOSYS || rc == -EOPNOTSUPP ? 0 : rc;
}

static int set_scheduling(struct build *b)
{
	const struct guest_cfg *g = b->guest;
	int rc = 0;

	if (g->weight || g->cap)
		rc = domctl_sched_set(
			b->hv, b->domid, (uint16_t)(g->weight ? g->weight : 256), (uint16_t)g->cap);
	if (rc < 0)
		return step_failed(b->why, rc, "cpu_weight and cap");
	for (unsigned int v = 0; g->pinned && rc == 0 && v < g->maxvcpus; v++)
		rc = domctl_setvcpuaffinity(b->hv, b->domid, v, g->cpus[v].bits, NULL, CPU_SET_MAX);
	if (rc < 0) {
		step_failed(b->why, rc, "cpus");
		why_hint(b->why, "at least one CPU of the set must exist: bothy info nr_cpus");
	}
	return rc;
}

static int set_limits(struct build *b)
{
	const struct guest_cfg *g = b->guest;
	struct mem_range map = {.start = 0, .size = g->maxmem_mib << 20, .type = E820_RAM};
	int rc = optional(domctl_max_vcpus(b->hv, b->domid, g->maxvcpus));

	if (rc < 0)
		return step_failed(b->why, rc, "vcpus");
	rc = domctl_max_mem(b->hv, b->domid, g->maxmem_mib * KIB_PER_MIB + SLACK_KIB);
	if (rc < 0)
		return step_failed(b->why, rc, "maxmem");
	rc = optional(domctl_set_address_size(b->hv, b->domid, 64));
	if (rc == 0)
		rc = optional(domctl_settscinfo(b->hv, b->domid, TSC_MODE_DEFAULT));
	if (rc == 0)
		rc = memctl_set_memory_map(b->hv, b->domid, &map, 1);
	if (rc < 0)
		return step_failed(b->why, rc, "memory map");
	return set_scheduling(b);
}

static int give_memory(struct build *b)
{
	int rc = guest_memory_open(&b->memory, b->hv, b->domid, b->layout.nr_pages);

	if (rc < 0)
		return step_failed(b->why, rc, "memory");
	b->rings.store_mfn = b->memory.mfn[b->layout.store.pfn];
	b->rings.console_mfn = b->memory.mfn[b->layout.console.pfn];
	return 0;
}

static int make_ports(struct build *b)
{
	int rc = evtchn_alloc_unbound(b->hv, b->domid, 0, &b->rings.store_port);

	if (rc == 0)
		rc = evtchn_alloc_unbound(b->hv, b->domid, 0, &b->rings.console_port);
	return rc < 0 ? step_failed(b->why, rc, "event channels") : 0;
}

/* All vCPUs start with events masked: Linux looks at its own only. */
static int start_shared_info(struct build *b)
{
	struct xen_domctl_getdomaininfo info;
	struct shared_info *shared;
	void *page = NULL;
	int rc = domctl_info(b->hv, b->domid, &info);

	if (rc == 0)
		rc = privcmd_map_frames(
			b->hv, b->domid, &info.shared_info_frame, 1, PROT_READ | PROT_WRITE, &page);
	if (rc < 0)
		return step_failed(b->why, rc, "shared information page");
	b->shared_info_mfn = info.shared_info_frame;
	shared = page;
	for (unsigned int v = 0; v < XEN_LEGACY_MAX_VCPUS; v++)
		shared->vcpu_info[v].evtchn_upcall_mask = 1;
	privcmd_unmap_frames(page, 1);
	return 0;
}

static int load_image(struct build *b)
{
	struct pv_memory door = guest_memory_door(&b->memory);
	struct pv_content content = {.kernel = b->files->kernel.bytes,
		.image = &b->image,
		.initrd = b->files->ramdisk.bytes};
	struct pv_start_params start = {.shared_info = b->shared_info_mfn << 12,
		.store_port = b->rings.store_port,
		.console_port = b->rings.console_port,
		.command_line = b->guest->cmdline};
	const char *wrong = pv_build(&b->layout, &content, &start, &door);

	if (wrong)
		return why_set(b->why, b->memory.error ? b->memory.error : -EIO,
			"loading the image: %s%s%s", wrong, b->memory.error ? ": " : "",
			b->memory.error ? strerror(-b->memory.error) : "");
	return 0;
}

static void grant_write(struct grant_entry_v1 *entry, uint64_t mfn)
{
	entry->domid = 0;
	entry->frame = (uint32_t)mfn;
	__atomic_store_n(&entry->flags, (uint16_t)GTF_permit_access, __ATOMIC_RELEASE);
}

/* The daemons map both rings by these grants, without any right to the rest of the guest. */
static int make_grants(struct build *b)
{
	struct grant_entry_v1 *table;
	void *page = NULL;
	int rc = privcmd_map_resource(b->hv, b->domid, XENMEM_resource_grant_table,
		XENMEM_resource_grant_table_id_shared, 0, 1, &page);

	if (rc < 0)
		return step_failed(b->why, rc, "grant table");
	table = page;
	grant_write(&table[GNTTAB_RESERVED_CONSOLE], b->rings.console_mfn);
	grant_write(&table[GNTTAB_RESERVED_XENSTORE], b->rings.store_mfn);
	privcmd_unmap_frames(page, 1);
	return 0;
}

static int start_vcpu(struct build *b)
{
	struct pv_memory door = guest_memory_door(&b->memory);
	struct vcpu_guest_context context;
	int rc = memctl_pin_l4(b->hv, b->domid, b->memory.mfn[b->layout.run.frames.pfn]);

	if (rc < 0)
		return step_failed(b->why, rc, "page tables");
	pv_context_fill(&b->layout, &door, &context);
	rc = domctl_setvcpucontext(b->hv, b->domid, 0, &context);
	return rc < 0 ? step_failed(b->why, rc, "first vCPU") : 0;
}

int guest_domain_build(struct privcmd *hv, uint16_t domid, const struct guest_cfg *g,
	const struct guest_image *image, struct guest_rings *rings, struct why *why)
{
	static int (*const steps[])(struct build * b) = {
		set_limits,
		give_memory,
		make_ports,
		start_shared_info,
		load_image,
		make_grants,
	};
	struct build b = {.hv = hv, .domid = domid, .guest = g, .files = image, .why = why};
	int rc = plan(image, g, &b.image, &b.layout, why);

	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](&b);
	guest_memory_unmap(&b.memory);
	if (rc == 0)
		rc = start_vcpu(&b);
	if (rc == 0)
		*rings = b.rings;
	guest_memory_close(&b.memory);
	return rc;
}
