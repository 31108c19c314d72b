/* What the back ends' cores cost, natively and in one thread. Block, without a disk: requests of 4 KiB (one segment) and of
 * 44 KiB (eleven) per second, beside a bare exchange of as many bytes over the same ring: entries and indices,
 * nothing checked, mapped, recorded or bounded. The front end is the same in both, as bare as can be. Network, with a port
 * that drops what it gets: packets of one size, from the guest and for it, which are copied. Console: lines of 80 bytes
 * each way, beside the same copied in and out of the same page without a check.
 *
 * Prints lines "rings NAME: OPERATIONS PER SECOND". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pvdrivers/blk_back.h"
#include "pvdrivers/con_back.h"
#include "pvdrivers/host/os_host.h"
#include "pvdrivers/net_back.h"

#define OPERATIONS	(2u << 20)
#define PACKETS		(1u << 18)

static struct host_machine machine;
static struct host_domain dom0, guest;
static struct ring_front front;
static struct blk_back back;
static struct blk_record record;
static struct blkif_request request = { .operation = BLKIF_OP_READ };
static uint32_t depth, bare_cons;

static void submit(struct blk_io *io, struct blk_io_request *r)
{
	(void)io;
	blk_io_done(r, 0);
}
static struct blk_io no_disk = { submit };

static void die(const char *what)
{
	fprintf(stderr, "rings: %s\n", what);
	exit(1);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void core(void)
{
	if (blk_back_run(&back))
		die("the ring makes no sense");
}

/* The same bytes moved, without anything that makes it safe. */
static void bare(void)
{
	struct ring *r = &front.ring;
	uint32_t prod = __atomic_load_n(&r->header->req_prod, __ATOMIC_ACQUIRE);

	for (; bare_cons != prod; bare_cons++) {
		uint8_t *entry = r->entries + (bare_cons & (r->slots - 1)) * r->entry_bytes;
		struct blkif_request copy;
		struct blkif_response rsp;

		memcpy(&copy, entry, sizeof copy);
		rsp = (struct blkif_response){ copy.id, copy.operation, 0 };
		memcpy(entry, &rsp, sizeof rsp);
	}
	__atomic_store_n(&r->header->rsp_prod, bare_cons, __ATOMIC_RELEASE);
}

static double seconds_since(const struct timespec *from)
{
	struct timespec to;

	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from->tv_sec) + (double)(to.tv_nsec - from->tv_nsec) / 1e9;
}

/* Keep @depth requests in the ring until all are done; return how many were done a second. */
static double measure(void (*serve)(void))
{
	struct blkif_response rsp;
	struct timespec from;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (uint32_t done = 0; done < OPERATIONS;) {
		while (ring_front_room(&front) > front.ring.slots - depth) {
			request.id = front.req_prod;
			memcpy(ring_front_slot(&front), &request, sizeof request);
			ring_front_push(&front);
		}
		serve();
		while (ring_front_take(&front, &rsp, sizeof rsp) == 1)
			done++;
	}
	return OPERATIONS / seconds_since(&from);
}

/* A ring of one page, and a guest with eleven granted pages in each request. */
static void set_up(uint8_t segments, uint32_t kept)
{
	struct blk_config config = {
		.os = &dom0.os, .peer = 7, .io = &no_disk, .jobs = 32, .kept_pages = kept,
		.limits = { 1u << 20, 512, 32, false, true, true, true, true },
	};
	void *ring, *pages;
	uint32_t port;

	host_machine_reset(&machine);
	host_domain_init(&dom0, &machine, 0);
	host_domain_init(&guest, &machine, 7);
	ring = guest.os.alloc(&guest.os, PV_PAGE);
	pages = guest.os.alloc(&guest.os, BLKIF_MAX_SEGMENTS_PER_REQUEST * PV_PAGE);
	if (!ring || !pages)
		die("no memory");
	ring_front_open(&front, ring, PV_PAGE, sizeof(union blkif_sring_entry));
	request.nr_segments = segments;
	for (uint32_t i = 0; i < segments; i++) {
		request.seg[i].last_sect = 7;
		if (guest.os.grant(&guest.os, 0, (uint8_t *)pages + (size_t)i * PV_PAGE, false, &request.seg[i].gref))
			die("no grant");
	}
	bare_cons = 0;
	if (dom0.os.event_open(&dom0.os, 7, 0, nothing, NULL, &port) || blk_back_open(&back, &config) ||
	    blk_back_add_ring(&back, ring, PV_PAGE, port, &record, false))
		die("no back end");
}

static void tear_down(void)
{
	if (!blk_back_close(&back))
		die("operations are left");
	host_domain_die(&dom0);
	host_domain_die(&guest);
}

/* ---- network ---- */

static struct net_back net;
static struct ring_front net_front[2];		/* to send by, to receive by */
static grant_ref_t net_ref;

static void transmit(struct net_port *port, uint32_t queue, const struct net_packet *p)
{
	(void)port;
	(void)queue;
	(void)p;
}
static struct net_port no_port = { .transmit = transmit };

static void net_set_up(void)
{
	struct net_config config = {
		.os = &dom0.os, .peer = 7, .port = &no_port,
		.guest = { .sg = true, .notifies = true }, .waiting_packets = 1, .waiting_bytes = NET_PACKET_MAX,
	};
	uint8_t *rings, *page;
	uint32_t port;

	host_machine_reset(&machine);
	host_domain_init(&dom0, &machine, 0);
	host_domain_init(&guest, &machine, 7);
	rings = guest.os.alloc(&guest.os, 2 * PV_PAGE);
	page = guest.os.alloc(&guest.os, PV_PAGE);
	if (!rings || !page || guest.os.grant(&guest.os, 0, page, false, &net_ref))
		die("no memory");
	ring_front_open(&net_front[0], rings, PV_PAGE, sizeof(union netif_tx_sring_entry));
	ring_front_open(&net_front[1], rings + PV_PAGE, PV_PAGE, sizeof(union netif_rx_sring_entry));
	if (dom0.os.event_open(&dom0.os, 7, 0, nothing, NULL, &port) || net_back_open(&net, &config) ||
	    net_back_add_queue(&net, rings, port, rings + PV_PAGE, port, false))
		die("no back end");
}

static void net_tear_down(void)
{
	net_back_close(&net);
	host_domain_die(&dom0);
	host_domain_die(&guest);
}

/* The guest sends one packet. */
static void put_packet(uint32_t bytes, uint32_t slots)
{
	for (uint32_t i = 0; i < slots; i++) {
		bool more = i + 1 < slots;
		struct netif_tx_request req = { .gref = net_ref, .flags = more ? NETTXF_more_data : 0 };

		/* The first says how long the packet is. */
		req.size = (uint16_t)(i == 0 ? bytes : more ? PV_PAGE : bytes % PV_PAGE);
		memcpy(ring_front_slot(&net_front[0]), &req, sizeof req);
		ring_front_push(&net_front[0]);
	}
}

/* The guest posts buffers for one packet, and the port has it. */
static void offer_packet(uint32_t bytes, uint32_t slots)
{
	static uint8_t data[NET_PACKET_MAX];
	struct net_piece piece = { data, bytes };
	struct net_packet p = { &piece, 1, { 0 } };
	struct netif_rx_request req = { .gref = net_ref };

	for (uint32_t i = 0; i < slots; i++) {
		memcpy(ring_front_slot(&net_front[1]), &req, sizeof req);
		ring_front_push(&net_front[1]);
	}
	if (net_back_offer(&net, 0, &p))
		die("the ring makes no sense");
}

/* Packets a second of @bytes, so many at once. */
static double net_measure(bool send, uint32_t bytes, uint32_t packets)
{
	uint32_t slots = (bytes + PV_PAGE - 1) / PV_PAGE, done = 0;
	struct ring_front *r = &net_front[send ? 0 : 1];
	union netif_rx_sring_entry rsp;
	struct timespec from;

	clock_gettime(CLOCK_MONOTONIC, &from);
	while (done < PACKETS * slots) {
		for (uint32_t i = 0; i < packets; i++)
			(send ? put_packet : offer_packet)(bytes, slots);
		if (net_back_run(&net))
			die("the ring makes no sense");
		while (ring_front_take(r, &rsp, send ? sizeof(struct netif_tx_response) : sizeof rsp) == 1)
			done++;
	}
	if (net.counts.refused || net.counts.dropped)
		die("packets are lost");
	return done / slots / seconds_since(&from);
}

static void net_rows(void)
{
	static const uint32_t bytes[] = { 60, 1514, 60000 };

	for (int send = 1; send >= 0; send--)
		for (int i = 0; i < 3; i++)
			for (uint32_t packets = 1; packets <= 32 && packets * bytes[i] < 256 * PV_PAGE; packets *= 32) {
				net_set_up();
				printf("rings network, %s, %u bytes, depth %u: %.0f\n", send ? "sent" : "received",
					bytes[i], packets, net_measure(send, bytes[i], packets));
				net_tear_down();
			}
}

/* ---- console ---- */

#define LINE		80u
#define LINES		(1u << 22)

static struct xencons_interface con_page;

/* One line, printed and read by the cores; and without anything that makes it safe. */
static void line_by_core(struct con_ring *from, struct con_back *to, bool print)
{
	static char line[LINE];
	struct con_ring *writes = print ? from : &to->ring, *reads = print ? &to->ring : from;

	if (con_ring_write(writes, line, LINE) != LINE)
		die("the line does not fit");
	(void)!con_ring_push(writes);
	if ((print ? con_back_read(to, 0, line, LINE) : con_ring_read(reads, line, LINE)) != LINE)
		die("the line is not there");
	(void)!con_ring_push(reads);
}

static void line_bare(bool print)
{
	static char line[LINE];
	uint32_t *prod = print ? &con_page.out_prod : &con_page.in_prod, *cons = print ? &con_page.out_cons : &con_page.in_cons;
	/* Lines that do not wrap. */
	char *at = (print ? con_page.out : con_page.in) + *prod / LINE % 12 * LINE;

	memcpy(at, line, LINE);
	__atomic_store_n(prod, *prod + LINE, __ATOMIC_SEQ_CST);
	memcpy(line, at, LINE);
	__atomic_store_n(cons, *cons + LINE, __ATOMIC_SEQ_CST);
}

static void con_rows(void)
{
	static const char *const name[] = { "bare exchange of lines", "console" };
	struct con_ring con_front;
	struct con_back con;
	struct timespec from;

	for (int core_does = 0; core_does < 2; core_does++)
		for (int print = 1; print >= 0; print--) {
			con_page = (struct xencons_interface){ .in_cons = 0 };
			con_ring_open(&con_front, &con_page, CON_FRONT);
			con_back_open(&con, &con_page, (struct con_limits){ UINT32_MAX, 1 }, 0);
			clock_gettime(CLOCK_MONOTONIC, &from);
			for (uint32_t i = 0; i < LINES; i++)
				if (core_does)
					line_by_core(&con_front, &con, print);
				else
					line_bare(print);
			printf("rings %s, %s: %.0f\n", name[core_does], print ? "printed" : "typed",
				LINES / seconds_since(&from));
		}
}

int main(void)
{
	static const struct {
		const char *name;
		void (*serve)(void);
		uint8_t segments;
		uint32_t kept;
	} rows[] = {
		{ "bare exchange", bare, 1, 0 },
		{ "block, persistent", core, 1, 64 },
		{ "block, persistent, 44 KiB", core, 11, 64 },
		{ "block, mapped each time", core, 1, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (depth = 1; depth <= 32; depth *= 32) {
			set_up(rows[i].segments, rows[i].kept);
			printf("rings %s, depth %u: %.0f\n", rows[i].name, depth, measure(rows[i].serve));
			tear_down();
		}
	net_rows();
	con_rows();
	return 0;
}
