/* The oracle: recompute from raw tables what the counts should be. Layer: mem, host and debug
 * builds. Shares no code and no macros with what it checks. Returns NULL or a static text that
 * names the first broken statement of SECURITY.md (I1..I16) and the frame.
 * Exact only while no operation is under way (short holds of a handler count as references). */
#pragma once
#include "hv/mem/frame.h"

#define AUDIT_FRAMES_MAX 16384u		/* larger machines are not audited: NULL */

/* References that other layers hold beyond page tables (vCPU bases, map-track, GDT pages): each layer
 * registers an enumerator that calls add(m, refs, type, type_count) for what it holds now. A ninth panics;
 * registering one twice is harmless. */
typedef void audit_add_fn(mfn_t m, unsigned refs, enum frame_type t, unsigned type_count);
void audit_register(void (*enumerate)(audit_add_fn *add));
/* Further checks of other layers (events, grants), run by frame_audit() too. A ninth panics. */
void audit_register_check(const char *(*check)(void));
const char *frame_audit(void);
/* A number that changes when any count, owner, flag or usable table's content changes (accessed and dirty bits
 * aside): equal before and after an operation that failed (I13). */
uint64_t frame_audit_digest(void);
