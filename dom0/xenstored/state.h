/* What one daemon leaves for its successor.
 *
 * Kept: the tree with generations, domain generations, who may watch the special names, and of each
 * introduced domain its port, watches, unserved input, unsent output and open transactions (which
 * then end in EAGAIN). Ring indices are where they always were, in the ring. Socket clients connect
 * and watch again by themselves.
 * The file is kept current: at the end of every round of the event loop what changed is appended,
 * so a killed daemon loses nothing it had finished; it is written anew when it has grown. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

struct conn;
struct domain;
struct journal;
struct node;
struct store;
struct watch;

/* Fill the new store @s from @path. Domains are introduced through s->domains.
 * -ENOENT: no file; -EPROTO: not a state, or no whole batch (@s is then as new). */
int state_load(struct store *s, const char *path) MUST_CHECK;

/* Keep @path current from now on, starting with the whole state. */
int journal_open(struct store *s, const char *path) MUST_CHECK;
/* Append what changed. Failure is logged once and ends the journal. */
void journal_commit(struct store *s);
/* Write the whole state anew. */
int journal_rewrite(struct store *s) MUST_CHECK;
void journal_close(struct store *s);

/* Notes for the next commit; without a journal they do nothing. */
void journal_node(struct store *s, const char *path, const struct node *n);
void journal_rm(struct store *s, const char *path);
void journal_special(struct store *s, int special);
void journal_gen(struct store *s, uint16_t domid);
void journal_domain(struct store *s, const struct domain *d);
void journal_domain_end(struct store *s, uint16_t domid);
void journal_watch(struct store *s, const struct watch *w);
void journal_unwatch(struct store *s, const struct watch *w);
void journal_tx(struct store *s, const struct conn *c, uint32_t id, uint32_t open);
/* Where the notes are; taking them back to there undoes what came since. */
size_t journal_mark(const struct store *s) MUST_CHECK;
void journal_cut(struct store *s, size_t mark);
