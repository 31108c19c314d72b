/* The hypervisor's command line: Xen's names and syntax where Xen has the option. Layer: boot.
 * Pure. The table of options is in options.c: one row each. */
#pragma once
#include "hv/core/log.h"

struct memory_size {		/* dom0_mem */
	bool is_set, is_negative;	/* negative: all memory but this */
	uint64_t bytes;
};

struct serial_options {
	bool is_set;
	uint16_t port;
	uint8_t irq;
	unsigned baud;
}; /* baud 0: leave it */

struct boot_options {
	bool console_serial;		/* console= names com1 or com2 */
	unsigned console_com;		/* 0: com1, 1: com2 */
	struct serial_options com[2];
	struct memory_size dom0_size, dom0_min, dom0_max;
	unsigned dom0_max_vcpus;	/* 0: as many as CPUs */
	bool dom0_vcpus_pin;
	enum log_level host_log, guest_log;
	bool no_reboot;			/* halt instead of rebooting */
	bool tsc_stable;
	bool no_smp;
	unsigned max_cpus;		/* 0: no limit */
};

/* Options as they are without a command line. */
void boot_options_default(struct boot_options *o);
/* Parse @text (words separated by blanks; "..." keeps blanks). @warn is called for each word
 * that is unknown or malformed, which has no other effect. */
void boot_options_parse(
	const char *text, struct boot_options *o, void (*warn)(const char *word, const char *why));

/* Xen's <size>: a number with suffix B, K, M, G or T, in KiB without. False: malformed or too
 * large. */
bool parse_size(const char *s, uint64_t *bytes);
bool parse_number(const char *s, uint64_t *out);	/* decimal or 0x; the whole string */

/* Fits dom0_mem to a machine with @free_bytes left and the kernel's need: the page count and the
 * limit (max_mem) of dom0. */
void dom0_memory_choose(const struct boot_options *o, uint64_t total_bytes, uint64_t free_bytes,
	uint64_t *pages, uint64_t *max_pages);
