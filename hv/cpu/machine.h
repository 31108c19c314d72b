/* What start-up needs of the real machine beyond cpu.h. Layer: cpu; used by hv/boot only, not
 * provided by the hosted build.
 * Order: boot.S enters boot_main() on the boot CPU with tables, traps and features set up and all
 * memory below 4 GiB reachable through frame_map(). */
#pragma once
#include "hv/cpu/cpu.h"

/* Frames for tables during start-up, zeroed, below 4 GiB. */
typedef maddr_t boot_alloc_fn(void);
/* @n consecutive frames, zeroed, kept for ever; address 0 if there are none. */
typedef maddr_t boot_alloc_pages_fn(unsigned n);

/* L4 slots HV_L4_FIRST..: what every guest's L4 gets (hv/mem/table.h, table_hv_slots). */
const uint64_t *cpu_hv_slots(void);

/* The image: [start, end) in machine addresses, and in it the boot stage, which may be given
 * to the page allocator when boot_main() has finished (cpu_drop_boot_stage() unmaps it first). */
void cpu_image_range(maddr_t *start, maddr_t *end);
void cpu_boot_stage_range(maddr_t *start, maddr_t *end);
void cpu_drop_boot_stage(void);
/* Machine memory below this address is never RAM for guests (BIOS data, AP trampoline, VGA, ROM). */
#define LOW_MEMORY_END 0x100000ull

void cpu_map_ram(maddr_t end, boot_alloc_fn *alloc);	/* frame_map() reaches [0, end) */
/* Map the machine-to-physical table at M2P_VIRT, read-only for guests; @base and @bytes multiples of 2 MiB. */
void cpu_map_m2p(maddr_t base, uint64_t bytes, boot_alloc_fn *alloc);
/* Local APIC and clocks of the boot CPU; @force_stable: option tsc=stable. After cpu_map_ram(). */
void cpu_clock_init(bool force_stable);
/* Start the processors with these APIC ids (the boot CPU's own is skipped), at most MAX_CPUS in all. Each
 * calls upcall_cpu_online(), then runs. Returns how many CPUs are up now. @prepare is called on
 * the boot CPU before each start (e.g. sched_cpu_add); nonzero skips it. */
unsigned cpu_start_others(const uint32_t *apic_ids, unsigned n, int (*prepare)(unsigned cpu),
			  boot_alloc_pages_fn *alloc);
/* The boot CPU becomes an ordinary one: upcall_return(), then guests. */
NORETURN void cpu_enter_guests(void);

/* How the machine is stopped and reset when ACPI says so (hv/boot/acpi.c); tried before the legacy ways. */
struct machine_power {
	uint16_t pm1a_cnt, pm1b_cnt;	/* ports, 0 = none */
	uint16_t slp_typ_a, slp_typ_b;	/* values for S5, shifted and with SLP_EN */
	bool has_reset;
	uint16_t reset_port;
	uint8_t reset_value;
};
extern struct machine_power machine_power;
NORETURN void cpu_power_off(void);

/* Serial console. Polled output; input by uart_read() from the interrupt claimed for its ISA line. */
int uart_init(uint16_t port, unsigned baud) MUST_CHECK;	/* -ENODEV; baud 0: as the firmware left it */
void uart_write(const char *text, size_t n);
int uart_read(void);			/* a byte, or -1 */

NORETURN void boot_main(uint32_t magic, maddr_t info);	/* hv/boot/init.c */
