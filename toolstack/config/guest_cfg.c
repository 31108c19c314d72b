/* Meaning of xl.cfg's keys.
 *
 * One table of keys, one small function per kind of value. A key that is unknown, or known from Xen
 * but without meaning here, warns; a value that we cannot honour is an error, since a guest that
 * silently differs from its file is worse than none. What only the whole can tell (vcpus against
 * maxvcpus, twice the same device) is checked at the end.
 * Neighbours: cfg_text.c the syntax, guest_format.c the way back, create.c the user.
 */
#include "toolstack/config/guest_cfg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/config/field.h"
#include "toolstack/nearest.h"

struct reader {
	struct guest_cfg *guest;
	const struct cfg_text *text;
	struct guest_warnings *warnings;
	struct why *why;
	const struct cfg_setting *setting; /* being read */
	char root[256], extra[GUEST_CMDLINE_MAX + 1];
	bool cmdline_given;
};

struct key {
	const char *name;
	int (*read)(struct reader *r, const struct cfg_value *v, void *to);
	size_t offset; /* of `to` in struct guest_cfg */
};

static void reader_warn(struct reader *r, const char *what)
{
	struct guest_warnings *w = r->warnings;
	const struct cfg_setting *s = r->setting;

	if (w->count < GUEST_WARNINGS_MAX) {
		snprintf(w->text[w->count], sizeof(w->text[0]), "%.80s:%d: %.32s: %s", s->source,
			s->line, s->key, what);
		text_tame(w->text[w->count]);
	}
	w->count++;
}

/* What the user wrote, for an error message. */
static int type_error(struct reader *r, const char *expected, const struct cfg_value *v)
{
	if (v->kind == CFG_LIST)
		return why_set(r->why, -EINVAL, "expected %s, got a list", expected);
	return why_set(r->why, -EINVAL, "expected %s, got \"%.64s\"", expected, v->text);
}

static int value_number(
	struct reader *r, const struct cfg_value *v, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end = NULL;
	unsigned long long number = 0;
	bool negative = v->kind != CFG_LIST && v->text[0] == '-';

	if (v->kind != CFG_LIST && v->text[negative] >= '0' && v->text[negative] <= '9') {
		errno = 0;
		number = strtoull(v->text + negative, &end, 0);
	}
	if (!end || *end)
		return type_error(r, "a number", v);
	if (errno == ERANGE || negative || number < min || number > max)
		return why_set(r->why, -EINVAL, "%.24s is out of range (%llu to %llu)", v->text,
			(unsigned long long)min, (unsigned long long)max);
	*out = number;
	return 0;
}

static int value_string(struct reader *r, const struct cfg_value *v, char *out, size_t size)
{
	if (v->kind == CFG_LIST)
		return type_error(r, "a string", v);
	return field_copy(out, size, "text", v->text, r->why);
}

static int read_memory(struct reader *r, const struct cfg_value *v, void *to)
{
	int rc = value_number(r, v, GUEST_MEMORY_MIB_MIN, GUEST_MEMORY_MIB_MAX, to);

	if (rc < 0)
		why_hint(r->why, "in MiB, such as %s = 256", r->setting->key);
	return rc;
}

static int read_vcpus(struct reader *r, const struct cfg_value *v, void *to)
{
	uint64_t number = 0;
	int rc = value_number(r, v, 1, GUEST_VCPUS_MAX, &number);

	if (rc == 0)
		*(unsigned int *)to = (unsigned int)number;
	return rc;
}

static int read_weight(struct reader *r, const struct cfg_value *v, void *to)
{
	uint64_t number = 0;
	int rc = value_number(r, v, 1, 65535, &number);

	if (rc == 0)
		*(unsigned int *)to = (unsigned int)number;
	return rc;
}

static int read_cap(struct reader *r, const struct cfg_value *v, void *to)
{
	uint64_t number = 0;
	int rc = value_number(r, v, 0, 100 * GUEST_VCPUS_MAX, &number);

	if (rc == 0)
		*(unsigned int *)to = (unsigned int)number;
	return rc;
}

static const char *name_refuse(const char *name)
{
	char tame[GUEST_NAME_MAX + 1];

	strcpy(tame, name);
	text_tame(tame);
	if (strpbrk(name, " /") || strcmp(name, tame) != 0)
		return "has a blank, a slash or a control byte";
	if (name[0] == '\0' || name[0] == '-' || name[0] == '.' || strcmp(name, "Domain-0") == 0)
		return "cannot be a name";
	if (name[strspn(name, "0123456789")] == '\0')
		return "would be taken for a domain id";
	return NULL;
}

int guest_name_check(const char *name, struct why *why)
{
	const char *wrong;

	if (strlen(name) > GUEST_NAME_MAX)
		return why_set(why, -EINVAL, "text is too long (at most %d bytes)", GUEST_NAME_MAX);
	wrong = name_refuse(name);
	if (!wrong)
		return 0;
	why_set(why, -EINVAL, "\"%s\" %s", name, wrong);
	if (name[0] && name[strspn(name, "0123456789")] == '\0')
		why_hint(why, "add a letter");
	return -EINVAL;
}

static int read_name(struct reader *r, const struct cfg_value *v, void *to)
{
	int rc = value_string(r, v, to, GUEST_NAME_MAX + 1);

	return rc < 0 ? rc : guest_name_check(to, r->why);
}

static int read_uuid(struct reader *r, const struct cfg_value *v, void *to)
{
	if (v->kind == CFG_LIST || uuid_parse(to, v->text) < 0)
		return type_error(r, "a UUID", v);
	r->guest->uuid_given = true;
	return 0;
}

static int read_path(struct reader *r, const struct cfg_value *v, void *to)
{
	return value_string(r, v, to, GUEST_PATH_MAX + 1);
}

static int read_cmdline(struct reader *r, const struct cfg_value *v, void *to)
{
	r->cmdline_given = true;
	return value_string(r, v, to, GUEST_CMDLINE_MAX + 1);
}

static int read_root(struct reader *r, const struct cfg_value *v, void *to)
{
	(void)to;
	return value_string(r, v, r->root, sizeof(r->root));
}

static int read_extra(struct reader *r, const struct cfg_value *v, void *to)
{
	(void)to;
	return value_string(r, v, r->extra, sizeof(r->extra));
}

static const struct {
	const char *name;
	enum guest_action action;
	const char *warning;
} actions[] = {
	{"destroy", ACTION_DESTROY, NULL},
	{"restart", ACTION_RESTART, NULL},
	{"preserve", ACTION_PRESERVE, NULL},
	{"rename-restart", ACTION_RENAME_RESTART, NULL},
	{"coredump-destroy", ACTION_DESTROY, "no core is written; taken as \"destroy\""},
	{"coredump-restart", ACTION_RESTART, "no core is written; taken as \"restart\""},
};

static int read_action(struct reader *r, const struct cfg_value *v, void *to)
{
	for (size_t i = 0; v->kind != CFG_LIST && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(v->text, actions[i].name) != 0)
			continue;
		if (actions[i].warning)
			reader_warn(r, actions[i].warning);
		*(enum guest_action *)to = actions[i].action;
		return 0;
	}
	type_error(r, "an action", v);
	why_hint(r->why, "destroy, restart, rename-restart or preserve");
	return -EINVAL;
}

const char *guest_action_name(enum guest_action a)
{
	return actions[a].name;
}

/* A list gives vCPU i the i-th set; one set is for all. */
static int read_cpus(struct reader *r, const struct cfg_value *v, void *to)
{
	struct cpu_set *sets = to;
	size_t given = v->kind == CFG_LIST ? v->count : 1;

	if (given == 0 || given > GUEST_VCPUS_MAX)
		return why_set(r->why, -EINVAL, "expected 1 to %d sets of CPUs", GUEST_VCPUS_MAX);
	for (size_t i = 0; i < given; i++) {
		const struct cfg_value *one = v->kind == CFG_LIST ? &v->items[i] : v;
		int rc = one->kind == CFG_LIST ? type_error(r, "a set of CPUs", one)
					       : cpu_set_parse(&sets[i], one->text, r->why);

		if (rc < 0)
			return rc;
	}
	for (size_t i = given; i < GUEST_VCPUS_MAX; i++)
		sets[i] = sets[given - 1];
	r->guest->pinned = true;
	return 0;
}

/* Device lists: entry @v of @one's list, with the error telling which. */
static int device_entry(
	struct reader *r, const struct cfg_value *v, size_t index, size_t max, const char *what)
{
	if (index >= max)
		return why_set(r->why, -EINVAL, "too many entries (at most %zu)", max);
	if (v->kind != CFG_STRING)
		return type_error(r, what, v);
	return 0;
}

static int read_disks(struct reader *r, const struct cfg_value *v, void *to)
{
	struct guest_cfg *g = r->guest;

	(void)to;
	if (v->kind != CFG_LIST)
		return type_error(r, "a list", v);
	for (size_t i = 0; i < v->count; i++) {
		int rc = device_entry(r, &v->items[i], i, GUEST_DISKS_MAX, "a disk as a string");

		if (rc == 0)
			rc = disk_spec_parse(&g->disks[i], v->items[i].text, r->why);
		if (rc < 0)
			return rc;
		g->disk_count = i + 1;
	}
	return 0;
}

static int read_vifs(struct reader *r, const struct cfg_value *v, void *to)
{
	struct guest_cfg *g = r->guest;
	char ignored[64] = "", warning[96];

	(void)to;
	if (v->kind != CFG_LIST)
		return type_error(r, "a list", v);
	for (size_t i = 0; i < v->count; i++) {
		int rc = device_entry(
			r, &v->items[i], i, GUEST_VIFS_MAX, "an interface as a string");

		if (rc == 0)
			rc = vif_spec_parse(
				&g->vifs[i], v->items[i].text, ignored, sizeof(ignored), r->why);
		if (rc < 0)
			return rc;
		g->vif_count = i + 1;
	}
	if (ignored[0]) {
		snprintf(warning, sizeof(warning), "%s: ignored", ignored);
		reader_warn(r, warning);
	}
	return 0;
}

static int read_channels(struct reader *r, const struct cfg_value *v, void *to)
{
	struct guest_cfg *g = r->guest;

	(void)to;
	if (v->kind != CFG_LIST)
		return type_error(r, "a list", v);
	for (size_t i = 0; i < v->count; i++) {
		int rc = device_entry(r, &v->items[i], i, GUEST_CHANNELS_MAX, "a channel as a string");

		if (rc == 0)
			rc = channel_spec_parse(&g->channels[i], v->items[i].text, r->why);
		for (size_t k = 0; rc == 0 && k < i; k++)
			if (strcmp(g->channels[k].name, g->channels[i].name) == 0)
				rc = why_set(r->why, -EINVAL, "two channels are named %s", g->channels[i].name);
		if (rc < 0)
			return rc;
		g->channel_count = i + 1;
	}
	return 0;
}

static int read_type(struct reader *r, const struct cfg_value *v, void *to)
{
	static const char *const pv[] = {"pv", "generic", "linux", NULL};

	(void)to;
	if (v->kind != CFG_LIST && field_is_one_of(v->text, pv))
		return 0;
	type_error(r, "\"pv\"", v);
	why_hint(r->why, "only paravirtualized guests run here");
	return -ENOTSUP;
}

static int read_bootloader(struct reader *r, const struct cfg_value *v, void *to)
{
	(void)v;
	(void)to;
	why_set(r->why, -ENOTSUP, "boot loaders that read the guest's disk are not run");
	why_hint(r->why, "name a kernel instead: kernel = \"/boot/vmlinuz\"");
	return -ENOTSUP;
}

static int read_ignored(struct reader *r, const struct cfg_value *v, void *to)
{
	(void)v;
	(void)to;
	reader_warn(r, "has no effect here, ignored");
	return 0;
}

/* clang-format off */
#define KEY(name, read, field) { name, read, offsetof(struct guest_cfg, field) }
/* clang-format on */
static const struct key keys[] = {
	KEY("name", read_name, name),
	KEY("uuid", read_uuid, uuid),
	KEY("kernel", read_path, kernel),
	KEY("ramdisk", read_path, ramdisk),
	KEY("cmdline", read_cmdline, cmdline),
	KEY("memory", read_memory, memory_mib),
	KEY("maxmem", read_memory, maxmem_mib),
	KEY("vcpus", read_vcpus, vcpus),
	KEY("maxvcpus", read_vcpus, maxvcpus),
	KEY("cpu_weight", read_weight, weight),
	KEY("cap", read_cap, cap),
	KEY("cpus", read_cpus, cpus),
	KEY("on_poweroff", read_action, on_poweroff),
	KEY("on_reboot", read_action, on_reboot),
	KEY("on_crash", read_action, on_crash),
	{"root", read_root, 0},
	{"extra", read_extra, 0},
	{"disk", read_disks, 0},
	{"vif", read_vifs, 0},
	{"channel", read_channels, 0},
	{"type", read_type, 0},
	{"builder", read_type, 0},
	{"bootloader", read_bootloader, 0},
	{"vfb", read_ignored, 0},
	{"localtime", read_ignored, 0},
	{"tsc_mode", read_ignored, 0},
	{"on_watchdog", read_ignored, 0},
	{"vnc", read_ignored, 0},
	{"serial", read_ignored, 0},
	{"xen_platform_pci", read_ignored, 0},
};
#undef KEY

static void warn_unknown(struct reader *r)
{
	struct nearest n = nearest_to(r->setting->key);
	char text[96];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		nearest_try(&n, keys[i].name);
	snprintf(text, sizeof(text), "unknown key, ignored%s%s%s",
		n.best ? "; did you mean \"" : "", n.best ? n.best : "", n.best ? "\"?" : "");
	reader_warn(r, text);
}

static int read_setting(struct reader *r, const struct cfg_setting *s)
{
	int rc;

	r->setting = s;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].name, s->key) != 0)
			continue;
		rc = keys[i].read(r, &s->value, (char *)r->guest + keys[i].offset);
		if (rc < 0)
			why_where(r->why, "%.1000s:%d: %.32s", s->source, s->line, s->key);
		return rc;
	}
	warn_unknown(r);
	return 0;
}

/* What only the whole can tell is told at one of the settings it is about. */
static __attribute__((format(printf, 3, 4))) int refuse_at(
	struct reader *r, const char *key, const char *fmt, ...)
{
	const struct cfg_setting *s = cfg_text_find(r->text, key);
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	why_set(r->why, -EINVAL, "%s", text);
	if (s)
		why_where(r->why, "%.1000s:%d: %.32s", s->source, s->line, s->key);
	return -EINVAL;
}

/* xl's rule: cmdline= stands for itself, else root= and extra= are put together. */
static int join_cmdline(struct reader *r)
{
	struct guest_cfg *g = r->guest;
	int length;

	if (r->cmdline_given)
		return 0;
	length = snprintf(g->cmdline, sizeof(g->cmdline), "%s%s%s%s", r->root[0] ? "root=" : "",
		r->root, r->root[0] && r->extra[0] ? " " : "", r->extra);
	if (length >= (int)sizeof(g->cmdline))
		return refuse_at(
			r, "extra", "longer than %d bytes together with root", GUEST_CMDLINE_MAX);
	return 0;
}

static int check_disks(struct reader *r)
{
	const struct disk_spec *all = r->guest->disks;

	for (size_t i = 0; i < r->guest->disk_count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (all[i].vdev_nr == all[k].vdev_nr)
				return refuse_at(r, "disk", "%s is given twice", all[i].vdev);
			if (strcmp(all[i].target, all[k].target) == 0 &&
				(all[i].writable || all[k].writable))
				return refuse_at(r, "disk",
					"%s and %s are both %.160s, and one of them is writable",
					all[k].vdev, all[i].vdev, all[i].target);
		}
	}
	return 0;
}

static int check_vifs(struct reader *r)
{
	const struct vif_spec *all = r->guest->vifs;

	for (size_t i = 0; i < r->guest->vif_count; i++)
		for (size_t k = 0; k < i; k++)
			if (all[i].mac_given && all[k].mac_given &&
				memcmp(all[i].mac, all[k].mac, 6) == 0)
				return refuse_at(
					r, "vif", "entries %zu and %zu have the same MAC", k, i);
	return 0;
}

static int missing_key(struct reader *r, const char *key, const char *example)
{
	if (cfg_text_find(r->text, key))
		return refuse_at(r, key, "is empty");
	why_set(r->why, -EINVAL, "%s: missing", key);
	why_hint(r->why, "add %s = %s", key, example);
	return -EINVAL;
}

static int check_whole(struct reader *r)
{
	struct guest_cfg *g = r->guest;
	int rc;

	if (!g->name[0])
		return missing_key(r, "name", "\"guest1\"");
	if (!g->kernel[0])
		return missing_key(r, "kernel", "\"/boot/vmlinuz\"");
	if (g->maxmem_mib == 0)
		g->maxmem_mib = g->memory_mib;
	if (g->maxmem_mib < g->memory_mib)
		return refuse_at(r, "maxmem", "%llu is less than memory (%llu)",
			(unsigned long long)g->maxmem_mib, (unsigned long long)g->memory_mib);
	if (g->maxvcpus == 0)
		g->maxvcpus = g->vcpus;
	if (g->maxvcpus < g->vcpus)
		return refuse_at(
			r, "maxvcpus", "%u is less than vcpus (%u)", g->maxvcpus, g->vcpus);
	rc = check_disks(r);
	return rc < 0 ? rc : check_vifs(r);
}

int guest_cfg_parse(
	struct guest_cfg *g, const struct cfg_text *text, struct guest_warnings *w, struct why *why)
{
	struct guest_cfg guest = {
		.memory_mib = GUEST_MEMORY_MIB_DEFAULT, .vcpus = 1, .on_reboot = ACTION_RESTART};
	struct reader r = {.guest = &guest, .text = text, .warnings = w, .why = why};
	int rc;

	w->count = 0;
	for (size_t i = 0; i < text->count; i++) {
		rc = read_setting(&r, &text->settings[i]);
		if (rc < 0)
			return rc;
	}
	rc = join_cmdline(&r);
	if (rc == 0)
		rc = check_whole(&r);
	if (rc == 0)
		*g = guest;
	return rc;
}
