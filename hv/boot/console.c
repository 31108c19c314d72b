/* The machine's console: output of the log, input for dom0. Stays in memory after start-up. */
#include "hv/boot/boot.h"
#include "hv/call/call.h"
#include "hv/core/panic.h"
#include "hv/cpu/machine.h"
#include "hv/pv/pv.h"

static uint8_t input_irq;	/* ISA line of the serial port; 0: none */

static void console_input_ready(void)
{
	char text[64];
	size_t n = 0;
	int c;

	while (n < sizeof text && (c = uart_read()) >= 0)
		text[n++] = (char)c;
	if (n)
		console_input(text, n);
}

void console_init(const struct boot_options *o)
{
	const struct serial_options *s = &o->com[o->console_com];

	log_set_levels(o->host_log, o->guest_log);
	panic_init(NULL, !o->no_reboot);
	if (!o->console_serial || uart_init(s->port, s->baud) < 0)
		return;
	input_irq = s->irq;
	log_set_console(uart_write);
	panic_init(uart_write, !o->no_reboot);
	pv_port_reserve(s->port, (uint16_t)(s->port + 7));
}

void console_start_input(void)
{
	if (input_irq && irq_claim_gsi(irq_isa_to_gsi(input_irq), console_input_ready) < 0)
		log_warn("the serial port's interrupt %u cannot be used: no console input",
			input_irq);
}
