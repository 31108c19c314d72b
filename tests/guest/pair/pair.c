/* pair: two domains, wired by an event channel and grants.
 *
 * What is tested: what a device between two domains rests on. Each side grants a page to the other,
 * maps the other's (by address and by PTE), reads and writes it, copies from and to it, unmaps (also
 * what it has cleared itself), and takes its own grant back. Everything that goes beyond the grant is refused: writing where only
 * reading was given, another's reference, a reference that does not exist or was taken back, copies
 * over a page's end, an unmap of what is not mapped. While a page is mapped its grant says so, and
 * afterwards not.
 *
 * How it is shown: both sides run this same program. Reference 8 is a page to write, 9 a page to
 * read, 10 nothing, 11 a page table of ours. The pages hold patterns that name their owner; phases
 * are counted in the shared pages, and an event follows each change. checks.c has the refusals.
 *
 * Command line: peer=DOMAIN port=PORT (wired by the hypervisor), or peer=DOMAIN and alloc on one
 * side, bind on the other (they find each other's port). */
#include "examples/pv/clock.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "protocol/sched.h"
#include "tests/guest/lib/grant.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/pair/pair.h"

const char test_name[] = "pair";

domid_t peer;
struct shared *ours, *theirs;
uint8_t *ours_ro;

static evtchn_port_t port;
static grant_handle_t theirs_handle;

void phase_meet(uint32_t phase)
{
	struct sched_poll poll = { .ports = (uint64_t)&port, .nr_ports = 1 };
	uint64_t patience = clock_ns() + 20000 * MS;

	__atomic_store_n(&ours->phase, phase, __ATOMIC_SEQ_CST);
	CHECK(event_send(port) == 0, "cannot send");
	while (__atomic_load_n(&theirs->phase, __ATOMIC_SEQ_CST) < phase) {
		event_clear(port);
		if (__atomic_load_n(&theirs->phase, __ATOMIC_SEQ_CST) >= phase)
			return;
		if (clock_ns() > patience)
			test_error("the peer did not reach phase %u", phase);
		poll.timeout = clock_ns() + 1000 * MS;
		sched_op(SCHEDOP_poll, &poll);
	}
}

static void wire(void)
{
	uint64_t patience = clock_ns() + 20000 * MS;
	long p = option_number("port", 0);

	if (!p && option_given("alloc"))
		p = event_alloc_unbound(peer);
	for (unsigned remote = 1; !p && option_given("bind"); remote = remote % 31 + 1) {
		p = event_bind_interdomain(peer, remote);
		if (p < 0)
			p = 0;
		if (clock_ns() > patience)
			test_error("found no port of domain %u", peer);
		if (remote == 31)
			sleep_until(clock_ns() + 50 * MS);
	}
	if (p <= 0)
		test_error("no port: %ld", p);
	port = (evtchn_port_t)p;
	event_mask(port);
}

static void give(void)
{
	ours = page_alloc();
	ours_ro = page_alloc();
	memset(ours->data, 'o', sizeof(ours->data));
	memset(ours_ro, 'r', PAGE_SIZE);
	grant_give(8, peer, ours, 0);
	grant_give(9, peer, ours_ro, GTF_readonly);
	grant_give(11, peer, (const void *)start_info->pt_base, 0);
	/* 12 is for a domain that is neither of us. */
	grant_give(12, 0x7abc, ours, 0);
}

/* The peer may not have granted yet: until it has, its reference is bad. */
static void take(void)
{
	uint64_t bus = 0, patience = clock_ns() + 20000 * MS;
	int status;

	theirs = va_alloc();
	while ((status = grant_map(peer, 8, GNTMAP_host_map, (uint64_t)theirs, &theirs_handle,
				   &bus)) != GNTST_okay) {
		if (clock_ns() > patience)
			test_error("cannot map reference 8 of domain %u: status %d", peer, status);
		sleep_until(clock_ns() + 20 * MS);
	}
	CHECK_EQ(bus, *pt_entry(theirs, 1) & PTE_FRAME);
	CHECK(m2p(bus >> 12) >= start_info->nr_pages ||
	      ((const uint64_t *)start_info->mfn_list)[m2p(bus >> 12)] != bus >> 12,
	      "the peer's frame is ours");
}

static void exchange(void)
{
	unsigned wrong = 0;

	phase_meet(1);
	CHECK_EQ(grant_table[8].flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing);
	CHECK_EQ(grant_end(8), -1);
	for (unsigned i = 0; i < sizeof(theirs->data); i++)
		wrong += theirs->data[i] != 'o';
	CHECK_EQ(wrong, 0);
	memset(theirs->data, 'x', 100);
	phase_meet(2);
	for (unsigned i = 0; i < 100; i++)
		wrong += ours->data[i] != 'x';
	CHECK_EQ(wrong, 0);
	memset(ours->data, 'o', 100);
	phase_meet(3);
}

/* Bytes as in exchange(), there and back without another mapping. */
static void copies(void)
{
	uint8_t *page = page_alloc();
	struct gnttab_copy c = {
		.source = { .u.ref = 8, .domid = peer,
			    .offset = (uint16_t)__builtin_offsetof(struct shared, data) },
		.dest = { .u.gmfn = va_to_mfn(page), .domid = DOMID_SELF, .offset = 5 },
		.len = 1000, .flags = GNTCOPY_source_gref,
	};

	CHECK_EQ(grant_copy(&c), GNTST_okay);
	CHECK(page[4] == 0 && page[5] == 'o' && page[1004] == 'o' && page[1005] == 0,
	      "a copy of 1000 bytes to offset 5");
	c.source = (struct gnttab_copy_ptr){ .u.ref = 9, .domid = peer };
	CHECK_EQ(grant_copy(&c), GNTST_okay);
	CHECK_EQ(page[5], 'r');
	page[0] = 'c';
	c = (struct gnttab_copy){
		.source = { .u.gmfn = va_to_mfn(page), .domid = DOMID_SELF },
		.dest = { .u.ref = 8, .domid = peer, .offset = 4095 },
		.len = 1, .flags = GNTCOPY_dest_gref,
	};
	CHECK_EQ(grant_copy(&c), GNTST_okay);
	CHECK_EQ(((uint8_t *)theirs)[4095], 'c');
	phase_meet(4);
	CHECK_EQ(((uint8_t *)ours)[4095], 'c');
}

/* The same reference a second time, by PTE and with the software bit of the entry, read-only. */
static void map_by_pte(void)
{
	uint8_t *va = va_alloc();
	uint64_t pte = pt_entry_maddr(va, 1), bus = 0;
	uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_readonly |
			 1u << _GNTMAP_guest_avail0;
	grant_handle_t handle = 0;

	CHECK_EQ(grant_map(peer, 9, flags, pte, &handle, &bus), GNTST_okay);
	CHECK_EQ(*pt_entry(va, 1) >> 9 & 1, 1);
	CHECK_EQ(TRAP_OF("movb (%0), %%al", : : "r"(va) : "rax"), -1);
	CHECK_EQ(va[0], 'r');
	CHECK_EQ(TRAP_OF("movb $1, (%0)", : : "r"(va) : "memory"), 14);
	CHECK(update_va_mapping(va, *pt_entry(va, 1) | PTE_RW, UVMF_INVLPG) < 0,
	      "a read-only grant was made writable");
	CHECK(grant_unmap(pte + 8, handle) != GNTST_okay, "unmapped by another PTE");
	CHECK_EQ(va[0], 'r');
	CHECK_EQ(grant_unmap(pte, handle), GNTST_okay);
	CHECK_EQ(*pt_entry(va, 1), 0);
	CHECK_EQ(TRAP_OF("movb (%0), %%al", : : "r"(va) : "rax"), 14);
	CHECK(grant_unmap(pte, handle) != GNTST_okay, "unmapped twice");
}

/* A mapping that is cleared before it is unmapped: the peer's page is reached no more, and its grant ends with the rest. */
static void map_and_clear(void)
{
	uint8_t *va = va_alloc();
	uint64_t bus = 0, entry;
	grant_handle_t handle = 0;

	CHECK_EQ(grant_map(peer, 8, GNTMAP_host_map, (uint64_t)va, &handle, &bus), GNTST_okay);
	entry = *pt_entry(va, 1);
	CHECK(update_va_mapping(va, entry & ~PTE_RW, UVMF_INVLPG) < 0, "a grant's entry was changed");
	CHECK_EQ(*pt_entry(va, 1), entry);
	CHECK_EQ(update_va_mapping(va, 0, UVMF_INVLPG), 0);
	CHECK_EQ(TRAP_OF("movb (%0), %%al", : : "r"(va) : "rax"), 14);
	CHECK(update_va_mapping(va, entry, UVMF_INVLPG) < 0, "a grant's entry was set again");
	CHECK_EQ(grant_unmap((uint64_t)va, handle), GNTST_okay);
	CHECK(grant_unmap((uint64_t)va, handle) != GNTST_okay, "unmapped twice");
}

static void ping_pong(void)
{
	uint64_t start = clock_ns();

	for (uint32_t i = 0; i < 200; i++)
		phase_meet(100 + i);
	print("200 meetings in %lu us\n", (clock_ns() - start) / 1000);
}

/* Each side unmaps, which the other must see in its own table; then nothing can be mapped. */
static void give_back(void)
{
	uint64_t patience = clock_ns() + 20000 * MS, bus;
	grant_handle_t handle;

	phase_meet(1000);
	CHECK_EQ(grant_unmap((uint64_t)theirs, theirs_handle), GNTST_okay);
	CHECK_EQ(TRAP_OF("movb (%0), %%al", : : "r"(theirs) : "rax"), 14);
	for (grant_ref_t ref = 8; ref <= 9; ref++)
		while (grant_end(ref)) {
			if (clock_ns() > patience)
				test_error("reference %u stays in use, flags 0x%x", ref,
					   grant_table[ref].flags);
			sleep_until(clock_ns() + 10 * MS);
		}
	CHECK_EQ(grant_table[8].flags, 0);
	ours->phase = 0;
	/* When the peer has ended its grant too: no more. It may be gone altogether. */
	while (grant_map(peer, 9, GNTMAP_host_map | GNTMAP_readonly, (uint64_t)theirs, &handle,
			 &bus) == GNTST_okay) {
		CHECK_EQ(grant_unmap((uint64_t)theirs, handle), GNTST_okay);
		if (clock_ns() > patience)
			test_error("the peer's grants do not end");
		sleep_until(clock_ns() + 10 * MS);
	}
}

void test_main(void)
{
	peer = (domid_t)option_number("peer", DOMID_INVALID);
	if (peer == DOMID_INVALID)
		test_skip("needs peer=DOMAIN on the command line");
	wire();
	grant_open();
	give();
	take();
	exchange();
	copies();
	map_by_pte();
	map_and_clear();
	refusals_test();
	phase_meet(10);
	ping_pong();
	give_back();
	/* Stay until the peer has seen it all. */
	sleep_until(clock_ns() + 300 * MS);
}
