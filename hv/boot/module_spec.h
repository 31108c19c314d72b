/* The string of a boot module that starts as a domain:
 *     domain name=pair-a memory=16 vcpus=1 connect=pair-b -- the guest's command line
 * Layer: boot. Pure. */
#pragma once
#include "hv/boot/boot_info.h"

#define MODULE_NAME_SIZE 32
struct module_spec {
	char name[MODULE_NAME_SIZE];
	char connect[MODULE_NAME_SIZE];	/* empty: none */
	uint64_t memory_mib;		/* default 16 */
	unsigned vcpus;			/* default 1 */
	const char *guest_line;		/* points into the text; "" without " -- " */
};

/* Does this module start as a domain of its own? (Its text may begin with a file name.) */
bool module_is_domain(const char *text);
/* Parse; NULL and *out, else a text that says what is wrong. */
const char *module_spec_parse(const char *text, struct module_spec *out) MUST_CHECK;
