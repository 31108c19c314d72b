/* A guest with handlers and stacks, for the tests of this folder that trap: include, traps_setup() in each test's
 * set-up. It may be entered at HANDLER(vector); entered() judges the frame and puts it back where it was. */
#pragma once
#include <string.h>
#include "hv/cpu/x86_vectors.h"
#include "hv/pv/state.h"
#include "protocol/callback.h"
#include "tests/unit/guest_world.h"

static struct guest a, dom0_guest;
static struct cpu_regs *r;

enum { CODE = 5, TABLE = 6, STACK = 8, KERNEL_STACK = 9, DATA = 10, USER_STACK = 11 };
#define HANDLER(vector) (0x100000u + (vector) * 16u)
#define KERNEL_SP va(KERNEL_STACK + 1, 0)

/* Gates for all vectors that matter, 3 and 0x80 open to user mode, 0x80 with events masked. */
static inline void gates_set(struct guest *g)
{
	static const uint8_t vectors[] = { 0, 1, 3, 4, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19, 0x80 };
	struct trap_info *t = at(g, TABLE, 0);
	unsigned n = 0;
	for (; n < ARRAY_COUNT(vectors); n++) {
		bool open = vectors[n] == 3 || vectors[n] == 0x80;
		t[n] = (struct trap_info){ vectors[n], (uint8_t)((open ? 3 : 0) | (vectors[n] == 0x80 ? 4 : 0)), FLAT_CS64,
					   HANDLER(vectors[n]) };
	}
	t[n].address = 0;
	ck_assert_int_eq(call(g->v, __HYPERVISOR_set_trap_table, va(TABLE, 0)), 0);
}

static inline void use(struct guest *g)
{
	world_run(g);
	r = &g->v->ctx.regs;
	gates_set(g);
	ck_assert_int_eq(call(g->v, __HYPERVISOR_stack_switch, FLAT_DS, KERNEL_SP), 0);
	struct mmuext_op *op = at(g, TABLE, 0);
	*op = (struct mmuext_op){ .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = g->l4.n };
	ck_assert_int_eq(call(g->v, __HYPERVISOR_mmuext_op, va(TABLE, 0), 1, 0, DOMID_SELF), 0);
	memset(at(g, CODE, 0), 0x90, PAGE_SIZE);
	r->rip = va(CODE, 0);
	r->rsp = va(STACK + 1, 0);
	r->cs = FLAT_CS64;
	r->ss = FLAT_DS;
	r->rflags = RFLAGS_IF | RFLAGS_FIXED;
	r->rcx = 0x1111;
	r->r11 = 0x2222;
}

static inline void traps_setup(void)
{
	world_start();
	world_guest(&dom0_guest, 0, true, 1);
	world_guest(&a, 1, false, 1);
	use(&a);
}

static inline void to_user(struct guest *g)
{
	cpu_context_set_mode(&g->v->ctx, false);
	g->v->ctx.regs.rsp = va(USER_STACK + 1, 0);
}

static inline void trap(struct guest *g, unsigned vector, uint32_t error)
{
	r->vector = vector;
	r->error_code = error;
	upcall_trap(&g->v->ctx);
	world_check();
}

/* The guest executes @n bytes that raise #GP(0). */
static inline void executes(struct guest *g, const char *bytes, size_t n)
{
	memcpy(at(g, CODE, 0), bytes, n);
	r->rip = va(CODE, 0);
	trap(g, TRAP_GP, 0);
}
#define EXECUTES(g, bytes) executes((g), (bytes), sizeof(bytes) - 1)
#define DONE(bytes) ck_assert_uint_eq(r->rip, va(CODE, 0) + sizeof(bytes) - 1)
/* Executed by the guest @g's kernel, and emulated. */
#define EMULATED(g, bytes) do { EXECUTES(g, bytes); DONE(bytes); } while (0)
/* The same, and it is the guest's own #GP. */
#define REFUSED(g, bytes) do { EXECUTES(g, bytes); entered(g, 13, va(CODE, 0), true, 0); } while (0)

/* The guest was entered at its handler with a proper frame; then it is back where it was. */
static inline void entered_(struct guest *g, unsigned vector, uint64_t from, bool has_error, uint32_t error, uint64_t stack)
{
	unsigned n = has_error ? 3 : 2;
	ck_assert_uint_eq(r->rip, HANDLER(vector));
	ck_assert(g->v->ctx.kernel_mode);
	ck_assert_uint_eq(r->cs & 3, 3);
	ck_assert_uint_eq(r->rsp, stack - 8 * (n + 5));
	uint64_t *frame = at(g, (unsigned)(r->rsp >> PAGE_SHIFT), r->rsp % PAGE_SIZE);
	ck_assert_uint_eq(frame[0], r->rcx);
	ck_assert_uint_eq(frame[1], r->r11);
	if (has_error)
		ck_assert_uint_eq(frame[2], error);
	ck_assert_uint_eq(frame[n], from);
	r->rip = from;
	r->rsp = frame[n + 3];
}

static inline void entered(struct guest *g, unsigned vector, uint64_t from, bool has_error, uint32_t error)
{
	entered_(g, vector, from, has_error, error, va(STACK + 1, 0));
}
