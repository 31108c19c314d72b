/* The end of the machine: power off, reboot, halt. Stays in memory after start-up.
 *
 * dom0's ACPI interpreter names the values for soft-off (machine.sleep_a and _b); without it
 * those found by acpi.c are used. A crash of dom0 reboots unless the option noreboot is given. */
#include "hv/base/atomic.h"
#include "hv/boot/boot.h"
#include "hv/core/timer.h"
#include "hv/cpu/machine.h"
#include "hv/dom/domain.h"
#include "protocol/sched.h"

static bool halt_on_crash;
static void (*state_changed_next)(void);
static struct timer last_domain_timer;

static void power_shutdown(unsigned code)
{
	switch (code) {
	case SHUTDOWN_poweroff:
		log_info("power off");
		if (machine.sleep_a) {
			machine_power.slp_typ_a = machine.sleep_a;
			machine_power.slp_typ_b = machine.sleep_b;
		}
		cpu_power_off();
	case SHUTDOWN_crash:
		log_err("dom0 crashed: %s", halt_on_crash ? "halting" : "rebooting");
		cpu_stop_machine(!halt_on_crash);
	default:
		log_info("reboot");
		cpu_stop_machine(true);
	}
}

void power_init(const struct acpi_info *acpi, bool no_reboot)
{
	machine_power = (struct machine_power){.pm1a_cnt = acpi->pm1a_control,
		.pm1b_cnt = acpi->pm1b_control,
		.slp_typ_a = acpi->s5_a,
		.slp_typ_b = acpi->s5_b,
		.has_reset = acpi->has_reset,
		.reset_port = acpi->reset_port,
		.reset_value = acpi->reset_value};
	halt_on_crash = no_reboot;
	machine_shutdown = power_shutdown;
}

/* A timer, because domains change state under locks that come after the domain list's. */
static void last_domain_check(void *arg)
{
	bool any = false;
	struct domain *next;

	(void)arg;
	for (struct domain *d = domain_next(0); d; d = next) {
		any |= !READ_ONCE(d->is_shut_down) && !domain_is_dying(d);
		next = domain_next((domid_t)(d->id + 1u));
		domain_put(d);
	}
	if (!any)
		power_shutdown(SHUTDOWN_poweroff);
}

static void state_changed(void)
{
	if (state_changed_next)
		state_changed_next();
	timer_set(&last_domain_timer, 0);
}

void power_off_with_last_domain(void)
{
	timer_init(&last_domain_timer, last_domain_check, NULL, 0);
	state_changed_next = domain_state_changed;
	domain_state_changed = state_changed;
}
