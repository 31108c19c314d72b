/* The pairs. A runs on CPU 0, B on CPU 1, as vCPUs of the domains named. */
#include "protocol/sched.h"
#include "protocol/xen.h"
#include "tests/unit/interleave/acts.h"
#include "tests/unit/interleave/explore.h"

/* S1 is an L1, S1 to S4 a pinned tree. */
#define PINNED_L1	{ ALICE, act_pin, S1, 1 }
#define PINNED_L4	{ ALICE, act_pin, S4, 4 }
#define PIN_L1(who)	{ who, act_pin, S1, 1 }
#define UNPIN(who, f)	{ who, act_unpin, f, 0 }
/* BOB may use what ALICE grants as reference 1 (writable) and 2 (read-only). */
#define GRANTED		{ ALICE, act_grant, 1, OF(BOB, FREE1 << 1) }
#define GRANTED_RO	{ ALICE, act_grant, 2, OF(BOB, FREE1 << 1 | 1) }
#define MAP(who, ref, slot, flags) { who, act_map, OF(ALICE, ref), (slot) << 4 | (flags) }
/* Port 1 of ALICE waits for BOB. */
#define OFFERED		{ ALICE, act_alloc, BOB, 0 }
#define JOINED		OFFERED, { BOB, act_bind, ALICE, 1 }

const struct pair pairs[] = {
	/* --- page types --- */
	{ .name = "pin, pin the same L1", PIN_L1(ALICE), PIN_L1(ALICE), MAY_MISS },
	{ .name = "pin L1, pin it as L2", PIN_L1(ALICE), { ALICE, act_pin, S1, 2 }, MAY_MISS },
	{ .name = "pin L4, pin its L2", { ALICE, act_pin, S4, 4 }, { ALICE, act_pin, S2, 2 }, MAY_MISS },
	{ .name = "pin, unpin the same", PIN_L1(ALICE), UNPIN(ALICE, S1), MAY_MISS, .before = { PINNED_L1 } },
	{ .name = "unpin, unpin the same", UNPIN(ALICE, S1), UNPIN(ALICE, S1), 0, .before = { PINNED_L1 } },
	{ .name = "update a table, pin it", { ALICE, act_update, AT(S1, 2), RW(DATA3) }, PIN_L1(ALICE), MAY_MISS },
	{ .name = "update a table, unpin it", { ALICE, act_update, AT(S1, 2), RW(DATA3) }, UNPIN(ALICE, S1), MAY_MISS,
	  .before = { PINNED_L1 } },
	{ .name = "map a table writable, pin it", { ALICE, act_update, AT(L1, SLOT_MORE), RW(S1) }, PIN_L1(ALICE), MAY_MISS },
	{ .name = "update, update the same entry", { ALICE, act_update, AT(L1, 3), RW(DATA1) },
	  { ALICE, act_update, AT(L1, 3), RO(DATA2) }, 0 },
	{ .name = "update, keep the same entry's dirty bit", { ALICE, act_update, AT(L1, 3), RO(DATA3) },
	  { ALICE, act_update_keep, AT(L1, 3), RW(DATA2) }, 0 },
	{ .name = "update, emulated write to the same", { ALICE, act_update, AT(L1, 3), RW(DATA1) },
	  { ALICE, act_emulate, AT(L1, 3), 0 }, MAY_MISS },
	{ .name = "emulated writes to the same", { ALICE, act_emulate, AT(L1, 3), RW(DATA1) },
	  { ALICE, act_emulate, AT(L1, 3), RO(DATA2) }, MAY_MISS },
	{ .name = "update an L2 entry, update it", { ALICE, act_update, AT(L2, 0), RW(S1) }, { ALICE, act_update, AT(L2, 0), 0 },
	  MAY_MISS },
	{ .name = "drop an L2 entry, map through it", { ALICE, act_update, AT(L2, 0), 0 }, { ALICE, act_update_va, 5, RW(DATA1) },
	  MAY_MISS },
	{ .name = "new base, unpin it", { ALICE, act_base, S4, 0 }, UNPIN(ALICE, S4), MAY_MISS, .before = { PINNED_L4 } },
	{ .name = "new base, new base", { ALICE, act_base, S4, 0 }, { ALICE, act_base, S4, 0 }, MAY_MISS },
	{ .name = "new base, new user base", { ALICE, act_base, S4, 0 }, { ALICE, act_user_base, S4, 0 }, MAY_MISS },
	{ .name = "validate in slices, take it", { ALICE, act_pin, S4, 4 }, { ALICE, act_user_base, S4, 0 }, MAY_MISS | SLICES },
	{ .name = "validate in slices, map part writable", { ALICE, act_pin, S4, 4 },
	  { ALICE, act_update, AT(L1, SLOT_MORE), RW(S2) }, MAY_MISS | SLICES },
	{ .name = "let go in slices, pin a part", UNPIN(ALICE, S4), { ALICE, act_pin, S2, 2 }, MAY_MISS | SLICES,
	  .before = { PINNED_L4 } },
	{ .name = "let go in slices, let go of a part", UNPIN(ALICE, S4), UNPIN(ALICE, S2), SLICES,
	  .before = { PINNED_L4, { ALICE, act_pin, S2, 2 } } },
	{ .name = "table from a page, stale store to it", { ALICE, act_pin, S1, 1 }, { ALICE, act_store, SLOT_MORE, 7 },
	  MAY_MISS, .before = { { ALICE, act_update, AT(L1, SLOT_MORE), RW(S1) } }, .touch = SLOT_MORE },
	{ .name = "unmap a page, store to it", { ALICE, act_update_va, 3, 0 }, { ALICE, act_store, 3, 9 }, 0, .touch = 3 },
	{ .name = "descriptors, store to them", { ALICE, act_gdt, FREE1, 0 }, { ALICE, act_store, SLOT_MORE, 7 }, MAY_MISS,
	  .before = { { ALICE, act_update, AT(L1, SLOT_MORE), RW(FREE1) } }, .touch = SLOT_MORE },
	{ .name = "descriptors, pin them as table", { ALICE, act_gdt, FREE1, 0 }, { ALICE, act_pin, FREE1, 1 }, MAY_MISS },
	{ .name = "descriptor, descriptor page let go", { ALICE, act_descriptor, FREE1, 0 }, { ALICE, act_gdt, FREE2, 0 }, MAY_MISS,
	  .before = { { ALICE, act_gdt, FREE1, 0 } } },
	{ .name = "clear a page, pin it", { ALICE, act_clear, S1, 0 }, PIN_L1(ALICE), MAY_MISS },

	/* --- memory --- */
	{ .name = "release, map the frame", { ALICE, act_decrease, FREE1, 0 }, { ALICE, act_update, AT(L1, SLOT_MORE), RW(FREE1) }, 0 },
	{ .name = "release, pin the frame", { ALICE, act_decrease, FREE1, 0 }, { ALICE, act_pin, FREE1, 1 }, MAY_MISS },
	{ .name = "release, release the frame", { ALICE, act_decrease, FREE1, 0 }, { ALICE, act_decrease, FREE1, 0 }, 0 },
	{ .name = "release, foreign map", { ALICE, act_decrease, FREE1, 0 },
	  { DOM0, act_foreign, SLOT_MORE, OF(ALICE, RW(FREE1)) }, 0 },
	{ .name = "release, number the frame", { ALICE, act_decrease, FREE1, 0 }, { ALICE, act_machphys, FREE1, 5 }, 0 },
	{ .name = "exchange, grant map", { DOM0, act_exchange, FREE1, 0 }, { BOB, act_map, OF(DOM0, 1), SLOT_MAPS << 4 }, AUDITED,
	  .before = { { DOM0, act_grant, 1, OF(BOB, FREE1 << 1) } } },
	{ .name = "exchange, map the frame", { DOM0, act_exchange, FREE1, 0 },
	  { DOM0, act_update, AT(L1, SLOT_MORE), RW(FREE1) }, AUDITED },
	{ .name = "populate, populate up to the limit", { ALICE, act_populate, 20, 0 }, { ALICE, act_populate, 21, 0 }, 0,
	  .before = { { ALICE, act_populate, 19, 0 } } },
	{ .name = "populate, kill", { ALICE, act_populate, 20, 0 }, { DOM0, act_kill, ALICE, 0 }, PARTS | LONG },
	{ .name = "populate, lower the limit", { ALICE, act_populate, 20, 0 }, { DOM0, act_max_mem, ALICE, FRAMES }, 0 },

	/* --- grants --- */
	{ .name = "map, map the same grant", MAP(BOB, 1, SLOT_MAPS, 0), MAP(BOB, 1, SLOT_MORE, 0), MAY_MISS, .before = { GRANTED } },
	{ .name = "map to the same slot", MAP(BOB, 1, SLOT_MAPS, 0), MAP(BOB, 2, SLOT_MAPS, MAP_RO), MAY_MISS,
	  .before = { GRANTED, GRANTED_RO } },
	{ .name = "map, update the slot", MAP(BOB, 1, SLOT_MAPS, 0), { BOB, act_update, AT(L1, SLOT_MAPS), RW(DATA1) }, MAY_MISS,
	  .before = { GRANTED } },
	{ .name = "map, take the grant back", MAP(BOB, 1, SLOT_MAPS, 0), { ALICE, act_grant_end, 1, 0 }, MAY_MISS,
	  .before = { GRANTED } },
	{ .name = "map, granter pins the frame", MAP(BOB, 1, SLOT_MAPS, 0), { ALICE, act_pin, FREE1, 1 }, MAY_MISS,
	  .before = { GRANTED } },
	{ .name = "map, granter releases the frame", MAP(BOB, 1, SLOT_MAPS, 0), { ALICE, act_decrease, FREE1, 0 }, MAY_MISS,
	  .before = { GRANTED } },
	{ .name = "map, granter dies", MAP(BOB, 1, SLOT_MAPS, 0), { DOM0, act_kill, ALICE, 0 }, PARTS | LONG | MAY_MISS,
	  .before = { GRANTED } },
	{ .name = "map, mapper dies", { DOM0, act_kill, BOB, 0 }, MAP(BOB, 1, SLOT_MAPS, 0), PARTS | LONG | MAY_MISS,
	  .before = { GRANTED } },
	{ .name = "unmap, granter dies", { BOB, act_unmap, 0, SLOT_MAPS }, { DOM0, act_kill, ALICE, 0 }, PARTS | LONG,
	  .before = { GRANTED, MAP(BOB, 1, SLOT_MAPS, 0) } },
	{ .name = "unmap, unmap the same handle", { BOB, act_unmap, 0, SLOT_MAPS }, { BOB, act_unmap, 0, SLOT_MAPS }, 0,
	  .before = { GRANTED, MAP(BOB, 1, SLOT_MAPS, 0) } },
	{ .name = "unmap, map into the slot", { BOB, act_unmap, 0, SLOT_MAPS }, MAP(BOB, 2, SLOT_MAPS, MAP_RO), MAY_MISS,
	  .before = { GRANTED, GRANTED_RO, MAP(BOB, 1, SLOT_MAPS, 0) } },
	{ .name = "unmap, map the same grant", { BOB, act_unmap, 0, SLOT_MAPS }, MAP(BOB, 1, SLOT_MORE, 0), MAY_MISS,
	  .before = { GRANTED, MAP(BOB, 1, SLOT_MAPS, 0) } },
	{ .name = "unmap, store through the mapping", { BOB, act_unmap, 0, SLOT_MAPS }, { BOB, act_store, SLOT_MAPS, 11 }, 0,
	  .before = { GRANTED, MAP(BOB, 1, SLOT_MAPS, 0) }, .touch = SLOT_MAPS },
	{ .name = "unmap, take the grant back", { BOB, act_unmap, 0, SLOT_MAPS }, { ALICE, act_grant_end, 1, 0 }, 0,
	  .before = { GRANTED, MAP(BOB, 1, SLOT_MAPS, 0) } },
	{ .name = "unmap, granter pins the frame", { BOB, act_unmap, 0, SLOT_MAPS }, { ALICE, act_pin, FREE1, 1 }, MAY_MISS,
	  .before = { GRANTED, MAP(BOB, 1, SLOT_MAPS, 0) } },
	{ .name = "copy, copy the other way", { BOB, act_copy, OF(ALICE, 1), DATA1 << 1 },
	  { BOB, act_copy, OF(ALICE, 1), DATA2 << 1 | 1 }, MAY_MISS, .before = { GRANTED } },
	{ .name = "copy, kill", { BOB, act_copy, OF(ALICE, 1), DATA1 << 1 }, { DOM0, act_kill, ALICE, 0 }, PARTS | LONG | MAY_MISS,
	  .before = { GRANTED } },
	{ .name = "copy, granter pins the frame", { BOB, act_copy, OF(ALICE, 1), DATA1 << 1 | 1 }, { ALICE, act_pin, FREE1, 1 },
	  MAY_MISS, .before = { GRANTED } },
	{ .name = "grow the table, grow it", { ALICE, act_setup, 2, 0 }, { ALICE, act_setup, 2, 0 }, 0 },
	{ .name = "grow the table, kill", { ALICE, act_setup, 2, 0 }, { DOM0, act_kill, ALICE, 0 }, PARTS | LONG },

	/* --- events --- */
	{ .name = "bind, bind the same port", { BOB, act_bind, ALICE, 1 }, { BOB, act_bind, ALICE, 1 }, 0, .before = { OFFERED } },
	{ .name = "bind, close the offer", { BOB, act_bind, ALICE, 1 }, { ALICE, act_close, 1, 0 }, 0, .before = { OFFERED } },
	{ .name = "bind both ways", { ALICE, act_bind, BOB, 1 }, { BOB, act_bind, ALICE, 1 }, 0,
	  .before = { OFFERED, { BOB, act_alloc, ALICE, 0 } } },
	{ .name = "send, close the far end", { ALICE, act_send, 1, 0 }, { BOB, act_close, 1, 0 }, 0, .before = { JOINED } },
	{ .name = "send, send to the same", { ALICE, act_send, 1, 0 }, { BOB, act_send, 1, 0 }, 0, .before = { JOINED } },
	{ .name = "send, unmask", { ALICE, act_send, 1, 0 }, { BOB, act_unmask, 1, 0 }, 0,
	  .before = { JOINED, { BOB, act_port_mask, 1, 0 } } },
	{ .name = "send, move the port", { ALICE, act_send, 1, 0 }, { BOB, act_port_vcpu, 1, 1 }, 0, .before = { JOINED } },
	{ .name = "close both ends", { ALICE, act_close, 1, 0 }, { BOB, act_close, 1, 0 }, 0, .before = { JOINED } },
	{ .name = "reset, bind to it", { ALICE, act_reset, 0, 0 }, { BOB, act_bind, ALICE, 1 }, PARTS, .before = { OFFERED } },
	{ .name = "reset both", { ALICE, act_reset, 0, 0 }, { BOB, act_reset, 0, 0 }, PARTS, .before = { JOINED } },
	{ .name = "offer, kill", { ALICE, act_alloc, BOB, 0 }, { DOM0, act_kill, ALICE, 0 }, PARTS | LONG },
	{ .name = "send, kill", { BOB, act_send, 1, 0 }, { DOM0, act_kill, ALICE, 0 }, PARTS | LONG, .before = { JOINED } },
	{ .name = "bind a VIRQ twice", { ALICE, act_virq, VIRQ_TIMER, 1 }, { ALICE, act_virq, VIRQ_TIMER, 1 }, 0 },
	{ .name = "bind a VIRQ, shut another down", { DOM0, act_virq, VIRQ_DOM_EXC, 0 }, { ALICE, act_shutdown, SHUTDOWN_poweroff, 0 }, 0 },

	/* --- vCPUs and domains --- */
	{ .name = "register vcpu_info twice", { ALICE, act_info, 1, FREE1 }, { ALICE, act_info, 1, FREE2 }, MAY_MISS },
	{ .name = "register vcpu_info, send to it", { ALICE, act_info, 0, FREE1 }, { BOB, act_send, 1, 0 }, PARTS, .before = { JOINED } },
	{ .name = "bring up, bring down", { ALICE, act_up, 1, 0 }, { BOB, act_nmi, 0, 0 }, 0 },
	{ .name = "block, send", { ALICE, act_block, 0, 0 }, { BOB, act_send, 1, 0 }, 0, .before = { JOINED } },
	{ .name = "poll, send", { ALICE, act_poll, 1, 0 }, { BOB, act_send, 1, 0 }, 0, .before = { JOINED } },
	{ .name = "kill, hypercall", { DOM0, act_kill, ALICE, 0 }, { ALICE, act_update, AT(L1, 3), RW(DATA1) }, PARTS | LONG },
	{ .name = "kill, pin", { DOM0, act_kill, ALICE, 0 }, { ALICE, act_pin, S4, 4 }, PARTS | LONG },
	{ .name = "kill, foreign map", { DOM0, act_kill, ALICE, 0 }, { DOM0, act_foreign, SLOT_MORE, OF(ALICE, RW(FREE1)) }, PARTS | LONG },
	{ .name = "kill, kill", { DOM0, act_kill, ALICE, 0 }, { DOM0, act_kill, ALICE, 0 }, PARTS | LONG },
	{ .name = "pause, hypercall", { DOM0, act_pause, ALICE, 0 }, { ALICE, act_pin, S1, 1 }, PARTS },
	{ .name = "pause, unpause", { DOM0, act_pause, ALICE, 0 }, { DOM0, act_unpause, ALICE, 0 }, PARTS },
	{ .name = "pause, shutdown", { DOM0, act_pause, ALICE, 0 }, { ALICE, act_shutdown, SHUTDOWN_reboot, 0 }, PARTS },
	{ .name = "shutdown, resume", { ALICE, act_shutdown, SHUTDOWN_suspend, 0 }, { DOM0, act_resume, ALICE, 0 }, PARTS },
	{ .name = "shutdown, shut down by control", { ALICE, act_shutdown, SHUTDOWN_poweroff, 0 },
	  { DOM0, act_shut, ALICE, SHUTDOWN_crash }, PARTS | LAST_WINS },
	{ .name = "set a context, unpin its table", { DOM0, act_context, ALICE, OF(1, S4) }, UNPIN(ALICE, S4), MAY_MISS,
	  .before = { PINNED_L4 } },
	{ .name = "set a context, kill", { DOM0, act_context, ALICE, OF(1, S4) }, { DOM0, act_kill, ALICE, 0 }, PARTS | LONG },
	{ .name = "hypercall page, pin the frame", { DOM0, act_fill, ALICE, FREE1 }, { ALICE, act_pin, FREE1, 1 }, MAY_MISS },
	{ .name = "affinity, send", { DOM0, act_affinity, ALICE, 1 }, { BOB, act_send, 1, 0 }, 0, .before = { JOINED } },
};
const unsigned pair_count = sizeof pairs / sizeof pairs[0];
