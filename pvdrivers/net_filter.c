/* A list of addresses, in no order. */
#include "pvdrivers/net_filter.h"

#include <string.h>

/* Where @address is, or f->count. */
static uint32_t find(const struct net_filter *f, const uint8_t address[6])
{
	uint32_t i = 0;

	while (i < f->count && memcmp(f->address[i], address, 6) != 0)
		i++;
	return i;
}

int net_filter_add(struct net_filter *f, const uint8_t address[6])
{
	if (find(f, address) < f->count)
		return 0;
	if (f->count == NET_FILTER_MAX)
		return -XEN_ENOSPC;
	memcpy(f->address[f->count++], address, 6);
	return 0;
}

void net_filter_delete(struct net_filter *f, const uint8_t address[6])
{
	uint32_t at = find(f, address);

	if (at < f->count)
		memmove(f->address[at], f->address[--f->count], 6);
}

bool net_filter_passes(const struct net_filter *f, const uint8_t address[6])
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return !f->on || !(address[0] & 1) || memcmp(address, all, 6) == 0 || find(f, address) < f->count;
}
