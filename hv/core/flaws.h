/* What speculation in this processor gives away to guests, and whether we prevent it. Layer: core.
 * Decided once, at boot; hv/boot prints it. Flaws found later than these are not judged. */
#pragma once
#include "hv/cpu/detect.h"

enum flaw { FLAW_MELTDOWN, FLAW_L1TF, FLAW_MDS, FLAW_SPECTRE_V2, FLAW_RSB, FLAW_COUNT };
enum flaw_state { FLAW_ABSENT, FLAW_MITIGATED, FLAW_OPEN };

struct flaws { uint8_t state[FLAW_COUNT]; };	/* enum flaw_state */
extern struct flaws flaws;

/* By @cpu's vendor, family and model and this machine's ARCH_CAPABILITIES, which may be a virtual one's; a
 * processor that we do not know has all. @smep: it is on. */
void flaws_decide(const struct cpu_detected *cpu, bool smep, struct flaws *out);
/* "NAME: affected, mitigated: how" and the like. */
void flaw_describe(const struct flaws *f, enum flaw which, char *out, size_t room);
