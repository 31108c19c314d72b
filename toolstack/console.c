/* The console client: a connection to consoled, made again as often as it has to be.
 *
 * What a guest says is numbered, so that who attaches again, after a consoled that died, sees what it has not seen yet, once.
 * The terminal stays raw from the first connection to the end, and is restored however we leave.
 * Neighbours: console_shuttle.c moves the bytes, dom0/lib/console_link.h is what is said to consoled.
 */
#include "toolstack/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "dom0/lib/console_link.h"
#include "dom0/lib/domctl.h"
#include "toolstack/console_shuttle.h"
#include "toolstack/domain_view.h"
#include "toolstack/wait.h"

/* How long is waited, by what the first connection may take: for a consoled that is started again, and for a guest's next
 * life. SOON_MS: a connection that was closed as we were slow is made again at once. */
enum { RESTART_TIMES = 3, REBOOT_TIMES = 6, SOON_MS = 300, WELCOME_S = 5 };

struct session {
	struct cli *c;
	struct host *h;
	uint16_t domid;
	uint32_t console; /* which of its consoles */
	char name[DOMAIN_NAME_SIZE]; /* "": it has none */
	struct console_terminal terminal;
	int fd;                      /* -1: none */
	bool again;                  /* number is that of the next byte */
	uint32_t number;
	struct console_welcome welcome;
};

/* One line for who sits there. */
static __attribute__((format(printf, 2, 3))) void say(struct session *s, const char *fmt, ...)
{
	bool raw = s->terminal.is_terminal;
	va_list args;

	fprintf(s->c->err, "%sbothy: console: ", raw ? "\r\n" : "");
	va_start(args, fmt);
	vfprintf(s->c->err, fmt, args);
	va_end(args);
	fprintf(s->c->err, raw ? "\r\n" : "\n");
	fflush(s->c->err);
}

static const char *shown_name(const struct session *s)
{
	return host_name_shown(s->name[0] ? s->name : NULL);
}

/* ---- connecting ---- */

/* Hello and welcome: 0; -EAGAIN: consoled does not answer. */
static int greet(struct session *s, int fd)
{
	const struct console_hello hello = {CONSOLE_MAGIC, s->domid, s->again, s->number, s->console};
	const struct timeval wait = {.tv_sec = WELCOME_S};
	struct console_welcome w;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello) ||
		recv(fd, &w, sizeof(w), MSG_WAITALL) != (ssize_t)sizeof(w))
		return -EAGAIN;
	if (w.magic != CONSOLE_MAGIC)
		return -EPROTO;
	s->welcome = w;
	return w.err;
}

/* 1: connected; 0: not yet; -Exxx. */
static int connect_check(void *arg)
{
	struct session *s = arg;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd, rc = 0;

	if (console_terminal_detaches(&s->terminal))
		return -ECANCELED;
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", s->c->places->console_socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		rc = errno == ENOENT || errno == ECONNREFUSED ? -EAGAIN : -errno;
	if (rc == 0)
		rc = greet(s, fd);
	if (rc == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
		s->fd = fd;
		return 1;
	}
	close(fd);
	return rc == -EAGAIN || rc == -ENOENT ? 0 : rc;
}

static enum exit_code not_connected(struct session *s, int rc)
{
	struct why *why = &s->c->why;

	if (rc == -EINTR) {
		why_set(why, rc, "interrupted while waiting for the console of domain %u", s->domid);
	} else if (rc == -ETIMEDOUT) {
		why_set(why, rc, s->console ? "domain %u has no console %u yet" : "domain %u has no console yet",
			s->domid, s->console);
		why_hint(why, s->console ? "the guest connects it, if it has so many channels" : "is consoled running?");
	} else if (rc == -EBUSY) {
		why_set(why, rc, "too many are attached to this console");
	} else if (rc == -EPROTO) {
		why_set(why, rc, "consoled speaks another language: it is of another version");
	} else {
		why_set(why, rc, "%s: %s", s->c->places->console_socket, strerror(-rc));
	}
	return EXIT_FAILED;
}

/* What there is to say of a connection that was made again. */
static void say_missed(struct session *s, const char *what)
{
	uint32_t missed = s->welcome.from - s->number;

	if (missed == 0 || missed > INT32_MAX)
		say(s, "%s", what);
	else
		say(s, "%s; %u bytes of output are missed", what, missed);
}

/* ---- what may have happened when the other end closes ---- */

/* 1: the guest is gone, *@reason says why if that is known; 0: it is there; -Exxx. */
static int guest_ended(struct session *s, const char **reason)
{
	struct xen_domctl_getdomaininfo info;
	int rc = domctl_info(&s->h->hv, s->domid, &info);

	*reason = NULL;
	if (rc == -ESRCH)
		return 1;
	if (rc < 0)
		return rc;
	*reason = domain_shutdown_reason(&info);
	return (info.flags & XEN_DOMINF_dying) != 0;
}

/* 1: the next guest of that name is there; 0: not yet. */
static int next_life_check(void *arg)
{
	struct session *s = arg;
	struct xen_domctl_getdomaininfo info;
	struct why why = s->c->why;
	enum exit_code code;

	if (console_terminal_detaches(&s->terminal))
		return -ECANCELED;
	code = host_domain_find(s->c, s->h, s->name, &info);
	s->c->why = why;
	if (code != EXIT_DONE || info.domain == s->domid || info.flags & XEN_DOMINF_dying)
		return 0;
	s->domid = info.domain;
	return 1;
}

/* Returns 0: attached to its next life; -ECANCELED, -EINTR: it is enough; another: c->why. */
static int next_life(struct session *s)
{
	unsigned int wait_ms = s->c->places->console_timeout_ms;
	int rc = wait_until(next_life_check, s, REBOOT_TIMES * wait_ms);

	if (rc == -ETIMEDOUT)
		return why_set(&s->c->why, rc, "%s has not come back", shown_name(s));
	if (rc < 0)
		return rc;
	s->again = false;
	rc = wait_until(connect_check, s, wait_ms);
	if (rc == 0)
		say(s, "%s is domain %u now", shown_name(s), s->domid);
	else if (rc != -ECANCELED && rc != -EINTR)
		not_connected(s, rc);
	return rc;
}

static int again_check(void *arg)
{
	const char *reason;

	return guest_ended(arg, &reason) == 1 ? -ESRCH : connect_check(arg);
}

/* consoled closed, and not as the guest is gone. Returns as next_life(); -ESRCH: now it is. */
static int attach_again(struct session *s)
{
	int rc = wait_until(again_check, s, SOON_MS);

	if (rc == 0) {
		say_missed(s, "attached again");
		return 0;
	}
	if (rc == -ETIMEDOUT) {
		say(s, "consoled is gone: waiting for it");
		rc = wait_until(again_check, s, RESTART_TIMES * s->c->places->console_timeout_ms);
		if (rc == 0)
			say_missed(s, "consoled is back");
	}
	if (rc == -ETIMEDOUT) {
		why_set(&s->c->why, rc, "consoled does not come back");
		why_hint(&s->c->why, "/var/log/bothy/consoled.log may say why");
	} else if (rc < 0 && rc != -ECANCELED && rc != -EINTR && rc != -ESRCH) {
		not_connected(s, rc);
	}
	return rc;
}

/* The connection is closed. 1: there is another; 0: that is the end of it; -Exxx: as next_life(). */
static int closed(struct session *s, bool follow)
{
	const char *reason;
	int rc = guest_ended(s, &reason);

	if (rc <= 0) {
		rc = attach_again(s);
		if (rc != -ESRCH)
			return rc < 0 ? rc : 1;
		(void)guest_ended(s, &reason);
	}
	say(s, "%s (domain %u) has ended%s%s%s", shown_name(s), s->domid, reason ? ": " : "",
		reason ? reason : "", follow ? "; waiting for its next life" : "");
	if (!follow || !s->name[0])
		return 0;
	rc = next_life(s);
	return rc < 0 ? rc : 1;
}

static int attached(struct session *s, bool follow)
{
	int rc = 1;

	while (rc == 1) {
		struct console_replay replay = {.left = 0};

		/* A terminal answers; what is piped is left as it is. */
		if (isatty(STDOUT_FILENO))
			replay.left = s->welcome.replay;
		s->number = s->welcome.from;
		s->again = true;
		rc = console_shuttle(&s->terminal, s->fd, &replay, &s->number);
		close(s->fd);
		s->fd = -1;
		if (rc < 0)
			return why_set(&s->c->why, rc, "terminal: %s", strerror(-rc));
		rc = rc == CONSOLE_CLOSED ? closed(s, follow) : 0;
	}
	return rc;
}

enum exit_code console_attach(struct cli *c, struct host *h, uint16_t domid, uint32_t number, bool follow)
{
	struct session s = {.c = c, .h = h, .domid = domid, .console = number, .fd = -1};
	int rc;

	if (!host_domain_name(h, domid, s.name))
		s.name[0] = '\0';
	wait_catch_signals();
	rc = wait_until(connect_check, &s, c->places->console_timeout_ms);
	if (rc < 0)
		return not_connected(&s, rc);
	if (isatty(STDIN_FILENO))
		say(&s, "%s (domain %u)%s; Ctrl-] detaches", shown_name(&s), domid,
			s.welcome.others ? ", where others are attached, too" : "");
	console_terminal_open(&s.terminal);
	rc = attached(&s, follow);
	if (s.terminal.is_terminal)
		fprintf(c->err, "\r\n");
	console_terminal_close(&s.terminal);
	if (rc == 0 || rc == -ECANCELED || rc == -EINTR)
		return EXIT_DONE;
	return rc == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}
