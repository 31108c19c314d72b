/* The contract is in nbd.h.
 *
 * A server of ours gets its socket as systemd's services do (LISTEN_FDS), so that there is no moment at which it does not yet
 * listen. What it says goes to our log. It ends with backendd, if that dies, and has @mark open as long as it lives: the
 * next backendd sees that. */
#include "dom0/backendd/nbd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/lib/log.h"

#define LISTEN_FD	3
#define PATIENCE_NS	10000000000u	/* after which a server of ours is asked to end once more */
#define LOST_MS		30000		/* after which a peer that does not answer is taken for lost */

/* ---- sockets ---- */

static int unix_socket(struct sockaddr_un *to, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof to->sun_path) {
		close(fd);
		return -ENAMETOOLONG;
	}
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(to->sun_path, path);
	return fd < 0 ? -errno : fd;
}

static int to_unix(const char *path)
{
	struct sockaddr_un to;
	int fd = unix_socket(&to, path), err;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int to_address(const struct nbd_uri *u)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(u->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(u->port) };
	bool is_six = inet_pton(AF_INET6, u->place, &six.sin6_addr) == 1;
	int fd, on = 1, ms = LOST_MS, err;

	if (!is_six && inet_pton(AF_INET, u->place, &four.sin_addr) != 1)
		return -EINVAL;
	fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)!setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
	(void)!setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	err = connect(fd, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four, is_six ? sizeof six : sizeof four);
	if (err == 0 || errno == EINPROGRESS)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* ---- a server of ours ---- */

static NORETURN void become_server(const char *command, int listener, int mark, pid_t parent)
{
	char *line, pid[16];
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int high = fcntl(listener, F_DUPFD_CLOEXEC, LISTEN_FD + 2), high_mark = fcntl(mark, F_DUPFD_CLOEXEC, LISTEN_FD + 2);

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent ||
	    dup2(null, 0) < 0 || dup2(log_fd(), 1) < 0 || dup2(log_fd(), 2) < 0 ||
	    dup2(high, LISTEN_FD) < 0 || dup2(high_mark, LISTEN_FD + 1) < 0 ||
	    fcntl(LISTEN_FD, F_SETFL, 0) < 0 || asprintf(&line, "exec %s", command) < 0)
		_exit(126);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

static int server_start(struct nbd *n, const char *command, const char *path, int mark)
{
	struct sockaddr_un at;
	int listener = unix_socket(&at, path), fd;
	pid_t self = getpid();

	if (listener < 0)
		return listener;
	unlink(path);
	fd = bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1) ? -errno : to_unix(path);
	unlink(path);
	if (fd >= 0) {
		n->server = fork();
		if (n->server == 0)
			become_server(command, listener, mark, self);
	}
	if (n->server < 0) {
		n->server = 0;
		close(fd);
		fd = -EAGAIN;
	}
	close(listener);
	return fd;
}

/* ---- */

int nbd_connect(struct nbd *n, const struct nbd_uri *u, const char *path, int mark)
{
	int fd;

	*n = (struct nbd){ .socket = -1, .missed = n->missed };
	fd = u->way == NBD_EXEC ? server_start(n, u->place, path, mark) : u->way == NBD_UNIX ? to_unix(u->place) : to_address(u);
	if (fd < 0)
		return fd;
	n->missed = false;
	if (n->server)
		return fd;
	n->socket = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (n->socket >= 0)
		return fd;
	close(fd);
	return -EMFILE;
}

void nbd_part(struct nbd *n, uint64_t now_ns)
{
	n->asked_ns = now_ns;
	if (n->socket >= 0)
		shutdown(n->socket, SHUT_WR);
	if (n->server)
		kill(n->server, SIGTERM);
}

/* Take what the server still says. */
static bool has_closed(int fd)
{
	char bytes[4096];
	ssize_t n;

	do
		n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0 || errno != EAGAIN;
}

/* A server may miss the signal while it starts (qemu-nbd does). Killed, it would lose what it has answered and not yet
 * written: qcow2's tables, for one. */
static void ask_again(struct nbd *n, uint64_t now_ns)
{
	if (now_ns - n->asked_ns < PATIENCE_NS)
		return;
	n->asked_ns = now_ns;
	kill(n->server, SIGTERM);
	log_warn("NBD server %d has not ended in %llu s: it is asked once more, and waited for", (int)n->server,
		 (unsigned long long)(PATIENCE_NS / 1000000000u));
}

bool nbd_is_over(struct nbd *n, uint64_t now_ns)
{
	if (n->server && waitpid(n->server, NULL, WNOHANG) == 0) {
		ask_again(n, now_ns);
		return false;
	}
	if (n->socket >= 0 && !has_closed(n->socket))
		return false;
	if (n->socket >= 0)
		close(n->socket);
	n->server = 0;
	n->socket = -1;
	return true;
}

void nbd_forget(struct nbd *n)
{
	if (n->socket >= 0)
		close(n->socket);
	n->socket = -1;
	if (n->server) {
		kill(n->server, SIGKILL);
		(void)!waitpid(n->server, NULL, 0);
	}
	n->server = 0;
}
