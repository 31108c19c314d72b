/* From a boot module to a kernel ready to be loaded.
 *
 * Runs before the frame table exists: the unpacked kernel and the decoder's state lie in memory
 * taken from the boot map, which goes to the page allocator when all domains have been built.
 * Nothing is freed before: small requests are cut from blocks, large ones taken whole.
 * Neighbours: lib/image does the work; init_memory.c owns the map. */
#include "hv/boot/kernel.h"
#include "hv/cpu/cpu.h"
#include "lib/image/decompress.h"

#define BLOCK_SIZE (1ull << 20)

struct scratch {
	struct boot_memory *memory;
	uint8_t *block;		/* of BLOCK_SIZE, or NULL */
	size_t used;
};

/* The permanent map of RAM is linear, so a run of frames is a run of bytes. */
static void *range_take(struct boot_memory *m, uint64_t size)
{
	uint64_t at = boot_memory_take(m, size, PAGE_SIZE, ~0ull, MEMORY_TEMPORARY);
	return at ? frame_map(maddr_to_mfn(maddr(at))) : NULL;
}

static void *scratch_alloc(void *opaque, size_t size)
{
	struct scratch *s = opaque;

	size = align_up(size, 64);
	if (size > BLOCK_SIZE / 4)
		return range_take(s->memory, size);
	if (!s->block || BLOCK_SIZE - s->used < size) {
		s->block = range_take(s->memory, BLOCK_SIZE);
		s->used = 0;
		if (!s->block)
			return NULL;
	}
	s->used += size;
	return s->block + s->used - size;
}

static void scratch_free(void *opaque, void *p)
{
	(void)opaque, (void)p;
}

const char *boot_kernel_prepare(
	struct boot_memory *m, const void *file, size_t size, struct boot_kernel *out)
{
	struct scratch s = { .memory = m };
	struct decompress_memory mem = {.opaque = &s, .alloc = scratch_alloc, .free = scratch_free};
	struct payload p;
	const char *why = payload_find(file, size, &p);

	if (why)
		return why;
	if (p.format == PAYLOAD_ELF) {
		out->elf = (const uint8_t *)file + p.offset;
		return pv_image_parse(out->elf, p.size, &out->image);
	}
	if (p.unpacked_size == 0)
		return "kernel does not say how large it is unpacked";
	void *elf = range_take(m, p.unpacked_size);
	if (!elf)
		return "not enough memory to unpack the kernel";
	size_t got;
	why = payload_unpack(file, &p, elf, p.unpacked_size, &got, &mem);
	if (why)
		return why;
	out->elf = elf;
	return pv_image_parse(elf, got, &out->image);
}
