/* The store's wire as its client speaks it: one connected socket, whole messages. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "protocol/io/xs_wire.h"

/* Connect to the Unix socket @path. A descriptor or -Exxx. */
int store_wire_connect(const char *path) MUST_CHECK;
/* Send header and @count pieces of payload; -EPIPE: the daemon is gone. */
struct store_piece {
	const void *bytes;
	size_t len;
};
int store_wire_send(int fd, uint32_t type, uint32_t req, uint32_t tx,
		    const struct store_piece *piece, unsigned int count) MUST_CHECK;
/* Receive one message; @body holds XENSTORE_PAYLOAD_MAX + 1 bytes and gets a NUL behind the
 * payload. -EPIPE: the daemon is gone; -EPROTO: not a message. */
int store_wire_receive(int fd, struct xsd_sockmsg *h, char *body) MUST_CHECK;
/* -Exxx for an error's name. */
int store_wire_error(const char *name) MUST_CHECK;
