/* The store's wire as its client speaks it: blocking, whole messages, errors by name. */
#include "dom0/lib/store_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int store_wire_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof addr.sun_path)
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int send_all(int fd, const void *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		bytes = (const char *)bytes + n;
		len -= (size_t)n;
	}
	return 0;
}

int store_wire_send(int fd, uint32_t type, uint32_t req, uint32_t tx,
		    const struct store_piece *piece, unsigned int count)
{
	char msg[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg h = { .type = type, .req_id = req, .tx_id = tx };
	size_t len = sizeof h;

	for (unsigned int i = 0; i < count; i++) {
		if (piece[i].len > sizeof msg - len)
			return -E2BIG;
		if (piece[i].len)
			memcpy(msg + len, piece[i].bytes, piece[i].len);
		len += piece[i].len;
	}
	h.len = (uint32_t)(len - sizeof h);
	memcpy(msg, &h, sizeof h);
	return send_all(fd, msg, len);
}

static int receive_all(int fd, void *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, bytes, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		bytes = (char *)bytes + n;
		len -= (size_t)n;
	}
	return 0;
}

int store_wire_receive(int fd, struct xsd_sockmsg *h, char *body)
{
	int err = receive_all(fd, h, sizeof *h);

	if (err)
		return err;
	if (h->len > XENSTORE_PAYLOAD_MAX)
		return -EPROTO;
	body[h->len] = '\0';
	return receive_all(fd, body, h->len);
}

int store_wire_error(const char *name)
{
	static const struct { const char *name; int err; } names[] = {
		{ "EINVAL", EINVAL }, { "EACCES", EACCES }, { "EEXIST", EEXIST },
		{ "EISDIR", EISDIR }, { "ENOENT", ENOENT }, { "ENOMEM", ENOMEM },
		{ "ENOSPC", ENOSPC }, { "EIO", EIO }, { "ENOTEMPTY", ENOTEMPTY },
		{ "ENOSYS", ENOSYS }, { "EROFS", EROFS }, { "EBUSY", EBUSY },
		{ "EAGAIN", EAGAIN }, { "EISCONN", EISCONN }, { "E2BIG", E2BIG },
		{ "EPERM", EPERM },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return -names[i].err;
	return -EINVAL;
}
