/* Network back end: the ring by which a guest sends. For net_back.c. */
#pragma once
#include "pvdrivers/net_back.h"

/* Attach to the ring in page @ring. -EBADMSG. */
int net_tx_open(struct net_tx *t, void *ring, uint32_t port, bool successor) PV_MUST_CHECK;
/* Serve packets, at most @most and NET_TX_BATCH; *done says how many. 1: there may be more; 0: there is none, its first
 * slot will be notified of, or the port is not ready; -EBADMSG. */
int net_tx_run(struct net_back *b, struct net_tx *t, uint32_t most, uint32_t *done) PV_MUST_CHECK;
