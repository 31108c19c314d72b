/* Between store_client.c (the connection) and store_ops.c (the typed requests). */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/store_wire.h"

struct store;

/* Send one request and await its reply; *@body points to *@len bytes and a NUL, good until the next
 * request. */
int store_request(struct store *s, uint32_t type, uint32_t tx, const struct store_piece *piece,
		  unsigned int count, const char **body, uint32_t *len) MUST_CHECK;
