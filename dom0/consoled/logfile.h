/* A log file of bounded size: NAME.log, and the one before it, NAME.log.1. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

struct logfile {
	int dir_fd, fd;
	size_t size, most;	/* bytes now, and when it is rotated */
	char name[80];
};

/* Open "@name.log" in the directory @dir_fd for appending; it is rotated past @most bytes. */
int logfile_open(struct logfile *l, int dir_fd, const char *name, size_t most) MUST_CHECK;
void logfile_close(struct logfile *l);
/* Append. What a full disk refuses is lost: a log must not stop a guest. */
void logfile_write(struct logfile *l, const char *bytes, size_t len);
/* Copy the newest bytes of the log to @buf, at most @size, also of the one before it: return how many. What is there may have
 * been written by a predecessor. */
size_t logfile_tail(const struct logfile *l, char *buf, size_t size);
