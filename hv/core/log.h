/* The hypervisor's log: a ring that dom0 reads by sysctl, copied to the console.
 * Layer: core. Lines that a guest can cause go through log_guest(), which is limited per
 * domain; log() is for lines whose number is bounded by the machine or by dom0. */
#pragma once
#include "hv/base/types.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_err(...)	log_write(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_write(LOG_DEBUG, __VA_ARGS__)

/* Budget of one domain: LOG_BURST lines, refilled one a second. Zeroed = full. */
struct log_budget { uint64_t used_until_ns; uint32_t dropped; };	/* atomic */
#define LOG_BURST 16
/* A line caused by domain @domid; dropped (and counted) when its budget is spent. */
void log_guest(struct log_budget *b, domid_t domid, enum log_level level, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Thresholds: lines above them are kept in neither ring nor console. Options loglvl= and
 * guest_loglvl= (none/error/warning/info/debug/all; "LOWER/UPPER" takes UPPER). */
void log_set_levels(enum log_level host, enum log_level guest);
/* Raw bytes to ring and console. */
void log_raw(const char *text, size_t n);
/* Raw bytes to the ring alone, without its lock: the other CPUs are stopped (a panic). */
void log_last_words(const char *text, size_t n);
/* Raw bytes to the console alone: what dom0 prints is not the hypervisor's log. */
void log_console(const char *text, size_t n);
/* Copy up to *n bytes of the ring from byte number *pos on (both advanced/updated; a *pos
 * older than the ring starts at its oldest byte). */
void log_read(uint64_t *pos, char *out, size_t *n);
/* Forget the ring's content (sysctl readconsole with clear). */
void log_clear(void);
/* Where lines are echoed: called under the log's lock, must not log. NULL: nowhere. */
void log_set_console(void (*write)(const char *text, size_t n));
/* Take one line from a budget; false (and counted) when it is spent. */
bool log_budget_take(struct log_budget *b);
/* Called after each line, from any context: the event layer raises VIRQ_CON_RING. */
void log_set_listener(void (*fn)(void));
