/* mmu_update, mmuext_op, update_va_mapping and emulated page-table writes as a guest kernel makes them, with the
 * audit after each hypercall. */
#include "hv/base/string.h"
#include "tests/unit/guest_world.h"

static struct guest c, a, b;

static void setup(void)
{
	world_start();
	world_guest(&c, 0, true, 1);
	world_guest(&a, 1, false, 2);
	world_guest(&b, 2, false, 1);
	world_run(&a);
}

static uint64_t slot(mfn_t m, unsigned i)
{
	return mfn_to_maddr(m).a + i * 8;
}

static uint64_t peek(mfn_t m, unsigned i)
{
	return ((uint64_t *)host_frame(m))[i];
}

static uint64_t pte(mfn_t m, uint64_t flags)
{
	return pte_make(m, PTE_PRESENT | PTE_USER | flags);
}

/* One request, as Linux sends them; *done into page 15. */
static int64_t update(struct guest *g, uint64_t ptr, uint64_t val, uint64_t fd)
{
	struct mmu_update r = { ptr, val };
	memcpy(at(g, 16, 0), &r, sizeof r);
	return call(g->v, __HYPERVISOR_mmu_update, va(16, 0), 1, va(15, 0), fd);
}

static int64_t ext(struct guest *g, uint32_t cmd, uint64_t arg1, uint64_t arg2, uint64_t fd)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = arg1, .arg2.vcpumask = arg2 };
	memcpy(at(g, 16, 0), &op, sizeof op);
	return call(g->v, __HYPERVISOR_mmuext_op, va(16, 0), 1, va(15, 0), fd);
}

static uint32_t done_of(struct guest *g)
{
	uint32_t done;
	memcpy(&done, at(g, 15, 0), sizeof done);
	return done;
}

START_TEST(one_update)
{
	ck_assert_int_eq(update(&a, slot(a.l1, 1), pte(a.page[1], 0), DOMID_SELF), 0);
	ck_assert_uint_eq(done_of(&a), 1);
	ck_assert_uint_eq(peek(a.l1, 1), pte(a.page[1], 0));
	ck_assert_int_eq(update(&a, slot(a.l1, 1), pte(a.l1, PTE_WRITE), DOMID_SELF), -EBUSY);
	ck_assert_uint_eq(done_of(&a), 0);
	ck_assert_int_eq(update(&a, slot(a.l1, 1) | 2, pte(a.page[1], PTE_WRITE), DOMID_SELF), 0);
	ck_assert_int_eq(update(&a, slot(a.l1, 1) | 3, pte(a.page[2], PTE_WRITE), DOMID_SELF), 0);
	ck_assert_int_eq(update(&a, slot(a.l1, 1) | 4, 0, DOMID_SELF), -EINVAL);
	ck_assert_int_eq(update(&a, slot(b.l1, 1), 0, DOMID_SELF), -EPERM);
	ck_assert_int_eq(update(&a, slot(a.l1, 1), pte(b.page[1], 0), 2), -EPERM);
	ck_assert_int_eq(update(&a, slot(b.l1, 1), 0, 3u << 16 | 2), -EPERM);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_mmu_update, va(50, 0), 1, 0, DOMID_SELF), -EFAULT);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_mmu_update, HV_VIRT_START, 1, 0, DOMID_SELF), -EFAULT);
}
END_TEST

START_TEST(a_batch_stops_at_the_first_error)
{
	struct mmu_update *r = at(&a, 14, 0);
	for (unsigned i = 0; i < 100; i++)
		r[i] = (struct mmu_update){ slot(a.l1, 200 + i), pte(a.page[1 + i % 8], PTE_WRITE) };
	r[71].val = pte(b.page[3], 0);
	world_preempt(1);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_mmu_update, va(14, 0), 100, va(15, 0), DOMID_SELF), -EPERM);
	ck_assert_uint_eq(done_of(&a), 71);
	ck_assert_uint_eq(peek(a.l1, 271), 0);
	ck_assert_uint_eq(peek(a.l1, 270), pte(a.page[1 + 70 % 8], PTE_WRITE));
	ck_assert_uint_eq(world_preempted, 1);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_mmu_update, va(14, 72 * 16), 28, va(15, 0), DOMID_SELF), 0);
	ck_assert_uint_eq(done_of(&a), 28);
}
END_TEST

START_TEST(machphys)
{
	ck_assert_int_eq(update(&a, mfn_to_maddr(a.page[4]).a | 1, 1234, DOMID_SELF), 0);
	ck_assert_uint_eq(m2p_get(a.page[4]).n, 1234);
	ck_assert_int_eq(update(&a, mfn_to_maddr(b.page[4]).a | 1, 99, DOMID_SELF), -EPERM);
	ck_assert_int_eq(update(&a, mfn_to_maddr(mfn(0)).a | 1, 99, DOMID_SELF), -EPERM);
	ck_assert_int_eq(update(&a, mfn_to_maddr(mfn(100000)).a | 1, 99, DOMID_SELF), -EINVAL);
	ck_assert_uint_eq(m2p_get(b.page[4]).n, 4);
}
END_TEST

START_TEST(control_domain_maps_others)
{
	world_run(&c);
	ck_assert_int_eq(update(&c, slot(c.l1, 60), pte(a.page[5], PTE_WRITE), 1), 0);
	*(uint64_t *)at(&a, 5, 8) = 4711;
	uint64_t v;
	ck_assert_uint_eq(host_guest_load(0, 60 << 12 | 8, &v), 0);
	ck_assert_uint_eq(v, 4711);
	ck_assert_int_eq(update(&c, slot(c.l1, 61), pte(a.page[5], PTE_WRITE), 2), -EPERM);
	ck_assert_int_eq(update(&c, slot(c.l1, 61), pte(a.page[5], PTE_WRITE), 77), -ESRCH);
	ck_assert_int_eq(update(&c, slot(c.l1, 61), pte(mfn(0xfed00), PTE_WRITE), DOMID_IO), 0);
	ck_assert_int_eq(update(&c, slot(c.l1, 61), pte(mfn(0xfed00), PTE_WRITE), DOMID_SELF), 0);
	ck_assert_int_eq(update(&c, slot(c.l1, 61), 0, DOMID_SELF), 0);
	/* Another's tables, with its own frames only. */
	ck_assert_int_eq(update(&c, slot(a.l1, 300), pte(a.page[6], 0), 2u << 16 | 1), 0);
	ck_assert_int_eq(update(&c, slot(a.l1, 301), pte(c.page[6], 0), 2u << 16 | DOMID_SELF), -EPERM);
	ck_assert_int_eq(ext(&c, MMUEXT_PIN_L1_TABLE, a.l1.n, 0, 1), 0);
	ck_assert_int_eq(ext(&c, MMUEXT_UNPIN_TABLE, a.l1.n, 0, 1), 0);
	ck_assert_int_eq(ext(&c, MMUEXT_NEW_BASEPTR, a.l4.n, 0, 1), -EPERM);
	ck_assert_int_eq(update(&c, slot(c.l1, 60), 0, DOMID_SELF), 0);
}
END_TEST

START_TEST(by_address_with_flush)
{
	struct cpu_regs *r = &a.v->ctx.regs;
	(void)r;
	uint64_t v;
	ck_assert_uint_eq(host_guest_load(0, va(7, 0), &v), 0);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(7, 0), 0, UVMF_INVLPG), 0);
	ck_assert_uint_ne(host_guest_load(0, va(7, 0), &v), 0);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(7, 0), pte(a.page[7], PTE_WRITE),
			      UVMF_TLB_FLUSH | UVMF_ALL), 0);
	*(uint64_t *)at(&a, 9, 0) = 3;			/* vCPU bitmap */
	uint64_t flushes = host_flushes;
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(7, 0), pte(a.page[8], 0),
			      UVMF_TLB_FLUSH | va(9, 0)), 0);
	ck_assert_uint_eq(host_flushes, flushes + 1);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(7, 0), 0, UVMF_TLB_FLUSH | va(90, 0)), -EFAULT);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(7, 0), 0, 3), -EINVAL);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, 0x40000000, 0, 0), -EINVAL);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, HV_VIRT_START, 0, 0), -EINVAL);
	ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping_otherdomain, va(7, 0), 0, 0, 2), -EPERM);
}
END_TEST

START_TEST(flush_commands)
{
	uint64_t v, words = host_flushes;
	ck_assert_uint_eq(host_guest_load(0, va(7, 0), &v), 0);
	*(uint64_t *)at(&a, 9, 0) = 2;
	ck_assert_int_eq(ext(&a, MMUEXT_TLB_FLUSH_LOCAL, 0, 0, DOMID_SELF), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_TLB_FLUSH_ALL, 0, 0, DOMID_SELF), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_TLB_FLUSH_MULTI, 0, va(9, 0), DOMID_SELF), 0);
	ck_assert_uint_eq(host_flushes, words + 3);
	words = host_flushes_page;
	ck_assert_int_eq(ext(&a, MMUEXT_INVLPG_LOCAL, va(7, 0), 0, DOMID_SELF), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_INVLPG_ALL, va(7, 0), 0, DOMID_SELF), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_INVLPG_MULTI, va(7, 0), va(9, 0), DOMID_SELF), 0);
	ck_assert_uint_eq(host_flushes_page, words + 3);
	ck_assert_int_eq(ext(&a, MMUEXT_INVLPG_LOCAL, HV_VIRT_START, 0, DOMID_SELF), 0);
	ck_assert_uint_eq(host_flushes_page, words + 3);
	ck_assert_int_eq(ext(&a, MMUEXT_INVLPG_MULTI, va(7, 0), va(90, 0), DOMID_SELF), -EFAULT);
	ck_assert_int_eq(ext(&a, MMUEXT_MARK_SUPER, 0, 0, DOMID_SELF), -EOPNOTSUPP);
	ck_assert_int_eq(ext(&a, 99, 0, 0, DOMID_SELF), -ENOSYS);
	ck_assert_int_eq(ext(&a, MMUEXT_TLB_FLUSH_ALL, 0, 0, 2), -EPERM);
}
END_TEST

/* A bitmap that names nobody, and one that names the caller alone. */
START_TEST(flush_of_oneself)
{
	uint64_t words = host_flushes;
	*(uint64_t *)at(&a, 9, 0) = 0;
	ck_assert_int_eq(ext(&a, MMUEXT_TLB_FLUSH_MULTI, 0, va(9, 0), DOMID_SELF), 0);
	ck_assert_uint_eq(host_flushes, words);
	*(uint64_t *)at(&a, 9, 0) = 1;
	ck_assert_int_eq(ext(&a, MMUEXT_TLB_FLUSH_MULTI, 0, va(9, 0), DOMID_SELF), 0);
	ck_assert_uint_eq(host_flushes, words + 1);
}
END_TEST

/* Tables that somebody let go of are taken down first, however often that is preempted. */
START_TEST(work_left_behind)
{
	mfn_t l1 = world_take(a.d);
	for (unsigned i = 0; i < 512; i++)
		world_link(l1, i, a.page[3], PTE_WRITE);
	struct frame *f;
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(frame_get_with_type(&a.d->mem, l1, FT_L1, &f), 0);
		frame_put_with_type(f);
		ck_assert(owner_has_pending(&a.d->mem));
		table_slice = 7;
		world_preempt(1);
		if (i)
			ck_assert_int_eq(update(&a, slot(a.l1, 200), 0, DOMID_SELF), 0);
		else
			ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(200, 0), 0, 0), 0);
		ck_assert_uint_gt(world_preempted, 50);
		world_preempt(0);
		table_slice = 512;
		ck_assert(!owner_has_pending(&a.d->mem));
		ck_assert(frame_type_now(f) == FT_NONE);
	}
}
END_TEST

/* The life of a process's tables as Linux leads it: build plain, make read-only, pin, switch, unpin while
 * current, switch back, make writable again. */
START_TEST(life_of_a_table)
{
	struct { mfn_t m; unsigned page; } t[4] = { { a.page[1], 1 }, { a.page[2], 2 }, { a.page[3], 3 }, { a.page[4], 4 } };
	for (unsigned i = 0; i < 3; i++)
		*(uint64_t *)at(&a, 1 + i, 0) = pte(t[i + 1].m, PTE_WRITE);
	memcpy(at(&a, 4, 0), host_frame(a.l1), PAGE_SIZE);		/* the same mappings ... */
	((uint64_t *)at(&a, 4, 0))[4] &= ~PTE_WRITE;			/* ... of the tables read-only */
	for (unsigned i = 1; i < 4; i++)
		((uint64_t *)at(&a, 4, 0))[i] &= ~PTE_WRITE;
	ck_assert_int_eq(ext(&a, MMUEXT_PIN_L4_TABLE, t[0].m.n, 0, DOMID_SELF), -EBUSY);	/* still writable */
	for (unsigned i = 1; i <= 4; i++)
		ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(i, 0), pte(a.page[i], 0), 0), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_PIN_L1_TABLE, t[3].m.n, 0, DOMID_SELF), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_PIN_L4_TABLE, t[0].m.n, 0, DOMID_SELF), 0);
	world_preempt(1);
	ck_assert_int_eq(ext(&a, MMUEXT_NEW_BASEPTR, t[0].m.n, 0, DOMID_SELF), 0);
	ck_assert_uint_eq(a.v->ctx.kernel_l4.n, t[0].m.n);
	ck_assert_int_eq(frame_type_now(frame_of(a.l4)), FT_NONE);	/* its only user left */
	ck_assert_int_eq(ext(&a, MMUEXT_NEW_USER_BASEPTR, t[0].m.n, 0, DOMID_SELF), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_NEW_USER_BASEPTR, 0, 0, DOMID_SELF), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_NEW_BASEPTR, 0, 0, DOMID_SELF), -EINVAL);
	ck_assert_int_eq(ext(&a, MMUEXT_NEW_BASEPTR, b.l4.n, 0, DOMID_SELF), -EPERM);
	ck_assert_int_eq(ext(&a, MMUEXT_UNPIN_TABLE, t[0].m.n, 0, DOMID_SELF), 0);
	ck_assert_int_eq(ext(&a, MMUEXT_UNPIN_TABLE, t[0].m.n, 0, DOMID_SELF), -EINVAL);
	ck_assert_int_eq(frame_type_now(frame_of(t[0].m)), FT_L4);	/* the base pointer holds it */
	ck_assert_int_eq(ext(&a, MMUEXT_UNPIN_TABLE, t[3].m.n, 0, DOMID_SELF), 0);
	/* Back to the first tables, validated on the fly; the others are free for writing at once. */
	ck_assert_int_eq(ext(&a, MMUEXT_NEW_BASEPTR, a.l4.n, 0, DOMID_SELF), 0);
	for (unsigned i = 1; i <= 4; i++)
		ck_assert_int_eq(call(a.v, __HYPERVISOR_update_va_mapping, va(i, 0), pte(a.page[i], PTE_WRITE), 0), 0);
}
END_TEST

START_TEST(pages_cleared_and_copied)
{
	memset(at(&a, 3, 0), 7, PAGE_SIZE);
	ck_assert_int_eq(ext(&a, MMUEXT_COPY_PAGE, a.page[4].n, a.page[3].n, DOMID_SELF), 0);
	ck_assert_int_eq(((char *)at(&a, 4, 0))[4095], 7);
	ck_assert_int_eq(ext(&a, MMUEXT_CLEAR_PAGE, a.page[4].n, 0, DOMID_SELF), 0);
	ck_assert_int_eq(((char *)at(&a, 4, 0))[4095], 0);
	ck_assert_int_eq(ext(&a, MMUEXT_CLEAR_PAGE, a.l1.n, 0, DOMID_SELF), -EBUSY);
	ck_assert_int_eq(ext(&a, MMUEXT_COPY_PAGE, a.page[4].n, b.page[3].n, DOMID_SELF), -EPERM);
	ck_assert_int_eq(ext(&a, MMUEXT_COPY_PAGE, b.page[4].n, a.page[3].n, DOMID_SELF), -EPERM);
}
END_TEST

/* --- direct writes: page 100 of the guest is its L1, read-only --- */

static bool store(struct guest *g, const char *code, size_t n, uint64_t target)
{
	memcpy(at(g, 1, 0), code, n);
	g->v->ctx.regs.rip = va(1, 0);
	bool done = pv_pt_write_fault(g->v, gva(target));
	world_check();
	return done;
}
#define STORE(code, target) store(&a, code, sizeof(code) - 1, target)

START_TEST(direct_writes)
{
	struct cpu_regs *r = &a.v->ctx.regs;
	uint64_t l1 = va(100, 0);
	r->rax = pte(a.page[3], PTE_WRITE) & ~PTE_USER;
	ck_assert(STORE("\x48\x89\x07", l1 + 8 * 200));				/* mov %rax,(%rdi) */
	ck_assert_uint_eq(peek(a.l1, 200), pte(a.page[3], PTE_WRITE));
	ck_assert_uint_eq(r->rip, va(1, 3));
	r->rcx = 0;
	ck_assert(STORE("\x48\x87\x0f", l1 + 8 * 200));				/* xchg %rcx,(%rdi) */
	ck_assert_uint_eq(r->rcx, pte(a.page[3], PTE_WRITE));
	ck_assert_uint_eq(peek(a.l1, 200), 0);
	ck_assert(STORE("\x48\x89\x0f", l1 + 8 * 200));
	ck_assert(STORE("\xf0\x80\x27\xfd", l1 + 8 * 200));			/* lock andb $0xfd,(%rdi) */
	ck_assert_uint_eq(peek(a.l1, 200), pte(a.page[3], 0));
	r->rax = pte(a.page[3], 0);
	r->rdx = pte(a.page[4], PTE_WRITE);
	ck_assert(STORE("\xf0\x48\x0f\xb1\x17", l1 + 8 * 200));			/* lock cmpxchg %rdx,(%rdi) */
	ck_assert_uint_eq(peek(a.l1, 200), pte(a.page[4], PTE_WRITE));
	ck_assert(r->rflags & RFLAGS_CF || r->rflags & 0x40);
	ck_assert(STORE("\xf0\x48\x0f\xb1\x17", l1 + 8 * 200));			/* fails now */
	ck_assert_uint_eq(r->rax, pte(a.page[4], PTE_WRITE));
	ck_assert(!(r->rflags & 0x40));
	ck_assert_uint_eq(host_guest_store(0, va(200, 0), 1), 0);		/* sets A and D */
	ck_assert(STORE("\xf0\x48\x0f\xba\x37\x05", l1 + 8 * 200));		/* lock btrq $5,(%rdi) */
	ck_assert(r->rflags & RFLAGS_CF);
	ck_assert_uint_eq(peek(a.l1, 200), pte(a.page[4], PTE_WRITE | PTE_DIRTY));
	/* The upper half of an entry. */
	ck_assert(STORE("\xc7\x07\x00\x00\x00\x80", l1 + 8 * 200 + 4));		/* movl $0x80000000,(%rdi) */
	ck_assert_uint_eq(peek(a.l1, 200) >> 32, 0x80000000u);
}
END_TEST

/* ah to dh are the second byte of their register, which alone is read and exchanged. */
START_TEST(direct_writes_of_high_bytes)
{
	struct cpu_regs *r = &a.v->ctx.regs;
	uint64_t entry = va(100, 0) + 8 * 200;
	ck_assert_int_eq(update(&a, slot(a.l1, 200), pte(a.page[3], PTE_WRITE), DOMID_SELF), 0);
	uint64_t was = peek(a.l1, 200) & 0xff, next = PTE_PRESENT | PTE_USER | PTE_ACCESSED;
	r->rbx = 0x1122334455660077 | next << 8;
	ck_assert(STORE("\x86\x3f", entry));					/* xchg %bh,(%rdi) */
	ck_assert_uint_eq(peek(a.l1, 200), pte(a.page[3], PTE_ACCESSED));
	ck_assert_uint_eq(r->rbx, 0x1122334455660077 | was << 8);
	ck_assert(STORE("\x88\x3f", entry));					/* mov %bh,(%rdi) */
	ck_assert_uint_eq(peek(a.l1, 200), pte(a.page[3], PTE_WRITE));
	ck_assert_uint_eq(r->rbx, 0x1122334455660077 | was << 8);
}
END_TEST

static uint64_t *contended;
static unsigned changes;

/* Somebody else: counts in bits of the entry that mean nothing. */
static void change(enum host_point why)
{
	(void)why;
	*contended = (*contended & ~(0x7full << 52)) | (uint64_t)(++changes % 0x80) << 52;
}

/* An entry that changes between being read and being written, every time: the guest tries again, for a bounded time here. */
START_TEST(contended_direct_write)
{
	struct cpu_regs *r = &a.v->ctx.regs;
	uint64_t entry = va(100, 0) + 8 * 200;
	memcpy(at(&a, 1, 0), "\x48\x87\x0f", 3);				/* xchg %rcx,(%rdi) */
	ck_assert_int_eq(update(&a, slot(a.l1, 200), pte(a.page[3], 0), DOMID_SELF), 0);
	contended = (uint64_t *)host_frame(a.l1) + 200;
	r->rcx = 0;
	r->rip = va(1, 0);
	host_yield_hook = change;
	bool done = pv_pt_write_fault(a.v, gva(entry));
	host_yield_hook = NULL;
	ck_assert(done);						/* no fault for the guest, ... */
	ck_assert_uint_eq(r->rip, va(1, 0));				/* ... which executes it again */
	ck_assert_uint_eq(r->rcx, 0);
	ck_assert_uint_eq(peek(a.l1, 200) & ~(0x7full << 52), pte(a.page[3], 0));
	world_check();
	ck_assert(pv_pt_write_fault(a.v, gva(entry)));
	ck_assert_uint_eq(r->rip, va(1, 3));
	ck_assert_uint_eq(peek(a.l1, 200), 0);
	ck_assert_uint_eq(r->rcx & ~(0x7full << 52), pte(a.page[3], 0));
	world_check();
}
END_TEST

START_TEST(refused_direct_writes)
{
	uint64_t l1 = va(100, 0), before;
	struct cpu_regs *r = &a.v->ctx.regs;
	r->rax = pte(a.l1, PTE_WRITE);
	before = frame_audit_digest();
	ck_assert(!STORE("\x48\x89\x07", l1 + 8 * 200));		/* a writable table */
	ck_assert_uint_eq(r->rip, va(1, 0));
	r->rax = pte(b.page[1], 0);
	ck_assert(!STORE("\x48\x89\x07", l1 + 8 * 200));
	r->rax = 0;
	ck_assert(!STORE("\x48\x89\x07", l1 + 8 * 200 + 4));		/* across two entries */
	ck_assert(!STORE("\x48\x89\x07", va(3, 0)));			/* an ordinary page */
	ck_assert(!STORE("\x48\x89\x07", va(50, 0)));			/* not mapped */
	ck_assert(!STORE("\x48\x89\x07", HV_VIRT_START));
	ck_assert(!STORE("\x48\x01\x07", l1 + 8 * 200));		/* add */
	ck_assert_uint_eq(frame_audit_digest(), before);
	/* L2 tables are for hypercalls only. */
	ck_assert_int_eq(update(&a, slot(a.l1, 101), pte(a.l2, 0), DOMID_SELF), 0);
	ck_assert(!STORE("\x48\x89\x07", va(101, 8)));
	/* Instruction at an address that cannot be read. */
	r->rip = va(50, 0);
	ck_assert(!pv_pt_write_fault(a.v, gva(l1)));
	r->rip = HV_VIRT_START;
	ck_assert(!pv_pt_write_fault(a.v, gva(l1)));
}
END_TEST

CHECK_MAIN("mmu", setup, NULL, one_update, a_batch_stops_at_the_first_error, machphys,
	   control_domain_maps_others, by_address_with_flush, flush_commands, flush_of_oneself,
	   work_left_behind, life_of_a_table, pages_cleared_and_copied, direct_writes,
	   direct_writes_of_high_bytes, contended_direct_write, refused_direct_writes)
