/* What speculation in this processor gives away to guests, and whether we prevent it. Layer: core.
 * Decided once, at boot; hv/boot prints it. Flaws found later than these are not judged. */
#pragma once
#include "hv/base/types.h"

enum flaw { FLAW_MELTDOWN, FLAW_L1TF, FLAW_MDS, FLAW_SPECTRE_V2, FLAW_RSB, FLAW_COUNT };
enum flaw_state { FLAW_ABSENT, FLAW_MITIGATED, FLAW_OPEN };

struct flaws { uint8_t state[FLAW_COUNT]; };	/* enum flaw_state */
extern struct flaws flaws;

/* By vendor, family, model and ARCH_CAPABILITIES, as CPUID and MSRs of this machine tell them, which may be a
 * virtual one; a processor that we do not know has all. @smep: it is on. */
void flaws_decide(bool smep, struct flaws *out);
/* "NAME: affected, mitigated: how" and the like. */
void flaw_describe(const struct flaws *f, enum flaw which, char *out, size_t room);
