/* What the log begins with: the machine, as far as it decides what can be expected of it. One screen, with the lines
 * of the other files; tests/guest/panic_test.py has the list.
 * Rule: each feature that is there and not used says why. */
#include "hv/base/string.h"
#include "hv/boot/banner.h"
#include "hv/core/flaws.h"
#include "hv/core/log.h"
#include "hv/cpu/cpu.h"

enum { EAX, EBX, ECX, EDX };

static void cpuid_if(uint32_t leaf, uint32_t out[4])
{
	cpu_cpuid(leaf & 0x80000000u, 0, out);
	if (out[EAX] >= leaf)
		cpu_cpuid(leaf, 0, out);
	else
		memset(out, 0, 4 * sizeof *out);
}

static void model_log(void)
{
	uint32_t r[4];
	char text[49] = "";
	for (unsigned i = 0; i < 3; i++) {
		cpuid_if(0x80000002u + i, r);
		memcpy(text + i * sizeof r, r, sizeof r);
	}
	const char *name = text;
	while (*name == ' ')
		name++;
	cpuid_if(1, r);
	struct cpu_model m = cpu_model(r[EAX]);
	log_info("CPU: %s", name);
	log_info("CPU: family %u, model %u, stepping %u", m.family, m.model, m.stepping);
}

static void clock_log(void)
{
	struct clock_params clock;
	uint32_t r[4];
	cpu_clock_params(&clock);
	cpuid_if(0x80000007u, r);
	log_info("TSC: %lu MHz, %s", (unsigned long)cpu_tsc_khz() / 1000,
		 !clock.stable ? "not trusted: not invariant" : r[EDX] >> 8 & 1 ? "trusted: invariant"
		 : cpu_features.is_tcg ? "trusted: the emulator's" : "trusted: option tsc=stable");
}

static void append(char list[80], const char *name)
{
	size_t n = strlen(list);
	format_string(list + n, 80 - n, " %s", name);
}

static void features_log(void)
{
	const struct cpu_features *f = &cpu_features;
	const struct { const char *name; uint32_t leaf, reg, bit; bool is_on; const char *why_off; } all[] = {
		{ "NX", 0x80000001u, EDX, 20, f->has_nx, "" },
		{ "SMEP", 7, EBX, 7, f->uses_smep, "" },
		{ "SMAP", 7, EBX, 20, f->uses_smap, "the emulator faults far returns in ring 3" },
		{ "XSAVE", 1, ECX, 26, f->has_xsave, "" },
		{ "PCID", 1, ECX, 17, false, "every change of tables flushes the TLB" },
		{ "FSGSBASE", 7, EBX, 0, false, "guest kernels set bases by hypercall" },
	};
	char on[80] = "", missing[80] = "";
	for (unsigned i = 0; i < ARRAY_COUNT(all); i++) {
		uint32_t r[4];
		cpuid_if(all[i].leaf, r);
		if (!(r[all[i].reg] >> all[i].bit & 1))
			append(missing, all[i].name);
		else if (all[i].is_on)
			append(on, all[i].name);
		else
			log_info("%s: off, %s", all[i].name, all[i].why_off);
	}
	log_info("CPU: on:%s; missing:%s", on, missing[0] ? missing : " none");
	log_info("CPU: FPU state of %u bytes, XCR0 0x%lx", f->fpu_size, (unsigned long)f->xcr0_mask);
}

void banner_cpu(void)
{
	char text[80];
	model_log();
	clock_log();
	features_log();
	flaws_decide(cpu_features.uses_smep, &flaws);
	for (unsigned i = 0; i < FLAW_COUNT; i++) {
		flaw_describe(&flaws, i, text, sizeof text);
		log_info("%s", text);
	}
}

void banner_memory(const struct machine *m)
{
	uint64_t ram = 0, end = 0;
	unsigned runs = 0;
	for (unsigned i = 0; i < m->range_count; i++)
		if (m->range[i].type == RANGE_RAM) {
			ram += m->range[i].size;
			end = m->range[i].start + m->range[i].size;
			runs++;
		}
	log_info("memory: %lu MiB of RAM in %u ranges of %u, up to 0x%lx", (unsigned long)(ram >> 20), runs,
		 m->range_count, (unsigned long)end);
}
