/* JSON of a configuration; schema bothy.config/1. Members are added, never renamed. */
#include "toolstack/config/cfg_json.h"

#include <cjson/cJSON.h>

static void add_disks(cJSON *root, const struct guest_cfg *g)
{
	cJSON *all = cJSON_AddArrayToObject(root, "disks");

	for (size_t i = 0; i < g->disk_count; i++) {
		const struct disk_spec *d = &g->disks[i];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "target", d->target);
		cJSON_AddStringToObject(o, "vdev", d->vdev);
		cJSON_AddNumberToObject(o, "virtual_device", d->vdev_nr);
		cJSON_AddBoolToObject(o, "writable", d->writable);
		cJSON_AddBoolToObject(o, "cdrom", d->cdrom);
		cJSON_AddStringToObject(o, "backend", d->kernel_backend ? "kernel" : "user");
		cJSON_AddItemToArray(all, o);
	}
}

static void add_vifs(cJSON *root, const struct guest_cfg *g)
{
	cJSON *all = cJSON_AddArrayToObject(root, "vifs");

	for (size_t i = 0; i < g->vif_count; i++) {
		const struct vif_spec *v = &g->vifs[i];
		cJSON *o = cJSON_CreateObject();
		char mac[MAC_TEXT];

		mac_format(v->mac, mac);
		if (v->mac_given)
			cJSON_AddStringToObject(o, "mac", mac);
		else
			cJSON_AddNullToObject(o, "mac");
		cJSON_AddStringToObject(o, "backend", v->kernel_backend ? "kernel" : "user");
		cJSON_AddStringToObject(o, "mode", vif_mode_name(v->mode));
		cJSON_AddStringToObject(o, "bridge", v->bridge);
		cJSON_AddStringToObject(o, "script", v->script);
		cJSON_AddStringToObject(o, "ip", v->ip);
		cJSON_AddStringToObject(o, "vifname", v->ifname);
		if (v->rate_bytes) {
			cJSON_AddNumberToObject(o, "rate_bytes_per_second", (double)v->rate_bytes);
			cJSON_AddNumberToObject(o, "rate_interval_us", v->rate_us);
		}
		cJSON_AddItemToArray(all, o);
	}
}

static void add_cpus(cJSON *root, const struct guest_cfg *g)
{
	cJSON *all = cJSON_AddArrayToObject(root, "cpus");
	char text[1024] = "";

	for (unsigned int v = 0; g->pinned && v < g->maxvcpus; v++) {
		(void)!cpu_set_format(&g->cpus[v], CPU_SET_MAX, text, sizeof(text));
		cJSON_AddItemToArray(all, cJSON_CreateString(text));
	}
}

void guest_cfg_json(const struct guest_cfg *g, struct cJSON *root)
{
	char uuid[UUID_TEXT];

	uuid_format(g->uuid, uuid);
	cJSON_AddStringToObject(root, "name", g->name);
	if (g->uuid_given)
		cJSON_AddStringToObject(root, "uuid", uuid);
	else
		cJSON_AddNullToObject(root, "uuid");
	cJSON_AddStringToObject(root, "kernel", g->kernel);
	cJSON_AddStringToObject(root, "ramdisk", g->ramdisk);
	cJSON_AddStringToObject(root, "cmdline", g->cmdline);
	cJSON_AddNumberToObject(root, "memory_mib", (double)g->memory_mib);
	cJSON_AddNumberToObject(root, "max_memory_mib", (double)g->maxmem_mib);
	cJSON_AddNumberToObject(root, "vcpus", g->vcpus);
	cJSON_AddNumberToObject(root, "max_vcpus", g->maxvcpus);
	cJSON_AddNumberToObject(root, "cpu_weight", g->weight);
	cJSON_AddNumberToObject(root, "cap", g->cap);
	add_cpus(root, g);
	cJSON_AddStringToObject(root, "on_poweroff", guest_action_name(g->on_poweroff));
	cJSON_AddStringToObject(root, "on_reboot", guest_action_name(g->on_reboot));
	cJSON_AddStringToObject(root, "on_crash", guest_action_name(g->on_crash));
	add_disks(root, g);
	add_vifs(root, g);
}
