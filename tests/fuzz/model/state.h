/* What the files of the model share: the whole state as flat arrays, and the questions asked of
 * it.
 *
 * Nothing is counted as it comes and goes. Which uses a frame has (struct uses) is found by
 * looking through all pins, base pointers, descriptor tables, grant mappings and entries of
 * tables, from the top down, after every change. */
#pragma once
#include <string.h>
#include "protocol/xen.h"
#include "tests/fuzz/model.h"

#define M_FRAMES	256u		/* RAM at most */
#define M_DOMAINS	24u		/* alive, and dead ones of which something remains */
#define M_HANDLES	128u		/* of each domain: one frame of map-track */
#define M_TRACKS	(SLOTS * M_HANDLES)
#define M_PORT_END	(PORTS + 1)	/* ports are 1.. */
#define M_GRANT_FRAMES	2u
#define M_REFS_PER_FRAME 512u
#define M_GDT		14u
#define M_LDT		16u
#define M_PINS		255u		/* readers, or writers, of a grant */
#define M_PFN_LIMIT	(1ull << 40)
#define M_ADDRESS_BITS	40u		/* of the modelled CPU */
#define M_ID_EMPTY	48u		/* + slot: number of a slot that was never filled */

#define NOBODY		0xfffeu		/* owner of a free frame */
#define HYPERVISOR	DOMID_XEN	/* owner of its own */

/* Bits of entries. */
#define E_PRESENT	(1ull << 0)
#define E_WRITE		(1ull << 1)
#define E_USER		(1ull << 2)
#define E_CACHE		(1ull << 3 | 1ull << 4)		/* above L1; there with PSE, which is PAT */
#define E_AD		(3ull << 5)
#define E_PSE		(1ull << 7)
#define E_GLOBAL	(1ull << 8)
#define E_GRANT		(1ull << 62)
#define E_NX		(1ull << 63)
#define E_AVAIL		(7ull << 9 | 0x7f0000000000000ull)	/* 59..62: keys */
#define E_ADDRESS	0x000ffffffffff000ull
static inline uint64_t e_frame(uint64_t e) { return (e & E_ADDRESS) >> 12; }

enum { M_EPERM = -1, M_ENOENT = -2, M_ESRCH = -3, M_ENOMEM = -12, M_EFAULT = -14, M_EBUSY = -16,
       M_EEXIST = -17, M_EINVAL = -22, M_ENOSPC = -28, M_EOVERFLOW = -75 };

/* What a frame is used as. */
enum use { U_NONE, U_WRITABLE, U_SEGDESC, U_L1, U_L2, U_L3, U_L4 };
static inline enum use use_table(unsigned level) { return (enum use)(U_L1 + level - 1); }

struct m_frame {
	uint64_t m2p;
	uint16_t owner;		/* domain number, NOBODY, HYPERVISOR */
	uint8_t pinned;		/* as a table of that level; 0: not */
	bool allocated;		/* to its owner; a shared one: as long as the hypervisor keeps it */
	bool shared;
	bool junk;		/* words that are not followed may be other than zero */
	bool any_loose;
	/* A table whose check or release was abandoned half way (its vCPU stopped): entries
	 * below cursor hold, and the one at it if part_holds (its child is such a table itself). */
	uint8_t part;		/* level, 0: not */
	bool part_down, part_top, part_queued, part_holds;
	uint16_t cursor;
	uint64_t loose[8];	/* bit n: word n is written by others than the operations */
};

enum port_is { P_FREE, P_UNBOUND, P_INTERDOMAIN, P_PIRQ, P_VIRQ, P_IPI };
struct m_port {
	uint8_t is, vcpu;
	uint16_t detail;	/* UNBOUND: for whom; VIRQ: which */
	uint16_t remote;	/* INTERDOMAIN: domain and port of the other end */
	uint16_t number;
};

struct m_vcpu {
	bool down, asleep;	/* asleep: blocked or polling, as the core said last */
	uint64_t kernel, user;	/* base pointers; 0: none */
	uint64_t gdt[M_GDT], ldt[M_LDT];
	unsigned gdt_pages, ldt_pages;
	uint64_t info;		/* frame of a registered vcpu_info, or NO_FRAME */
	unsigned info_offset;
	uint64_t area[2];	/* addresses of runstate and clock areas; 0: none */
};

struct m_domain {
	bool used, control;
	bool dying;		/* being killed */
	bool dead;		/* killed; others hold frames of it, or grants */
	bool paused, shut;
	bool odd;		/* made raw hypercalls: may have lost its handlers */
	uint16_t id;
	uint8_t slot;
	uint64_t frame_max, shared_info;
	uint64_t grant[M_GRANT_FRAMES];
	unsigned grants;	/* shared frames it has */
	struct m_vcpu vcpu[VCPUS];
	struct m_port port[M_PORT_END];
};

struct m_track {		/* a grant that is mapped */
	uint16_t mapper, granter;
	uint32_t ref, handle;
	uint64_t frame, host_addr;
	uint64_t slot;		/* HOST: machine address where the entry was set */
	bool host, device, readonly;
};

struct uses {
	uint16_t refs[M_FRAMES], count[M_FRAMES];
	uint8_t type[M_FRAMES];		/* enum use; of the count */
};

struct model {
	struct model_limits limit;
	unsigned stride;		/* words followed of each frame */
	unsigned table_words;		/* the first of them that are entries of tables */
	bool relaxed;			/* two operations overlapped */
	bool forgiving;			/* one was turned away; its checks changed bits */
	bool early;			/* both had walked their tables before either changed one */
	bool held;			/* what one gives up is there, and a table, until both have ended */
	bool lost;			/* it cannot be told: the core's state is taken */
	bool stale;			/* uses are to be found again */
	bool in_doubt;			/* words that are not followed decided; compare.c looks */
	unsigned parts;			/* frames with .part */
	unsigned free_frames;		/* as the core said last */
	uint64_t blind;			/* operations after which the state was taken over */
	const char *wrong;
	uint16_t slot_id[SLOTS];	/* number of the domain that lives or lived there last */
	struct uses u;
	uint8_t walked[M_FRAMES];	/* could be walked as a table up to the last operation */
	unsigned domain_end;			/* of those in use */
	struct m_domain domain[M_DOMAINS];
	struct m_frame f[M_FRAMES];
	unsigned tracks;
	struct m_track track[M_TRACKS];
	uint64_t word[M_FRAMES * 512];	/* of frame f from f * stride on */
};

/* --- words.c: contents --- */
/* Which of the words followed has this index in a frame; -1: it is not followed. */
int word_slot(const struct model *m, unsigned index);
unsigned word_index(const struct model *m, unsigned slot);
static inline uint64_t *words(struct model *m, uint64_t f) { return &m->word[f * m->stride]; }
static inline const uint64_t *words_of(const struct model *m, uint64_t f)
{
	return &m->word[f * m->stride];
}
void word_set(struct model *m, uint64_t f, unsigned index, uint64_t value);
/* 0 for one that is not followed. */
uint64_t word_get(const struct model *m, uint64_t f, unsigned index);
void words_zero(struct model *m, uint64_t f);
void words_clone(struct model *m, uint64_t to, uint64_t from, unsigned bytes);
void loose_mark(struct m_frame *f, int slot);
void loose_mark_areas(struct model *m);	/* all that the hypervisor writes by itself */
void model_copy(struct model *to, const struct model *from);	/* assignment of what is in use */

/* --- state.c: who is who, and what is used as what --- */
struct m_domain *domain_alive_at(struct model *m, unsigned slot);
struct m_domain *domain_named(struct model *m, unsigned id);	/* also dying and dead ones; NULL */
struct m_domain *domain_fresh(struct model *m);
static inline bool domain_gone(const struct m_domain *d) { return d->dying || d->dead; }
/* Whom a hypercall of @d names that only control domains may aim at others: 0, M_EPERM, M_ESRCH. */
int domain_target(struct model *m, struct m_domain *d, unsigned id, struct m_domain **out);
static inline bool is_ram(const struct model *m, uint64_t f) { return f < m->limit.frames; }
void uses_find(struct model *m);
/* Frames without use are free, what the dead had goes; @m->stale is settled. */
void settle(struct model *m);
bool dead_may_go(const struct model *m, const struct m_domain *d);
void dead_go(struct model *m, struct m_domain *d);
uint64_t frames_owned(const struct model *m, unsigned id);	/* that count against frame_max */
bool free_run(const struct model *m, unsigned order);
/* Could an allocation have failed for want of memory? */
bool memory_is_short(const struct model *m, unsigned order);

/* --- table.c: taking uses; each is in m->u when the function returns 0 --- */
/* One more reference to frame @f of domain @id. M_ENOENT, M_EPERM, M_EOVERFLOW. */
int ref_take(struct model *m, unsigned id, uint64_t f);
int type_take(struct model *m, uint64_t f, enum use t);	/* a reference is taken already */
int use_take(struct model *m, unsigned id, uint64_t f, enum use t);
void use_drop(struct model *m, uint64_t f, bool typed);
int leaf_take(struct model *m, const struct m_domain *tables, const struct m_domain *frames,
	      uint64_t val, uint64_t *stored);
/* The entry @index of @f, in whatever @f is now, becomes @val; @preserve: with the accessed and
 * dirty bits it had. */
int entry_update(struct model *m, struct m_domain *tables, struct m_domain *frames, uint64_t f,
		 unsigned index, uint64_t val, bool preserve);
int leaf_change(struct model *m, struct m_domain *tables, struct m_domain *frames, uint64_t f,
		unsigned slot, uint64_t val);
/* The L1 that maps @va below @l4, and the word in it. */
bool leaf_find(const struct model *m, uint64_t l4, uint64_t va, uint64_t *l1, unsigned *slot);
/* Tables of @d that wait for their release are released. */
void parts_finish(struct model *m, const struct m_domain *d);
bool va_is_guest(uint64_t va);

/* --- operations: NULL, or what is wrong with the answer --- */
const char *memory_apply(struct model *m, const struct act *a, const struct outcome *o);
const char *access_apply(struct model *m, const struct act *a, const struct outcome *o);
const char *supply_apply(struct model *m, const struct act *a, const struct outcome *o);
const char *grants_apply(struct model *m, const struct act *a, const struct outcome *o);
const char *events_apply(struct model *m, const struct act *a, const struct outcome *o);
const char *vcpus_apply(struct model *m, const struct act *a, const struct outcome *o);
const char *control_apply(struct model *m, const struct act *a, const struct outcome *o);
void grants_close(struct model *m, const struct m_domain *d);	/* all that it has mapped */
void port_close(struct model *m, struct m_domain *d, unsigned port);

/* What two operations that overlapped both began with (apply.c). */
extern const struct model *const pair_start;

/* An answer that is not the one expected, as a text. */
const char *answer_check(int64_t want, int64_t got);
const char *wrongf(const char *format, ...) __attribute__((format(printf, 1, 2)));
