/* What a grant does not give. */
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "tests/guest/lib/grant.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/pair/pair.h"

static void map_refused(const char *what, domid_t dom, grant_ref_t ref, uint32_t flags,
			uint64_t host)
{
	grant_handle_t handle = 0;
	uint64_t bus = 0;
	int status = grant_map(dom, ref, flags, host, &handle, &bus);

	CHECK(status < 0, "%s: status %d", what, status);
	if (status == GNTST_okay)
		grant_unmap(host, handle);
}

static void maps(void)
{
	uint64_t va = (uint64_t)va_alloc();
	uint64_t l4_slot = l4_mfn() << 12 | 8 * 3;

	map_refused("writing where reading was given", peer, 9, GNTMAP_host_map, va);
	map_refused("a reference not given", peer, 10, GNTMAP_host_map, va);
	map_refused("the peer's page table, writable", peer, 11, GNTMAP_host_map, va);
	map_refused("what was given to another", peer, 12, GNTMAP_host_map, va);
	map_refused("a reference beyond the table", peer, 0x7fffffff, GNTMAP_host_map, va);
	map_refused("a domain that does not exist", 0x7abc, 8, GNTMAP_host_map, va);
	map_refused("an address without L1", peer, 8, GNTMAP_host_map, 0x10000);
	map_refused("a non-canonical address", peer, 8, GNTMAP_host_map, 0x123456789abcd000);
	map_refused("the hypervisor's range", peer, 8, GNTMAP_host_map, __HYPERVISOR_VIRT_START);
	map_refused("a PTE in an L4", peer, 8, GNTMAP_host_map | GNTMAP_contains_pte, l4_slot);
	map_refused("a PTE in a data page", peer, 8, GNTMAP_host_map | GNTMAP_contains_pte,
		    va_to_mfn(ours) << 12);
	map_refused("a PTE beyond memory", peer, 8, GNTMAP_host_map | GNTMAP_contains_pte,
		    0xffffffffful << 12);
	map_refused("no kind of map", peer, 8, 0, va);
	CHECK_EQ(*pt_entry((void *)va, 1), 0);
	CHECK_EQ(((const uint64_t *)start_info->pt_base)[3], 0);
}

/* The peer's frame may be mapped by the grant only, not by its number. */
static void by_number(void)
{
	uint64_t mfn = (*pt_entry(theirs, 1) & PTE_FRAME) >> 12;
	void *va = va_alloc();
	struct mmu_update u = { .ptr = pt_entry_maddr(va, 1), .val = pte_make(mfn, PTE_KERNEL) };
	long rc;

	CHECK(update_va_mapping(va, pte_make(mfn, PTE_KERNEL), UVMF_INVLPG) < 0,
	      "the peer's frame mapped by number");
	rc = hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&u, 1, 0, peer);
	CHECK(rc < 0, "the peer's frame mapped by number, as foreign: %ld", rc);
	CHECK(mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0) < 0, "the peer's frame pinned");
	u.ptr = mfn << 12 | MMU_MACHPHYS_UPDATE;
	u.val = 5;
	rc = hypercall4(__HYPERVISOR_mmu_update, (unsigned long)&u, 1, 0, DOMID_SELF);
	CHECK(rc < 0, "the peer's frame renamed: %ld", rc);
}

static void copy_refused(const char *what, struct gnttab_copy c)
{
	int status = grant_copy(&c);

	CHECK(status < 0, "%s: status %d", what, status);
}

static void copies(void)
{
	uint8_t *page = page_alloc();
	struct gnttab_copy in = {
		.source = { .u.ref = 8, .domid = peer },
		.dest = { .u.gmfn = va_to_mfn(page), .domid = DOMID_SELF },
		.len = 16, .flags = GNTCOPY_source_gref,
	}, out = {
		.source = { .u.gmfn = va_to_mfn(page), .domid = DOMID_SELF },
		.dest = { .u.ref = 9, .domid = peer },
		.len = 16, .flags = GNTCOPY_dest_gref,
	}, c = in;

	copy_refused("a copy to a page to read", out);
	c.source.offset = 4090;
	copy_refused("a copy over the source's end", c);
	c = in;
	c.dest.offset = 4090;
	copy_refused("a copy over the destination's end", c);
	c = in;
	c.len = 0xffff;
	copy_refused("a copy of 65535 bytes", c);
	c = in;
	c.source.u.ref = 10;
	copy_refused("a copy from a reference not given", c);
	c = in;
	c.dest.u.gmfn = l4_mfn();
	copy_refused("a copy into our own page table", c);
	c = in;
	c.dest.u.gmfn = (*pt_entry(theirs, 1) & PTE_FRAME) >> 12;
	copy_refused("a copy into the peer's frame by number", c);
	c = in;
	c.dest.u.gmfn = 0xffffffffff;
	copy_refused("a copy beyond memory", c);
	c = in;
	c.flags = 0;
	c.source.u.gmfn = (*pt_entry(theirs, 1) & PTE_FRAME) >> 12;
	copy_refused("a copy of the peer's frame by number", c);
}

static void handles(void)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = (uint64_t)theirs };

	CHECK(grant_unmap((uint64_t)theirs, 0xffffffff) < 0, "handle ~0");
	CHECK(grant_unmap((uint64_t)theirs, 123456) < 0, "handle 123456");
	CHECK(hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, 0x1000, 1) < 0,
	      "operations at 0x1000");
	CHECK(grant_table_op(9999, &op, 1) < 0, "operation 9999");
	CHECK_EQ(grant_table_op(GNTTABOP_unmap_grant_ref, &op, 0), 0);
}

void refusals_test(void)
{
	struct gnttab_setup_table setup = { .dom = peer, .nr_frames = 1 };
	struct evtchn_alloc_unbound alloc = { .dom = peer, .remote_dom = DOMID_SELF };

	maps();
	by_number();
	copies();
	handles();
	grant_table_op(GNTTABOP_setup_table, &setup, 1);
	CHECK(setup.status < 0, "the peer's table was set up: status %d", setup.status);
	CHECK(event_channel_op(EVTCHNOP_alloc_unbound, &alloc) < 0, "a port of the peer's");
}
