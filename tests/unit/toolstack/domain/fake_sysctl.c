/* The fake host's own facts: domains, CPUs, memory, version, log. Contract: dom0/lib/sysctl.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/lib/sysctl.h"
#include "protocol/version.h"
#include "tests/unit/toolstack/domain/fake_world.h"

static char log_text[] = "(BOTHY) first line\n(BOTHY) second \033[31mline\n";

void fake_dom0_describe(struct xen_domctl_getdomaininfo *info)
{
	memset(info, 0, sizeof(*info));
	info->flags = XEN_DOMINF_running;
	info->tot_pages = 262144;
	info->max_pages = world->dom0_max_kib ? world->dom0_max_kib / 4 : 262144;
	info->nr_online_vcpus = 2;
	info->max_vcpu_id = 1;
	info->cpu_time = 12345678901;
}

int sysctl_domain_list(struct privcmd *p, struct xen_domctl_getdomaininfo **list, uint32_t *count)
{
	int rc = fake_call("domain_list");
	uint32_t n = 1;

	(void)p;
	if (rc < 0)
		return rc;
	*list = calloc(FAKE_DOMAINS + 1, sizeof(**list));
	fake_dom0_describe(*list);
	for (int i = 0; i < FAKE_DOMAINS; i++)
		if (world->domains[i].id)
			fake_domain_describe(&world->domains[i], &(*list)[n++]);
	*count = n;
	return 0;
}

int sysctl_physinfo(struct privcmd *p, struct xen_sysctl_physinfo *info)
{
	(void)p;
	*info = (struct xen_sysctl_physinfo){
		.threads_per_core = 1,
		.cores_per_socket = 2,
		.nr_cpus = 2,
		.max_cpu_id = 1,
		.nr_nodes = 1,
		.cpu_khz = 2400123,
		.capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1,
		.total_pages = 524288,
		.free_pages = world->free_pages,
		.hw_cap = {0x178bfbff},
	};
	return fake_call("physinfo");
}

/* Those of a Bothy that does not judge the last flaw. */
int sysctl_flaws(struct privcmd *p, struct flaws *flaws)
{
	(void)p;
	*flaws = (struct flaws){{FLAW_OPEN, FLAW_MITIGATED, FLAW_ABSENT, FLAW_OPEN, FLAW_UNTOLD}};
	return fake_call("flaws");
}

int sysctl_sched_id(struct privcmd *p, uint32_t *id)
{
	(void)p;
	*id = XEN_SCHEDULER_CREDIT;
	return fake_call("sched_id");
}

int sysctl_credit_get(struct privcmd *p, struct xen_sysctl_credit_schedule *s)
{
	(void)p;
	*s = (struct xen_sysctl_credit_schedule){.tslice_ms = 10};
	return fake_call("credit_get");
}

int sysctl_readconsole(
	struct privcmd *p, char *buf, uint32_t *len, int clear, int incremental, uint32_t *index)
{
	uint32_t left = (uint32_t)strlen(log_text) - *index;
	int rc = fake_call("readconsole");

	(void)p;
	(void)incremental;
	if (rc < 0)
		return rc;
	if (*len > 16)
		*len = 16; /* several calls are needed */
	if (*len > left)
		*len = left;
	memcpy(buf, log_text + *index, *len);
	*index += *len;
	if (clear)
		log_text[0] = '\0';
	return 0;
}

int xen_version_number(struct privcmd *p)
{
	int rc = fake_call("version");

	(void)p;
	return rc < 0 ? rc : 4 << 16 | 17;
}

int xen_version_text(struct privcmd *p, unsigned int op, char *buf, size_t size)
{
	(void)p;
	snprintf(buf, size, "%s",
		op == XENVER_extraversion   ? ".0-bothy"
		: op == XENVER_capabilities ? "xen-3.0-x86_64 "
					    : "x");
	return fake_call("version_text");
}

long xen_version_raw(struct privcmd *p, unsigned int op, void *out, size_t size)
{
	static const struct {
		uint32_t length;
		unsigned char bytes[3];
	} id = {3, {0x00, 0xab, 0x12}};
	int rc = fake_call("version_raw");

	(void)p;
	memset(out, 0, size);
	if (op != XENVER_build_id || rc < 0)
		return rc;
	memcpy(out, &id, sizeof(id));
	return id.length;
}
