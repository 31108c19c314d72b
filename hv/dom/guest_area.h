/* Writing to an area that a guest registered by virtual address. Layer: dom; only for hv/dom. */
#pragma once
#include "hv/dom/vcpu.h"
#include "hv/mem/frame.h"

/* An area of at most a page, mapped for us, possibly in two pieces. */
struct guest_area {
	struct frame *frame[2];
	char *page[2];
	uint64_t offset;	/* in the first page */
};
/* Find @n bytes at @va in @v's kernel address space, whichever is loaded, and hold them writable.
 * -EFAULT: not mapped writable to a frame of its own. Locks: none of rank OWNER or above. */
int guest_area_open(struct vcpu *v, gva_t va, uint64_t n, struct guest_area *a) MUST_CHECK;
/* Store @n bytes at @at from its start on. */
void guest_area_write(struct guest_area *a, uint64_t at, const void *src, uint64_t n);
void guest_area_close(struct guest_area *a);
