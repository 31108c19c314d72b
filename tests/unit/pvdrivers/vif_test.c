/* vif_back.c and vif_front.c over one store: connecting, parting, dying; nodes as Linux's netfront writes them. */
#include <stdio.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/vif_world.h"

START_TEST(connects_through_the_store)
{
	const struct net_guest *g = &vif->back.net.config.guest;

	vif_connect();
	ck_assert(vif->front.usable && vif->front_changes == 1 && vif->back.open && vif->back_changes == 1);
	ck_assert_int_eq(memcmp(vif->front.mac, "\x00\x16\x3e\xab\xcd\xef", 6), 0);
	ck_assert(g->sg && g->notifies && g->csum_ipv4 && g->csum_ipv6 && !g->gso_tcpv4 && !g->gso_tcpv6);
	vif_works();
	ck_assert_uint_eq(vif->dom0.logged + vif->guest.logged, 0);
}
END_TEST

/* A packet that comes before the front end knows that it is connected is dropped. */
START_TEST(packets_before_the_state)
{
	vif->greet = true;
	vif_connect();
	ck_assert(vif->back.net.counts.received == 1 && vif->received == 0);
	vif_works();
}
END_TEST

START_TEST(what_is_advertised)
{
	static const char *const on[] = { "feature-sg", "feature-ipv6-csum-offload", "feature-rx-copy",
		"feature-split-event-channels" };
	static const char *const may[] = { "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-multicast-control" };

	for (int with = 0; with < 2; with++) {
		vif->limits = (struct net_limits){ with, with, with };
		vif_connect();
		for (int i = 0; i < 4; i++)
			ck_assert_str_eq(vif_get(BACK, on[i]), "1");
		for (int i = 0; i < 3; i++)
			ck_assert_str_eq(vif_get(BACK, may[i]), with ? "1" : "0");
		ck_assert_str_eq(vif_get(BACK, "multi-queue-max-queues"), "4");
		ck_assert_str_eq(vif_get(BACK, "feature-ctrl-ring"), "");
		vif_start_over();
	}
	vif_connect();
}
END_TEST

/* ---- nodes as Linux's netfront writes them ---- */

/* A queue's rings, in a net_front of its own that @dir publishes, with split ports if @rx_port. */
static struct net_front queue[3];

static void nothing(void *arg)
{
	(void)arg;
}

static void taken(struct net_front *f, const struct net_packet *p)
{
	(void)f;
	vif->received++;
	vif->received_bytes = (uint32_t)p->piece[0].bytes;
}

static uint32_t queue_publish(uint32_t i, const char *dir, bool split)
{
	struct net_front_config c = { &vif->guest.os, 0, 16, 32, taken };
	uint32_t rx_port = 0;

	ck_assert_int_eq(net_front_open(&queue[i], &c, nothing, NULL), 0);
	vif_put_number(dir, "tx-ring-ref", queue[i].tx_ref);
	vif_put_number(dir, "rx-ring-ref", queue[i].rx_ref);
	vif_put_number(dir, split ? "event-channel-tx" : "event-channel", queue[i].port);
	if (split) {
		ck_assert_int_eq(vif->guest.os.event_open(&vif->guest.os, 0, 0, nothing, NULL, &rx_port), 0);
		vif_put_number(dir, "event-channel-rx", rx_port);
	}
	return rx_port;
}

/* Everything that netfront asks for; it says Connected at once. */
static void linux_front(uint32_t queues)
{
	static const char *const on[] = { "request-rx-copy", "feature-rx-notify", "feature-sg", "feature-gso-tcpv4",
		"feature-gso-tcpv6", "feature-ipv6-csum-offload" };
	const struct net_guest *g = &vif->back.config.guest;
	uint32_t rx_port[3];
	char dir[64] = FRONT;

	vif_back_begin();
	vif_run();
	vif_states("1", "2");
	for (uint32_t i = 0; i < queues; i++) {
		if (queues > 1)
			snprintf(dir, sizeof dir, FRONT "/queue-%u", i);
		rx_port[i] = queue_publish(i, dir, true);
	}
	vif_put_number(FRONT, "multi-queue-num-queues", queues);
	for (int i = 0; i < 6; i++)
		vif_put(FRONT, on[i], "1");
	vif_put(FRONT, "state", "4");
	vif_run();
	vif_states("4", "4");
	ck_assert_uint_eq(vif->back.net.queues, queues);
	for (uint32_t i = 0; i < queues; i++) {
		struct net_packet p = vif_packet(600 + i);

		ck_assert_int_eq(net_front_send(&queue[i], &p), 0);
		net_front_push(&queue[i]);
		vif_run();
		ck_assert(vif->sent_bytes == 600 + i && vif->sent_queue == i);
		vif_back_offer(&vif->back, i + queues, &p);
		vif_back_push(&vif->back);
		vif->received = 0;
		ck_assert_int_eq(net_front_run(&queue[i]), 0);
		ck_assert(vif->received == 1 && vif->received_bytes == 600 + i && net_front_unanswered(&queue[i]) == 0);
	}
	ck_assert(g->gso_tcpv4 && g->gso_tcpv6 && !g->multicast_control);
	vif_back_close(&vif->back);
	for (uint32_t i = 0; i < queues; i++) {
		ck_assert_int_eq(net_front_close(&queue[i]), 0);
		vif->guest.os.event_close(&vif->guest.os, rx_port[i]);
	}
}

START_TEST(as_linux)
{
	linux_front(1 + (uint32_t)_i);
	vif_back_begin();
	vif->front.open = vif->front.usable = false;
	vif_front_begin();
}
END_TEST

START_TEST(features)
{
	static const struct {
		const char *name;
		size_t at;
		bool on;
	} rows[] = {
		{ "feature-no-csum-offload", offsetof(struct net_guest, csum_ipv4), false },
		{ "feature-ipv6-csum-offload", offsetof(struct net_guest, csum_ipv6), true },
		{ "feature-sg", offsetof(struct net_guest, sg), true },
		{ "feature-gso-tcpv4", offsetof(struct net_guest, gso_tcpv4), true },
		{ "feature-gso-tcpv6", offsetof(struct net_guest, gso_tcpv6), true },
		{ "feature-rx-notify", offsetof(struct net_guest, notifies), true },
		{ "request-multicast-control", offsetof(struct net_guest, multicast_control), true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int value = 0; value < 3; value++) {
			const bool *got = (const bool *)&vif->back.config.guest + rows[i].at;

			vif_connect();
			vif_drop(FRONT, rows[i].name);
			if (value < 2)
				vif_put_number(FRONT, rows[i].name, (uint64_t)value);
			host_domain_die(&vif->dom0);
			vif_back_begin();
			vif_run();
			ck_assert(vif->back.open && *got == (value == 1 ? rows[i].on : !rows[i].on));
			vif_start_over();
		}
	vif_connect();
}
END_TEST

/* ---- parting, dying ---- */

START_TEST(removal)
{
	vif_connect();
	ck_assert(vif_back_room(&vif->back, 12345));
	vif_put(BACK, "online", "0");
	vif_put(BACK, "state", "5");
	vif_run();
	vif_states("6", "6");
	ck_assert(vif->back.device.gone && !vif->back.open && !vif->front.usable && !vif->front.open);
	ck_assert(vif->back_changes == 2 && vif->front_changes == 2);
	struct net_packet p = vif_packet(100);
	ck_assert_int_eq(vif_front_send(&vif->front, &p), -XEN_ENXIO);
	vif_back_offer(&vif->back, 0, &p);
	vif_back_push(&vif->back);
	vif_back_run(&vif->back);
	ck_assert(!vif_back_room(&vif->back, 12345));
}
END_TEST

START_TEST(the_front_end_parts_and_returns)
{
	vif_connect();
	vif_works();
	vif_front_part(&vif->front);
	vif_run();
	vif_states("6", "6");
	ck_assert(!vif->back.device.gone && !vif->front.open && !vif->back.open);
	vif_put(FRONT, "state", "1");
	vif_run();
	vif_states("4", "4");
	vif_works();
}
END_TEST

/* The user parts when a packet comes. */
START_TEST(part_from_received)
{
	struct net_packet p = vif_packet(100);

	vif_connect();
	vif->part_now = true;
	vif_back_offer(&vif->back, 0, &p);
	vif_back_push(&vif->back);
	vif_run();
	ck_assert_uint_eq(vif->received, 1);
	vif_states("6", "6");
	ck_assert(!vif->front.open && !vif->front.usable);
}
END_TEST

START_TEST(removed_by_force)
{
	vif_connect();
	host_store_remove(&vif->machine, BACK);
	host_store_remove(&vif->machine, FRONT);
	vif_run();
	ck_assert(vif->back.device.gone && vif->front.device.gone);
	ck_assert_str_eq(vif_get(BACK, "state"), "");
	ck_assert_str_eq(vif_get(FRONT, "state"), "");
}
END_TEST

/* A back end dies with packets in both rings; nobody changes a state; its successor serves them, once. */
START_TEST(death_and_return)
{
	vif_connect();
	vif_works();
	for (uint32_t i = 0; i < 50; i++) {
		struct net_packet p = vif_packet(200);

		host_domain_die(&vif->dom0);
		for (uint32_t k = 0; k < 5; k++)
			ck_assert_int_eq(vif_front_send(&vif->front, &p), 0);
		vif_back_begin();
		vif_run();
		vif_states("4", "4");
		ck_assert(net_front_unanswered(&vif->front.net) == 0 && vif->sent == 1 + 6 * i + 5);
		vif_works();
		ck_assert_uint_eq(vif->front_changes, 1);
	}
	/* While it closes as well. */
	host_domain_die(&vif->dom0);
	vif_put(BACK, "state", "5");
	vif_back_begin();
	vif_run();
	vif_states("6", "6");
	ck_assert(!vif->back.open && !vif->front.open);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(vif_set_up, vif_tear_down, connects_through_the_store, packets_before_the_state,
		what_is_advertised, features, removal, the_front_end_parts_and_returns, part_from_received,
		removed_by_force, death_and_return);

	tcase_add_loop_test(c, as_linux, 0, 3);
	return check_run("vif", c);
}
