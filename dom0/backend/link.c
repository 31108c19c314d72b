/* The contract is in link.h. */
#include "dom0/backend/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER offsetof(struct link_message, text)

int link_send(int fd, const struct link_message *m, size_t bytes)
{
	ssize_t n;

	do
		n = send(fd, m, HEADER + bytes, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return 0;
}

int link_receive(int fd, struct link_message *m, size_t *bytes, int flags)
{
	ssize_t n;

	do
		n = recv(fd, m, sizeof *m, flags | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	if ((size_t)n < HEADER || (size_t)n > sizeof *m)
		return -EPROTO;
	*bytes = (size_t)n - HEADER;
	return 0;
}

const char *link_string(const struct link_message *m, size_t bytes, unsigned int skip)
{
	size_t end = bytes < sizeof m->text ? bytes : sizeof m->text, at = 0;

	for (;;) {
		const char *nul = memchr(m->text + at, '\0', end - at);

		if (!nul)
			return NULL;
		if (skip-- == 0)
			return m->text + at;
		at = (size_t)(nul - m->text) + 1;
	}
}
