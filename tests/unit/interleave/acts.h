/* The operations of the pairs, as hypercalls with their operands by role. x and y of each are told at its name. */
#pragma once
#include "tests/unit/interleave/world.h"

#define AT(table, i)	((unsigned)(table) << 4 | (i))		/* an entry of one's own table */
#define RW(frame)	((unsigned)(frame) << 4 | 3u)		/* a present entry */
#define RO(frame)	((unsigned)(frame) << 4 | 1u)
#define OF(who, x)	((unsigned)(who) << 8 | (x))		/* somebody's ... */

/* acts_memory.c */
act_fn act_pin;			/* frame, level */
act_fn act_unpin;		/* frame */
act_fn act_update;		/* AT(), entry */
act_fn act_update_keep;		/* the same, preserving accessed and dirty */
act_fn act_emulate;		/* the same as an emulated write, which expects what is there */
act_fn act_update_va;		/* page, entry: and flush it everywhere */
act_fn act_foreign;		/* page, OF(who, entry): DOM0 maps another's frame */
act_fn act_visit;		/* the same, looks through it, and lets go */
act_fn act_base, act_user_base;	/* frame */
act_fn act_clear;		/* frame */
act_fn act_descriptor;		/* frame: first descriptor of it */
act_fn act_gdt;			/* frame, or FRAMES: none */
act_fn act_flush;		/* everything of the domain, on every CPU */
act_fn act_walk;		/* entry of L2, frame: hang it there as an L1, look through it, take it out again */
act_fn act_touch;		/* page: load, so that the TLB has it */
act_fn act_store;		/* page, value: the guest's own store; the page-fault code */
act_fn act_poke;		/* AT(), entry: the guest's own store, by machine address; only in prepare() */
act_fn act_populate;		/* number; -ENOMEM if it does not work */
act_fn act_decrease;		/* frame */
act_fn act_exchange;		/* frame */
act_fn act_populate_for;	/* whom, number: DOM0's to give */
act_fn act_release_newcomer;	/* own: what populating gave it */
act_fn act_take;		/* who, frame: DOM0 takes it away and gets it itself */
act_fn act_recycle;		/* give back two neighbours, FREE1 and FREE2, which then become the hypervisor's for a moment */
act_fn act_machphys;		/* frame, number */

/* acts_share.c */
act_fn act_grant;		/* ref, OF(who, frame << 1 | read-only): write the entry */
act_fn act_grant_end;		/* ref: take it back if it is not in use */
act_fn act_map;			/* OF(granter, ref), page << 4 | flags of MAP_*; first handles are 0, 1, ... */
#define MAP_RO 1u
#define MAP_DEVICE 2u
act_fn act_unmap;		/* handle, page */
act_fn act_unmap_device;	/* handle, OF(granter, frame): by its bus address */
act_fn act_copy;		/* OF(granter, ref), own frame << 1 | to the granter */
act_fn act_setup;		/* frames */
act_fn act_alloc;		/* remote: a port */
act_fn act_bind;		/* remote, its port */
act_fn act_virq;		/* number, vCPU */
act_fn act_ipi;			/* vCPU */
act_fn act_close, act_send, act_unmask;	/* port */
act_fn act_port_vcpu;		/* port, vCPU */
act_fn act_port_mask;		/* port: the guest's own store */
act_fn act_reset;

/* acts_domain.c */
act_fn act_kill, act_pause, act_unpause, act_resume;	/* who */
act_fn act_max_mem;		/* who, frames */
act_fn act_fill;		/* who, frame: hypercall page */
act_fn act_shut;		/* who, code: by the control domain */
act_fn act_shutdown;		/* code */
act_fn act_up, act_down;	/* vCPU */
act_fn act_info;		/* vCPU, frame: register vcpu_info */
act_fn act_initialise;		/* vCPU, frame of its L4 */
act_fn act_context;		/* who, OF(vCPU, frame of its L4): by the control domain */
act_fn act_nmi;			/* vCPU */
act_fn act_runstate_area, act_time_area;	/* vCPU, page: registered there */
act_fn act_timer, act_period;	/* microseconds from now; the period */
act_fn act_block;
act_fn act_poll;		/* port */
act_fn act_assist;		/* type */
act_fn act_affinity;		/* who, vCPU */
