/* The replay kernel: what its players and its coordinator share. See replay.c.
 *
 * A domain's box is memory that its vCPUs and the coordinator both see: a page with a seat for each vCPU, then each
 * vCPU's window, where the arguments of its hypercalls are. All domains run the same image, so a window has the same
 * address in each. */
#pragma once
#include <stdint.h>
#include "tests/fuzz/op.h"

#define BOX_READY	0x1d1e5ea7u
#define WINDOW_BYTES	8192u
#define BOX_PAGES	(1u + VCPUS * WINDOW_BYTES / 4096u)

/* What the coordinator sends at boot as dom0's initrd, before the operations. Of an operation's bytes `cut` says
 * something else here. */
struct replay_list {
	char magic[8];
	uint32_t count, slots, frame_max;
	uint32_t dump_at;		/* print the whole state after this operation */
	struct op op[];
};
#define REPLAY_MAGIC	"replay01"
#define REPLAY_SKIP	0x01		/* in op.cut: the vCPU cannot act then */

/* One vCPU's orders: turn != done means that they are to be carried out. */
struct seat {
	volatile uint32_t turn, done;
	uint32_t what, n;
	uint64_t nr, arg[6];
	uint64_t va, val;
	int64_t rc;			/* of an access: 0, SEAT_FAULT with the page-fault code, or another vector */
	uint64_t value;
};
#define SEAT_FAULT	0x10000u
enum seat_what {
	SEAT_CALL,	/* hypercall nr(arg) */
	SEAT_BASE,	/* the same, a new kernel base: frame val */
	SEAT_COPY,	/* the same, a page copied to frame val */
	SEAT_LOAD,	/* from va */
	SEAT_STORE,	/* val to va by instruction n: STORE_* */
};

struct box {
	union {
		struct {
			volatile uint32_t ready;	/* BOX_READY */
			volatile uint32_t serving[VCPUS];
			uint64_t home, grant_frame, pool[POOL];
			uint64_t page[BOX_PAGES];	/* frames of the box */
			struct seat seat[VCPUS];
		};
		uint8_t first[4096];
	};
	uint8_t window[VCPUS][WINDOW_BYTES];
};
_Static_assert(sizeof(struct box) == BOX_PAGES * 4096, "the seats fit into a page");
extern struct box box;		/* this domain's */

/* player.c: become slot's domain: pool, home, box. Then vCPU 1 and @body's vCPU serve their seats for ever. */
void player_prepare(void);
_Noreturn void player_serve(void);
/* coordinator.c: on a vCPU of dom0 that plays no part, with page tables of its own. */
_Noreturn void coordinator_run(void);
