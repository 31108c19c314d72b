/* Callers. Each says one thing, whole, and is a guest's viewer from then on, or is told why not and sent away. */
#include "dom0/consoled/reception.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"

struct caller {
	struct caller *next;
	struct reception *reception;
	struct loop_source source;
};

/* Forget @c; its descriptor stays open. */
static void forget(struct caller *c)
{
	struct reception *r = c->reception;
	struct caller **at = &r->callers;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	r->count--;
	loop_remove(r->loop, &c->source);
	free(c);
}

static void send_away(int fd, int err)
{
	struct console_welcome w = { .magic = CONSOLE_MAGIC, .err = err };

	/* Who does not hear it sees the end. */
	(void)!send(fd, &w, sizeof w, MSG_NOSIGNAL);
	close(fd);
}

static int introduce(struct reception *r, int fd, const struct console_hello *h)
{
	struct guest *g = NULL;

	if (h->magic != CONSOLE_MAGIC)
		return -EPROTO;
	if (h->domid <= UINT16_MAX)
		g = r->find(r->arg, (uint16_t)h->domid, h->number);
	return g ? viewer_connect(g, fd, h->again ? &h->from : NULL) : -ENOENT;
}

static void caller_ready(struct loop_source *src, uint32_t events)
{
	struct caller *c = CONTAINER_OF(src, struct caller, source);
	struct reception *r = c->reception;
	struct console_hello hello;
	int fd = src->fd, err = -EPROTO;
	ssize_t n;

	(void)events;
	n = recv(fd, &hello, sizeof hello, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	forget(c);
	if (n == (ssize_t)sizeof hello)
		err = introduce(r, fd, &hello);
	if (err)
		send_away(fd, err);
}

static void listener_ready(struct loop_source *src, uint32_t events)
{
	struct reception *r = CONTAINER_OF(src, struct reception, source);
	struct caller *c;
	int fd = accept4(src->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	if (r->count == CALLERS_MAX) {
		send_away(fd, -EBUSY);
		return;
	}
	c = mem_alloc(sizeof *c);
	c->reception = r;
	c->source = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = caller_ready };
	if (loop_add(r->loop, &c->source)) {
		free(c);
		close(fd);
		return;
	}
	c->next = r->callers;
	r->callers = c;
	r->count++;
}

int reception_listen(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, err = 0;

	if (strlen(path) >= sizeof at.sun_path)
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	mask = umask(0177);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, CALLERS_MAX) < 0)
		err = -errno;
	umask(mask);
	if (err)
		close(fd);
	return err ? err : fd;
}

int reception_open(struct reception *r, int fd)
{
	r->source = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = listener_ready };
	r->callers = NULL;
	r->count = 0;
	return loop_add(r->loop, &r->source);
}

void reception_close(struct reception *r)
{
	while (r->callers) {
		int fd = r->callers->source.fd;

		forget(r->callers);
		close(fd);
	}
	loop_remove(r->loop, &r->source);
	close(r->source.fd);
}
