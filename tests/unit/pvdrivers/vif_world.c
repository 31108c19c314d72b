/* The world of the vif tests. */
#include "tests/unit/pvdrivers/vif_world.h"

#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"

struct vif_world *vif;

/* ---- the store ---- */

void vif_put(const char *dir, const char *name, const char *value)
{
	ck_assert_int_eq(store_put(&vif->guest.os, dir, name, value), 0);
}

void vif_put_number(const char *dir, const char *name, uint64_t value)
{
	ck_assert_int_eq(store_put_number(&vif->guest.os, dir, name, value), 0);
}

const char *vif_get(const char *dir, const char *name)
{
	static char value[8][PV_PATH_MAX];
	static unsigned int at;

	return store_get(&vif->guest.os, dir, name, value[++at % 8], PV_PATH_MAX) ? "" : value[at % 8];
}

void vif_drop(const char *dir, const char *name)
{
	char path[PV_PATH_MAX];

	ck_assert_int_eq(store_path(path, dir, name), 0);
	host_store_remove(&vif->machine, path);
}

void vif_states(const char *f, const char *b)
{
	ck_assert_str_eq(vif_get(FRONT, "state"), f);
	ck_assert_str_eq(vif_get(BACK, "state"), b);
}

static int refusing_write(struct pv_os *os, const char *path, const char *value)
{
	return vif->refuse_write && --vif->refuse_write == 0 ? -XEN_EACCES : vif->host_write(os, path, value);
}

static void plug(void)
{
	vif_put(BACK, "frontend", FRONT);
	vif_put(BACK, "frontend-id", "7");
	vif_put(BACK, "online", "1");
	vif_put(BACK, "state", "1");
	vif_put(FRONT, "backend", BACK);
	vif_put(FRONT, "backend-id", "0");
	vif_put(FRONT, "mac", "00:16:3e:aB:Cd:ef");
	vif_put(FRONT, "state", "1");
}

/* ---- the ends ---- */

static void transmit(struct net_port *p, uint32_t queue, const struct net_packet *packet)
{
	ck_assert_uint_lt(queue, vif->back.net.queues);
	ck_assert_ptr_eq(p, &vif->port);
	vif->sent++;
	vif->sent_queue = queue;
	vif->sent_bytes = (uint32_t)packet->piece[0].bytes;
	for (int i = 0; i < 3 && vif->echo; i++)
		vif_back_offer(&vif->back, vif->sent, packet);
}

static void back_changed(struct vif_back *v)
{
	ck_assert_ptr_eq(v, &vif->back);
	vif->back_changes++;
	if (v->open && vif->greet) {
		struct net_packet p = vif_packet(100);

		vif_back_offer(v, 0, &p);
		vif_back_push(v);
	}
}

static void front_changed(struct vif_front *v)
{
	ck_assert_ptr_eq(v, &vif->front);
	vif->front_changes++;
}

static void take(struct vif_front *v, const struct net_packet *p)
{
	vif->received++;
	vif->received_bytes = (uint32_t)p->piece[0].bytes;
	if (vif->part_now) {
		vif_front_part(v);
		ck_assert_int_eq(vif_front_close(v), -XEN_EBUSY);
	}
}

void vif_back_begin(void)
{
	vif->back = (struct vif_back){
		.config = { .port = &vif->port, .limits = vif->limits, .waiting_packets = 10, .waiting_bytes = 100000 },
		.max_queues = 4, .changed = back_changed,
	};
	ck_assert_int_eq(vif_back_open(&vif->back, &vif->dom0.os, BACK), 0);
}

void vif_front_begin(void)
{
	vif->front = (struct vif_front){ .tx_buffers = 16, .rx_buffers = 32, .changed = front_changed, .received = take };
	ck_assert_int_eq(vif_front_open(&vif->front, &vif->guest.os, FRONT), 0);
}

void vif_run(void)
{
	do {
		host_run(&vif->machine);
		if (vif->back.again)
			vif_back_run(&vif->back);
		if (vif->front.again)
			vif_front_run(&vif->front);
	} while (vif->back.again || vif->front.again);
	host_run(&vif->machine);
}

void vif_connect(void)
{
	vif_back_begin();
	vif_front_begin();
	vif_run();
	vif_states("4", "4");
}

void vif_set_up(void)
{
	vif = calloc(1, sizeof *vif);
	host_domain_init(&vif->dom0, &vif->machine, 0);
	host_domain_init(&vif->guest, &vif->machine, 7);
	vif->host_write = vif->dom0.os.store_write;
	vif->dom0.os.store_write = refusing_write;
	vif->port.transmit = transmit;
	vif->limits = (struct net_limits){ true, true, true };
	plug();
}

void vif_tear_down(void)
{
	vif_back_close(&vif->back);
	ck_assert_int_eq(vif_front_close(&vif->front), 0);
	ck_assert_uint_eq(host_domain_holds(&vif->dom0) + host_domain_holds(&vif->guest), 0);
	free(vif);
	vif = NULL;
}

void vif_start_over(void)
{
	vif_tear_down();
	vif_set_up();
}

struct net_packet vif_packet(uint32_t bytes)
{
	static uint8_t data[NET_PACKET_MAX];
	static struct net_piece piece;

	piece = (struct net_piece){ data, bytes };
	return (struct net_packet){ &piece, 1, { 0 } };
}

void vif_works(void)
{
	struct net_packet p = vif_packet(1514);
	uint32_t s = vif->sent, r = vif->received;

	ck_assert_int_eq(vif_front_send(&vif->front, &p), 0);
	vif_run();
	ck_assert(vif->sent == s + 1 && vif->sent_bytes == 1514);
	p = vif_packet(30000);
	vif_back_offer(&vif->back, 12345, &p);
	vif_back_push(&vif->back);
	vif_run();
	ck_assert(vif->received == r + 1 && vif->received_bytes == 30000);
}
