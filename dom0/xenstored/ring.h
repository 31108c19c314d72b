/* A domain's store ring as transport of a connection.
 *
 * The page is the guest's: every index in it is hostile and read once. Our own indices are kept
 * here and only published there. Spec: io/xs_wire.h. */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "dom0/lib/attr.h"
#include "protocol/io/xs_wire.h"

struct ring {
	struct xenstore_domain_interface *page;
	uint32_t req_cons, rsp_prod;	/* ours */
	uint32_t moved;			/* bytes since the peer was last told */
};

/* Take over @page where its indices stand, a predecessor's included. */
void ring_attach(struct ring *r, struct xenstore_domain_interface *page);
/* Move bytes: > 0; 0: none or no room; -EPROTO: the indices make no sense.
 * A peer notifies only if it found the ring empty (of requests) or full (of replies): go on until
 * 0, else nobody wakes us for what is left. */
ssize_t ring_read(struct ring *r, void *buf, size_t size) MUST_CHECK;
ssize_t ring_write(struct ring *r, const void *buf, size_t size) MUST_CHECK;
/* Start over as the peer asked for (connection field). */
void ring_reset(struct ring *r);
