/* The scene with two CPUs: dom0, Alice and Bob, of which one vCPU acts on each CPU, in the small world of
 * tests/unit/interleave (8 entries a table, a TLB for each CPU that forgets only when it is told to). Its acts are
 * hypercalls and guest accesses; race.h lets one CPU act in the middle of what the other does. */
#pragma once
#include "hv/base/errno.h"
#include "hv/cpu/host/yield.h"
#include "hv/cpu/host/host.h"
#include "hv/mem/table.h"
#include "protocol/grant_table.h"
#include "tests/unit/check_main.h"
#include "tests/unit/interleave/acts.h"
#include "tests/unit/race.h"

static inline void judged(void)
{
	const char *broken = world_judge();
	ck_assert_msg(!broken, "audit: %s", broken);
}

/* What the actor of @cpu does there. */
#define ON(cpu, expr) ({ \
	host_cpu_select(cpu); \
	int64_t rc_ = (expr); \
	host_cpu_select(0); \
	judged(); \
	rc_; \
})

static inline void duel(enum who on_cpu_0, enum who on_cpu_1)
{
	world_build(&(struct act){ .who = on_cpu_0 }, &(struct act){ .who = on_cpu_1 });
	judged();
}

#define PAGE_VA(n) ((uint64_t)(n) << PAGE_SHIFT)

static inline bool stores_on(unsigned cpu, uint64_t address, uint64_t value)
{
	return host_guest_store(cpu, address, value) == 0;
}

static inline bool loads_on(unsigned cpu, uint64_t address, uint64_t *value)
{
	return host_guest_load(cpu, address, value) == 0;
}

static inline uint64_t *contents(enum who who, enum what what)
{
	return host_frame(guest[who].m[what]);
}
