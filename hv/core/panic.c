/* The end: say what happened, show where, stop the machine.
 *
 * Rules: takes no lock (the log's may be ours); other CPUs are stopped by cpu_stop_machine(); a
 * second panic while the first prints just halts. "noreboot" keeps the machine halted. */
#include "hv/base/atomic.h"
#include "hv/base/string.h"
#include "hv/core/panic.h"
#include "hv/cpu/cpu.h"
#include "hv/cpu/upcall.h"

static uint32_t panics;
static void (*panic_console)(const char *text, size_t n);
static bool panic_reboots;

void panic_init(void (*console)(const char *text, size_t n), bool reboot)
{
	panic_console = console;
	panic_reboots = reboot;
}

void panic(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	if (ATOMIC_ADD(&panics, 1u) > 0)
		cpu_halt_forever();
	size_t n = format_string(line, sizeof line, "\n(hv) PANIC on CPU %u: ", cpu_id());
	va_start(ap, fmt);
	n += format_string_v(line + n, sizeof line - n - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	if (panic_console)
		panic_console(line, n);
	cpu_print_state();
	cpu_stop_machine(panic_reboots);
}

void upcall_panic(const char *why)
{
	panic("%s", why);
}
