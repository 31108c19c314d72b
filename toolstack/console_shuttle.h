/* Bytes between this terminal and a console's connection. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "toolstack/console_replay.h"

/* Standard input, raw if it is a terminal. */
struct console_terminal {
	bool is_terminal;
	struct termios saved;
};

/* Make it raw. */
void console_terminal_open(struct console_terminal *t);
/* Have the terminal as it was, at once, whatever it has still to print. */
void console_terminal_close(struct console_terminal *t);
/* Read what was typed at it, without waiting: has the key that detaches been? */
bool console_terminal_detaches(const struct console_terminal *t);

enum console_end {
	CONSOLE_DETACHED, /* Ctrl-], the end of standard input, or a signal */
	CONSOLE_CLOSED,   /* the other end has closed */
};

/* Move bytes until one side ends: enum console_end, or -Exxx of the terminal. @fd does not block. *@number is counted up by
 * what comes from there, of which @replay is filtered. wait_catch_signals() was called. */
int console_shuttle(
	const struct console_terminal *t, int fd, struct console_replay *replay, uint32_t *number);
