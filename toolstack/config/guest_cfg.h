/* What a guest is to be: xl.cfg's keys with their meaning, checked. Pure.
 * Every bound here is ours to promise; the hypervisor has its own. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toolstack/config/cfg_text.h"
#include "toolstack/config/channel_spec.h"
#include "toolstack/config/cpu_set.h"
#include "toolstack/config/disk_spec.h"
#include "toolstack/config/vif_spec.h"
#include "toolstack/why.h"

enum guest_limits {
	GUEST_NAME_MAX = 63,
	GUEST_CMDLINE_MAX = 1023, /* start_info has 1024 bytes with the NUL */
	GUEST_PATH_MAX = 1023,
	GUEST_VCPUS_MAX = 32, /* vcpu_info slots of shared_info */
	GUEST_DISKS_MAX = 16,
	GUEST_VIFS_MAX = 8,
	GUEST_CHANNELS_MAX = 15, /* with its first, all the consoles that Linux's hvc has room for */
	GUEST_MEMORY_MIB_MIN = 16,
	GUEST_MEMORY_MIB_MAX = 1 << 20,
	GUEST_MEMORY_MIB_DEFAULT = 128,
	GUEST_WARNINGS_MAX = 32,
};

enum guest_action { ACTION_DESTROY, ACTION_RESTART, ACTION_PRESERVE, ACTION_RENAME_RESTART };

struct guest_cfg {
	char name[GUEST_NAME_MAX + 1];
	uint8_t uuid[16];
	bool uuid_given; /* else one is drawn at creation */
	char kernel[GUEST_PATH_MAX + 1];
	char ramdisk[GUEST_PATH_MAX + 1]; /* empty: none */
	char cmdline[GUEST_CMDLINE_MAX + 1];
	uint64_t memory_mib, maxmem_mib;
	unsigned int vcpus, maxvcpus;
	unsigned int weight; /* 1..65535; 0: the hypervisor's default */
	unsigned int cap;    /* percent of one CPU; 0: none */
	bool pinned;         /* cpus= was given: one set per vCPU below */
	struct cpu_set cpus[GUEST_VCPUS_MAX];
	enum guest_action on_poweroff, on_reboot, on_crash;
	struct disk_spec disks[GUEST_DISKS_MAX];
	size_t disk_count;
	struct vif_spec vifs[GUEST_VIFS_MAX];
	size_t vif_count;
	struct channel_spec channels[GUEST_CHANNELS_MAX]; /* the first is console 1 */
	size_t channel_count;
};

/* Things a person should hear of that stop nothing, "guest.cfg:3: colour: unknown key, ignored". */
struct guest_warnings {
	char text[GUEST_WARNINGS_MAX][256];
	size_t count; /* may pass the maximum: the rest was not kept */
};

/* Give the settings their meaning. Returns 0 and *g; -EINVAL or -ENOTSUP with @why, whose place is left empty
 * when a key is missing: that is the file's. @w is always valid. */
int guest_cfg_parse(struct guest_cfg *g, const struct cfg_text *text, struct guest_warnings *w,
	struct why *why);

/* Write @g as an xl.cfg file that parses to @g again. *out is malloc()ed. Returns 0, -ENOMEM. */
int guest_cfg_format(const struct guest_cfg *g, char **out);

/* Names are looked up beside numeric ids, become part of paths and are printed in columns.
 * Returns 0; -EINVAL with @why. */
int guest_name_check(const char *name, struct why *why);

const char *guest_action_name(enum guest_action a);

/* 36 characters with four dashes, any case. Returns 0, -EINVAL. */
int uuid_parse(uint8_t uuid[16], const char *text);
enum { UUID_TEXT = 37 };
void uuid_format(const uint8_t uuid[16], char out[UUID_TEXT]);
