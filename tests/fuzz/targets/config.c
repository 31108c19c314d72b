/* A guest's configuration file: bytes in, a checked description out, and back.
 *
 * The input is the file; a line that starts with '!' is an assignment of the command line and comes
 * after it. Properties: limits are kept; texts end and are printable where they go to a terminal;
 * what is accepted, written and parsed again is the same; so is each cpus= set. */
#include "tests/fuzz/targets/target.h"

#include <cjson/cJSON.h>
#include "toolstack/config/cfg_json.h"
#include "toolstack/config/guest_cfg.h"

static bool is_tame(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			return false;
	return true;
}

static void why_check(const struct why *w)
{
	HOLDS(w->code < 0 && w->what[0]);
	HOLDS(memchr(w->where, 0, sizeof w->where) && memchr(w->what, 0, sizeof w->what) &&
		memchr(w->hint, 0, sizeof w->hint));
	HOLDS(is_tame(w->where) && is_tame(w->what) && is_tame(w->hint));
}

/* ---- the tree ---- */

static size_t values_check(const struct cfg_value *v, int depth)
{
	size_t n = 1;

	HOLDS(depth <= CFG_DEPTH_MAX && v->kind <= CFG_LIST);
	HOLDS((v->kind == CFG_LIST) == !v->text);
	HOLDS(v->count == 0 || v->kind == CFG_LIST);
	for (size_t i = 0; i < v->count; i++)
		n += values_check(&v->items[i], depth + 1);
	return n;
}

/* @more: values that came from elsewhere than a file, which are not counted. */
static void text_check(const struct cfg_text *t, size_t more)
{
	size_t values = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct cfg_setting *s = &t->settings[i];

		HOLDS(s->key[0] && s->source && s->line >= 1);
		HOLDS(cfg_text_find(t, s->key) == s);
		values += values_check(&s->value, 0);
	}
	HOLDS(values <= t->values + more && t->values <= CFG_VALUES_MAX + 2);
}

/* ---- the guest ---- */

static bool same_disk(const struct disk_spec *a, const struct disk_spec *b)
{
	return strcmp(a->target, b->target) == 0 && strcmp(a->vdev, b->vdev) == 0 &&
	       a->vdev_nr == b->vdev_nr && a->writable == b->writable && a->cdrom == b->cdrom &&
	       a->kernel_backend == b->kernel_backend;
}

static bool same_vif(const struct vif_spec *a, const struct vif_spec *b)
{
	return a->mac_given == b->mac_given && (!a->mac_given || memcmp(a->mac, b->mac, 6) == 0) &&
	       strcmp(a->bridge, b->bridge) == 0 && strcmp(a->script, b->script) == 0 &&
	       strcmp(a->ip, b->ip) == 0 && strcmp(a->ifname, b->ifname) == 0 &&
	       a->kernel_backend == b->kernel_backend && a->mode == b->mode && a->rate_bytes == b->rate_bytes &&
	       a->rate_us == b->rate_us;
}

static bool same_scalars(const struct guest_cfg *a, const struct guest_cfg *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->kernel, b->kernel) == 0 &&
	       strcmp(a->ramdisk, b->ramdisk) == 0 && strcmp(a->cmdline, b->cmdline) == 0 &&
	       a->uuid_given == b->uuid_given &&
	       (!a->uuid_given || memcmp(a->uuid, b->uuid, 16) == 0) &&
	       a->memory_mib == b->memory_mib && a->maxmem_mib == b->maxmem_mib &&
	       a->vcpus == b->vcpus && a->maxvcpus == b->maxvcpus && a->weight == b->weight &&
	       a->cap == b->cap && a->pinned == b->pinned && a->on_poweroff == b->on_poweroff &&
	       a->on_reboot == b->on_reboot && a->on_crash == b->on_crash;
}

static void same_check(const struct guest_cfg *a, const struct guest_cfg *b)
{
	HOLDS(same_scalars(a, b));
	for (unsigned int i = 0; a->pinned && i < a->maxvcpus; i++)
		HOLDS(memcmp(&a->cpus[i], &b->cpus[i], sizeof a->cpus[i]) == 0);
	HOLDS(a->disk_count == b->disk_count && a->vif_count == b->vif_count && a->channel_count == b->channel_count);
	for (size_t i = 0; i < a->channel_count; i++)
		HOLDS(strcmp(a->channels[i].name, b->channels[i].name) == 0);
	for (size_t i = 0; i < a->disk_count; i++)
		HOLDS(same_disk(&a->disks[i], &b->disks[i]));
	for (size_t i = 0; i < a->vif_count; i++)
		HOLDS(same_vif(&a->vifs[i], &b->vifs[i]));
}

static void vif_check(const struct vif_spec *v)
{
	struct net_address list[NET_ADDRESSES_MAX];
	uint32_t count;

	HOLDS(!v->mac_given || !(v->mac[0] & 1));
	HOLDS((v->mode == VIF_BRIDGED) == (v->bridge[0] != '\0'));
	HOLDS(v->mode == VIF_BRIDGED || (!v->kernel_backend && v->ip[0]));
	HOLDS(v->mode != VIF_NAT || !strchr(v->ip, ':'));
	HOLDS(net_addresses_parse(list, &count, v->ip) == 0);
	HOLDS(!v->rate_bytes || vif_rate_part(v) > 0);
}

static void limits_check(const struct guest_cfg *g)
{
	HOLDS(g->name[0] && is_tame(g->name) && !strchr(g->name, '/') && !strchr(g->name, ' '));
	HOLDS(g->kernel[0] && g->vcpus >= 1 && g->vcpus <= g->maxvcpus &&
		g->maxvcpus <= GUEST_VCPUS_MAX);
	HOLDS(g->memory_mib >= GUEST_MEMORY_MIB_MIN && g->memory_mib <= g->maxmem_mib &&
		g->maxmem_mib <= GUEST_MEMORY_MIB_MAX);
	HOLDS(g->disk_count <= GUEST_DISKS_MAX && g->vif_count <= GUEST_VIFS_MAX && g->channel_count <= GUEST_CHANNELS_MAX);
	for (size_t i = 0; i < g->channel_count; i++)
		HOLDS(g->channels[i].name[0] && is_tame(g->channels[i].name));
	for (size_t i = 0; i < g->disk_count; i++) {
		uint32_t nr = 0;

		HOLDS(g->disks[i].target[0] == '/' && !(g->disks[i].cdrom && g->disks[i].writable));
		HOLDS(disk_vdev_number(g->disks[i].vdev, &nr) == 0 && nr == g->disks[i].vdev_nr);
	}
	for (size_t i = 0; i < g->vif_count; i++)
		vif_check(&g->vifs[i]);
	for (unsigned int i = 0; g->pinned && i < g->maxvcpus; i++)
		HOLDS(!cpu_set_is_empty(&g->cpus[i]));
}

static void json_check(const struct guest_cfg *g)
{
	cJSON *root = cJSON_CreateObject();

	guest_cfg_json(g, root);
	char *text = cJSON_PrintUnformatted(root);

	HOLDS(text);
	cJSON_free(text);
	cJSON_Delete(root);
}

static void round_trip(const struct guest_cfg *g)
{
	static struct guest_warnings w;
	static struct guest_cfg again;
	struct cfg_text t = { 0 };
	struct why why = { 0 };
	char *text = NULL;

	HOLDS(guest_cfg_format(g, &text) == 0);
	HOLDS(cfg_text_parse(&t, "again", text, strlen(text), &why) == 0);
	HOLDS(guest_cfg_parse(&again, &t, &w, &why) == 0 && w.count == 0);
	same_check(g, &again);
	cfg_text_free(&t);
	free(text);
}

/* ---- the input ---- */

static int parse_all(struct cfg_text *t, const char *bytes, size_t size, struct why *why)
{
	const char *bang = size ? memchr(bytes, '!', size) : NULL;
	size_t first = bang ? (size_t)(bang - bytes) : size;
	int rc = cfg_text_parse(t, "guest.cfg", bytes, first, why);

	text_check(t, 0);
	if (rc == 0 && bang) {
		char *assignment = strndup(bang + 1, size - first - 1);

		HOLDS(assignment);
		rc = cfg_text_override(t, assignment, why);
		free(assignment);
		text_check(t, 1);
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guest_warnings w;
	static struct guest_cfg g;
	struct cfg_text t = { 0 };
	struct why why = { 0 };
	int rc = parse_all(&t, (const char *)data, size, &why);

	if (rc == 0) {
		rc = guest_cfg_parse(&g, &t, &w, &why);
		for (size_t i = 0; i < w.count && i < GUEST_WARNINGS_MAX; i++)
			HOLDS(memchr(w.text[i], 0, sizeof w.text[i]) && is_tame(w.text[i]));
	}
	if (rc == 0) {
		limits_check(&g);
		json_check(&g);
		round_trip(&g);
	} else {
		why_check(&why);
	}
	cfg_text_free(&t);
	return 0;
}
