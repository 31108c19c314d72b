/* What the block back end's core costs, natively, in one thread and without a disk: requests of 4 KiB (one segment) and of
 * 44 KiB (eleven) per second, beside a bare exchange of as many bytes over the same ring: entries and indices,
 * nothing checked, mapped, recorded or bounded. The front end is the same in both, as bare as can be.
 *
 * Prints lines "rings NAME: OPERATIONS PER SECOND". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pvdrivers/blk_back.h"
#include "pvdrivers/host/os_host.h"

#define OPERATIONS	(2u << 20)

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

/* Keep @depth requests in the ring until all are done; return how many were done a second. */
static double measure(void (*serve)(void))
{
	struct blkif_response rsp;
	struct timespec from, to;

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
	clock_gettime(CLOCK_MONOTONIC, &to);
	return OPERATIONS / ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
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

	memset(&machine, 0, sizeof machine);
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
	return 0;
}
