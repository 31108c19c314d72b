/* The console client's bytes.
 *
 * Two small buffers, one for each direction, filled only when empty: who does not read stops the other side
 * and nothing else. Except a person at the keyboard, who can always detach: what is typed is read on although
 * the guest takes nothing, and lost when it is more than the buffer holds. Signals come only while we wait, so that none
 * is missed just before. What the guest prints goes to the terminal as it is; that is what a console is for.
 */
#include "toolstack/console_shuttle.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "toolstack/wait.h"

/* END_MS: how long what came before the end of standard input may take to reach the guest. */
enum { DETACH_KEY = 0x1d /* Ctrl-] */, BUFFER = 2048, END_MS = 2000 };

/* What a step of a direction comes to, beside -Exxx. */
enum { ENDED = 0, GOES_ON = 1 };

struct pipe {
	char bytes[BUFFER + CONSOLE_REPLAY_HELD];
	size_t start, end;
};

struct shuttle {
	const struct console_terminal *terminal;
	int fd;
	struct pipe in, out;
	bool ends; /* standard input has ended: what was read is still written, and what comes of it is shown */
	bool told; /* that there is nothing more to write */
	int64_t until_ms; /* when it is enough; only if it ends */
	struct console_replay *replay;
	uint32_t *number;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool pipe_is_empty(const struct pipe *p)
{
	return p->start == p->end;
}

/* Result of read() or write() that moved nothing. */
static int nothing_moved(ssize_t n)
{
	if (n == 0)
		return ENDED;
	return errno == EAGAIN || errno == EINTR ? GOES_ON : -errno;
}

static int pipe_drain(struct pipe *p, int fd)
{
	ssize_t n = write(fd, p->bytes + p->start, p->end - p->start);

	if (n <= 0)
		return nothing_moved(n);
	p->start += (size_t)n;
	return GOES_ON;
}

static int keyboard_read(struct shuttle *s)
{
	struct pipe *p = &s->in;
	size_t kept = p->end - p->start;
	const char *key;
	ssize_t n;

	if (kept >= BUFFER)
		kept = 0;
	memmove(p->bytes, p->bytes + p->start, kept);
	p->start = 0;
	p->end = kept;
	n = read(STDIN_FILENO, p->bytes + kept, BUFFER - kept);
	if (n == 0) {
		s->ends = true;
		s->until_ms = now_ms() + END_MS;
		return GOES_ON;
	}
	if (n < 0)
		return nothing_moved(n);
	key = memchr(p->bytes + kept, DETACH_KEY, (size_t)n);
	p->end = key ? (size_t)(key - p->bytes) : kept + (size_t)n;
	if (!key)
		return GOES_ON;
	/* What was typed before it, as far as it is taken at once. */
	if (!pipe_is_empty(p))
		(void)pipe_drain(p, s->fd);
	return ENDED;
}

static int guest_read(struct shuttle *s)
{
	char raw[BUFFER];
	ssize_t n = read(s->fd, raw, sizeof(raw));

	if (n <= 0)
		return n < 0 && errno == ECONNRESET ? ENDED : nothing_moved(n);
	*s->number += (uint32_t)n;
	s->out.start = 0;
	s->out.end = console_replay_filter(s->replay, raw, (size_t)n, s->out.bytes);
	return GOES_ON;
}

/* Who does not take what is typed has closed, which is seen when all that it had said is read. */
static void guest_write(struct shuttle *s)
{
	if (pipe_drain(&s->in, s->fd) < 0)
		s->in.start = s->in.end;
}

static int from_guest(struct shuttle *s, short guest, short out)
{
	int rc = GOES_ON;

	if (!pipe_is_empty(&s->out) && out)
		rc = pipe_drain(&s->out, STDOUT_FILENO);
	if (rc < 0 || !pipe_is_empty(&s->out) || !(guest & (POLLIN | POLLHUP | POLLERR)))
		return rc;
	return guest_read(s);
}

static int to_guest(struct shuttle *s, short in, short guest)
{
	int rc = GOES_ON;

	if (!pipe_is_empty(&s->in) && guest & (POLLOUT | POLLHUP | POLLERR))
		guest_write(s);
	if (in)
		rc = keyboard_read(s);
	if (s->ends && !s->told && pipe_is_empty(&s->in)) {
		shutdown(s->fd, SHUT_WR);
		s->told = true;
	}
	return rc;
}

/* Wait for whatever can be done next. Returns as ppoll(). */
static int next_wait(const struct shuttle *s, struct pollfd fds[3], const sigset_t *signals)
{
	bool reads = !s->ends && (s->terminal->is_terminal || pipe_is_empty(&s->in));
	int64_t left_ms = s->ends ? s->until_ms - now_ms() : 0;
	struct timespec left = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};

	fds[0] = (struct pollfd){.fd = reads ? STDIN_FILENO : -1, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = s->fd,
		.events = (short)((pipe_is_empty(&s->out) ? POLLIN : 0) |
				  (pipe_is_empty(&s->in) ? 0 : POLLOUT))};
	fds[2] = (struct pollfd){
		.fd = pipe_is_empty(&s->out) ? -1 : STDOUT_FILENO, .events = POLLOUT};
	if (left_ms < 0)
		return 0;
	return ppoll(fds, 3, s->ends ? &left : NULL, signals);
}

static int run(struct shuttle *s, const sigset_t *signals)
{
	struct pollfd fds[3];
	int rc;

	while (!wait_is_cancelled()) {
		rc = next_wait(s, fds, signals);
		if (rc == 0)
			break;
		if (rc < 0)
			continue;
		rc = from_guest(s, fds[1].revents, fds[2].revents);
		if (rc == ENDED)
			return s->ends ? CONSOLE_DETACHED : CONSOLE_CLOSED;
		if (rc > 0)
			rc = to_guest(s, fds[0].revents, fds[1].revents);
		if (rc != GOES_ON)
			return rc < 0 ? rc : CONSOLE_DETACHED;
	}
	return CONSOLE_DETACHED;
}

int console_shuttle(
	const struct console_terminal *t, int fd, struct console_replay *replay, uint32_t *number)
{
	struct shuttle s = {.terminal = t, .fd = fd, .replay = replay, .number = number};
	sigset_t ends, before;
	int rc;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGQUIT);
	sigprocmask(SIG_BLOCK, &ends, &before);
	rc = run(&s, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* ---- the terminal ---- */

void console_terminal_open(struct console_terminal *t)
{
	struct termios raw;

	t->is_terminal = tcgetattr(STDIN_FILENO, &t->saved) == 0;
	if (!t->is_terminal)
		return;
	raw = t->saved;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void console_terminal_close(struct console_terminal *t)
{
	if (!t->is_terminal)
		return;
	/* It is not ours any more if its session has ended, or may be another job's now. */
	signal(SIGTTOU, SIG_IGN);
	tcsetattr(STDIN_FILENO, TCSANOW, &t->saved);
	t->is_terminal = false;
}

bool console_terminal_detaches(const struct console_terminal *t)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char typed[256];
	ssize_t n;

	if (!t->is_terminal || poll(&in, 1, 0) <= 0)
		return false;
	n = read(STDIN_FILENO, typed, sizeof(typed));
	return n == 0 || (n > 0 && memchr(typed, DETACH_KEY, (size_t)n));
}
