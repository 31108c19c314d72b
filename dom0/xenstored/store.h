/* The store: one tree, who owns what in it, and who is connected. */
#pragma once
#include <stdint.h>
#include "dom0/xenstored/account.h"
#include "dom0/xenstored/perms.h"
#include "dom0/xenstored/tree.h"
#include "dom0/xenstored/watch.h"

struct conn;
struct domains;
struct journal;

enum special { SPECIAL_INTRODUCE, SPECIAL_RELEASE, SPECIAL_COUNT };

struct store {
	struct node *root;
	uint64_t gen;				/* last generation given out */
	uint64_t now_ns;			/* set once per round of the event loop */
	struct accounts accounts;
	struct watch_table watches;
	struct perms *special[SPECIAL_COUNT];	/* who may watch @introduceDomain, @releaseDomain */
	struct conn *conns;
	struct conn *run_first, **run_last;	/* connections with unserved input */
	struct domains *domains;		/* NULL: none can be introduced */
	struct journal *journal;		/* NULL: nothing is kept for a successor */
	uint32_t streams_dirty;			/* connections marked so */
	uint64_t requests;			/* served so far */
};

/* An empty store: "/" and the nodes every client expects ("/local/domain", "/tool", "/vm"). */
struct store *store_new(void) MUST_CHECK;
/* Close every connection and free everything. */
void store_free(struct store *s);

static inline uint64_t store_next_gen(struct store *s)
{
	return ++s->gen;
}

/* "@introduceDomain" or "@releaseDomain"; SPECIAL_COUNT: neither. */
enum special special_of(const char *path) MUST_CHECK;
const char *special_name(enum special s) MUST_CHECK;

/* A domain id ended: nothing granted to it counts any more, its nodes and counters go. */
void store_domain_gone(struct store *s, uint16_t domid);
