/* The grant table of a domain: what it grants, and what it has mapped. Layer: grant; only for
 * hv/grant. */
#pragma once
#include "hv/dom/paged.h"
#include "hv/grant/grant.h"
#include "hv/mem/frame.h"
#include "protocol/grant_table.h"

#define REFS_PER_FRAME ((uint32_t)(PAGE_SIZE / sizeof(struct grant_entry_v1)))

/* A grant in use: authoritative while any pin is held, whatever the shared entry then says. */
struct active {
	uint32_t frame;
	domid_t domid;			/* whom it was granted to */
	/* pins: one for each map-track half and each copy under way */
	uint8_t readers, writers;
};
#define PINS_MAX 255u			/* of a kind; more are refused */

/* A mapping this domain made. Its halves are what references are counted by. */
#define TRACK_HOST	0x1u		/* half: an L1 entry of ours maps it */
#define TRACK_DEVICE	0x2u		/* half: its bus address was handed out */
#define TRACK_HALVES	0x3u
#define TRACK_CLOSING(halves) ((halves) << 2)	/* unmapped, waiting for the flush; still counted */
#define TRACK_READONLY	0x10u
struct track {
	struct domain *granter;		/* referenced while in use */
	uint64_t host_addr;		/* as the guest named it */
	maddr_t slot;			/* HOST: the L1 entry that was set; may be gone, and its table */
	uint32_t ref;			/* free: the next free handle */
	uint16_t flags;			/* 0: free */
	uint16_t reserved;
};
#define HANDLE_NONE 0xffffffffu

struct grant_table {
	struct lock lock;		/* RANK_GRANT: everything here */
	struct domain *domain;
	/* What it grants: */
	uint32_t frame_count, frame_limit;
	uint32_t *frame;		/* MFNs of the shared frames */
	struct paged active;		/* struct active by reference */
	/* What it has mapped: */
	struct paged tracks;		/* struct track by handle; made at first use */
	uint32_t track_limit;
	uint32_t track_free;		/* head of the list of free handles */
	uint32_t track_end;		/* handles ever made */
	uint32_t tracks_in_use;
	uint32_t kill_cursor;
};

/* pin.c. Under @t's lock. Let domain @domid use grant @ref: mark the shared entry, hold the frame
 * and, if @write, its type, @times over. GNTST_*; *f on success. */
int grant_pin(struct grant_table *t, uint32_t ref, domid_t domid, bool write, unsigned times,
	      struct frame **f) MUST_CHECK;
void grant_unpin(struct grant_table *t, uint32_t ref, bool write, unsigned times);
/* The pinned grant's frame. */
struct frame *grant_pinned_frame(struct grant_table *t, uint32_t ref);

/* track.c. Under @t's lock. A free handle, HANDLE_NONE: no memory or limit reached. */
uint32_t track_alloc(struct grant_table *t, struct track **out);
void track_free(struct grant_table *t, uint32_t handle);
struct track *track_at(struct grant_table *t, uint32_t handle);	/* NULL unless in use */
static inline unsigned track_half_count(unsigned flags)
{
	unsigned halves = (flags | flags >> 2) & TRACK_HALVES;
	return (halves & TRACK_HOST ? 1u : 0u) + (halves & TRACK_DEVICE ? 1u : 0u);
}
/* Unmap all this domain has mapped. 0, -ERESTART. */
int tracks_close_all(struct domain *d) MUST_CHECK;

/* check.c: references for the audit; statements I8 and I9. */
#include "hv/mem/audit.h"
void grant_audit_enumerate(audit_add_fn *add);
const char *grant_check(void);
