/* Flaws of processors over synthetic CPUID and MSR vectors: one row is one processor. */
#include <stdlib.h>
#include <string.h>
#include "hv/core/flaws.h"
#include "hv/cpu/host/host.h"
#include "tests/unit/check_main.h"

#define ARCH_CAPABILITIES 0x10a

/* States in the order of enum flaw: - absent, m mitigated, O open. */
static const struct processor {
	const char *name, *vendor;	/* as CPUID spells it, in ebx edx ecx */
	uint32_t max_leaf, signature;
	bool has_caps;
	uint64_t caps;
	bool smep;
	const char *states;
} processors[] = {
	{ "Haswell", "GenuineIntel", 0xd, 0x306c1, false, 0, true, "OmOOm" },
	{ "the same without SMEP", "GenuineIntel", 0xd, 0x306c1, false, 0, false, "OmOOO" },
	{ "Skylake, capabilities without good news", "GenuineIntel", 0x16, 0x50654, true, 0x4, true, "OmOOm" },
	{ "Whiskey Lake: RDCL_NO", "GenuineIntel", 0x16, 0x806ec, true, 0x1, true, "--OOm" },
	{ "Ice Lake: RDCL_NO, MDS_NO", "GenuineIntel", 0x1b, 0x606a6, true, 0x2b, true, "---Om" },
	{ "MDS_NO alone", "GenuineIntel", 0x1b, 0x606a6, true, 0x20, true, "Om-Om" },
	{ "capabilities that are announced and fault", "GenuineIntel", 0x1b, 0x606a6, true, ~0ull, true, "OmOOm" },
	{ "Bonnell, no leaf 7", "GenuineIntel", 0xa, 0x106c2, false, 0, false, "-----" },
	{ "Saltwell", "GenuineIntel", 0xa, 0x30661, false, 0, false, "-----" },
	{ "Silvermont", "GenuineIntel", 0xb, 0x30678, false, 0, true, "O-OOm" },
	{ "Knights Landing", "GenuineIntel", 0xd, 0x50671, false, 0, true, "O-OOm" },
	{ "Goldmont Plus", "GenuineIntel", 0x18, 0x706a1, false, 0, true, "O--Om" },
	{ "model 0x1c of another family", "GenuineIntel", 5, 0x10fc2, false, 0, true, "OmOOm" },
	{ "Opteron of family 15", "AuthenticAMD", 1, 0x60fb1, false, 0, false, "---OO" },
	{ "Zen 3", "AuthenticAMD", 0x10, 0xa20f10, false, 0, true, "---Om" },
	{ "Hygon", "HygonGenuine", 0xd, 0x900f01, false, 0, true, "---Om" },
	{ "nobody knows it", "CentaurHauls", 0xd, 0x306c1, false, 0, true, "OmOOm" },
};

START_TEST(processor)
{
	const struct processor *p = &processors[_i];
	uint32_t r[4] = { p->max_leaf };
	struct cpu_detected cpu;
	struct flaws f;
	char states[FLAW_COUNT + 1] = "";
	host_reset(1, 16);
	memcpy(&r[1], p->vendor, 4);
	memcpy(&r[3], p->vendor + 4, 4);
	memcpy(&r[2], p->vendor + 8, 4);
	host_cpuid_set(0, 0, r);
	host_cpuid_set(1, 0, (uint32_t[4]){ p->signature });
	host_cpuid_set(7, 0, (uint32_t[4]){ 0, 0, 0, p->has_caps ? 1u << 29 : 0 });
	if (p->caps != ~0ull)
		host_msr_set(ARCH_CAPABILITIES, p->caps);
	cpu_detect(cpu_cpuid, &cpu);
	flaws_decide(&cpu, p->smep, &f);
	for (unsigned i = 0; i < FLAW_COUNT; i++)
		states[i] = "?-mO"[f.state[i]];
	ck_assert_msg(strcmp(states, p->states) == 0, "%s: %s, not %s", p->name, states, p->states);
}
END_TEST

/* What CPUID does not announce is not read: leaf 7 beyond the last answers with another leaf's data. */
START_TEST(unannounced)
{
	struct cpu_detected cpu;
	struct flaws f;
	host_reset(1, 16);
	host_cpuid_set(0, 0, (uint32_t[4]){ 6, 0x756e6547 });
	host_cpuid_set(7, 0, (uint32_t[4]){ ~0u, ~0u, ~0u, ~0u });
	host_msr_set(ARCH_CAPABILITIES, 0x21);
	cpu_detect(cpu_cpuid, &cpu);
	flaws_decide(&cpu, true, &f);
	ck_assert_uint_eq(f.state[FLAW_MELTDOWN], FLAW_OPEN);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, unannounced);
	tcase_add_loop_test(c, processor, 0, sizeof processors / sizeof *processors);
	return check_run("flaws", c);
}
