/* What the mains of dom0's daemons share. Every failure of a start ends the process with a line in the log. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/loop.h"

/* "@what: " and what -@err means. */
NORETURN void daemon_fail(const char *what, int err);

/* Make @path; it may be there. */
void daemon_directory_make(const char *path, mode_t mode);
/* Log to @dir/@name.log from now on; @dir is made. That the file cannot be opened is only a warning. */
void daemon_log_to(const char *dir, const char *name);

/* Open @l, which SIGTERM and SIGINT stop; SIGPIPE is ignored. */
void daemon_loop_open(struct loop *l);
/* Have @l call @ready when @fd can be read. */
void daemon_source_add(struct loop *l, struct loop_source *src, int fd,
		       void (*ready)(struct loop_source *src, uint32_t events));
/* Run @l until it is stopped. */
void daemon_serve(struct loop *l);
