/* Flaws of processors: a table of those that have fewer than all.
 *
 * Newer Intel processors say themselves what they do not have. What we do against the rest: absent entries of
 * guests' tables name no RAM (hv/mem/table_entry.c), whether there is L1TF or not; with SMEP no return
 * in ring 0 can be led to a guest's page. Against the others we do nothing yet.
 * Spec: SDM 2A CPUID, SDM 4 IA32_ARCH_CAPABILITIES; Linux cpu_vuln_whitelist names the models. */
#include "hv/base/string.h"
#include "hv/core/flaws.h"
#include "hv/cpu/cpu.h"

#define MSR_ARCH_CAPABILITIES	0x10a
#define CAP_RDCL_NO		(1u << 0)	/* no Meltdown, no L1TF */
#define CAP_MDS_NO		(1u << 5)
#define BIT(n)			(1u << (n))
#define NO_SPECULATION		(BIT(FLAW_COUNT) - 1)
#define ANY			0xff

struct flaws flaws;

static const struct kind { char vendor[4]; uint8_t family, model; uint32_t without; } kinds[] = {
	{ "Auth", ANY, ANY, BIT(FLAW_MELTDOWN) | BIT(FLAW_L1TF) | BIT(FLAW_MDS) },	/* AMD */
	{ "Hygo", ANY, ANY, BIT(FLAW_MELTDOWN) | BIT(FLAW_L1TF) | BIT(FLAW_MDS) },
	{ "Genu", 6, 0x1c, NO_SPECULATION }, { "Genu", 6, 0x26, NO_SPECULATION },	/* first Atoms */
	{ "Genu", 6, 0x27, NO_SPECULATION }, { "Genu", 6, 0x35, NO_SPECULATION },
	{ "Genu", 6, 0x36, NO_SPECULATION },
	{ "Genu", 6, 0x37, BIT(FLAW_L1TF) }, { "Genu", 6, 0x4a, BIT(FLAW_L1TF) },	/* Silvermont, Airmont */
	{ "Genu", 6, 0x4c, BIT(FLAW_L1TF) }, { "Genu", 6, 0x4d, BIT(FLAW_L1TF) },
	{ "Genu", 6, 0x5a, BIT(FLAW_L1TF) }, { "Genu", 6, 0x75, BIT(FLAW_L1TF) },
	{ "Genu", 6, 0x57, BIT(FLAW_L1TF) }, { "Genu", 6, 0x85, BIT(FLAW_L1TF) },	/* Xeon Phi */
	{ "Genu", 6, 0x5c, BIT(FLAW_L1TF) | BIT(FLAW_MDS) },				/* Goldmont */
	{ "Genu", 6, 0x5f, BIT(FLAW_L1TF) | BIT(FLAW_MDS) }, { "Genu", 6, 0x7a, BIT(FLAW_L1TF) | BIT(FLAW_MDS) },
};

static uint32_t without_by_model(const struct cpu_detected *cpu)
{
	uint32_t without = 0;
	for (unsigned i = 0; i < ARRAY_COUNT(kinds); i++)
		if (memcmp(cpu->vendor, kinds[i].vendor, 4) == 0 && (kinds[i].family == ANY || kinds[i].family == cpu->family) &&
		    (kinds[i].model == ANY || kinds[i].model == cpu->model))
			without = kinds[i].without;
	return without;
}

void flaws_decide(const struct cpu_detected *cpu, bool smep, struct flaws *out)
{
	uint32_t without = without_by_model(cpu);
	uint64_t caps = 0;
	if (cpu->has_arch_capabilities && cpu_msr_read(MSR_ARCH_CAPABILITIES, &caps) < 0)
		caps = 0;
	if (caps & CAP_RDCL_NO)
		without |= BIT(FLAW_MELTDOWN) | BIT(FLAW_L1TF);
	if (caps & CAP_MDS_NO)
		without |= BIT(FLAW_MDS);
	for (unsigned i = 0; i < FLAW_COUNT; i++)
		out->state[i] = without >> i & 1 ? FLAW_ABSENT
				: i == FLAW_L1TF || (i == FLAW_RSB && smep) ? FLAW_MITIGATED : FLAW_OPEN;
}
