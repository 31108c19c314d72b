/* Segment descriptors a guest may have in its GDT or LDT. Layer: mem. Spec: SDM 3A 3.4.5. */
#pragma once
#include "hv/base/types.h"

/* Make *desc harmless in ring 3: a code or data descriptor gets at least DPL 3 and its accessed bit. False: a
 * present system descriptor (gate, TSS, LDT), which guests may not have. */
bool segdesc_check(uint64_t *desc) MUST_CHECK;
/* All 512 descriptors of a frame that no guest can write any more; fixes are stored. */
bool segdesc_page_check(mfn_t m) MUST_CHECK;
