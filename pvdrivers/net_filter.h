/* Which packets to groups of receivers a guest wants: addresses that it adds and deletes. */
#pragma once
#include "pvdrivers/os.h"

#define NET_FILTER_MAX	64u

/* All zero at first. */
struct net_filter {
	bool on;			/* else all packets pass */
	uint32_t count;
	uint8_t address[NET_FILTER_MAX][6];
};

/* Add @address, or delete it; either may be so already. -ENOSPC. */
int net_filter_add(struct net_filter *f, const uint8_t address[6]) PV_MUST_CHECK;
void net_filter_delete(struct net_filter *f, const uint8_t address[6]);
/* Say whether a packet to @address passes: one to a single receiver or to all does. */
bool net_filter_passes(const struct net_filter *f, const uint8_t address[6]) PV_MUST_CHECK;
