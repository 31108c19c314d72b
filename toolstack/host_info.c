/* Facts about the host: asked once, then formatted one by one from a table of keys.
 * Ganeti and others parse the text, so keys, order and units are an interface. */
#include "toolstack/host_info.h"

#include <stddef.h>
#include <string.h>
#include <sys/utsname.h>

#include "dom0/lib/sysctl.h"

enum { PAGES_PER_MIB = 256 };

static const char *scheduler_name(uint32_t id)
{
	switch (id) {
	case XEN_SCHEDULER_CREDIT:
		return "credit";
	case XEN_SCHEDULER_CREDIT2:
		return "credit2";
	case XEN_SCHEDULER_RTDS:
		return "rtds";
	case XEN_SCHEDULER_NULL:
		return "null";
	default:
		return "unknown";
	}
}

static void read_kernel(struct host_info *i)
{
	struct utsname u;

	if (uname(&u) < 0)
		return;
	snprintf(i->host, sizeof(i->host), "%s", u.nodename);
	snprintf(i->release, sizeof(i->release), "%s", u.release);
	snprintf(i->version, sizeof(i->version), "%s", u.version);
	snprintf(i->machine, sizeof(i->machine), "%s", u.machine);
}

static void read_build_id(struct host *h, struct host_info *i)
{
	struct {
		uint32_t length; /* struct xen_build_id with room */
		unsigned char bytes[HOST_BUILD_ID_MAX];
	} id = {.length = HOST_BUILD_ID_MAX};
	long length = xen_version_raw(&h->hv, XENVER_build_id, &id, sizeof(id));

	for (long k = 0; k < length && k < HOST_BUILD_ID_MAX; k++)
		snprintf(i->build_id + 2 * k, 3, "%02x", id.bytes[k]);
}

static void read_version_texts(struct host *h, struct host_info *i)
{
	struct xen_platform_parameters params = {0};
	uint32_t scheduler = 0;

	(void)!xen_version_text(&h->hv, XENVER_extraversion, i->xen_extra, sizeof(i->xen_extra));
	(void)!xen_version_text(&h->hv, XENVER_capabilities, i->xen_caps, sizeof(i->xen_caps));
	(void)!xen_version_text(
		&h->hv, XENVER_changeset, i->xen_changeset, sizeof(i->xen_changeset));
	(void)!xen_version_text(
		&h->hv, XENVER_commandline, i->xen_commandline, sizeof(i->xen_commandline));
	if (xen_version_raw(&h->hv, XENVER_compile_info, &i->compile, sizeof(i->compile)) < 0)
		memset(&i->compile, 0, sizeof(i->compile));
	if (xen_version_raw(&h->hv, XENVER_platform_parameters, &params, sizeof(params)) >= 0)
		snprintf(i->platform_params, sizeof(i->platform_params), "virt_start=0x%llx",
			(unsigned long long)params.virt_start);
	if (sysctl_sched_id(&h->hv, &scheduler) == 0)
		snprintf(i->xen_scheduler, sizeof(i->xen_scheduler), "%s",
			scheduler_name(scheduler));
}

int host_info_read(struct host *h, struct host_info *i)
{
	int rc;

	memset(i, 0, sizeof(*i));
	rc = sysctl_physinfo(&h->hv, &i->phys);
	if (rc < 0)
		return rc;
	if (sysctl_flaws(&h->hv, &i->flaws) < 0)
		memset(&i->flaws, 0, sizeof(i->flaws));
	rc = xen_version_number(&h->hv);
	if (rc < 0)
		return rc;
	i->xen_major = (unsigned int)rc >> 16;
	i->xen_minor = (unsigned int)rc & 0xffff;
	read_kernel(i);
	read_version_texts(h, i);
	read_build_id(h, i);
	return 0;
}

static void fact_text(struct host_fact *f, const char *text, size_t max)
{
	size_t length = strnlen(text, max);

	while (length > 0 && text[length - 1] == '\n')
		length--;
	snprintf(f->value, sizeof(f->value), "%.*s", (int)length, text);
	text_tame(f->value);
}

static void fact_number(struct host_fact *f, uint64_t number)
{
	f->number = true;
	snprintf(f->value, sizeof(f->value), "%llu", (unsigned long long)number);
}

#define TEXT(key, field)                                                                           \
	static void put_##key(const struct host_info *i, struct host_fact *f)                      \
	{                                                                                          \
		fact_text(f, i->field, sizeof(i->field));                                          \
	}
#define NUMBER(key, expression)                                                                    \
	static void put_##key(const struct host_info *i, struct host_fact *f)                      \
	{                                                                                          \
		(void)i;                                                                           \
		fact_number(f, expression);                                                        \
	}

#define FLAW(key, which)                                                                           \
	static void put_##key(const struct host_info *i, struct host_fact *f)                      \
	{                                                                                          \
		snprintf(f->value, sizeof(f->value), "%s", flaw_verdict(&i->flaws, which));        \
	}

TEXT(host, host)
TEXT(release, release)
TEXT(version, version)
TEXT(machine, machine)
NUMBER(nr_cpus, i->phys.nr_cpus)
NUMBER(max_cpu_id, i->phys.max_cpu_id)
NUMBER(nr_nodes, i->phys.nr_nodes)
NUMBER(cores_per_socket, i->phys.cores_per_socket)
NUMBER(threads_per_core, i->phys.threads_per_core)
NUMBER(total_memory, i->phys.total_pages / PAGES_PER_MIB)
NUMBER(free_memory, i->phys.free_pages / PAGES_PER_MIB)
NUMBER(free_pages, i->phys.free_pages)
NUMBER(sharing_freed_memory, 0)
NUMBER(sharing_used_memory, 0)
NUMBER(outstanding_claims, i->phys.outstanding_pages / PAGES_PER_MIB)
NUMBER(free_cpus, 0)
NUMBER(xen_major, i->xen_major)
NUMBER(xen_minor, i->xen_minor)
TEXT(xen_extra, xen_extra)
TEXT(xen_caps, xen_caps)
TEXT(xen_scheduler, xen_scheduler)
NUMBER(xen_pagesize, 4096)
TEXT(platform_params, platform_params)
TEXT(xen_changeset, xen_changeset)
TEXT(xen_commandline, xen_commandline)
TEXT(cc_compiler, compile.compiler)
TEXT(cc_compile_by, compile.compile_by)
TEXT(cc_compile_domain, compile.compile_domain)
TEXT(cc_compile_date, compile.compile_date)
TEXT(build_id, build_id)
NUMBER(xend_config_format, 4)
FLAW(flaw_meltdown, FLAW_MELTDOWN)
FLAW(flaw_l1tf, FLAW_L1TF)
FLAW(flaw_mds, FLAW_MDS)
FLAW(flaw_spectre_v2, FLAW_SPECTRE_V2)
FLAW(flaw_rsb, FLAW_RSB)

static void put_cpu_mhz(const struct host_info *i, struct host_fact *f)
{
	f->number = true;
	snprintf(f->value, sizeof(f->value), "%.3f", (double)i->phys.cpu_khz / 1000.0);
}

static void put_hw_caps(const struct host_info *i, struct host_fact *f)
{
	const uint32_t *w = i->phys.hw_cap;

	snprintf(f->value, sizeof(f->value), "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", w[0], w[1],
		w[2], w[3], w[4], w[5], w[6], w[7]);
}

static void put_virt_caps(const struct host_info *i, struct host_fact *f)
{
	uint32_t caps = i->phys.capabilities;

	snprintf(f->value, sizeof(f->value), "%s%s%s%s", caps & XEN_SYSCTL_PHYSCAP_pv ? "pv" : "",
		caps & XEN_SYSCTL_PHYSCAP_hvm ? " hvm" : "",
		caps & XEN_SYSCTL_PHYSCAP_gnttab_v1 ? " gnttab-v1" : "",
		caps & XEN_SYSCTL_PHYSCAP_gnttab_v2 ? " gnttab-v2" : "");
}

static void put_xen_version(const struct host_info *i, struct host_fact *f)
{
	snprintf(
		f->value, sizeof(f->value), "%u.%u%.16s", i->xen_major, i->xen_minor, i->xen_extra);
	text_tame(f->value);
}

/* clang-format off */
#define FACT(key) { #key, put_##key }
/* clang-format on */
static const struct {
	const char *key;
	void (*put)(const struct host_info *i, struct host_fact *f);
} facts[] = {
	FACT(host),
	FACT(release),
	FACT(version),
	FACT(machine),
	FACT(nr_cpus),
	FACT(max_cpu_id),
	FACT(nr_nodes),
	FACT(cores_per_socket),
	FACT(threads_per_core),
	FACT(cpu_mhz),
	FACT(hw_caps),
	FACT(virt_caps),
	FACT(total_memory),
	FACT(free_memory),
	FACT(sharing_freed_memory),
	FACT(sharing_used_memory),
	FACT(outstanding_claims),
	FACT(free_cpus),
	FACT(xen_major),
	FACT(xen_minor),
	FACT(xen_extra),
	FACT(xen_version),
	FACT(xen_caps),
	FACT(xen_scheduler),
	FACT(xen_pagesize),
	FACT(platform_params),
	FACT(xen_changeset),
	FACT(xen_commandline),
	FACT(cc_compiler),
	FACT(cc_compile_by),
	FACT(cc_compile_domain),
	FACT(cc_compile_date),
	FACT(build_id),
	FACT(xend_config_format),
	/* Not in xl's list: memory to the frame, for those who look for leaks; whether guests must be trusted. */
	FACT(free_pages),
	FACT(flaw_meltdown),
	FACT(flaw_l1tf),
	FACT(flaw_mds),
	FACT(flaw_spectre_v2),
	FACT(flaw_rsb),
};

bool host_info_fact(const struct host_info *i, unsigned int n, struct host_fact *f)
{
	if (n >= sizeof(facts) / sizeof(facts[0]))
		return false;
	f->key = facts[n].key;
	f->number = false;
	facts[n].put(i, f);
	return true;
}
