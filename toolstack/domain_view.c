/* Presentation of one domain. Scripts (Ganeti, Pacemaker) cut these columns apart: their order and the
 * state letters are an interface. Neighbours: verb_list.c.
 */
#include "toolstack/domain_view.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "toolstack/cli.h"
#include "toolstack/config/guest_cfg.h"

enum { PAGES_PER_MIB = 256, REASON_CRASH = 3 };

static unsigned int reason_of(const struct xen_domctl_getdomaininfo *d)
{
	return d->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

const char *domain_shutdown_reason(const struct xen_domctl_getdomaininfo *d)
{
	static const char *const names[] = {
		"poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"};
	unsigned int reason = reason_of(d);

	if (!(d->flags & XEN_DOMINF_shutdown))
		return NULL;
	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "unknown";
}

void domain_state_format(const struct xen_domctl_getdomaininfo *d, char out[DOMAIN_STATE_SIZE])
{
	bool down = d->flags & XEN_DOMINF_shutdown;
	bool crashed = down && reason_of(d) == REASON_CRASH;

	out[0] = d->flags & XEN_DOMINF_running ? 'r' : '-';
	out[1] = d->flags & XEN_DOMINF_blocked ? 'b' : '-';
	out[2] = d->flags & XEN_DOMINF_paused ? 'p' : '-';
	out[3] = down && !crashed ? 's' : '-';
	out[4] = crashed ? 'c' : '-';
	out[5] = d->flags & XEN_DOMINF_dying ? 'd' : '-';
	out[6] = '\0';
}

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static unsigned long long memory_mib(const struct xen_domctl_getdomaininfo *d)
{
	return (d->tot_pages + d->outstanding_pages) / PAGES_PER_MIB;
}

void domain_row_format(
	const struct xen_domctl_getdomaininfo *d, const char *name, char *out, size_t size)
{
	char state[DOMAIN_STATE_SIZE];

	domain_state_format(d, state);
	snprintf(out, size, "%-40s %5u %5llu %5u     %s  %8.1f", name, d->domain, memory_mib(d),
		d->nr_online_vcpus, state, seconds(d->cpu_time));
}

static bool json_fill(cJSON *o, const struct xen_domctl_getdomaininfo *d, const char *name)
{
	char uuid[UUID_TEXT], state[DOMAIN_STATE_SIZE];

	uuid_format(d->handle, uuid);
	domain_state_format(d, state);
	return cli_json_text(o, "name", name) &&
	       cJSON_AddNumberToObject(o, "domid", d->domain) &&
	       cJSON_AddStringToObject(o, "uuid", uuid) &&
	       cJSON_AddNumberToObject(o, "memory_mib", (double)memory_mib(d)) &&
	       cJSON_AddNumberToObject(
		       o, "max_memory_mib", (double)(d->max_pages / PAGES_PER_MIB)) &&
	       cJSON_AddNumberToObject(o, "vcpus", d->nr_online_vcpus) &&
	       cJSON_AddStringToObject(o, "state", state) &&
	       cJSON_AddNumberToObject(o, "cpu_time_seconds", seconds(d->cpu_time)) &&
	       cli_json_text(o, "shutdown_reason", domain_shutdown_reason(d));
}

struct cJSON *domain_json(const struct xen_domctl_getdomaininfo *d, const char *name)
{
	cJSON *o = cJSON_CreateObject();

	if (o && !json_fill(o, d, name)) {
		cJSON_Delete(o);
		return NULL;
	}
	return o;
}
