/* Log lines of a daemon, and the token bucket that bounds what a hostile party can cause.
 *
 * A line is one write(), so lines of several processes on one file do not mix. The text is cut, and
 * control characters are replaced: a guest's strings must not drive the reader's terminal. */
#include "dom0/lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *name;
	enum log_level level;
	int fd;
} log_state = { "bothy", LOG_INFO, STDERR_FILENO };

void log_open(const char *name)
{
	log_state.name = name;
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

int log_fd(void)
{
	return log_state.fd;
}

static int log_redirect(const char *path, int flags)
{
	int fd = open(path, flags | O_WRONLY | O_CLOEXEC, 0640);

	if (fd < 0)
		return -errno;
	if (log_state.fd != STDERR_FILENO)
		close(log_state.fd);
	log_state.fd = fd;
	return 0;
}

int log_to_file(const char *path)
{
	return log_redirect(path, O_APPEND | O_CREAT | O_NOFOLLOW);
}

int log_to_kmsg(void)
{
	return log_redirect("/dev/kmsg", 0);
}

static void text_clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	int n, m;

	if (level > log_state.level)
		return;
	n = snprintf(line, sizeof line, "%s: %s", log_state.name,
		     level == LOG_ERROR ? "error: " : level == LOG_WARN ? "warning: " : "");
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (m < 0)
		return;
	text_clean(line);
	strcat(line, "\n");
	/* A full disk or a closed pipe must not stop the daemon. */
	if (write(log_state.fd, line, strlen(line)) < 0)
		errno = 0;
}

bool log_allowed(struct log_limit *l, uint64_t now_ns)
{
	uint64_t gained = l->interval_ns ? (now_ns - l->last_ns) / l->interval_ns : l->burst;

	if (gained > 0) {
		l->tokens = gained > l->burst - l->tokens ? l->burst : l->tokens + (uint32_t)gained;
		l->last_ns = now_ns;
	}
	if (l->tokens == 0) {
		l->refused++;
		return false;
	}
	l->tokens--;
	l->refused = 0;
	return true;
}
