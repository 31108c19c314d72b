/* Watches: who wants to hear of changes at a path or below it.
 *
 * Found by path in a hash table: a change looks up its own path and each parent's, so the cost does
 * not grow with the number of watches. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/xenstored/change.h"

struct conn;
struct store;

struct watch {
	struct conn *conn;
	struct watch *conn_next;	/* of the same connection */
	struct watch *next, **prev;	/* in the hash bucket */
	size_t strip;			/* bytes cut from event paths: the watch was relative */
	bool lost;			/* events were dropped; one for the whole watch is owed */
	uint32_t hash;
	char *token;
	char path[];			/* canonical */
};

#define WATCH_BUCKETS 4096u

struct watch_table {
	struct watch *bucket[WATCH_BUCKETS];
	uint32_t count;
};

/* Register; the first event is the caller's to send (watch_announce()).
 * -EEXIST: this connection has that path and token; -E2BIG: quota. */
int watch_add(struct store *s, struct conn *c, const char *path, size_t strip, const char *token,
	      struct watch **out) MUST_CHECK;
/* -ENOENT: no such watch. */
int watch_remove(struct store *s, struct conn *c, const char *path, const char *token) MUST_CHECK;
void watch_remove_all(struct store *s, struct conn *c);

/* Send the event of registration, or the one owed. */
void watch_announce(struct watch *w);
/* Tell watchers of @changes, in order, and empty it. */
void watch_fire(struct store *s, struct changes *changes);
/* Tell watchers of "@introduceDomain" or "@releaseDomain". */
void watch_fire_special(struct store *s, const char *name, struct perms *perms);
