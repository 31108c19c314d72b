/* Fill a new domain.
 *
 * Frames come in the largest chunks there are (2 MiB first), aligned in both address spaces, so
 * that a domain's memory is contiguous where possible. The domain is paused and nobody else
 * knows it, so nothing here needs its lock. Steps: frames and M2P, contents (lib/pvbuild), pin
 * the L4, load the context. Neighbours: dom0.c and module_domain.c decide what to build. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/boot/domain_build.h"
#include "hv/boot/pfn_map.h"
#include "hv/dom/time.h"
#include "hv/mem/frame.h"
#include "hv/pv/pv.h"

#define CHUNK_ORDER 9u	/* 2 MiB */

struct build {
	struct domain *d;
	const struct boot_domain *b;
	struct pv_layout layout;
	struct pfn_map map;
	char why[160];			/* what is wrong, with figures */
};
static struct build build;		/* boot builds one domain at a time */
static struct vcpu_guest_context context;

/* ---- doors for lib/pvbuild ---- */

static uint64_t door_mfn(void *opaque, uint64_t pfn)
{
	return pfn_map_get(&((struct build *)opaque)->map, pfn);
}

static void *door_map(void *opaque, uint64_t pfn)
{
	uint64_t m = door_mfn(opaque, pfn);
	return m == ~0ull ? NULL : frame_map(mfn(m));
}

static void door_unmap(void *opaque, void *page)
{
	(void)opaque;
	frame_unmap(page);
}

static const struct pv_memory doors = {
	.opaque = &build, .mfn = door_mfn, .map = door_map, .unmap = door_unmap};

/* ---- steps ---- */

int boot_domain_add_vcpus(struct domain *d)
{
	for (unsigned i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v;
		int rc = vcpu_create(d, i, &v);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int chunk_alloc(struct build *s, uint64_t first_pfn, unsigned order)
{
	mfn_t m;
	int rc = frame_alloc(&s->d->mem, order, 0, pfn(first_pfn), &m);

	for (uint64_t i = 0; rc == 0 && i < 1ull << order; i++)
		rc = pfn_map_set(&s->map, first_pfn + i, mfn(m.n + i));
	return rc;
}

/* Chunks shrink when no larger one is left, and at the ends; PFN and MFN stay equally aligned. */
static int frames_alloc(struct build *s)
{
	unsigned largest = CHUNK_ORDER;
	uint64_t at = 0;

	while (at < s->b->pages) {
		unsigned order = largest;
		while (order > 0 &&
			((at & ((1ull << order) - 1)) || at + (1ull << order) > s->b->pages))
			order--;
		int rc = chunk_alloc(s, at, order);
		if (rc == -ENOMEM && order > 0) {
			largest = order - 1;
			continue;
		}
		if (rc < 0)
			return rc;
		at += 1ull << order;
	}
	return 0;
}

static const char *contents_put(struct build *s)
{
	const struct boot_domain *b = s->b;
	struct pv_content c = {
		.kernel = b->kernel->elf, .image = &b->kernel->image, .initrd = b->initrd};
	struct pv_start_params start = {.flags = b->start_flags,
		.shared_info = mfn_to_maddr(s->d->shared_mfn).a,
		.command_line = b->command_line,
		.video = b->video};

	return pv_build(&s->layout, &c, &start, &doors);
}

static int l4_pin(struct domain *d, mfn_t l4)
{
	int rc;
	while ((rc = frame_pin(&d->mem, l4, FT_L4)) == -ERESTART)
		;	/* work waits for us, but boot has none that cannot wait */
	return rc;
}

static int first_vcpu_start(struct build *s)
{
	struct vcpu *v = s->d->vcpu[0];
	int rc;

	pv_context_fill(&s->layout, &doors, &context);
	while ((rc = pv_vcpu_set_context(v, &context)) == -ERESTART)
		;
	if (rc < 0)
		return rc;
	time_update_vcpu(v);
	return vcpu_up(v);
}

/* Whether @why is a lack of memory, pv_layout_make() does not tell: a size that is enough does. */
static const char *layout_why(struct build *s, const struct pv_layout_request *r, const char *why)
{
	uint64_t needed = pv_layout_min_pages(r);

	if (needed <= r->nr_pages)
		return why;
	format_string(s->why, sizeof s->why, "%s: it has %lu MiB, and needs %lu", why,
		r->nr_pages >> 8, align_up(needed, 256) >> 8);
	return s->why;
}

static const char *domain_fill(struct build *s)
{
	const struct boot_domain *b = s->b;
	struct pv_layout_request r = {
		.image = &b->kernel->image, .nr_pages = b->pages, .initrd_size = b->initrd_size};
	const char *why = pv_layout_make(&r, &s->layout);
	if (why)
		return layout_why(s, &r, why);
	uint64_t free = frame_free_count();
	s->d->mem.frame_max = max_u64(b->pages, b->max_pages);
	if (frames_alloc(s) < 0) {
		format_string(s->why, sizeof s->why,
			"not enough memory: it is to have %lu MiB, %lu are free", b->pages >> 8,
			free >> 8);
		return s->why;
	}
	if ((why = contents_put(s)))
		return why;
	if (l4_pin(s->d, mfn(door_mfn(s, s->layout.run.frames.pfn))) < 0)
		return "the page tables we built are not accepted";
	return first_vcpu_start(s) < 0 ? "the first vCPU's context is not accepted" : NULL;
}

const char *boot_domain_build(struct domain *d, const struct boot_domain *b)
{
	build.d = d;
	build.b = b;
	const char *why = domain_fill(&build);
	pfn_map_free(&build.map);
	return why;
}

void boot_domain_discard(struct domain *d)
{
	domain_get(d);
	while (domain_kill(d) == -ERESTART)
		;
	domain_put(d);
}
