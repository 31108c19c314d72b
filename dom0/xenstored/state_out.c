/* Writing records of the state file into a buffer: one function per record, see state_format.h. */
#include "dom0/xenstored/state_out.h"

#include <string.h>
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/domain.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"

void state_out_raw(struct state_out *o, const void *bytes, size_t len)
{
	if (o->len + len > o->room) {
		o->room = (o->len + len) * 2 + 4096;
		o->bytes = mem_grow(o->bytes, o->room, 1);
	}
	if (len)
		memcpy(o->bytes + o->len, bytes, len);
	o->len += len;
}

static void put_u32(struct state_out *o, uint32_t v)
{
	state_out_raw(o, &v, sizeof v);
}

static void put_u64(struct state_out *o, uint64_t v)
{
	state_out_raw(o, &v, sizeof v);
}

static void put_text(struct state_out *o, const char *s)
{
	put_u32(o, (uint32_t)strlen(s));
	state_out_raw(o, s, strlen(s));
}

static void put_perms(struct state_out *o, const struct perms *p)
{
	put_u32(o, p->count);
	for (uint32_t i = 0; i < p->count; i++) {
		put_u32(o, p->entry[i].domid);
		put_u32(o, p->entry[i].access);
		put_u32(o, p->entry[i].gen);
	}
}

static void record_begin(struct state_out *o, enum state_tag tag)
{
	o->record = o->len;
	put_u32(o, tag);
	put_u32(o, 0);
}

static void record_end(struct state_out *o)
{
	uint32_t len = (uint32_t)(o->len - o->record - STATE_HEADER);

	memcpy(o->bytes + o->record + 4, &len, sizeof len);
}

void state_out_node(struct state_out *o, const char *path, const struct node *n)
{
	record_begin(o, STATE_NODE);
	put_text(o, path);
	put_u64(o, n->gen);
	put_u64(o, n->child_gen);
	put_perms(o, n->perms);
	put_u32(o, n->value->len);
	state_out_raw(o, n->value->data, n->value->len);
	record_end(o);
}

void state_out_path(struct state_out *o, enum state_tag tag, const char *path)
{
	record_begin(o, tag);
	put_text(o, path);
	record_end(o);
}

void state_out_special(struct state_out *o, const char *name, const struct perms *p)
{
	record_begin(o, STATE_SPECIAL);
	put_text(o, name);
	put_perms(o, p);
	record_end(o);
}

void state_out_gen(struct state_out *o, uint16_t domid, uint32_t gen)
{
	record_begin(o, STATE_DOMAIN_GEN);
	put_u32(o, domid);
	put_u32(o, gen);
	record_end(o);
}

void state_out_domain(struct state_out *o, const struct domain *d)
{
	record_begin(o, STATE_DOMAIN);
	put_u32(o, d->domid);
	put_u32(o, d->remote_port);
	put_u32(o, d->conn ? d->conn->who.target : d->domid);
	put_u32(o, (d->shut_down ? STATE_SHUT_DOWN : 0u) | (d->conn ? 0u : STATE_BROKEN));
	record_end(o);
}

void state_out_domain_end(struct state_out *o, uint16_t domid)
{
	record_begin(o, STATE_DOMAIN_END);
	put_u32(o, domid);
	record_end(o);
}

void state_out_watch(struct state_out *o, const struct watch *w, enum state_tag tag)
{
	record_begin(o, tag);
	put_u32(o, w->conn->who.domid);
	put_text(o, w->path);
	if (tag == STATE_WATCH)
		put_u32(o, (uint32_t)w->strip);
	put_text(o, w->token);
	record_end(o);
}

void state_out_tx(struct state_out *o, uint16_t domid, uint32_t id, uint32_t open)
{
	record_begin(o, STATE_TX);
	put_u32(o, domid);
	put_u32(o, id);
	put_u32(o, open);
	record_end(o);
}

void state_out_streams(struct state_out *o, const struct conn *c)
{
	record_begin(o, STATE_STREAMS);
	put_u32(o, c->who.domid);
	put_u32(o, c->in_len - c->in_at);
	state_out_raw(o, c->in + c->in_at, c->in_len - c->in_at);
	for (const struct out_msg *m = c->out_first; m; m = m->next)
		state_out_raw(o, m->bytes + m->sent, m->len - m->sent);
	record_end(o);
}

void state_out_commit(struct state_out *o, size_t start, uint64_t gen)
{
	uint64_t sum = state_checksum(o->bytes + start, o->len - start);

	record_begin(o, STATE_COMMIT);
	put_u64(o, sum);
	put_u64(o, gen);
	record_end(o);
}

static void node_visit(struct node *n, const char *path, void *arg)
{
	state_out_node(arg, path, n);
}

static void domain_all(struct state_out *o, const struct domain *d)
{
	const struct conn *c = d->conn;

	state_out_domain(o, d);
	for (const struct watch *w = c ? c->watches : NULL; w; w = w->conn_next)
		state_out_watch(o, w, STATE_WATCH);
	for (const struct tx *tx = c ? c->txs : NULL; tx; tx = tx->next)
		state_out_tx(o, d->domid, tx->id, 1);
	if (c)
		state_out_streams(o, c);
}

void state_out_all(struct state_out *o, struct store *s)
{
	size_t start;

	state_out_raw(o, STATE_MAGIC, strlen(STATE_MAGIC));
	start = o->len;
	for (uint32_t i = 0; i < DOMID_COUNT; i++)
		if (s->accounts.gen[i])
			state_out_gen(o, (uint16_t)i, s->accounts.gen[i]);
	for (int i = 0; i < SPECIAL_COUNT; i++)
		state_out_special(o, special_name((enum special)i), s->special[i]);
	tree_walk(s->root, "/", node_visit, o);
	for (const struct domain *d = s->domains ? s->domains->first : NULL; d; d = d->next)
		domain_all(o, d);
	state_out_commit(o, start, s->gen);
}
