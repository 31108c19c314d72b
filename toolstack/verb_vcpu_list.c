/* bothy vcpu-list: the columns of `xl vcpu-list`. */
#include <cjson/cJSON.h>
#include <string.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/sysctl.h"
#include "toolstack/config/cpu_set.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

struct vcpu_view {
	uint32_t id;
	struct xen_domctl_getvcpuinfo info;
	char hard[256], soft[256];
};

struct listing {
	struct cli *c;
	struct host *h;
	unsigned int host_cpus;
	cJSON *array; /* NULL: print rows */
};

/* Returns -ESRCH for an id without a vCPU. */
static int vcpu_look(struct listing *l, uint16_t domid, uint32_t id, struct vcpu_view *v)
{
	struct cpu_set hard, soft;
	int rc = domctl_getvcpuinfo(&l->h->hv, domid, id, &v->info);

	v->id = id;
	strcpy(v->hard, "?");
	strcpy(v->soft, "?");
	memset(&hard, 0, sizeof(hard));
	memset(&soft, 0, sizeof(soft));
	if (rc == 0 && domctl_getvcpuaffinity(
			       &l->h->hv, domid, id, hard.bits, soft.bits, CPU_SET_MAX) == 0) {
		(void)!cpu_set_format(&hard, l->host_cpus, v->hard, sizeof(v->hard));
		(void)!cpu_set_format(&soft, l->host_cpus, v->soft, sizeof(v->soft));
	}
	return rc;
}

static void vcpu_print(
	struct listing *l, const char *name, uint16_t domid, const struct vcpu_view *v)
{
	fprintf(l->c->out, "%-32s %5u %5u", host_name_shown(name), domid, v->id);
	if (v->info.online)
		fprintf(l->c->out, " %5u   %c%c- ", v->info.cpu, v->info.running ? 'r' : '-',
			v->info.blocked ? 'b' : '-');
	else
		fprintf(l->c->out, " %5c   --p ", '-');
	fprintf(l->c->out, " %9.1f  %s / %s\n", (double)v->info.cpu_time / 1e9, v->hard, v->soft);
}

static void vcpu_json(
	struct listing *l, const char *name, uint16_t domid, const struct vcpu_view *v)
{
	cJSON *o = cJSON_CreateObject();

	cli_json_text(o, "name", name);
	cJSON_AddNumberToObject(o, "domid", domid);
	cJSON_AddNumberToObject(o, "vcpu", v->id);
	cJSON_AddBoolToObject(o, "online", v->info.online);
	cJSON_AddBoolToObject(o, "running", v->info.running);
	cJSON_AddBoolToObject(o, "blocked", v->info.blocked);
	cJSON_AddNumberToObject(o, "cpu", v->info.cpu);
	cJSON_AddNumberToObject(o, "cpu_time_seconds", (double)v->info.cpu_time / 1e9);
	cJSON_AddStringToObject(o, "hard_affinity", v->hard);
	cJSON_AddStringToObject(o, "soft_affinity", v->soft);
	cJSON_AddItemToArray(l->array, o);
}

static void domain_vcpus(struct listing *l, const struct xen_domctl_getdomaininfo *d)
{
	char buffer[DOMAIN_NAME_SIZE];
	const char *name;
	struct vcpu_view v;

	if (d->max_vcpu_id == XEN_INVALID_MAX_VCPU_ID)
		return;
	name = host_domain_name(l->h, d->domain, buffer);
	for (uint32_t id = 0; id <= d->max_vcpu_id; id++) {
		if (vcpu_look(l, d->domain, id, &v) < 0)
			continue;
		(l->array ? vcpu_json : vcpu_print)(l, name, d->domain, &v);
	}
}

static enum exit_code print(struct cli *c, struct host *h,
	const struct xen_domctl_getdomaininfo *list, uint32_t count, void *arg)
{
	struct listing l = {.c = c, .h = h};
	struct xen_sysctl_physinfo phys;
	cJSON *root = NULL;
	int rc = sysctl_physinfo(&h->hv, &phys);

	(void)arg;
	if (rc < 0)
		return host_failed(c, rc, "physical CPUs");
	l.host_cpus = phys.max_cpu_id < CPU_SET_MAX ? phys.max_cpu_id + 1 : CPU_SET_MAX;
	if (c->json) {
		root = cli_json_new("vcpu-list");
		l.array = cJSON_AddArrayToObject(root, "vcpus");
	} else {
		fprintf(c->out, "%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU",
			"State", "Time(s)", "Affinity (Hard / Soft)");
	}
	for (uint32_t i = 0; i < count; i++)
		domain_vcpus(&l, &list[i]);
	return c->json ? cli_json(c, root) : EXIT_DONE;
}

enum exit_code verb_vcpu_list(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return count < 0 ? EXIT_USAGE : host_domains_run(c, false, count, argv, print, NULL);
}
