/* What a guest said before, without what would have a terminal answer once more: an answer is typed at the guest. Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { CONSOLE_REPLAY_HELD = 32 };

struct console_replay {
	uint32_t left; /* so many bytes were said before; what follows is not looked at */
	size_t held;   /* of an escape sequence that has not ended */
	char hold[CONSOLE_REPLAY_HELD];
	int in_string; /* amid a string for the terminal, which is not shown */
};

/* Filter @n bytes of @in to @out, which has room for CONSOLE_REPLAY_HELD more than that; return how many. */
size_t console_replay_filter(struct console_replay *r, const char *in, size_t n, char *out);
