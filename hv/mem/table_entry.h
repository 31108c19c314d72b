/* What one page-table entry may hold. Only for hv/mem. */
#pragma once
#include "hv/cpu/context.h"
#include "hv/mem/table.h"

static inline unsigned table_level(enum frame_type t) { return (unsigned)(t - FT_L1) + 1; }
static inline bool l4_slot_is_hv(unsigned index) { return index - HV_L4_FIRST < HV_L4_COUNT; }

/* May @val, which is not present, be stored? Not if it names RAM (L1TF). */
bool entry_absent_is_harmless(uint64_t val);
/* Check the value for an L1 of @o whose target belongs to @fo, take the reference and count it needs.
 * 0 and *out, what to store. Errors as table_entry_update(). May be called with o's lock held. */
int l1_entry_take(struct owner *o, struct owner *fo, uint64_t val, uint64_t *out) MUST_CHECK;
/* Drop what a stored L1 entry holds. */
void l1_entry_drop(uint64_t entry);
/* Check the bits of a value for L2..L4; 0 and *out, what to store. The target is not looked at. */
int upper_entry_check(uint64_t val, uint64_t *out) MUST_CHECK;
