/* Network back end: the ring by which a guest receives, and what waits for it. For net_back.c. */
#pragma once
#include "pvdrivers/net_back.h"

/* Attach to the ring in page @ring. -EBADMSG. */
int net_rx_open(struct net_rx *x, void *ring, uint32_t port, bool successor) PV_MUST_CHECK;
/* Give @p, of @bytes, to the guest, or let it wait, or drop it. 0; -EBADMSG. */
int net_rx_offer(struct net_back *b, struct net_rx *x, const struct net_packet *p, uint32_t bytes) PV_MUST_CHECK;
/* Give the guest what waits, as far as it has buffers. 0; -EBADMSG. */
int net_rx_run(struct net_back *b, struct net_rx *x) PV_MUST_CHECK;
/* Free what waits. */
void net_rx_close(struct net_back *b, struct net_rx *x);
