/* Log lines of a daemon: "name: text" on one descriptor, at most 2,000 bytes a line.
 *
 * Lines caused by hostile parties pass a struct log_limit, so that a guest cannot fill a disk. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Name the daemon; lines go to stderr until log_to_file() or log_to_kmsg(). Default level: info. */
void log_open(const char *name);
void log_set_level(enum log_level level);
/* Append to @path (created 0640), or write to the kernel's log, from now on. */
int log_to_file(const char *path) MUST_CHECK;
int log_to_kmsg(void) MUST_CHECK;
/* The descriptor that lines go to, for what a program started by us says. */
int log_fd(void) MUST_CHECK;

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* A token bucket: @burst events at once, then one every @interval_ns. */
struct log_limit {
	uint32_t burst, tokens;
	uint64_t interval_ns, last_ns;
	uint64_t refused;	/* since the last one allowed */
};
#define LOG_LIMIT(n, ns) { .burst = (n), .tokens = (n), .interval_ns = (ns) }

/* Take a token at time @now_ns (monotonic); false: stay silent. */
bool log_allowed(struct log_limit *l, uint64_t now_ns);
