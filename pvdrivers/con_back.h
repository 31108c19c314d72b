/* A console's back end: con_ring.c, whose guest may print so much and no more.
 *
 * It is given the page, mapped: that of the initial console, which every guest starts with, or of a device
 * (vcon_back.c). A guest that floods is read at a rate after a burst; meanwhile it waits for room in its own ring, and what
 * it costs others is bounded. What it does not read, it costs only itself: con_ring_room() is 0. */
#pragma once
#include "pvdrivers/con_ring.h"

struct con_limits {
	uint32_t burst;			/* bytes at once after a rest, at least CON_OUT_BYTES */
	uint32_t per_second;		/* bytes after that, >= 1 */
};

struct con_back {
	struct con_ring ring;
	struct con_limits limits;
	uint64_t allowed;		/* bytes that may be read, as of @since_ns */
	uint64_t since_ns;
	bool ends;
};

/* Serve @page as con_ring_open() says. @now_ns: of a clock that does not run backwards, here and below. */
void con_back_open(struct con_back *b, struct xencons_interface *page, struct con_limits limits, uint64_t now_ns);
/* As con_ring_read(); -EAGAIN: the guest has printed enough, look again when the limits allow half a ring more, or later. */
int con_back_read(struct con_back *b, uint64_t now_ns, char *buf, uint32_t size) PV_MUST_CHECK;
/* The guest or the device is at its end: the last words, one ring at most, can be read whatever was printed before, and
 * nothing after that: then it is 0. */
void con_back_end(struct con_back *b);
