/* Facts about the host under the keys of `xl info`. */
#pragma once
#include "lib/flaws/flaws.h"
#include "protocol/sysctl.h"
#include "protocol/version.h"
#include "toolstack/host.h"

enum { HOST_BUILD_ID_MAX = 32 };

struct host_info {
	char host[256], release[256], version[256], machine[128]; /* of dom0's kernel */
	struct xen_sysctl_physinfo phys;
	struct flaws flaws; /* of the processors */
	unsigned int xen_major, xen_minor;
	char xen_extra[XEN_EXTRAVERSION_LEN + 1];
	char xen_caps[XEN_CAPABILITIES_INFO_LEN + 1];
	char xen_changeset[XEN_CHANGESET_INFO_LEN + 1];
	char xen_commandline[1025];
	char xen_scheduler[16];
	char platform_params[32]; /* "virt_start=0x..." */
	struct xen_compile_info compile;
	char build_id[2 * HOST_BUILD_ID_MAX + 1]; /* hexadecimal; empty: the hypervisor has none */
};

/* Ask hypervisor and kernel. What is not answered stays empty, but physinfo and version must be.
 * Returns 0, -Exxx. */
int host_info_read(struct host *h, struct host_info *i);

enum { HOST_INFO_VALUE = 1100 };
/* One fact: key, value as text, and whether it is a number. Pure. */
struct host_fact {
	const char *key;
	bool number;
	char value[HOST_INFO_VALUE];
};

/* The @n-th fact in the order of `xl info`. Returns false behind the last. */
bool host_info_fact(const struct host_info *i, unsigned int n, struct host_fact *f);
