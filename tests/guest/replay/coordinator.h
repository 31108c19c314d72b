/* The replay kernel's coordinator: what its files share. control.c talks to the hypervisor, view.c to the shared code;
 * their headers do not mix. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "tests/fuzz/act.h"
#include "tests/guest/replay/replay.h"

/* --- control.c: dom0's rights over the other domains --- */
struct control_info { uint64_t frames, shared_info; bool is_there, shut_down, crashed; };
struct control_info control_info(unsigned domid);
void control_max_frames(unsigned domid, uint64_t frames);
bool control_unpause(unsigned domid);			/* if it is paused by control */
struct control_vcpu { bool online, blocked; };
struct control_vcpu control_vcpu(unsigned domid, unsigned vcpu);
void control_up(unsigned vcpu);				/* one of dom0's */
void control_wake(unsigned domid, unsigned vcpu);	/* by an NMI, whose handler does nothing; harmless if it does not sleep */
/* The level of table (0: none) that frame @m of @domid is. */
unsigned control_frame_level(unsigned domid, uint64_t m, bool *pinned);
/* Map frame @m of @domid at @va, a page of va_alloc(); @m of ~0: nothing. False: refused. */
bool control_map(void *va, unsigned domid, uint64_t m, bool writable);
/* Have @s carried out by vCPU @vcpu of @domid. False: it will not come back: it is down now, or its domain has shut
 * down. */
bool control_turn(struct seat *s, unsigned domid, unsigned vcpu);
_Noreturn void control_end(const char *why);	/* NULL: all is well */
void *control_page(void);			/* an address for control_map(), in sequence */
uint64_t control_time_ns(void);

/* --- view.c: the hosted world's state, for the code shared with it --- */
struct birth { uint16_t domid; struct box *box; uint64_t shared_info, overhead; };
void view_start(const struct replay_list *l, uint64_t hv_frame);
void view_birth(unsigned slot, const struct birth *b);
/* Operation @i, played from beginning to end, and told. */
void view_play(unsigned i, const struct op *o, bool dump);
