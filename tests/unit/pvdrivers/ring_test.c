/* ring.c: both ends over one ring of one to sixteen pages, against a queue; notifications never lost; hostile indices. */
#include "pvdrivers/ring.h"

#include <stdlib.h>
#include <string.h>
#include "protocol/io/blkif.h"
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

#define ENTRY	sizeof(union blkif_sring_entry)
static union {
	struct ring_header header;
	uint8_t bytes[16 * PV_PAGE];
} shared;
static struct ring_front front;
static struct ring_back back;

/* A fresh ring of @pages whose indices all stand at @at. */
static void open_at(unsigned int pages, RING_IDX at)
{
	ring_front_open(&front, &shared, pages * PV_PAGE, ENTRY);
	front.req_prod = front.req_told = front.rsp_cons = at;
	shared.header = (struct ring_header){ at, at + 1, at, at + 1 };
	ck_assert_int_eq(ring_back_open(&back, &shared, pages * PV_PAGE, ENTRY), 0);
}

static void put_request(uint64_t id)
{
	struct blkif_request req = { .id = id };

	memcpy(ring_front_slot(&front), &req, sizeof req);
	ring_front_push(&front);
}

static void put_response(uint64_t id)
{
	memcpy(ring_back_slot(&back), &id, sizeof id);
	ring_back_answer(&back);
}

START_TEST(a_front_makes_an_empty_ring)
{
	memset(&shared, 0xaa, sizeof shared);
	ring_front_open(&front, &shared, PV_PAGE, ENTRY);
	ck_assert_uint_eq(shared.header.req_prod, 0);
	ck_assert_uint_eq(shared.header.rsp_prod, 0);
	ck_assert_uint_eq(shared.header.req_event, 1);
	ck_assert_uint_eq(shared.header.rsp_event, 1);
	ck_assert_uint_eq(ring_front_room(&front), 32);
	ck_assert_uint_eq(shared.bytes[PV_PAGE], 0xaa);
}
END_TEST

/* Random steps of both ends. Each sleeps when it finds nothing, and runs again only when notified: if a
 * notification is lost, nobody runs and the queue does not empty. */
static void exchange(unsigned int pages, RING_IDX at)
{
	bool woken[2] = { true, true };		/* front, back */
	uint64_t sent = 0, taken = 0, answered = 0, received = 0;

	open_at(pages, at);
	while (received < 3000) {
		HOLDS(woken[0] || woken[1]);
		if (woken[0] && (!woken[1] || rand() & 1)) {
			uint64_t id;

			for (int n = rand() % 50; n > 0 && ring_front_room(&front) && sent < 3000; n--)
				put_request(sent++);
			woken[1] |= ring_front_notify(&front);
			for (int n = rand() % 50, got = 1; n > 0 && got; n--) {
				got = ring_front_take(&front, &id, sizeof id);
				HOLDS(got >= 0 && (!got || id == received++));
			}
			woken[0] = ring_front_sleep(&front) || (ring_front_room(&front) && sent < 3000);
		} else if (woken[1]) {
			struct blkif_request req;
			int got = 1;

			for (int n = rand() % 50; n > 0 && got; n--) {
				got = ring_back_take(&back, &req);
				HOLDS(got >= 0 && (!got || req.id == taken++));
			}
			for (int n = rand() % 50; n > 0 && answered < taken; n--)
				put_response(answered++);
			woken[0] |= ring_back_notify(&back);
			woken[1] = ring_back_sleep(&back) || answered < taken;
		}
	}
	HOLDS(sent == 3000 && taken == 3000 && answered == 3000);
}

START_TEST(rings_of_several_pages)
{
	srand(1);
	for (unsigned int order = 0; order <= 4; order++) {
		exchange(1u << order, 0);
		ck_assert_uint_eq(front.ring.slots, 32u << order);
	}
}
END_TEST

START_TEST(indices_wrap)
{
	srand(2);
	for (RING_IDX at = 0xfffff000; at >= 0xfffff000; at += 0x155)
		exchange(1, at);
}
END_TEST

/* Whatever index the front end publishes: no more requests are taken than there can be. */
START_TEST(impossible_requests_disconnect)
{
	struct blkif_request req;

	for (uint32_t used = 0; used <= 32; used++)
		for (int64_t far = -40; far <= 80; far++) {
			open_at(1, 0xfffffff0);
			for (uint32_t i = 0; i < used; i++)
				put_request(i);
			for (uint32_t i = 0; i < used; i++)
				HOLDS(ring_back_take(&back, &req) == 1);
			shared.header.req_prod = back.req_cons + (uint32_t)far;
			int want = far == 0 ? 0 : far > 0 && far + used <= 32 ? 1 : -XEN_EBADMSG;
			HOLDS(ring_back_take(&back, &req) == want);
			HOLDS(back.req_cons == 0xfffffff0 + used + (want == 1));
		}
}
END_TEST

START_TEST(impossible_responses_disconnect)
{
	uint64_t id;

	for (uint32_t used = 0; used <= 32; used++)
		for (int64_t far = -40; far <= 80; far++) {
			open_at(1, 0xfffffff0);
			for (uint32_t i = 0; i < used; i++)
				put_request(i);
			shared.header.rsp_prod = front.rsp_cons + (uint32_t)far;
			int want = far == 0 ? 0 : far > 0 && far <= used ? 1 : -XEN_EBADMSG;
			HOLDS(ring_front_take(&front, &id, sizeof id) == want);
		}
}
END_TEST

/* A request that changes after it was taken does not change the copy. */
START_TEST(a_request_is_copied_once)
{
	struct blkif_request req;

	open_at(1, 0);
	put_request(7);
	ck_assert_int_eq(ring_back_take(&back, &req), 1);
	memset(shared.bytes + RING_HEADER_BYTES, 0xff, ENTRY);
	ck_assert_uint_eq(req.id, 7);
}
END_TEST

/* A successor finds just the requests that were not answered; more than slots of them make no sense. */
START_TEST(a_successor_takes_the_unanswered)
{
	struct blkif_request req;

	for (uint32_t sent = 0; sent <= 32; sent++)
		for (uint32_t answered = 0; answered <= sent; answered++) {
			open_at(1, 0xfffffff8);
			for (uint32_t i = 0; i < sent; i++)
				put_request(i);
			for (uint32_t i = 0; i < answered; i++) {
				HOLDS(ring_back_take(&back, &req) == 1);
				put_response(i);
			}
			HOLDS(ring_back_open(&back, &shared, PV_PAGE, ENTRY) == 0);
			for (uint32_t i = answered; i < sent; i++)
				HOLDS(ring_back_take(&back, &req) == 1 && req.id == i);
			HOLDS(ring_back_take(&back, &req) == 0);
		}
	shared.header.req_prod = shared.header.rsp_prod + 33;
	ck_assert_int_eq(ring_back_open(&back, &shared, PV_PAGE, ENTRY), -XEN_EBADMSG);
	shared.header.req_prod = shared.header.rsp_prod - 1;
	ck_assert_int_eq(ring_back_open(&back, &shared, PV_PAGE, ENTRY), -XEN_EBADMSG);
}
END_TEST

CHECK_MAIN("ring", NULL, NULL, a_front_makes_an_empty_ring, rings_of_several_pages, indices_wrap,
	impossible_requests_disconnect, impossible_responses_disconnect, a_request_is_copied_once,
	a_successor_takes_the_unanswered)
