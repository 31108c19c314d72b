/* ring.h: entries per page as Linux's front ends count them, and when to notify. */
#include <stdint.h>
#include <stdlib.h>
#include "protocol/io/blkif.h"
#include "protocol/io/netif.h"
#include "protocol/io/ring.h"
#include "tests/unit/check_main.h"

START_TEST(entries_per_ring)
{
	ck_assert_uint_eq(ring_entries(4096, sizeof(union blkif_sring_entry)), 32);
	ck_assert_uint_eq(ring_entries(4096, sizeof(union netif_tx_sring_entry)), 256);
	ck_assert_uint_eq(ring_entries(4096, sizeof(union netif_rx_sring_entry)), 256);
	ck_assert_uint_eq(ring_entries(16 * 4096, sizeof(union blkif_sring_entry)), 512);
	/* Exactly full, and one byte short of it. */
	ck_assert_uint_eq(ring_entries(64 + 8 * 100, 100), 8);
	ck_assert_uint_eq(ring_entries(64 + 8 * 100 - 1, 100), 4);
	ck_assert_uint_eq(ring_entries(64 + 100, 100), 1);
}
END_TEST

START_TEST(distance_wraps)
{
	ck_assert_uint_eq(ring_distance(10, 15), 5);
	ck_assert_uint_eq(ring_distance(0xfffffffe, 3), 5);
}
END_TEST

/* Against the definition: notify if some index in (old, new] is the event index. */
START_TEST(notify_when_passed)
{
	const uint32_t bases[] = { 0, 100, 0xfffffff8, 0x7ffffffc };

	for (unsigned b = 0; b < 4; b++)
		for (uint32_t old = 0; old < 12; old++)
			for (uint32_t n = 0; n < 6; n++)
				for (uint32_t event = 0; event < 24; event++) {
					int passed = event > old && event <= old + n;

					ck_assert_int_eq(ring_must_notify(bases[b] + old,
						bases[b] + old + n, bases[b] + event), passed);
				}
}
END_TEST

CHECK_MAIN("ring", NULL, NULL, entries_per_ring, distance_wraps, notify_when_passed)
