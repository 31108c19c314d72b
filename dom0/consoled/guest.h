/* One guest's console: ring, log file, pty.
 *
 * Output goes from the ring to the log and, as far as a console takes it, to the pty; input from
 * the pty to the ring. A guest that floods is drained at RATE_BYTES a second after a burst;
 * meanwhile it waits for room in its own ring. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/consoled/backlog.h"
#include "dom0/consoled/logfile.h"
#include "dom0/consoled/pty.h"
#include "dom0/consoled/ring.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/ring_host.h"

#define RATE_BURST (2u << 20)
#define RATE_BYTES (1u << 20)
#define LOG_BYTES (4u << 20)

struct guest {
	struct guest *next;
	struct loop *loop;
	const struct ring_host *host;
	uint16_t domid;
	uint32_t remote_port, port;
	bool broken;			/* it broke its ring: no longer read */
	struct console_ring ring;
	struct logfile log;
	struct pty pty;
	struct loop_source source;	/* the pty's master */
	struct loop_timer resume;	/* when there is drain to take again */
	uint64_t allowance, allowed_ns;	/* bytes that may be drained now, as of then */
	struct backlog backlog;
};

/* Attach: map the ring, bind the port, open log "guest-@name" in @log_dir and a pty. */
int guest_attach(struct guest **out, struct loop *loop, const struct ring_host *host,
		 uint16_t domid, uint32_t remote_port, const char *name, int log_dir, int dev_dir)
	MUST_CHECK;
/* Drain what is left, then let go of everything; the guest's memory is no longer mapped. */
void guest_detach(struct guest *g);
/* Its port fired. */
void guest_event(struct guest *g);
/* A name fit for a file: @name if it is, else "domain-@domid". */
void guest_file_name(const char *name, uint16_t domid, char out[64]);
