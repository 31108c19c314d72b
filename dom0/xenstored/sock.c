/* The Unix socket as transport of connections.
 *
 * Who may connect is the file system's decision: the socket's mode and its directory's. */
#include "dom0/xenstored/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"

#define BACKLOG 64

struct sock {
	struct loop_source source;
	struct loop *loop;
	struct conn *conn;
};

static ssize_t sock_read(struct conn *c, void *buf, size_t size)
{
	struct sock *k = c->port;
	ssize_t n = recv(k->source.fd, buf, size, MSG_DONTWAIT);

	if (n > 0)
		return n;
	if (n == 0)
		return -EPIPE;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static ssize_t sock_write(struct conn *c, const void *buf, size_t size)
{
	struct sock *k = c->port;
	ssize_t n = send(k->source.fd, buf, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static void sock_flush(struct conn *c)
{
	(void)c;
}

static void sock_want(struct conn *c, bool input, bool output)
{
	struct sock *k = c->port;

	loop_want(k->loop, &k->source, (input ? (uint32_t)EPOLLIN : 0u) |
		  (output ? (uint32_t)EPOLLOUT : 0u));
}

static void sock_closed(struct conn *c, int why)
{
	struct sock *k = c->port;

	(void)why;
	loop_remove(k->loop, &k->source);
	close(k->source.fd);
	free(k);
}

static const struct transport sock_transport = {
	.read = sock_read,
	.write = sock_write,
	.flush = sock_flush,
	.want = sock_want,
	.close = sock_closed,
	.short_read_wakes = true,
};

static void sock_ready(struct loop_source *src, uint32_t events)
{
	struct sock *k = CONTAINER_OF(src, struct sock, source);

	/* A peer that is gone for good must not be polled for ever while it owes us reading. */
	if ((events & (EPOLLHUP | EPOLLERR)) && !(events & EPOLLIN))
		conn_close(k->conn, -EPIPE);
	else
		conn_serve(k->conn);
}

int sock_adopt(struct loop *loop, struct store *s, int fd)
{
	struct sock *k = mem_alloc(sizeof *k);
	struct subject who = { .domid = 0, .target = 0 };
	int err;

	k->source = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = sock_ready };
	k->loop = loop;
	err = loop_add(loop, &k->source);
	if (err) {
		free(k);
		return err;
	}
	k->conn = conn_new(s, who, &sock_transport, k);
	return 0;
}

static void listener_ready(struct loop_source *src, uint32_t events)
{
	struct sock_listener *l = CONTAINER_OF(src, struct sock_listener, source);
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0 && sock_adopt(l->loop, l->store, fd))
		close(fd);
}

int sock_listen(struct sock_listener *l, struct loop *loop, struct store *s, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof addr.sun_path)
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || chmod(path, 0660) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	*l = (struct sock_listener){
		.source = { .fd = fd, .events = EPOLLIN, .ready = listener_ready },
		.loop = loop, .store = s,
	};
	err = loop_add(loop, &l->source);
	if (err)
		close(fd);
	return err;
}

void sock_unlisten(struct sock_listener *l)
{
	loop_remove(l->loop, &l->source);
	close(l->source.fd);
}
