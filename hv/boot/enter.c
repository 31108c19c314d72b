/* From start-up to running guests. Stays in memory: the rest of hv/boot is given away here. */
#include "hv/boot/boot.h"
#include "hv/cpu/machine.h"
#include "hv/cpu/upcall.h"
#include "hv/dom/sched.h"
#include "hv/mem/frame.h"

void upcall_cpu_online(void)
{
	sched_cpu_start();
}

void boot_enter_guests(void)
{
	maddr_t start, end;

	cpu_boot_stage_range(&start, &end);
	cpu_drop_boot_stage();
	frame_table_add_ram(maddr_to_mfn(start), (end.a - start.a) >> PAGE_SHIFT);
	log_info("%lu of %lu MiB of memory are free", frame_free_count() >> 8,
		frame_total_count() >> 8);
	cpu_enter_guests();
}
