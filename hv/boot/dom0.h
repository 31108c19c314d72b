/* Building dom0 and the domains that are boot modules. Layer: boot. */
#pragma once
#include "hv/boot/boot_info.h"
#include "hv/boot/kernel.h"
#include "hv/boot/options.h"

/* Which modules are what, and their kernels; made before the frame table exists. */
struct boot_plan {
	const struct boot_module *dom0, *initrd;	/* NULL: none */
	struct boot_kernel dom0_kernel;
	unsigned domain_count;
	const struct boot_module *domain[BOOT_MODULES];
	struct boot_kernel domain_kernel[BOOT_MODULES];
};

/* The first module that is no domain of its own is dom0's kernel, the second its initrd; further
 * ones are reported and ignored. */
void boot_plan_make(const struct boot_info *info, struct boot_plan *p);

/* dom0: domain 0 with all rights. Gives up if it cannot be built. It stays paused. @image: the
 * initrd's bytes. */
struct domain *dom0_create(const struct boot_plan *p, const struct boot_info *info,
	const struct boot_options *o, const void *initrd, uint64_t total_bytes);
/* The others: created, wired, built; those that fail are reported and dropped. They stay paused.
 * Returns how many there are. */
unsigned module_domains_create(const struct boot_plan *p);
/* Let all of them run. */
void boot_domains_start(void);
