/* Shared by the files of start-up that need the real machine (init.c and what it calls). Layer:
 * boot. */
#pragma once
#include "hv/boot/acpi.h"
#include "hv/boot/boot_memory.h"
#include "hv/boot/options.h"

extern struct boot_memory boot_memory;

/* init_memory.c, in this order. All panic when there is not enough memory. */
/* Machine memory, for parsers; before memory_map() only below 4 GiB. */
struct phys memory_phys(void);
/* Note what is in use: the image, low memory, modules. Map all RAM. */
void memory_map(const struct boot_info *info);
/* Frame table and M2P; free RAM becomes free frames. Scratch memory is kept until
 * memory_give_back(). */
void memory_frames(void);
void memory_give_back(void);
/* Frames for one processor's area. {0}: none. */
maddr_t memory_pages(unsigned n);

/* power.c, enter.c and console.c stay in memory after start-up, everything else of hv/boot does
 * not. */
void power_init(const struct acpi_info *acpi, bool no_reboot);
/* Without dom0 nobody would end the machine: power off when the last domain has shut down. */
void power_off_with_last_domain(void);
void console_init(const struct boot_options *o);	/* log and panic texts to the serial port */
void console_start_input(void);				/* after irq_init(); bytes go to dom0 */
/* Give the boot stage's own memory to the page allocator and run guests. */
NORETURN void boot_enter_guests(void);
