/* Between `bothy console` and consoled: a stream socket in dom0, which only root can connect to.
 *
 * The client says whose console it wants, consoled answers; after that bytes are the console's, both ways, and first those
 * that the guest said before. What a guest says is numbered from its start, modulo 2^32, as its ring's indices are, so
 * that a client that attaches again gets what it has not got yet. Who ends, closes: consoled when the guest is gone, when it
 * dies itself, and for a client that takes less than the guest says; the client looks which. */
#pragma once
#include <stdint.h>

#define CONSOLE_SOCKET		"/run/bothy/console"
#define CONSOLE_MAGIC		0x626f7432u	/* of this form of messages */
/* Numbers of consoles beside the first, as many as Linux's hvc has room for. */
#define CONSOLE_NUMBER_MAX	15u
/* What is kept of what a guest said. */
#define CONSOLE_SCROLLBACK	65536u

/* Sent whole, by one call. */
struct console_hello {
	uint32_t magic;
	uint32_t domid;
	uint32_t again;		/* 0: all that is kept; 1: from number @from on */
	uint32_t from;
	uint32_t number;	/* which of the domain's consoles; 0: its first */
};

struct console_welcome {
	uint32_t magic;
	int32_t err;		/* 0; -ENOENT: no such console of that domain, perhaps not yet; -EBUSY: too many are attached;
				 * -EPROTO: not such a hello. But for 0 the connection ends */
	uint32_t from;		/* the number of the first byte that follows */
	uint32_t replay;	/* so many bytes follow that were said before */
	uint32_t others;	/* who are attached as well */
};
