/* A kernel file as distributions ship it: finding the payload and unpacking it.
 *
 * The input is the file: bzImage, ELF, or a compressed stream. The output's block has exactly the
 * room that is told, so that a write outside it is seen. Properties: the stream lies in the file;
 * what is unpacked fits; an error leaves the size alone; nothing depends on what was in the output
 * before; the allocator's blocks come back, also when it refuses one. */
#include "tests/fuzz/targets/target.h"

#include "lib/image/decompress.h"
#include "lib/image/elf.h"

#define ROOM_MAX (1u << 20)
#define STATE_MAX (8u << 20)

struct heap {
	unsigned int blocks, asked, refuse;	/* the refuse-th request fails; 0: none */
};

static void *heap_alloc(void *opaque, size_t size)
{
	struct heap *h = opaque;

	h->asked++;
	if (size > STATE_MAX || h->asked == h->refuse)
		return NULL;
	void *p = malloc(size);

	h->blocks += p != NULL;
	return p;
}

static void heap_free(void *opaque, void *p)
{
	struct heap *h = opaque;

	h->blocks -= p != NULL;
	free(p);
}

/* Unpack into a fresh block of @room bytes of value @fill. */
static const char *unpack(const uint8_t *file, const struct payload *p, size_t room, uint8_t fill,
	struct heap *h, uint8_t **out, size_t *out_size)
{
	struct decompress_memory mem = { h, heap_alloc, heap_free };
	const size_t before = 0xdeadbeef;

	*out = malloc(room + !room);
	HOLDS(*out);
	memset(*out, fill, room);
	*out_size = before;
	const char *why = payload_unpack(file, p, *out, room, out_size, &mem);

	HOLDS(h->blocks == 0);
	HOLDS(why ? *out_size == before : *out_size <= room);
	return why;
}

static void twice(const uint8_t *file, const struct payload *p, size_t room)
{
	struct heap h = { 0 }, again = { 0 }, poor = { 0 };
	uint8_t *a, *b, *c;
	size_t a_size, b_size, c_size;
	const char *why = unpack(file, p, room, 0x55, &h, &a, &a_size);

	HOLDS(unpack(file, p, room, 0xaa, &again, &b, &b_size) == why);
	if (!why) {
		struct pv_image_info image;

		HOLDS(a_size == b_size && memcmp(a, b, a_size) == 0);
		(void)!pv_image_parse(a, a_size, &image);
	}
	if (h.asked) {
		poor.refuse = 1 + (unsigned int)(p->size % h.asked);
		HOLDS(unpack(file, p, room, 0, &poor, &c, &c_size) || !why);
		free(c);
	}
	free(a);
	free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct payload p;
	size_t room;

	memset(&p, 0x5a, sizeof p);
	if (payload_find(data, size, &p))
		return 0;
	HOLDS(p.offset <= size && p.size <= size - p.offset && p.size > 0);
	HOLDS(p.unpacked_size <= PAYLOAD_UNPACKED_MAX);
	HOLDS(strcmp(payload_format_name(p.format), "unknown") != 0);
	room = p.unpacked_size && p.unpacked_size < ROOM_MAX ? p.unpacked_size : ROOM_MAX / 16;
	twice(data, &p, room);
	return 0;
}
