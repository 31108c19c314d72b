/* The network back end, over what a front end writes into rings and pages, what it grants, and packets for it.
 *
 * The input first chooses the device, then lists what the guest, the port and the back end do, the back end's death
 * with a successor among it. What the port is given is a packet in bounds, with offloads that were allowed, of bytes of
 * granted pages; pages that are not granted, or for reading only, do not change; every slot is answered by its own id,
 * and packets for the guest end where the answers do; nothing is mapped, what waits is bounded; and at the end,
 * whatever has happened, the back end closes and holds nothing. */
#include "tests/fuzz/targets/target.h"

#include "pvdrivers/host/os_host.h"
#include "pvdrivers/net_back.h"

#define PAGES	8u
#define NOBODYS	PAGES		/* a page that is never granted */

uint64_t fuzz_states;

static struct host_machine machine;
static struct host_domain dom0, guest;
static struct net_back back;
static struct net_config config;
static struct net_port net_port;
static uint32_t event_port;
static uint8_t *rings, *page[PAGES + 1];
static grant_ref_t ref[PAGES];
static bool echo;

static bool readonly(uint32_t i)
{
	return i % 4 == 3;
}

static struct ring_header *header(uint32_t ring)
{
	return (struct ring_header *)(void *)(rings + ring * PV_PAGE);
}

/* ---- the port ---- */

static void transmit(struct net_port *p, uint32_t queue, const struct net_packet *packet)
{
	const struct net_offload *o = &packet->offload;
	const struct net_piece *piece = &packet->piece[0];

	HOLDS(p == &net_port && packet->pieces == 1 && queue < back.queues);
	HOLDS(piece->bytes >= NET_PACKET_MIN && piece->bytes <= NET_PACKET_MAX);
	HOLDS(!memchr(piece->addr, 0xee, piece->bytes));
	HOLDS(!o->csum_blank || o->csum_valid);
	HOLDS(o->gso == NET_GSO_NONE || (o->csum_blank && o->gso_bytes));
	HOLDS(o->gso != NET_GSO_TCPV4 || config.limits.gso_tcpv4);
	HOLDS(o->gso != NET_GSO_TCPV6 || config.limits.gso_tcpv6);
	if (echo)
		(void)!net_back_offer(&back, 0, packet);
}

/* ---- the back end ---- */

static void back_start(bool successor)
{
	HOLDS(net_back_open(&back, &config) == 0);
	back.stopped = net_back_add_queue(&back, rings, event_port, rings + PV_PAGE, event_port, successor) != 0;
}

static void back_kill(void)
{
	host_domain_die(&dom0);
	HOLDS(dom0.os.event_open(&dom0.os, guest.id, 0, NULL, NULL, &event_port) == 0);
}

/* The answers to send by from index @from, where the ring was as in @before. Nothing can be said if a slot was used
 * twice, by a guest that moved its index on before it had answers. */
static void judge_sent(const struct ring_back *r, RING_IDX from, const uint8_t *before)
{
	for (RING_IDX i = from; i != r->rsp_prod && r->rsp_prod - from <= NET_RING_SLOTS; i++) {
		size_t at = RING_HEADER_BYTES + i % NET_RING_SLOTS * sizeof(union netif_tx_sring_entry);
		union netif_tx_sring_entry was, is;

		memcpy(&was, before + at, sizeof was);
		memcpy(&is, rings + at, sizeof is);
		HOLDS(is.rsp.id == was.req.id);
		HOLDS(is.rsp.status == NETIF_RSP_OKAY || is.rsp.status == NETIF_RSP_ERROR ||
		      is.rsp.status == NETIF_RSP_NULL);
		HOLDS(memcmp((uint8_t *)&is + 4, (uint8_t *)&was + 4, 8) == 0);
	}
}

/* The same of those to receive by: whole packets. */
static void judge_received(const struct ring_back *r, RING_IDX from, const uint8_t *before)
{
	bool more = false, extra = false;
	uint32_t bytes = 0;

	for (RING_IDX i = from; i != r->rsp_prod && r->rsp_prod - from <= NET_RING_SLOTS; i++) {
		size_t at = PV_PAGE + RING_HEADER_BYTES + i % NET_RING_SLOTS * sizeof(union netif_rx_sring_entry);
		union netif_rx_sring_entry was, is;

		memcpy(&was, before + at, sizeof was);
		memcpy(&is, rings + at, sizeof is);
		if (extra) {
			extra = false;
			continue;
		}
		HOLDS(is.rsp.id == was.req.id && is.rsp.offset == 0);
		HOLDS(is.rsp.status == NETIF_RSP_ERROR || (is.rsp.status > 0 && is.rsp.status <= (int)PV_PAGE));
		HOLDS(!(is.rsp.flags & NETRXF_extra_info) || !more);
		bytes = more ? bytes : 0;
		bytes += is.rsp.status > 0 ? (uint16_t)is.rsp.status : 0u;
		HOLDS(bytes <= NET_PACKET_MAX && (config.guest.sg || !(is.rsp.flags & NETRXF_more_data)));
		more = is.rsp.flags & NETRXF_more_data;
		extra = is.rsp.flags & NETRXF_extra_info;
	}
	HOLDS(!more && !extra);
}

/* Run, or offer @p, and look at the answers that were written. */
static void back_act(const struct net_packet *p)
{
	static uint8_t before[2 * PV_PAGE];
	const struct net_queue *q = back.queue[0];
	RING_IDX tx, rx;

	if (back.stopped)
		return;
	tx = q->tx.ring.rsp_prod;
	rx = q->rx.ring.rsp_prod;
	memcpy(before, rings, sizeof before);
	fuzz_states++;
	(void)!(p ? net_back_offer(&back, 0, p) : net_back_run(&back));
	net_back_push(&back);
	judge_sent(&q->tx.ring, tx, before);
	judge_received(&q->rx.ring, rx, before);
	HOLDS(q->rx.waiting_packets <= config.waiting_packets && q->rx.waiting_bytes <= config.waiting_bytes);
	/* The port, the device, the queue, a packet, and what waits. */
	HOLDS(host_domain_holds(&dom0) <= 3 + q->rx.waiting_packets && dom0.mapped == 0);
}

/* ---- what happens ---- */

static void change_grant(uint32_t i)
{
	if (ref[i]) {
		HOLDS(guest.os.grant_end(&guest.os, ref[i]) == 0);
		ref[i] = 0;
	} else {
		HOLDS(guest.os.grant(&guest.os, 0, page[i], readonly(i), &ref[i]) == 0);
	}
}

static void put_bytes(struct input *in, size_t at, size_t n)
{
	const uint8_t *bytes = take_bytes(in, &n);

	at %= 2 * PV_PAGE;
	memcpy(rings + at, bytes, n < 2 * PV_PAGE - at ? n : 2 * PV_PAGE - at);
}

/* Let the slot at req_prod be what the input says. */
static void put_request(struct input *in, uint32_t which)
{
	uint32_t prod = header(0)->req_prod++;
	struct netif_tx_request req = { .gref = ref[which % PAGES], .flags = which / PAGES % 2, .id = (uint16_t)prod };

	req.flags |= (uint16_t)(take(in, 1) & 14);
	req.offset = (uint16_t)(take(in, 1) * 17);
	req.size = (uint16_t)take(in, 2);
	memcpy(rings + RING_HEADER_BYTES + prod % NET_RING_SLOTS * sizeof req, &req, sizeof req);
}

static void put_extra(struct input *in, uint32_t which)
{
	uint32_t prod = header(0)->req_prod++;
	struct netif_extra_info extra = { .type = (uint8_t)(which % 6), .flags = (uint8_t)(which / 8) };

	extra.u.gso.size = (uint16_t)take(in, 2);
	extra.u.gso.type = (uint8_t)(take(in, 1) % 4);
	memcpy(rings + RING_HEADER_BYTES + prod % NET_RING_SLOTS * sizeof(union netif_tx_sring_entry), &extra,
		sizeof extra);
}

static void post(uint32_t which)
{
	for (uint32_t i = 0; i <= which; i++) {
		uint32_t prod = header(1)->req_prod++;
		struct netif_rx_request req = { .id = (uint16_t)(prod + 7), .gref = ref[prod % PAGES] };

		memcpy(rings + PV_PAGE + RING_HEADER_BYTES + prod % NET_RING_SLOTS * sizeof req, &req, sizeof req);
	}
}

static void offer(struct input *in, uint32_t which)
{
	static uint8_t data[NET_PACKET_MAX];
	size_t first = take(in, 2), second = take(in, 2);
	struct net_piece piece[2] = { { data, first }, { data, second } };
	struct net_packet p = { piece, 1 + which % 2, { which & 2, which & 2, which / 4 % 3, 1000 } };

	data[0] = (uint8_t)which;
	back_act(&p);
}

static void act(struct input *in)
{
	uint32_t op = (uint32_t)take(in, 1), which = op >> 4;

	switch (op & 15) {
	case 0:
		put_bytes(in, take(in, 2), which);
		break;
	case 1:
		((uint32_t *)(void *)header(which / 4 % 2))[which % 4] += (uint32_t)take(in, 1) - 128;
		break;
	case 2:
		change_grant(which % PAGES);
		break;
	case 3:
		back_kill();
		back_start(true);
		break;
	case 4:
	case 5:
		post(which);
		break;
	case 6:
	case 7:
		offer(in, which);
		break;
	case 8:
	case 9:
	case 10:
		back_act(NULL);
		break;
	case 11:
		put_extra(in, which);
		break;
	default:
		put_request(in, which);
		break;
	}
}

static void set_up(unsigned int how)
{
	host_machine_reset(&machine);
	host_domain_init(&dom0, &machine, 0);
	host_domain_init(&guest, &machine, 7);
	net_port.transmit = transmit;
	echo = how & 1;
	config = (struct net_config){
		.os = &dom0.os, .peer = 7, .port = &net_port, .limits = { how & 2, how & 4, how & 8 },
		.guest = { .sg = how & 16, .gso_tcpv4 = how & 32, .gso_tcpv6 = how & 32, .notifies = how & 64,
			   .multicast_control = how & 128 },
		.waiting_packets = 6, .waiting_bytes = 100000,
	};
	rings = guest.os.alloc(&guest.os, 2 * PV_PAGE);
	for (uint32_t i = 0; i <= PAGES; i++) {
		page[i] = guest.os.alloc(&guest.os, PV_PAGE);
		memset(page[i], i == NOBODYS ? 0xee : 0x5a, PV_PAGE);
	}
	for (uint32_t i = 0; i < PAGES; i++) {
		ref[i] = 0;
		change_grant(i);
	}
	HOLDS(dom0.os.event_open(&dom0.os, guest.id, 0, NULL, NULL, &event_port) == 0);
	back_start(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	set_up((unsigned int)take(&in, 1));
	for (int steps = 0; steps < 200 && input_left(&in); steps++)
		act(&in);
	net_back_close(&back);
	HOLDS(host_domain_holds(&dom0) == 1 && dom0.mapped == 0);	/* the port */
	for (uint32_t i = 0; i <= PAGES; i++)
		for (uint32_t at = 0; (readonly(i) || i == NOBODYS) && at < PV_PAGE; at++)
			HOLDS(page[i][at] == (i == NOBODYS ? 0xee : 0x5a));
	host_domain_die(&dom0);
	host_domain_die(&guest);
	return 0;
}
