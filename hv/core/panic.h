/* Our own bugs: assertions and panic; and a start that has to be given up. Layer: core (usable from mem up; cpu has its own).
 * A guest must never be able to reach either: use domain_crash() for hostile guests. */
#pragma once
#include "hv/base/types.h"

/* Stop all other CPUs, print the message, whose work this CPU did, registers and backtrace to console and
 * log, then reboot or halt. */
NORETURN void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The machine cannot be started, by no fault of ours: print the message alone, then go on as panic() does. */
NORETURN void give_up(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Where panics are printed (no locks are taken), and whether the machine reboots PANIC_REBOOT_S later. */
#define PANIC_REBOOT_S 5
void panic_init(void (*console)(const char *text, size_t n), bool reboot);

/* Kept in release builds. No side effects in the condition. */
#define ASSERT(cond) \
	do { if (UNLIKELY(!(cond))) panic("assertion '%s' in %s (%s:%d)", #cond, __func__, __FILE__, __LINE__); } while (0)
