/* What the log begins with: the machine, as far as it decides what can be expected of it. One screen, with the lines
 * of the other files; tests/guest/panic_test.py has the list.
 * Rule: each feature that is there and not used says why. */
#include "hv/base/string.h"
#include "hv/boot/banner.h"
#include "hv/core/flaws.h"
#include "hv/core/log.h"

static void clock_log(void)
{
	struct clock_params clock;
	cpu_clock_params(&clock);
	log_info("TSC: %lu MHz, %s", (unsigned long)cpu_tsc_khz() / 1000,
		 !clock.stable ? "not trusted: not invariant" : cpu_tsc_is_invariant(cpu_cpuid) ? "trusted: invariant"
		 : cpu_features.is_tcg ? "trusted: the emulator's" : "trusted: option tsc=stable");
}

static void append(char list[80], const char *name)
{
	size_t n = strlen(list);
	format_string(list + n, 80 - n, " %s", name);
}

static void features_log(const struct cpu_detected *cpu)
{
	const struct cpu_features *f = &cpu_features;
	const struct { const char *name; bool is_there, is_on; const char *why_off; } all[] = {
		{ "NX", cpu->features.has_nx, f->has_nx, "" },
		{ "SMEP", cpu->has_smep, f->uses_smep, "" },
		{ "SMAP", cpu->has_smap, f->uses_smap, "the emulator faults far returns in ring 3" },
		{ "XSAVE", cpu->features.has_xsave, f->has_xsave, "" },
		{ "PCID", cpu->has_pcid, false, "every change of tables flushes the TLB" },
		{ "FSGSBASE", cpu->has_fsgsbase, false, "guest kernels set bases by hypercall" },
	};
	char on[80] = "", missing[80] = "";
	for (unsigned i = 0; i < ARRAY_COUNT(all); i++) {
		if (!all[i].is_there)
			append(missing, all[i].name);
		else if (all[i].is_on)
			append(on, all[i].name);
		else
			log_info("%s: off, %s", all[i].name, all[i].why_off);
	}
	if (f->is_tcg)
		log_info("ERMS: not shown to guests, the emulator copies by bytes then");
	log_info("CPU: on:%s; missing:%s", on, missing[0] ? missing : " none");
	log_info("CPU: FPU state of %u bytes, XCR0 0x%lx", f->fpu_size, (unsigned long)f->xcr0_mask);
}

void banner_cpu(void)
{
	struct cpu_detected cpu;
	cpu_detect(cpu_cpuid, &cpu);
	log_info("CPU: %s", cpu.name);
	log_info("CPU: family %u, model %u, stepping %u", cpu.family, cpu.model, cpu.stepping);
	clock_log();
	features_log(&cpu);
	flaws_decide(&cpu, cpu_features.uses_smep, &flaws);
	for (unsigned i = 0; i < FLAW_COUNT; i++)
		log_info("%s: %s", flaw_name(i), flaw_verdict(&flaws, i));
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
