/* One disk, one interface, one set of CPUs, one UUID: the short texts of xl.cfg.
 *
 * The input's first byte says which, the rest is the text. Properties: what is accepted and written
 * parses to the same; a buffer that is too short is said to be, and never overrun; an error has a
 * text of one line. Neighbour: config.c has whole files. */
#include "tests/fuzz/targets/target.h"

#include <errno.h>
#include "toolstack/config/guest_cfg.h"

static void why_check(int rc, const struct why *w)
{
	HOLDS(rc < 0 && w->what[0] && !strchr(w->what, '\n') && !strchr(w->hint, '\n'));
	HOLDS(memchr(w->what, 0, sizeof w->what) && memchr(w->hint, 0, sizeof w->hint));
}

/* @format writes into exactly what it is told; the shortest block that is enough gives @want. */
#define SHORTEST_CHECK(want, call) \
	do { \
		size_t need = strlen(want) + 1; \
		char *out = malloc(need); \
		HOLDS(out); \
		size_t room = need; \
		HOLDS((call) == 0 && strcmp(out, want) == 0); \
		room = need - 1; \
		HOLDS((call) == -ENOSPC); \
		free(out); \
	} while (0)

static void disk(const char *text)
{
	struct disk_spec d, again;
	struct why why = { 0 };
	char written[DISK_SPEC_TEXT];
	int rc = disk_spec_parse(&d, text, &why);

	if (rc) {
		why_check(rc, &why);
		return;
	}
	HOLDS(disk_spec_format(&d, written, sizeof written) == 0);
	HOLDS(disk_spec_parse(&again, written, &why) == 0);
	HOLDS(strcmp(d.target, again.target) == 0 && strcmp(d.vdev, again.vdev) == 0);
	HOLDS(d.vdev_nr == again.vdev_nr && d.writable == again.writable && d.cdrom == again.cdrom);
	HOLDS(d.kernel_backend == again.kernel_backend && d.sector_bytes == again.sector_bytes);
	HOLDS(d.bytes_per_second == again.bytes_per_second && d.burst_ms == again.burst_ms);
	HOLDS(d.secure_discard == again.secure_discard);
	HOLDS(d.operations_per_second == again.operations_per_second);
	SHORTEST_CHECK(written, disk_spec_format(&d, out, room));
}

static void vif(const char *text)
{
	struct vif_spec v, again;
	struct why why = { 0 };
	char ignored[64] = "", none[64] = "", written[sizeof v + 64];
	int rc = vif_spec_parse(&v, text, ignored, sizeof ignored, &why);

	HOLDS(memchr(ignored, 0, sizeof ignored));
	if (rc) {
		why_check(rc, &why);
		return;
	}
	HOLDS(vif_spec_format(&v, written, sizeof written) == 0);
	HOLDS(vif_spec_parse(&again, written, none, sizeof none, &why) == 0 && !none[0]);
	HOLDS(v.mac_given == again.mac_given && (!v.mac_given || !memcmp(v.mac, again.mac, 6)));
	HOLDS(strcmp(v.bridge, again.bridge) == 0 && strcmp(v.script, again.script) == 0);
	HOLDS(strcmp(v.ip, again.ip) == 0 && strcmp(v.ifname, again.ifname) == 0);
	HOLDS(v.kernel_backend == again.kernel_backend && v.mode == again.mode);
	HOLDS(v.rate_bytes == again.rate_bytes && v.rate_us == again.rate_us);
	SHORTEST_CHECK(written, vif_spec_format(&v, out, room));
}

static void cpus(const char *text)
{
	struct cpu_set s, again;
	struct why why = { 0 };
	char written[1024];
	int rc = cpu_set_parse(&s, text, &why);

	if (rc) {
		why_check(rc, &why);
		return;
	}
	HOLDS(!cpu_set_is_empty(&s));
	HOLDS(cpu_set_format(&s, CPU_SET_MAX, written, sizeof written) == 0);
	HOLDS(cpu_set_parse(&again, written, &why) == 0);
	HOLDS(memcmp(&s, &again, sizeof s) == 0);
	SHORTEST_CHECK(written, cpu_set_format(&s, CPU_SET_MAX, out, room));
}

static void identity(const char *text)
{
	uint8_t uuid[16], mac[6], again[16];
	char written[UUID_TEXT], mac_text[MAC_TEXT];

	if (uuid_parse(uuid, text) == 0) {
		uuid_format(uuid, written);
		HOLDS(uuid_parse(again, written) == 0 && memcmp(uuid, again, 16) == 0);
		HOLDS(strcasecmp(text, written) == 0);
	}
	if (mac_parse(mac, text) == 0) {
		HOLDS(!(mac[0] & 1));
		mac_format(mac, mac_text);
		HOLDS(mac_parse(again, mac_text) == 0 && memcmp(mac, again, 6) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(const char *) = { disk, vif, cpus, identity };
	struct input in = { data, data + size };
	unsigned int which = (unsigned int)take(&in, 1) % 4;
	char *text = take_text(&in);

	kinds[which](text);
	free(text);
	return 0;
}
