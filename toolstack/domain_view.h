/* How a domain is shown: the columns of `xl list` and their JSON. Pure. */
#pragma once
#include <stddef.h>

#include "protocol/domctl.h"

struct cJSON;

#define DOMAIN_ROW_HEADER                                                                          \
	"Name                                        ID   Mem VCPUs\tState\tTime(s)"

/* "r-----": running, blocked, paused, shut down, crashed, dying. */
enum { DOMAIN_STATE_SIZE = 7 };
void domain_state_format(const struct xen_domctl_getdomaininfo *d, char out[DOMAIN_STATE_SIZE]);

/* One row, without a newline. */
void domain_row_format(
	const struct xen_domctl_getdomaininfo *d, const char *name, char *out, size_t size);

/* {"name" or null,"domid","uuid","memory_mib","max_memory_mib","vcpus","state","cpu_time_seconds",
 *  "shutdown_reason" or null}; NULL: out of memory. */
struct cJSON *domain_json(const struct xen_domctl_getdomaininfo *d, const char *name);

/* "poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset", or NULL: not shut down. */
const char *domain_shutdown_reason(const struct xen_domctl_getdomaininfo *d);
