/* Start-up, in order. Entered by the boot CPU in 64-bit mode, on its own stack, with all memory
 * below 4 GiB reachable; leaves by boot_enter_guests().
 *
 * Each step needs the ones before: text output needs the options, the clock needs mapped memory,
 * the kernels are unpacked while memory is still raw (nothing owns it yet), the frame table
 * takes what is left, the layers register with each other from low to high, other CPUs need the
 * scheduler, dom0 needs to know how many there are. Neighbours: hv/cpu/x86_64/boot.S before us,
 * enter.c behind. */
#include "hv/base/string.h"
#include "hv/boot/banner.h"
#include "hv/boot/boot.h"
#include "hv/boot/dom0.h"
#include "hv/call/call.h"
#include "hv/core/panic.h"
#include "hv/core/timer.h"
#include "hv/cpu/machine.h"
#include "hv/dom/sched.h"
#include "hv/event/evtchn.h"
#include "hv/grant/grant.h"
#include "hv/pv/pv.h"

static struct boot_info info;
static struct boot_options options;
static struct acpi_info acpi;
static struct boot_plan plan;

static void warn_nothing(const char *word, const char *doc)
{
	(void)word, (void)doc;
}

static void warn_option(const char *word, const char *doc)
{
	if (doc)
		log_warn("option %s is malformed; it takes: %s", word, doc);
	else
		log_warn("option %s is unknown and ignored", word);
}

/* The options are read twice: where to print must be known before anything can be said about
 * them. */
static void options_read(uint32_t magic, maddr_t at)
{
	struct phys phys = memory_phys();
	info.map = &machine;
	int rc = boot_info_parse(&phys, magic, at.a, &info);

	boot_options_default(&options);
	const char *line = boot_text_skip_name(info.command_line, NULL);
	boot_options_parse(line, &options, warn_nothing);
	console_init(&options);
	log_info("Bothy %s on Xen's PV interface 4.17, by %s, options \"%s\"", hv_commit,
		info.protocol ? info.protocol : "?", line);
	if (rc < 0)
		give_up("what the boot loader tells makes no sense (%d)", rc);
	boot_options_parse(line, &options, warn_option);
	string_copy(machine.command_line, line, sizeof machine.command_line);
}

/* The interrupt controllers are ours; dom0 is to place nothing there. */
static void controllers_reserve(void)
{
	int rc = machine_range_add(&machine, 0xfee00000, 0x100000, RANGE_RESERVED);

	for (unsigned i = 0; rc == 0 && i < acpi.ioapic_count; i++)
		rc = machine_range_add(&machine, acpi.ioapic[i].base.a, PAGE_SIZE, RANGE_RESERVED);
	if (rc < 0)
		log_warn("the memory map is full: the interrupt controllers are not in it");
}

static void tables_read(void)
{
	struct phys phys = memory_phys();

	acpi_parse(&phys, info.rsdp, &acpi);
	controllers_reserve();
	machine.rsdp = maddr(info.rsdp_is_copy && acpi.rsdp == info.rsdp ? 0 : acpi.rsdp);
	if (!acpi.rsdp)
		log_warn("no ACPI tables: one CPU, no power-off");
}

static const void *module_data(const struct boot_module *m)
{
	struct phys phys = memory_phys();
	return phys_at(&phys, m->start, m->size);
}

/* Returns NULL, or what is wrong with the kernel. */
static const char *kernel_prepare(
	const struct boot_module *m, struct boot_kernel *out, const char *what)
{
	const char *why = boot_kernel_prepare(&boot_memory, module_data(m), m->size, out);
	if (!why)
		log_info("%s: %s kernel, %lu KiB at entry %lx", what,
			out->image.guest_os[0] ? out->image.guest_os : "PV",
			(unsigned long)(out->image.kernel_end - out->image.kernel_start) >> 10,
			(unsigned long)out->image.entry);
	return why;
}

static void kernels_prepare(void)
{
	const char *why;

	boot_plan_make(&info, &plan);
	if (plan.dom0 && (why = kernel_prepare(plan.dom0, &plan.dom0_kernel, "dom0")))
		give_up("dom0 (%.60s): %s", plan.dom0->text, why);
	for (unsigned i = 0; i < plan.domain_count; i++) {
		why = kernel_prepare(plan.domain[i], &plan.domain_kernel[i], "boot module");
		if (!why)
			continue;
		log_err("boot module (%.60s): %s", plan.domain[i]->text, why);
		plan.domain_kernel[i].elf = NULL;
	}
}

static void layers_init(void)
{
	timers_init();
	sched_init();
	evtchn_init();
	grant_init();
	pv_init();
	irq_init(acpi.ioapic, acpi.ioapic_count, acpi.override, acpi.override_count,
		maddr(acpi.ecam_base));
	call_init();
	power_init(&acpi, options.no_reboot);	/* hv/dom has no hooks before its own start */
}

static void cpus_start(void)
{
	unsigned n = options.no_smp || options.max_cpus == 1 ? 0 : acpi.cpu_count;

	if (options.max_cpus > 1 && n > options.max_cpus)
		n = options.max_cpus;
	if (n > 1)
		cpu_start_others(acpi.apic_id, n, sched_cpu_add, memory_pages);
	log_info("%u CPUs", cpu_count());
}

static void domains_create(void)
{
	if (plan.dom0)
		dom0_create(&plan, &info, &options, plan.initrd ? module_data(plan.initrd) : NULL,
			boot_memory_total(&boot_memory));
	else
		power_off_with_last_domain();
	unsigned n = module_domains_create(&plan);
	if (!plan.dom0 && n == 0)
		give_up("no boot module is a kernel that can be started");
}

void boot_main(uint32_t magic, maddr_t at)
{
	options_read(magic, at);
	memory_map(&info);
	cpu_clock_init(options.tsc_stable);
	banner_cpu();
	banner_memory(&machine);
	tables_read();
	kernels_prepare();
	memory_frames();
	layers_init();
	console_start_input();
	cpus_start();
	domains_create();
	memory_give_back();
	log_info("starting %s %lu ms after our entry", plan.dom0 ? "dom0" : "the domains",
		(unsigned long)(cpu_time_ns() / 1000000));
	boot_domains_start();
	boot_enter_guests();
}
