/* A guest's console ring, from dom0's side.
 *
 * The page is the guest's: its indices are hostile, read once and compared with the ring's size.
 * Ours are kept here and only published there. Spec: io/console.h. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "dom0/lib/attr.h"
#include "protocol/io/console.h"

struct console_ring {
	struct xencons_interface *page;
	uint32_t out_cons, in_prod;	/* ours */
};

/* Take over @page where its indices stand, a predecessor's included. */
void console_ring_attach(struct console_ring *r, struct xencons_interface *page);
/* Take up to @size bytes the guest wrote: > 0; 0: none; -EPROTO: the indices make no sense. */
ssize_t console_ring_read(struct console_ring *r, char *buf, size_t size) MUST_CHECK;
/* Give the guest up to @size bytes of input: > 0; 0: no room; -EPROTO. */
ssize_t console_ring_write(struct console_ring *r, const char *buf, size_t size) MUST_CHECK;
/* Room for input, or -EPROTO. */
ssize_t console_ring_room(const struct console_ring *r) MUST_CHECK;
