/* Copying hypercall arguments: once in, once out. Layer: mem. 0 or -EFAULT. */
#pragma once
#include "hv/base/errno.h"
#include "hv/cpu/context.h"

static inline MUST_CHECK int guest_read(void *dst, gva_t src, size_t n)
{
	return gva_range_is_guest(src.a, n) && cpu_guest_read(dst, src, n) == 0 ? 0 : -EFAULT;
}
static inline MUST_CHECK int guest_write(gva_t dst, const void *src, size_t n)
{
	return gva_range_is_guest(dst.a, n) && cpu_guest_write(dst, src, n) == 0 ? 0 : -EFAULT;
}
