/* One console of a guest's: ring, log file, scrollback, and who is attached.
 *
 * Output goes from the ring to the log and the scrollback, from which each viewer takes it as it can; what any viewer
 * types goes to the ring while there is room. A guest that floods is drained at RATE_BYTES a second after a burst;
 * meanwhile it waits for room in its own ring. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "dom0/consoled/logfile.h"
#include "dom0/consoled/pty.h"
#include "dom0/consoled/scrollback.h"
#include "dom0/consoled/viewer.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/ring_host.h"
#include "pvdrivers/con_back.h"

#define RATE_BURST (2u << 20)
#define RATE_BYTES (1u << 20)
#define LOG_BYTES (4u << 20)

/* Whose console, which, and where its ring is. */
struct guest_ring {
	uint16_t domid;
	uint32_t number;		/* 0: the first, which every guest has */
	uint32_t ref, port;		/* the page's grant, the guest's event channel */
};

struct guest {
	struct guest *next;
	struct loop *loop;
	const struct ring_host *host;
	uint16_t domid;
	uint32_t number;
	uint32_t port;			/* our end */
	bool told_broken;		/* it broke its ring, which is not looked at any more, and that was logged */
	void *page;
	struct con_back con;
	struct logfile log;
	struct scrollback scrollback;
	struct pty pty;
	struct viewer tty;		/* the pty, which is always there */
	struct viewer *viewers;		/* connections */
	struct loop_timer resume;	/* when there is more to drain */
};

/* Attach: map the ring, bind the port, open the log of the guest @name in @log_dir and a pty. What a predecessor has read
 * of the ring is taken from the log into the scrollback. */
int guest_attach(struct guest **out, struct loop *loop, const struct ring_host *host, const struct guest_ring *ring,
		 const char *name, int log_dir, int dev_dir) MUST_CHECK;
/* Drain what is left, then let go of everything; the guest's memory is no longer mapped. */
void guest_detach(struct guest *g);
/* Its port fired. */
void guest_event(struct guest *g);
/* Move what can be read from @fd to the guest, as far as there is room: > 0, how many bytes; 0: @fd ended; -EAGAIN:
 * nothing to read, or no room; another error of @fd. */
ssize_t guest_type(struct guest *g, int fd) MUST_CHECK;
/* Say whether the guest would take input. */
bool guest_has_room(struct guest *g);
/* A name fit for a file: "guest-@name" if that is one, else "guest-domain-@domid"; with ":@number", which no guest's name
 * has, but for the first console. */
void guest_file_name(const char *name, uint16_t domid, uint32_t number, char out[64]);
