/* net_request.c: where chains end, and what is refused; net_filter.c. */
#include "pvdrivers/net_request.h"

#include <stdlib.h>
#include <string.h>
#include "pvdrivers/net_filter.h"
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

static const struct net_limits all = { true, true, true }, none;
static struct net_chain chain;
static struct net_request r;

static void set_up(void)
{
	memset(&chain, 0, sizeof chain);
}

static bool add(uint16_t flags, uint16_t offset, uint16_t size)
{
	chain.slot[chain.slots].req = (struct netif_tx_request){ chain.slots + 1, offset, flags, 0, size };
	return net_chain_add(&chain);
}

static bool extra(struct netif_extra_info e)
{
	memcpy(&chain.slot[chain.slots], &e, sizeof e);
	return net_chain_add(&chain);
}

static struct netif_extra_info gso(uint8_t type, uint16_t size)
{
	return (struct netif_extra_info){ .type = XEN_NETIF_EXTRA_TYPE_GSO, .u.gso = { .size = size, .type = type } };
}

static struct netif_extra_info group(uint8_t type, uint8_t first)
{
	return (struct netif_extra_info){ .type = type, .u.mcast.addr = { first, 2, 3, 4, 5, 6 } };
}

static int judge(const struct net_limits *limits)
{
	return net_request_judge(&r, &chain, limits);
}

START_TEST(one_slot)
{
	ck_assert(add(NETTXF_data_validated, 10, 60));
	ck_assert_int_eq(judge(&none), NETIF_RSP_OKAY);
	ck_assert(r.bytes == 60 && r.parts == 1 && r.multicast == NET_MULTICAST_NONE);
	ck_assert(r.part[0].ref == 1 && r.part[0].offset == 10 && r.part[0].bytes == 60);
	ck_assert(r.offload.csum_valid && !r.offload.csum_blank && r.offload.gso == NET_GSO_NONE);
}
END_TEST

START_TEST(flags_of_checksums)
{
	static const struct {
		uint16_t flags;
		bool blank, valid;
	} want[] = { { 0, false, false }, { NETTXF_csum_blank, true, true }, { NETTXF_data_validated, false, true },
		{ NETTXF_csum_blank | NETTXF_data_validated, true, true } };

	for (int i = 0; i < 4; i++) {
		set_up();
		ck_assert(add(want[i].flags, 0, 60));
		ck_assert_int_eq(judge(&none), NETIF_RSP_OKAY);
		ck_assert(r.offload.csum_blank == want[i].blank && r.offload.csum_valid == want[i].valid);
	}
}
END_TEST

/* The first slot's size is the whole packet's. Flags of later ones that only the first may have mean nothing. */
START_TEST(scattered)
{
	ck_assert(!add(NETTXF_more_data, 4000, 1000));
	ck_assert(!add(NETTXF_more_data | NETTXF_extra_info, 0, 500));
	ck_assert(add(0, 3692, 404));
	ck_assert_int_eq(judge(&none), NETIF_RSP_OKAY);
	ck_assert(r.bytes == 1000 && r.parts == 3 && chain.extras == 0);
	ck_assert(r.part[0].bytes == 96 && r.part[0].offset == 4000);
	ck_assert(r.part[1].bytes == 500 && r.part[2].bytes == 404 && r.part[2].ref == 3);
}
END_TEST

START_TEST(segments)
{
	for (uint8_t type = NET_GSO_TCPV4; type <= NET_GSO_TCPV6; type++) {
		set_up();
		ck_assert(!add(NETTXF_csum_blank | NETTXF_extra_info | NETTXF_more_data, 0, 5000));
		ck_assert(!extra(gso(type, 1448)));
		ck_assert(add(0, 0, 4000));
		ck_assert_int_eq(judge(&all), NETIF_RSP_OKAY);
		ck_assert(r.offload.gso == (enum net_gso)type && r.offload.gso_bytes == 1448);
		ck_assert(r.bytes == 5000 && r.parts == 2 && r.part[0].bytes == 1000 && r.part[1].ref == 3);
		ck_assert_int_eq(judge(&none), NETIF_RSP_ERROR);
	}
}
END_TEST

/* Extra info that is refused, in a packet that is good otherwise. */
START_TEST(bad_extra_info)
{
	struct netif_extra_info feature = gso(1, 1000);
	const struct netif_extra_info bad[] = {
		gso(0, 1000), gso(3, 1000), gso(1, 0), { .type = XEN_NETIF_EXTRA_TYPE_NONE },
		{ .type = XEN_NETIF_EXTRA_TYPE_HASH }, { .type = XEN_NETIF_EXTRA_TYPE_MAX }, { .type = 255 },
	};

	feature.u.gso.features = 1;
	for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
		set_up();
		ck_assert(!add(NETTXF_csum_blank | NETTXF_extra_info, 0, 100));
		ck_assert(extra(i == sizeof bad / sizeof bad[0] ? feature : bad[i]));
		ck_assert_int_eq(judge(&all), NETIF_RSP_ERROR);
	}
	/* A checksum that is there cannot be that of segments. */
	set_up();
	ck_assert(!add(NETTXF_data_validated | NETTXF_extra_info, 0, 100));
	ck_assert(extra(gso(1, 1000)));
	ck_assert_int_eq(judge(&all), NETIF_RSP_ERROR);
	/* Twice. */
	set_up();
	ck_assert(!add(NETTXF_csum_blank | NETTXF_extra_info, 0, 100));
	struct netif_extra_info e = gso(1, 1000);
	e.flags = XEN_NETIF_EXTRA_FLAG_MORE;
	ck_assert(!extra(e));
	ck_assert(extra(gso(1, 1000)));
	ck_assert_uint_eq(chain.extras, 2);
	ck_assert_int_eq(judge(&all), NETIF_RSP_ERROR);
}
END_TEST

START_TEST(groups)
{
	static const uint8_t type[] = { XEN_NETIF_EXTRA_TYPE_MCAST_ADD, XEN_NETIF_EXTRA_TYPE_MCAST_DEL };

	for (int i = 0; i < 2; i++) {
		set_up();
		/* A slot that says nothing else. */
		ck_assert(!add(NETTXF_extra_info, 0, 0));
		ck_assert(extra(group(type[i], 1)));
		ck_assert_int_eq(judge(&all), NETIF_RSP_OKAY);
		ck_assert(r.multicast == (i ? NET_MULTICAST_DEL : NET_MULTICAST_ADD));
		ck_assert_int_eq(memcmp(r.address, (uint8_t[]){ 1, 2, 3, 4, 5, 6 }, 6), 0);
		ck_assert_int_eq(judge(&none), NETIF_RSP_ERROR);
	}
	/* An address of one receiver; with data behind it; two at once; with segments. */
	set_up();
	ck_assert(!add(NETTXF_extra_info, 0, 0) && extra(group(type[0], 2)));
	ck_assert_int_eq(judge(&all), NETIF_RSP_ERROR);
	set_up();
	ck_assert(!add(NETTXF_extra_info | NETTXF_more_data, 0, 100) && !extra(group(type[0], 1)) && add(0, 0, 20));
	ck_assert_int_eq(judge(&all), NETIF_RSP_ERROR);
	for (int i = 0; i < 2; i++) {
		struct netif_extra_info e = group(type[0], 1);

		set_up();
		e.flags = XEN_NETIF_EXTRA_FLAG_MORE;
		ck_assert(!add(NETTXF_extra_info | NETTXF_csum_blank, 0, 100) && !extra(e));
		ck_assert(extra(i ? gso(1, 1000) : group(type[1], 1)));
		ck_assert_int_eq(judge(&all), NETIF_RSP_ERROR);
	}
}
END_TEST

/* Sizes of a packet's slots, and whether it is good. */
START_TEST(sizes)
{
	static const struct {
		uint16_t slots, offset[3], size[3];
		int status;
	} rows[] = {
		{ 1, { 0 }, { 13 }, NETIF_RSP_ERROR }, { 1, { 0 }, { 14 }, NETIF_RSP_OKAY },
		{ 1, { 0 }, { 0 }, NETIF_RSP_ERROR }, { 1, { 0 }, { 4096 }, NETIF_RSP_OKAY },
		{ 1, { 0 }, { 4097 }, NETIF_RSP_ERROR }, { 1, { 4000 }, { 96 }, NETIF_RSP_OKAY },
		{ 1, { 4000 }, { 97 }, NETIF_RSP_ERROR }, { 1, { 65535 }, { 65535 }, NETIF_RSP_ERROR },
		{ 2, { 0, 0 }, { 100, 99 }, NETIF_RSP_OKAY }, { 2, { 0, 0 }, { 100, 100 }, NETIF_RSP_ERROR },
		{ 2, { 0, 0 }, { 100, 101 }, NETIF_RSP_ERROR }, { 2, { 0, 0 }, { 100, 65535 }, NETIF_RSP_ERROR },
		{ 2, { 0, 0 }, { 100, 0 }, NETIF_RSP_ERROR }, { 2, { 0, 4095 }, { 100, 2 }, NETIF_RSP_ERROR },
		{ 2, { 0, 0 }, { 65535, 4096 }, NETIF_RSP_ERROR }, { 3, { 0, 0, 0 }, { 99, 50, 50 }, NETIF_RSP_ERROR },
		{ 3, { 0, 0, 0 }, { 12288, 4096, 4096 }, NETIF_RSP_OKAY },
		{ 3, { 1, 0, 0 }, { 12288, 4096, 4096 }, NETIF_RSP_ERROR },
		{ 3, { 0, 0, 0 }, { 10, 1, 1 }, NETIF_RSP_ERROR },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		set_up();
		for (uint16_t k = 0; k < rows[i].slots; k++)
			HOLDS(add(k + 1 < rows[i].slots ? NETTXF_more_data : 0, rows[i].offset[k], rows[i].size[k]) ==
			      (k + 1 == rows[i].slots));
		ck_assert_int_eq(judge(&all), rows[i].status);
	}
}
END_TEST

START_TEST(slots)
{
	for (uint16_t n = 2; n <= NET_RING_SLOTS; n++) {
		set_up();
		for (uint16_t i = 0; i < n; i++)
			HOLDS(add(i + 1 < n ? NETTXF_more_data : 0, 0, i ? 100 : (uint16_t)(n * 100)) == (i + 1 == n));
		HOLDS(judge(&all) == (n <= NET_SLOTS_MAX ? NETIF_RSP_OKAY : NETIF_RSP_ERROR));
	}
}
END_TEST

/* Whatever a chain holds, what comes of a good one is in bounds. */
START_TEST(random_chains)
{
	srand(1);
	for (int n = 0, good = 0; good < 3000; n++) {
		uint32_t sum = 0;
		bool whole = false;

		set_up();
		while (!whole && chain.slots < NET_RING_SLOTS) {
			uint16_t flags = (uint16_t)(rand() & rand() & 15);

			if (chain.extra_next)
				whole = extra((struct netif_extra_info){ (uint8_t)(rand() % 6), rand() % 4 == 0,
					.u.gso = { (uint16_t)(rand() % 2000), (uint8_t)(rand() % 4), 0, 0 } });
			else
				whole = add(flags, (uint16_t)(rand() % 4096), (uint16_t)(rand() % 300));
		}
		if (!whole || judge(&all) != NETIF_RSP_OKAY || r.multicast)
			continue;
		good++;
		HOLDS(r.parts >= 1 && r.parts <= NET_SLOTS_MAX && r.parts + chain.extras == chain.slots);
		for (uint32_t i = 0; i < r.parts; i++) {
			HOLDS(r.part[i].bytes && r.part[i].offset + r.part[i].bytes <= PV_PAGE);
			sum += r.part[i].bytes;
		}
		HOLDS(sum == r.bytes && sum >= NET_PACKET_MIN && sum == chain.slot[0].req.size);
	}
}
END_TEST

START_TEST(filter)
{
	static struct net_filter f;
	uint8_t a[6] = { 1, 0, 0, 0, 0, 0 };

	ck_assert(net_filter_passes(&f, a));
	f.on = true;
	ck_assert(!net_filter_passes(&f, a));
	ck_assert(net_filter_passes(&f, (uint8_t[6]){ 2 }));
	ck_assert(net_filter_passes(&f, (uint8_t[6]){ 255, 255, 255, 255, 255, 255 }));
	for (int round = 0; round < 2; round++)
		for (a[5] = 0; a[5] < NET_FILTER_MAX; a[5]++)
			ck_assert_int_eq(net_filter_add(&f, a), 0);
	ck_assert_int_eq(net_filter_add(&f, a), -XEN_ENOSPC);
	for (a[5] = 0; a[5] < NET_FILTER_MAX; a[5]++) {
		ck_assert(net_filter_passes(&f, a));
		net_filter_delete(&f, a);
		net_filter_delete(&f, a);
		ck_assert(!net_filter_passes(&f, a));
	}
	ck_assert_uint_eq(f.count, 0);
}
END_TEST

CHECK_MAIN("net_request", set_up, NULL, one_slot, flags_of_checksums, scattered, segments, bad_extra_info, groups,
	sizes, slots, random_chains, filter)
