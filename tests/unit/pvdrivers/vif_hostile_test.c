/* vif_back.c and vif_front.c where the other end, or the store, is against them. */
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"
#include "tests/unit/pvdrivers/vif_world.h"

/* A front end that is Connected with node @name saying @value, or missing: the device closes, nothing is held. */
static void lie(const char *name, const char *value)
{
	vif_put(BACK, "state", "2");
	vif_front_begin();
	vif_run();
	vif_states("4", "2");
	vif_drop(FRONT, name);
	if (value)
		vif_put(FRONT, name, value);
	vif_back_begin();
	vif_run();
	vif_states("6", "6");
	ck_assert_uint_eq(vif->dom0.logged, 1);
	ck_assert_ptr_nonnull(strstr(vif->dom0.last_log, BACK ": cannot be connected as its other end says: error "));
	/* Nothing but two watches. */
	ck_assert_uint_eq(host_domain_holds(&vif->dom0), 2);
	vif_start_over();
}

START_TEST(front_ends_that_lie)
{
	static const struct {
		const char *name, *value;
	} lies[] = {
		{ "tx-ring-ref", NULL }, { "tx-ring-ref", "0" }, { "tx-ring-ref", "4095" }, { "tx-ring-ref", "-1" },
		{ "tx-ring-ref", "4294967297" }, { "tx-ring-ref", "x" }, { "tx-ring-ref", "" },
		{ "rx-ring-ref", NULL }, { "rx-ring-ref", "4095" }, { "rx-ring-ref", "18446744073709551617" },
		{ "rx-ring-ref", "99999999999999999999999999999999999999999" }, { "event-channel", NULL },
		{ "event-channel", "0" }, { "event-channel", "63" }, { "event-channel", "99999" },
		{ "event-channel-tx", "0" }, { "event-channel-tx", "1" }, { "event-channel-tx", "" },
		{ "event-channel-tx", "1234567890123456789012345678901234567890" },
		{ "multi-queue-num-queues", "0" }, { "multi-queue-num-queues", "2" },
		{ "multi-queue-num-queues", "5" }, { "multi-queue-num-queues", "4294967295" },
		{ "request-rx-copy", "0" }, { "request-rx-copy", NULL }, { "request-rx-copy", "2" },
	};

	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
		lie(lies[i].name, lies[i].value);
	vif_connect();
}
END_TEST

START_TEST(impossible_indices)
{
	for (int which = 0; which < 2; which++) {
		struct net_packet p;

		vif_connect();
		vif_works();
		(which ? vif->front.net.rx : vif->front.net.tx).ring.header->req_prod += 1000;
		vif->guest.os.event_notify(&vif->guest.os, vif->front.net.port);
		/* More than there are buffers that it knows of. */
		p = vif_packet(100);
		for (uint32_t i = 0; i < 33 && which; i++)
			vif_back_offer(&vif->back, 0, &p);
		vif_run();
		vif_states("6", "6");
		ck_assert_uint_eq(host_domain_holds(&vif->dom0), 2);
		ck_assert_uint_eq(vif->dom0.logged, 1);
		ck_assert_str_eq(vif->dom0.last_log, BACK ": indices of its ring make no sense: not served any more");
		vif_start_over();
	}
	vif_connect();
}
END_TEST

/* The same, seen first when a packet that the guest sends comes back to it. */
START_TEST(impossible_indices_amid_a_run)
{
	struct net_packet p = vif_packet(100);

	vif_connect();
	vif->echo = true;
	for (uint32_t i = 0; i < 16; i++)
		ck_assert_int_eq(vif_front_send(&vif->front, &p), 0);
	vif->front.net.rx.ring.header->req_prod += 1000;
	vif_run();
	vif_states("6", "6");
	ck_assert(!vif->back.open && vif->dom0.logged == 1);
}
END_TEST

START_TEST(answers_that_lie)
{
	vif_connect();
	vif->front.net.tx.ring.header->rsp_prod += 2;
	vif->dom0.os.event_notify(&vif->dom0.os, vif->back.port[0][VIF_TX]);
	vif_run();
	ck_assert(!vif->front.usable && !vif->front.open);
	vif_states("6", "6");
	ck_assert_str_eq(vif->guest.last_log, FRONT ": answers make no sense: not used any more");
}
END_TEST

START_TEST(addresses_that_are_none)
{
	static const char *const bad[] = { NULL, "", "00:16:3e:ab:cd:e", "00:16:3e:ab:cd:eff", "00:16:3e:ab:cd:eg",
		"00:16:3e:ab-cd:ef", "0:016:3e:ab:cd:ef", "@0:16:3e:ab:cd:ef", "00:16:3e:ab:cd:ef:00:11:22:33:44:55" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		vif_drop(FRONT, "mac");
		if (bad[i])
			vif_put(FRONT, "mac", bad[i]);
		vif_back_begin();
		vif_front_begin();
		vif_run();
		vif_states("6", "6");
		ck_assert(!vif->front.usable && !vif->front.open && vif->front_changes == 0 && vif->guest.logged == 1);
		vif_start_over();
	}
	vif_connect();
}
END_TEST

/* A front end that finds the state of another one has no rings. */
START_TEST(front_starts_connected)
{
	struct net_front left;

	vif_connect();
	pv_device_close(&vif->front.device);
	left = vif->front.net;
	vif->guest.os.event_close(&vif->guest.os, left.port);
	left.port = 0;
	vif_front_begin();
	vif_run();
	vif_states("6", "6");
	ck_assert_int_eq(net_front_close(&left), 0);
	vif_put(FRONT, "state", "1");
	vif_run();
	vif_states("4", "4");
	vif_works();
}
END_TEST

/* The store refuses any one of the back end's writes, or there is no memory: the device closes, or is offered
 * again, and says so. */
START_TEST(refused)
{
	for (uint32_t n = 1; n <= 13; n++) {
		vif->refuse_write = n <= 10 ? n : 0;
		vif->dom0.fail_alloc = n > 10 && n < 13 ? n - 10 : 0;
		vif->guest.fail_alloc = n == 13;
		vif_back_begin();
		vif_front_begin();
		vif_run();
		ck_assert_uint_eq(vif->dom0.logged + vif->guest.logged, 1);
		if (vif->front.usable)
			vif_works();
		vif_start_over();
	}
	vif_connect();
}
END_TEST

/* Any value in any node of the front end's, at any time. */
START_TEST(random_nodes)
{
	static const char *const names[] = { "state", "state", "state", "tx-ring-ref", "rx-ring-ref", "event-channel",
		"event-channel-tx", "event-channel-rx", "multi-queue-num-queues", "request-rx-copy", "feature-sg" };
	static const char *const values[] = { "", "0", "1", "1", "1", "2", "3", "4", "5", "6", "7", "8", "x",
		"4294967296" };
	uint32_t connected = 0;

	vif_connect();
	for (int i = 0; i < 20000; i++) {
		vif_put(FRONT, names[rand() % 11], values[rand() % 14]);
		if (rand() % 20 == 0) {
			(void)!vif_front_close(&vif->front);
			vif_put(FRONT, "state", "6");
			vif_run();
			HOLDS(vif_front_close(&vif->front) == 0);
			host_store_remove(&vif->machine, FRONT);
			vif_put(FRONT, "backend", BACK);
			vif_put(FRONT, "backend-id", "0");
			vif_put(FRONT, "mac", "00:16:3e:ab:cd:ef");
			vif_put(FRONT, "state", "1");
			vif_front_begin();
		}
		vif_run();
		connected += vif->back.open;
		if (vif->back.device.gone) {
			vif_back_close(&vif->back);
			vif_put(BACK, "state", "1");
			vif_back_begin();
		}
	}
	ck_assert_uint_gt(connected, 1000);
	host_store_remove(&vif->machine, BACK);
	vif_run();
	ck_assert(vif->back.device.gone);
	ck_assert_uint_eq(host_domain_holds(&vif->dom0), 2);
}
END_TEST

CHECK_MAIN("vif_hostile", vif_set_up, vif_tear_down, front_ends_that_lie, impossible_indices,
	impossible_indices_amid_a_run, answers_that_lie, addresses_that_are_none, front_starts_connected, refused, random_nodes)
