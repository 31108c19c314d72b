/* Writing records of the state file into a buffer. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/xenstored/perms.h"
#include "dom0/xenstored/state_format.h"

struct conn;
struct domain;
struct node;
struct store;
struct watch;

struct state_out {
	uint8_t *bytes;
	size_t len, room;
	size_t record;		/* where the open record's header is */
};

void state_out_raw(struct state_out *o, const void *bytes, size_t len);
void state_out_node(struct state_out *o, const char *path, const struct node *n);
void state_out_path(struct state_out *o, enum state_tag tag, const char *path);
void state_out_special(struct state_out *o, const char *name, const struct perms *p);
void state_out_gen(struct state_out *o, uint16_t domid, uint32_t gen);
/* The domain itself, without its watches, transactions and streams. */
void state_out_domain(struct state_out *o, const struct domain *d);
void state_out_domain_end(struct state_out *o, uint16_t domid);
void state_out_watch(struct state_out *o, const struct watch *w, enum state_tag tag);
void state_out_tx(struct state_out *o, uint16_t domid, uint32_t id, uint32_t open);
void state_out_streams(struct state_out *o, const struct conn *c);
/* End the batch that began at offset @start. */
void state_out_commit(struct state_out *o, size_t start, uint64_t gen);
/* The whole state as one batch. */
void state_out_all(struct state_out *o, struct store *s);
