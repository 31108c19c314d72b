/* What speculation in the machine's processors gives away to guests, and whether it is prevented: the words of both the
 * hypervisor, which decides it (hv/core/flaws.h), and of those that it tells (protocol/sysctl.h, where these numbers are
 * an interface: new ones come last). Pure. */
#pragma once
#include <stdint.h>

enum flaw { FLAW_MELTDOWN, FLAW_L1TF, FLAW_MDS, FLAW_SPECTRE_V2, FLAW_RSB, FLAW_COUNT };
enum flaw_state { FLAW_UNTOLD, FLAW_ABSENT, FLAW_MITIGATED, FLAW_OPEN };

struct flaws { uint8_t state[FLAW_COUNT]; };	/* enum flaw_state */

const char *flaw_name(enum flaw which);
/* "affected, mitigated: how" and the like; "" for what was not told. */
const char *flaw_verdict(const struct flaws *f, enum flaw which);
