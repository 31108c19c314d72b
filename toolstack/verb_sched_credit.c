/* bothy sched-credit: a domain's share of CPU time, in the columns of `xl sched-credit`. */
#include <cjson/cJSON.h>
#include <stdlib.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/sysctl.h"
#include "toolstack/domain/leftovers.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

enum { WEIGHT_MAX = 65535, CAP_MAX = 65535 };

struct share {
	const char *weight_text, *cap_text; /* NULL: left as it is */
	unsigned long weight, cap;
};

struct listing {
	struct cli *c;
	struct host *h;
	cJSON *array; /* NULL: print rows */
};

static int list_one(struct listing *l, uint16_t domid)
{
	uint16_t weight = 0, cap = 0;
	char buffer[DOMAIN_NAME_SIZE];
	const char *name;
	int rc = domctl_sched_get(&l->h->hv, domid, &weight, &cap);
	cJSON *o;

	if (rc < 0)
		return rc;
	name = host_domain_name(l->h, domid, buffer);
	if (!l->array) {
		fprintf(l->c->out, "%-33s %4u %6u %4u\n", host_name_shown(name), domid, weight,
			cap);
		return 0;
	}
	o = cJSON_CreateObject();
	cli_json_text(o, "name", name);
	cJSON_AddNumberToObject(o, "domid", domid);
	cJSON_AddNumberToObject(o, "weight", weight);
	cJSON_AddNumberToObject(o, "cap", cap);
	cJSON_AddItemToArray(l->array, o);
	return 0;
}

static enum exit_code print_scheduler(struct cli *c, struct host *h)
{
	struct xen_sysctl_credit_schedule s;
	int rc = sysctl_credit_get(&h->hv, &s);
	cJSON *root;

	if (rc < 0)
		return host_failed(c, rc, "scheduler");
	if (c->json) {
		root = cli_json_new("scheduler");
		cJSON_AddNumberToObject(root, "tslice_ms", s.tslice_ms);
		cJSON_AddNumberToObject(root, "ratelimit_us", s.ratelimit_us);
		cJSON_AddNumberToObject(root, "migration_delay_us", s.vcpu_migr_delay_us);
		return cli_json(c, root);
	}
	fprintf(c->out, "Cpupool Pool-0: tslice=%ums ratelimit=%uus migration-delay=%uus\n",
		s.tslice_ms, s.ratelimit_us, s.vcpu_migr_delay_us);
	return EXIT_DONE;
}

/* @one: only this domain; NULL: all. */
static enum exit_code list(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *one)
{
	struct xen_domctl_getdomaininfo *all = NULL;
	uint32_t count = 1;
	cJSON *root = c->json ? cli_json_new("sched-credit") : NULL;
	struct listing l = {c, h, root ? cJSON_AddArrayToObject(root, "domains") : NULL};
	int rc = one ? 0 : sysctl_domain_list(&h->hv, &all, &count);

	if (!root)
		fprintf(c->out, "%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = list_one(&l, one ? one->domain : all[i].domain);
	free(all);
	if (root && rc == 0)
		return cli_json(c, root);
	cJSON_Delete(root);
	return rc < 0 ? host_failed(c, rc, "scheduling parameters") : EXIT_DONE;
}

static enum exit_code show_or_set(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *d, void *arg)
{
	const struct share *s = arg;
	uint16_t weight = 0, cap = 0;
	int rc;

	if (!s->weight_text && !s->cap_text)
		return list(c, h, d);
	rc = domctl_sched_get(&h->hv, d->domain, &weight, &cap);
	if (rc == 0)
		rc = domctl_sched_set(&h->hv, d->domain,
			s->weight_text ? (uint16_t)s->weight : weight,
			s->cap_text ? (uint16_t)s->cap : cap);
	return rc < 0 ? host_failed(c, rc, "scheduling parameters") : cli_done(c, d->domain);
}

static enum exit_code list_all(struct cli *c, bool scheduler_only)
{
	struct host h;
	enum exit_code code = host_open(c, &h, false);

	if (code != EXIT_DONE)
		return code;
	leftovers_clear(c, &h);
	if (scheduler_only || !c->json)
		code = print_scheduler(c, &h);
	if (code == EXIT_DONE && !scheduler_only)
		code = list(c, &h, NULL);
	host_close(&h);
	return code;
}

enum exit_code verb_sched_credit(struct cli *c, int argc, char **argv)
{
	const char *domain = NULL;
	bool scheduler_only = false;
	struct share s = {.weight_text = NULL};
	const struct cli_option options[] = {{'d', "domain", NULL, &domain},
		{'w', "weight", NULL, &s.weight_text}, {'c', "cap", NULL, &s.cap_text},
		{'s', "schedparam", &scheduler_only, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 0, 0))
		return EXIT_USAGE;
	if (!domain && (s.weight_text || s.cap_text))
		return cli_usage(c, "which domain? (-d)");
	if ((s.weight_text && !cli_number(c, "weight", s.weight_text, 1, WEIGHT_MAX, &s.weight)) ||
		(s.cap_text && !cli_number(c, "cap", s.cap_text, 0, CAP_MAX, &s.cap)))
		return EXIT_USAGE;
	return domain ? host_domain_run(c, false, domain, show_or_set, &s)
		      : list_all(c, scheduler_only);
}
