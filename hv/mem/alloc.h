/* The hypervisor's own memory: whole frames and small objects. Layer: mem. */
#pragma once
#include "hv/base/types.h"

/* 2^order contiguous frames for ourselves, zeroed, mapped permanently. NULL: none left.
 * @addr_bits as in frame_alloc(). page_mfn()/page_ptr() translate. */
void *page_alloc(unsigned order, unsigned addr_bits) MUST_CHECK;
void page_free(void *p, unsigned order);
mfn_t page_mfn(const void *p);

/* Small zeroed objects, 16-byte aligned (64 from 64 bytes on), at most one page. */
void *heap_alloc(size_t size) MUST_CHECK;
void heap_free(void *p);
uint64_t heap_pages_in_use(void);
/* Tests: asked before each allocation of frames or objects; true makes it fail. NULL: none fails. */
extern bool (*alloc_refuse)(void);
