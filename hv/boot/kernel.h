/* From a boot module to a kernel ready to be loaded: unpack it, parse it. Layer: boot. */
#pragma once
#include "hv/boot/boot_memory.h"
#include "hv/boot/domain_build.h"

/* @file: the module, @size bytes. What is unpacked is taken from @m as MEMORY_TEMPORARY. Returns
 * NULL and *out, else a text that says what is wrong. */
const char *boot_kernel_prepare(
	struct boot_memory *m, const void *file, size_t size, struct boot_kernel *out) MUST_CHECK;
