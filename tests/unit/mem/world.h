/* Two guests and a control domain on a modelled machine, with the moves their kernels make: allocate, write
 * while a frame is plain, build trees of tables. For the tests of hv/mem. */
#pragma once
#include "hv/base/errno.h"
#include "hv/core/work.h"
#include "hv/cpu/host/host.h"
#include "hv/mem/alloc.h"
#include "hv/mem/audit.h"
#include "hv/mem/frame.h"
#include "hv/mem/table.h"
#include "tests/unit/check_main.h"

#define RW (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define RO (PTE_PRESENT | PTE_USER)
enum { CTRL, ALICE, BOB, DOMAINS };
extern struct owner domain[DOMAINS];

extern mfn_t world_held;		/* the test itself holds a reference on this frame; 0: none */

void world_start(unsigned cpus, uint64_t frames);
/* Judge the machine: call after every operation. */
void world_check(void);
#define CHECKED(expr) ({ __typeof__(expr) r_ = (expr); world_check(); r_; })
#define OK(expr) ck_assert_int_eq(CHECKED(expr), 0)
#define FAILS(expr, err) ck_assert_int_eq(CHECKED(expr), -(err))

mfn_t take(struct owner *o);				/* one frame, which must work */
void poke(mfn_t m, unsigned index, uint64_t value);	/* the guest's own store, while it may */
uint64_t peek(mfn_t m, unsigned index);
uint64_t entry(mfn_t m, uint64_t flags);
maddr_t slot(mfn_t m, unsigned index);

/* A plain tree: l4[0] -> l3[0] -> l2[0] -> l1, whose entries 0.. map @data RW and then the tables RO. Nothing
 * is typed yet. va of l1[i] is i << 12. */
struct tree { mfn_t l4, l3, l2, l1, data[4]; };
struct tree tree_build(struct owner *o);
/* The domain's context loaded on @cpu with this L4 (a base pointer: counted by the audit). */
void cpu_run(unsigned cpu, struct owner *o, mfn_t l4);
int cpu_try_run(unsigned cpu, struct owner *o, mfn_t l4);
void cpu_stop_running(unsigned cpu);

/* Preempt at every @n-th window from now on; 0: never. */
void preempt_every(unsigned n);
extern unsigned preemptions;
/* Repeat an operation until it no longer says -ERESTART. */
#define UNTIL_DONE(expr) ({ int d_; while ((d_ = (expr)) == -ERESTART) { work_run(); world_check(); } work_run(); d_; })
