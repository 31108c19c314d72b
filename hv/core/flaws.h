/* Which flaws of speculation this processor has, and whether we prevent what they give away. Layer: core.
 * Decided once, at boot; hv/boot prints it, hv/call tells the toolstack. Flaws found later than these are not judged. */
#pragma once
#include "hv/cpu/detect.h"
#include "lib/flaws/flaws.h"

extern struct flaws flaws;

/* By @cpu's vendor, family and model and this machine's ARCH_CAPABILITIES, which may be a virtual one's; a
 * processor that we do not know has all. @smep: it is on. */
void flaws_decide(const struct cpu_detected *cpu, bool smep, struct flaws *out);
