/* Write a new PV domain's memory, page by page through the caller's doors.
 *
 * The domain's pages are zero before, so bss, padding, rings and the stack need no work. A page
 * is mapped once per piece that touches it; nothing is read back. Neighbours: layout.c says
 * where, table.c writes the tables, lib/image/elf.h what to load. */
#include "lib/pvbuild/build.h"
#include "lib/image/bytes.h"

#define FLAT_DS		0xe02bu
#define FLAT_CS64	0xe033u

/* Copy @n bytes to pseudo-physical @paddr. */
static const char *bytes_put(
	const struct pv_memory *m, uint64_t paddr, const uint8_t *src, uint64_t n)
{
	while (n != 0) {
		uint64_t in_page = paddr & 0xfff, part = 0x1000 - in_page;
		if (part > n)
			part = n;
		uint8_t *page = m->map(m->opaque, paddr >> 12);
		if (!page)
			return "cannot map a page of the new domain";
		memcpy(page + in_page, src, (size_t)part);
		m->unmap(m->opaque, page);
		paddr += part;
		src += part;
		n -= part;
	}
	return NULL;
}

static const char *kernel_put(const struct pv_content *c, const struct pv_memory *m)
{
	for (unsigned i = 0; i < c->image->segment_count; i++) {
		const struct pv_image_segment *s = &c->image->segment[i];
		const char *why = bytes_put(
			m, s->paddr, (const uint8_t *)c->kernel + s->offset, s->file_size);
		if (why)
			return why;
	}
	return NULL;
}

typedef void fill_fn(
	const struct pv_layout *l, const struct pv_memory *m, uint64_t index, uint64_t entry[512]);

static const char *page_fill(const struct pv_layout *l, const struct pv_memory *m, uint64_t pfn,
	uint64_t index, fill_fn *fill)
{
	uint64_t *page = m->map(m->opaque, pfn);
	if (!page)
		return "cannot map a page of the new domain";
	fill(l, m, index, page);
	m->unmap(m->opaque, page);
	return NULL;
}

static const char *lists_put(const struct pv_layout *l, const struct pv_memory *m)
{
	const char *why = NULL;
	unsigned level;

	for (uint64_t i = 0; !why && i < l->p2m.count; i++)
		why = page_fill(l, m, l->p2m.pfn + i, i, pv_p2m_fill);
	for (uint64_t i = 0; !why && i < pv_table_count(l); i++)
		why = page_fill(l, m, pv_table_pfn(l, i, &level), i, pv_table_fill);
	return why;
}

void pv_p2m_fill(
	const struct pv_layout *l, const struct pv_memory *m, uint64_t index, uint64_t entry[512])
{
	for (unsigned i = 0; i < 512; i++) {
		uint64_t pfn = index * 512 + i;
		entry[i] = pfn < l->nr_pages ? m->mfn(m->opaque, pfn) : ~0ull;
	}
}

static void text_put(int8_t *dst, const char *src, size_t room)
{
	size_t i = 0;
	for (; src && src[i] && i + 1 < room; i++)
		dst[i] = (int8_t)src[i];
	dst[i] = 0;
}

static void consoles_put(const struct pv_layout *l, const struct pv_memory *m,
	const struct pv_start_params *s, struct start_info *si)
{
	if (l->store.count) {
		si->store_mfn = m->mfn(m->opaque, l->store.pfn);
		si->store_evtchn = s->store_port;
	}
	if (l->console.count) {
		si->console.domU.mfn = m->mfn(m->opaque, l->console.pfn);
		si->console.domU.evtchn = s->console_port;
	} else if (s->video) {
		si->console.dom0.info_off = sizeof *si;
		si->console.dom0.info_size = sizeof *s->video;
		memcpy((uint8_t *)si + sizeof *si, s->video, sizeof *s->video);
	}
}

void pv_start_info_fill(const struct pv_layout *l, const struct pv_memory *m,
	const struct pv_start_params *s, void *page)
{
	static const char magic[] = "xen-3.0-x86_64";
	struct start_info *si = page;

	memcpy(si->magic, magic, sizeof magic);
	si->nr_pages = l->nr_pages;
	si->shared_info = s->shared_info;
	si->flags = s->flags;
	si->pt_base = pv_va(l, l->run.frames.pfn);
	si->nr_pt_frames = l->run.frames.count;
	si->mfn_list = l->p2m_va;
	if (l->p2m_is_apart) {
		si->first_p2m_pfn = l->p2m.pfn;
		si->nr_p2m_frames = l->p2m.count + l->apart.frames.count;
	}
	if (l->initrd_size) {
		si->mod_start = l->initrd_is_mapped ? pv_va(l, l->initrd.pfn) : l->initrd.pfn;
		si->mod_len = l->initrd_size;
		si->flags |= l->initrd_is_mapped ? 0 : SIF_MOD_START_PFN;
	}
	consoles_put(l, m, s, si);
	text_put(si->cmd_line, s->command_line, sizeof si->cmd_line);
}

/* push rcx, r11; mov $nr, eax; syscall; pop r11, rcx; ret. `iret` does not come back and passes
 * rax on the stack instead. Spec: arch-x86/xen-x86_64.h. */
void pv_hypercall_page_fill(uint8_t page[4096])
{
	static const uint8_t call[] = {
		0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3};
	static const uint8_t iret[] = { 0x51, 0x41, 0x53, 0x50, 0xb8, 23, 0, 0, 0, 0x0f, 0x05 };

	memset(page, 0xcc, 4096);
	for (unsigned nr = 0; nr < 4096 / 32; nr++) {
		uint8_t *stub = page + nr * 32;
		memcpy(stub, call, sizeof call);
		stub[4] = (uint8_t)nr;
	}
	memset(page + 23 * 32, 0xcc, 32);
	memcpy(page + 23 * 32, iret, sizeof iret);
}

void pv_context_fill(
	const struct pv_layout *l, const struct pv_memory *m, struct vcpu_guest_context *c)
{
	memset(c, 0, sizeof *c);
	c->flags = VGCF_in_kernel | VGCF_online;
	c->user_regs.rip = l->entry;
	c->user_regs.rsp = pv_va(l, l->stack.pfn) + 0x1000;
	c->user_regs.rsi = pv_va(l, l->start_info.pfn);
	c->user_regs.rflags = 0x202;
	c->user_regs.cs = FLAT_CS64;
	c->user_regs.ss = FLAT_DS;
	c->kernel_ss = FLAT_DS;
	c->kernel_sp = c->user_regs.rsp;
	c->ctrlreg[3] = m->mfn(m->opaque, l->run.frames.pfn) << 12;
}

const char *pv_build(const struct pv_layout *l, const struct pv_content *c,
	const struct pv_start_params *s, const struct pv_memory *m)
{
	const char *why = kernel_put(c, m);

	if (!why && l->initrd_size)
		why = bytes_put(m, l->initrd.pfn << 12, c->initrd, l->initrd_size);
	if (!why)
		why = lists_put(l, m);
	if (!why && c->image->hypercall_page != PV_IMAGE_NO_VA) {
		uint8_t *page = m->map(m->opaque, (c->image->hypercall_page - l->virt_base) >> 12);
		if (!page)
			return "cannot map the kernel's hypercall page";
		pv_hypercall_page_fill(page);
		m->unmap(m->opaque, page);
	}
	if (why)
		return why;
	void *page = m->map(m->opaque, l->start_info.pfn);
	if (!page)
		return "cannot map the start_info page";
	pv_start_info_fill(l, m, s, page);
	m->unmap(m->opaque, page);
	return NULL;
}
