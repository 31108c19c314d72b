/* bothy uptime: how long domains have been there, in the columns of `xl uptime`. */
#include <cjson/cJSON.h>
#include <time.h>

#include "toolstack/config/guest_cfg.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

struct listing {
	struct cli *c;
	struct host *h;
	bool brief;
	cJSON *array; /* NULL: print rows */
};

/* A guest's from the time of its creation, domain 0's is this system's own; 0: not known. */
static unsigned long uptime_s(struct host *h, const struct xen_domctl_getdomaininfo *d)
{
	char path[96], uuid[UUID_TEXT];
	struct timespec since_boot = {0};
	uint64_t start;
	time_t now = time(NULL);

	if (d->domain == 0) {
		clock_gettime(CLOCK_BOOTTIME, &since_boot);
		return (unsigned long)since_boot.tv_sec;
	}
	uuid_format(d->handle, uuid);
	snprintf(path, sizeof(path), "/vm/%s/start_time", uuid);
	if (store_read_u64(h->store, STORE_NO_TX, path, &start) < 0 || (uint64_t)now < start)
		return 0;
	return (unsigned long)((uint64_t)now - start);
}

/* "2 days, 3:04:05"; in brief without the seconds. */
static void format(unsigned long s, bool brief, char *out, size_t size)
{
	unsigned long days = s / DAY;
	int length = 0;

	out[0] = '\0';
	if (days)
		length = snprintf(out, size, "%lu day%s, ", days, days > 1 ? "s" : "");
	out += length;
	size -= (size_t)length;
	length = snprintf(out, size, "%2lu:%02lu", s % DAY / HOUR, s % HOUR / MINUTE);
	if (!brief)
		snprintf(out + length, size - (size_t)length, ":%02lu", s % MINUTE);
}

static void print_row(struct listing *l, const char *name, uint16_t domid, unsigned long uptime)
{
	char text[64], clock[16];
	time_t now = time(NULL);
	struct tm tm;

	format(uptime, l->brief, text, sizeof(text));
	if (!l->brief) {
		fprintf(l->c->out, "%-33s %4u %s\n", name, domid, text);
		return;
	}
	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	fprintf(l->c->out, " %s up %s, %s (%u)\n", clock, text, name, domid);
}

static void list_one(struct listing *l, const struct xen_domctl_getdomaininfo *d)
{
	unsigned long uptime = uptime_s(l->h, d);
	char buffer[DOMAIN_NAME_SIZE];
	const char *name = host_domain_name(l->h, d->domain, buffer);
	cJSON *o;

	if (!l->array) {
		print_row(l, host_name_shown(name), d->domain, uptime);
		return;
	}
	o = cJSON_CreateObject();
	cli_json_text(o, "name", name);
	cJSON_AddNumberToObject(o, "domid", d->domain);
	cJSON_AddNumberToObject(o, "uptime_seconds", (double)uptime);
	cJSON_AddItemToArray(l->array, o);
}

static enum exit_code print(struct cli *c, struct host *h,
	const struct xen_domctl_getdomaininfo *list, uint32_t count, void *brief)
{
	cJSON *root = c->json ? cli_json_new("uptime") : NULL;
	struct listing l = {.c = c, .h = h, .brief = *(bool *)brief};

	if (root)
		l.array = cJSON_AddArrayToObject(root, "domains");
	else if (!l.brief)
		fprintf(c->out, "%-33s %4s %s\n", "Name", "ID", "Uptime");
	for (uint32_t i = 0; i < count; i++)
		list_one(&l, &list[i]);
	return c->json ? cli_json(c, root) : EXIT_DONE;
}

enum exit_code verb_uptime(struct cli *c, int argc, char **argv)
{
	bool brief = false;
	const struct cli_option options[] = {{'s', "short", &brief, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return count < 0 ? EXIT_USAGE : host_domains_run(c, true, count, argv, print, &brief);
}
