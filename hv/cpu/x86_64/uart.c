/* The serial console: a 16550 UART, output polled, input by interrupt. Spec: 16550D data sheet. */
#include "hv/base/errno.h"
#include "hv/cpu/x86_64/internal.h"

enum { UART_DATA, UART_IER, UART_FCR, UART_LCR, UART_MCR, UART_LSR };
#define LSR_READY	0x01
#define LSR_EMPTY	0x20
#define LCR_DLAB	0x80
#define LCR_8N1		0x03
#define UART_CLOCK	115200u

static uint16_t uart_port;

int uart_init(uint16_t port, unsigned baud)
{
	if (port_in8((uint16_t)(port + UART_LSR)) == 0xff)
		return -ENODEV;
	port_out8((uint16_t)(port + UART_IER), 0);
	if (baud) {
		unsigned divisor = UART_CLOCK / baud;
		port_out8((uint16_t)(port + UART_LCR), LCR_DLAB | LCR_8N1);
		port_out8((uint16_t)(port + UART_DATA), (uint8_t)divisor);
		port_out8((uint16_t)(port + UART_IER), (uint8_t)(divisor >> 8));
	}
	port_out8((uint16_t)(port + UART_LCR), LCR_8N1);
	port_out8((uint16_t)(port + UART_FCR), 0x07);	/* FIFOs on and cleared */
	port_out8((uint16_t)(port + UART_MCR), 0x0b);	/* DTR, RTS, interrupt line enabled */
	port_out8((uint16_t)(port + UART_IER), 0x01);	/* interrupt on input */
	uart_port = port;
	return 0;
}

static void uart_put(char c)
{
	for (unsigned i = 0; i < 100000 && !(port_in8((uint16_t)(uart_port + UART_LSR)) & LSR_EMPTY); i++)
		__builtin_ia32_pause();
	port_out8((uint16_t)(uart_port + UART_DATA), (uint8_t)c);
}

void uart_write(const char *text, size_t n)
{
	if (!uart_port)
		return;
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			uart_put('\r');
		uart_put(text[i]);
	}
}

int uart_read(void)
{
	if (!uart_port || !(port_in8((uint16_t)(uart_port + UART_LSR)) & LSR_READY))
		return -1;
	return port_in8((uint16_t)(uart_port + UART_DATA));
}
