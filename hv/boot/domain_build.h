/* Fill a new domain: frames, kernel, tables, first vCPU. Layer: boot; used for dom0 and for
 * domains that are boot modules. The layout and the contents come from lib/pvbuild. */
#pragma once
#include "hv/dom/domain.h"
#include "lib/image/elf.h"
#include "lib/pvbuild/build.h"

struct boot_kernel {
	const void *elf;		/* readable until the domain is built */
	struct pv_image_info image;
};

struct boot_domain {
	const struct boot_kernel *kernel;
	const void *initrd;		/* initrd_size bytes, or NULL */
	uint64_t initrd_size;
	uint64_t pages, max_pages;
	uint32_t start_flags;		/* SIF_* */
	const char *command_line;
	const struct dom0_vga_console_info *video;
};

/* All its vCPUs, down. Errors of vcpu_create(). */
int boot_domain_add_vcpus(struct domain *d) MUST_CHECK;
/* Give @d (paused, with vCPUs) its memory and make vCPU 0 ready to run: the caller unpauses.
 * Returns NULL; else what is wrong, until the next call, and @d is left for domain_kill(). */
const char *boot_domain_build(struct domain *d, const struct boot_domain *b) MUST_CHECK;
/* Undo a failed creation. */
void boot_domain_discard(struct domain *d);
