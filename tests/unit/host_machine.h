/* A modelled machine with its frame table, for hosted unit tests: include, then
 * host_machine_start(cpus, frames) in each test's set-up. All RAM but frame 0 is free. From then on
 * frame_audit() also judges what the CPUs' TLBs hold; host_machine_check() runs it. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include "hv/base/string.h"
#include "hv/core/lock.h"
#include "hv/cpu/host/host.h"
#include "hv/mem/audit.h"

static char host_tlb_text[128];

/* I5: no CPU can write a table through a stale translation... */
static inline void host_tlb_judge(const struct host_tlb_entry *e)
{
	struct frame *f = frame_of(e->m);
	if (f && e->writable && (f->type & 0xffffffffffff) > 0 && (f->type >> 48 & 7) >= FT_SEGDESC)
		(void)format_string(host_tlb_text, sizeof host_tlb_text, "I5: CPU %u can write table %llx at %llx",
				    e->cpu, (unsigned long long)e->m.n, (unsigned long long)e->va);
}
/* ... nor walk a frame that a guest can write. */
static inline void host_tlb_judge_table(unsigned cpu, uint64_t va, mfn_t m)
{
	struct frame *f = frame_of(m);
	if (f && (f->type & 0xffffffffffff) > 0 && (f->type >> 48 & 7) == FT_WRITABLE)
		(void)format_string(host_tlb_text, sizeof host_tlb_text, "I5: CPU %u walks writable frame %llx for %llx",
				    cpu, (unsigned long long)m.n, (unsigned long long)va);
}
static const char *host_tlb_check(void)
{
	host_tlb_text[0] = 0;
	host_tlb_each(host_tlb_judge);
	host_tlb_tables_each(host_tlb_judge_table);
	return host_tlb_text[0] ? host_tlb_text : NULL;
}

static inline void host_machine_start(unsigned cpus, uint64_t frames)
{
	static struct frame *table;
	static uint64_t *m2p;

	host_reset(cpus, frames);
	free(table);
	free(m2p);
	table = aligned_alloc(64, align_up(frames * sizeof *table, 64));
	m2p = aligned_alloc(64, align_up(frames * sizeof *m2p, 64));
	if (!table || !m2p)
		abort();
	frame_table_init(table, m2p, frames);
	frame_table_add_ram(mfn(0), frames);
	audit_register_check(host_tlb_check);
}

/* The audit, and what must hold at every exit to a guest (I15). NULL or what is broken. */
static inline const char *host_machine_check(void)
{
	if (lock_held_count() != 0)
		return "I15: a lock is held";
	if (host_maps_outstanding() != 0)
		return "I15: a frame is mapped";
	return frame_audit();
}
