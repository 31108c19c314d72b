/* The console client: bytes between this terminal and the pty that consoled serves.
 *
 * Two small buffers, one for each direction, filled only when empty: who does not read stops the other side
 * and nothing else. Except a person at the keyboard, who can always detach: what is typed is read on although
 * the guest takes nothing, and lost when it is more than the buffer holds. The terminal is restored however we
 * leave. What the guest prints goes to the terminal as it is; that is what a console is for.
 * Neighbours: dom0/consoled makes the pty and writes its name to the store, where no guest can.
 */
#include "toolstack/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "toolstack/wait.h"

enum { DETACH_KEY = 0x1d /* Ctrl-] */, BUFFER = 2048 };

struct pipe {
	int from, to;
	char bytes[BUFFER];
	size_t start, end;
	bool detach; /* stop at the detach key */
	bool typed;  /* filled whether it is empty or not, for that key */
};

static bool pipe_is_empty(const struct pipe *p)
{
	return p->start == p->end;
}

/* Returns 1: go on; 0: the source ended or the user detached; -Exxx. */
static int pipe_fill(struct pipe *p)
{
	size_t kept = p->end - p->start;
	const char *key;
	ssize_t n;

	if (kept == sizeof(p->bytes))
		kept = 0;
	memmove(p->bytes, p->bytes + p->start, kept);
	p->start = 0;
	p->end = kept;
	n = read(p->from, p->bytes + kept, sizeof(p->bytes) - kept);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	key = p->detach ? memchr(p->bytes + kept, DETACH_KEY, (size_t)n) : NULL;
	p->end += (size_t)n;
	return n > 0 && !key;
}

static int pipe_drain(struct pipe *p)
{
	ssize_t n = write(p->to, p->bytes + p->start, p->end - p->start);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	p->start += (size_t)n;
	return 1;
}

/* One round for one direction, after poll() said what is ready. */
static int pipe_step(struct pipe *p, bool readable, bool writable)
{
	int rc = 1;

	if (!pipe_is_empty(p) && writable)
		rc = pipe_drain(p);
	if (rc > 0 && readable)
		rc = pipe_fill(p);
	return rc;
}

static int shuttle(int tty)
{
	struct pipe in = {.from = STDIN_FILENO, .to = tty, .detach = true, .typed = isatty(STDIN_FILENO)};
	struct pipe out = {.from = tty, .to = STDOUT_FILENO};
	int rc = 1;

	while (rc > 0 && !wait_is_cancelled()) {
		struct pollfd fds[3] = {
			{.fd = in.typed || pipe_is_empty(&in) ? STDIN_FILENO : -1, .events = POLLIN},
			{.fd = tty,
				.events = (short)((pipe_is_empty(&out) ? POLLIN : 0) |
						  (pipe_is_empty(&in) ? 0 : POLLOUT))},
			{.fd = pipe_is_empty(&out) ? -1 : STDOUT_FILENO, .events = POLLOUT},
		};

		if (poll(fds, 3, -1) < 0)
			continue;
		rc = pipe_step(&out, pipe_is_empty(&out) && fds[1].revents & (POLLIN | POLLHUP | POLLERR),
			fds[2].revents);
		if (rc > 0)
			rc = pipe_step(&in, fds[0].revents, fds[1].revents & POLLOUT);
	}
	return rc == -EIO ? 0 : rc; /* the pty's other end closed: the guest is gone */
}

static void make_raw(int fd, struct termios *saved, bool *is_terminal)
{
	struct termios raw;

	*is_terminal = tcgetattr(fd, saved) == 0;
	if (!*is_terminal)
		return;
	raw = *saved;
	cfmakeraw(&raw);
	tcsetattr(fd, TCSANOW, &raw);
}

static int run_raw(int tty)
{
	struct termios saved, ignored;
	bool is_terminal, tty_is_terminal;
	int rc;

	make_raw(tty, &ignored, &tty_is_terminal);
	make_raw(STDIN_FILENO, &saved, &is_terminal);
	rc = shuttle(tty);
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	return rc;
}

struct lookup {
	struct host *h;
	uint16_t domid;
	char tty[64];
};

static int lookup_check(void *arg)
{
	struct lookup *l = arg;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/console/tty", l->domid);
	rc = store_read_buf(l->h->store, STORE_NO_TX, path, l->tty, sizeof(l->tty));
	return rc < 0 ? rc : l->tty[0] != '\0';
}

static int open_tty(struct cli *c, const char *path)
{
	int fd;

	if (strncmp(path, "/dev/", 5) != 0 || strstr(path, ".."))
		return why_set(&c->why, -EINVAL, "\"%s\" is not a terminal", path);
	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		why_set(&c->why, -errno, "%s: %s", path, strerror(errno));
		why_hint(&c->why, "is consoled running?");
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return why_set(&c->why, -EBUSY, "someone else is attached to this console");
	}
	return fd;
}

enum exit_code console_attach(struct cli *c, struct host *h, uint16_t domid, unsigned int wait_ms)
{
	struct lookup l = {.h = h, .domid = domid};
	int rc = wait_until(lookup_check, &l, wait_ms), tty;

	if (rc < 0) {
		why_set(&c->why, rc, "domain %u has no console yet", domid);
		why_hint(&c->why, "is consoled running?");
		return EXIT_FAILED;
	}
	tty = open_tty(c, l.tty);
	if (tty < 0)
		return EXIT_FAILED;
	if (isatty(STDIN_FILENO))
		fprintf(c->err, "Ctrl-] detaches.\n");
	wait_catch_signals();
	rc = run_raw(tty);
	close(tty);
	if (rc < 0) {
		why_set(&c->why, rc, "console: %s", strerror(-rc));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
