/* What lwIP asks of a compiler and its C library, which is lib/image/freestanding. */
#pragma once

#define LWIP_NO_CTYPE_H		1

_Noreturn void kernel_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define LWIP_PLATFORM_DIAG(text)	((void)0)
#define LWIP_PLATFORM_ASSERT(text)	kernel_fatal("lwIP: %s", text)
