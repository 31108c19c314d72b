/* domaind's Unix socket: one line in, one answer out, many clients.
 *
 * A client that sends too much or does not read is dropped; there is nothing to lose. */
#include "dom0/domaind/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "dom0/lib/mem.h"

#define CLIENTS_MAX 32
#define LINE_MAX_BYTES 128

struct client {
	struct client *next;
	struct service *service;
	struct loop_source source;
	struct loop_timer timeout;
	bool waits;
	uint16_t domid;			/* waited for */
	size_t len;
	char line[LINE_MAX_BYTES];
};

static void client_close(struct client *c)
{
	struct service *v = c->service;
	struct client **at = &v->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	v->count--;
	loop_timer_cancel(v->loop, &c->timeout);
	loop_remove(v->loop, &c->source);
	close(c->source.fd);
	free(c);
}

/* False: it does not read. */
static bool client_say(struct client *c, const char *text)
{
	return send(c->source.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)strlen(text);
}

static void client_end(struct client *c, const char *text)
{
	(void)client_say(c, text);
	client_close(c);
}

static void timeout_expired(struct loop_timer *t)
{
	client_end(CONTAINER_OF(t, struct client, timeout), "timeout\n");
}

static void command_wait(struct client *c, unsigned int domid, unsigned int ms)
{
	if (domid == 0 || domid >= 0x7ff0u) {
		client_end(c, "error no such domain\n");
		return;
	}
	c->domid = (uint16_t)domid;
	if (!deaths_pending(c->service->deaths, c->domid)) {
		client_end(c, "gone\n");
		return;
	}
	c->waits = true;
	c->timeout.expired = timeout_expired;
	loop_timer_arm(c->service->loop, &c->timeout, (uint64_t)ms * 1000000u);
}

static void command_actions(struct client *c)
{
	char text[64];

	for (const struct job *j = c->service->deaths->jobs; j; j = j->next) {
		snprintf(text, sizeof text, "%u %s %s\n", j->domid,
			 j->kind == JOB_RESTART ? "create" : action_name(j->action),
			 j->pid || j->asked ? "running" : "waiting");
		if (!client_say(c, text))
			break;
	}
	client_end(c, "end\n");
}

static void client_line(struct client *c)
{
	unsigned int domid, ms;

	if (sscanf(c->line, "wait %u %u", &domid, &ms) == 2)
		command_wait(c, domid, ms);
	else if (strcmp(c->line, "actions") == 0)
		command_actions(c);
	else
		client_end(c, "error unknown command\n");
}

static void client_ready(struct loop_source *src, uint32_t events)
{
	struct client *c = CONTAINER_OF(src, struct client, source);
	ssize_t n = recv(src->fd, c->line + c->len, sizeof c->line - 1 - c->len, MSG_DONTWAIT);
	char *end;

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->len += (size_t)n;
	c->line[c->len] = '\0';
	end = memchr(c->line, '\n', c->len);
	if (end && !c->waits) {
		*end = '\0';
		client_line(c);
	} else if (c->len == sizeof c->line - 1 || c->waits) {
		client_end(c, "error one line is enough\n");
	}
}

static bool peer_is_root(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static void service_ready(struct loop_source *src, uint32_t events)
{
	struct service *v = CONTAINER_OF(src, struct service, source);
	int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	(void)events;
	if (fd < 0)
		return;
	if (!peer_is_root(fd) || v->count >= CLIENTS_MAX) {
		close(fd);
		return;
	}
	c = mem_alloc(sizeof *c);
	c->service = v;
	c->source = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = client_ready };
	if (loop_add(v->loop, &c->source)) {
		close(fd);
		free(c);
		return;
	}
	c->next = v->clients;
	v->clients = c;
	v->count++;
}

int service_open(struct service *v, struct loop *loop, struct deaths *d, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof addr.sun_path) {
		close(fd);
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, path);
	unlink(path);
	*v = (struct service){ .loop = loop, .deaths = d,
			       .source = { .fd = fd, .events = EPOLLIN, .ready = service_ready } };
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || chmod(path, 0600) < 0 ||
	    listen(fd, CLIENTS_MAX) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return loop_add(loop, &v->source);
}

void service_update(struct service *v)
{
	struct client *c = v->clients, *next;

	for (; c; c = next) {
		next = c->next;
		if (c->waits && !deaths_pending(v->deaths, c->domid))
			client_end(c, "gone\n");
	}
}
