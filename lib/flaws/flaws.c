/* The words for flaws of processors. */
#include "lib/flaws/flaws.h"

const char *flaw_name(enum flaw which)
{
	static const char *const name[FLAW_COUNT] = { "Meltdown", "L1TF", "MDS", "Spectre v2", "RSB" };
	return name[which];
}

const char *flaw_verdict(const struct flaws *f, enum flaw which)
{
	switch (f->state[which]) {
	case FLAW_ABSENT:
		return "not affected";
	case FLAW_MITIGATED:
		return which == FLAW_L1TF ? "affected, mitigated: absent entries name no RAM"
					  : "affected, mitigated: SMEP";
	case FLAW_OPEN:
		return "affected, not mitigated: run only trusted guests";
	default:
		return "";
	}
}
