/* Writing the state for a successor: records into a buffer, the buffer into a file by rename. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/domain.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/state_format.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"

struct out {
	uint8_t *bytes;
	size_t len, room;
	size_t record;		/* where the open record's header is */
};

static void out_put(struct out *o, const void *bytes, size_t len)
{
	if (o->len + len > o->room) {
		o->room = (o->len + len) * 2 + 4096;
		o->bytes = mem_grow(o->bytes, o->room, 1);
	}
	if (len)
		memcpy(o->bytes + o->len, bytes, len);
	o->len += len;
}

static void out_u32(struct out *o, uint32_t v)
{
	out_put(o, &v, sizeof v);
}

static void out_u64(struct out *o, uint64_t v)
{
	out_put(o, &v, sizeof v);
}

static void out_text(struct out *o, const char *s)
{
	out_u32(o, (uint32_t)strlen(s));
	out_put(o, s, strlen(s));
}

static void record_begin(struct out *o, enum state_tag tag)
{
	o->record = o->len;
	out_u32(o, tag);
	out_u32(o, 0);
}

static void record_end(struct out *o)
{
	uint32_t len = (uint32_t)(o->len - o->record - STATE_HEADER);

	memcpy(o->bytes + o->record + 4, &len, sizeof len);
}

static void put_perms(struct out *o, const struct perms *p)
{
	out_u32(o, p->count);
	for (uint32_t i = 0; i < p->count; i++) {
		out_u32(o, p->entry[i].domid);
		out_u32(o, p->entry[i].access);
		out_u32(o, p->entry[i].gen);
	}
}

static void save_node(struct node *n, const char *path, void *arg)
{
	struct out *o = arg;

	record_begin(o, STATE_NODE);
	out_text(o, path);
	out_u64(o, n->gen);
	out_u64(o, n->child_gen);
	put_perms(o, n->perms);
	out_u32(o, n->value->len);
	out_put(o, n->value->data, n->value->len);
	record_end(o);
}

static void save_globals(struct out *o, const struct store *s)
{
	record_begin(o, STATE_GLOBAL);
	out_u64(o, s->gen);
	record_end(o);
	for (uint32_t i = 0; i < DOMID_COUNT; i++) {
		if (!s->accounts.gen[i])
			continue;
		record_begin(o, STATE_DOMAIN_GEN);
		out_u32(o, i);
		out_u32(o, s->accounts.gen[i]);
		record_end(o);
	}
	for (uint32_t i = 0; i < SPECIAL_COUNT; i++) {
		record_begin(o, STATE_SPECIAL);
		out_text(o, special_name((enum special)i));
		put_perms(o, s->special[i]);
		record_end(o);
	}
}

static void save_watches(struct out *o, const struct conn *c)
{
	for (const struct watch *w = c->watches; w; w = w->conn_next) {
		record_begin(o, STATE_WATCH);
		out_u32(o, c->who.domid);
		out_text(o, w->path);
		out_u32(o, (uint32_t)w->strip);
		out_text(o, w->token);
		out_u32(o, w->lost);
		record_end(o);
	}
}

static void save_streams(struct out *o, const struct conn *c)
{
	record_begin(o, STATE_INPUT);
	out_u32(o, c->who.domid);
	out_put(o, c->in + c->in_at, c->in_len - c->in_at);
	record_end(o);
	for (const struct out_msg *m = c->out_first; m; m = m->next) {
		record_begin(o, STATE_OUTPUT);
		out_u32(o, c->who.domid);
		out_put(o, m->bytes + m->sent, m->len - m->sent);
		record_end(o);
	}
	for (const struct tx *tx = c->txs; tx; tx = tx->next) {
		record_begin(o, STATE_TX);
		out_u32(o, c->who.domid);
		out_u32(o, tx->id);
		record_end(o);
	}
}

static void save_domain(struct out *o, const struct domain *d)
{
	record_begin(o, STATE_DOMAIN);
	out_u32(o, d->domid);
	out_u32(o, d->remote_port);
	out_u32(o, d->conn ? d->conn->who.target : d->domid);
	out_u32(o, (d->shut_down ? STATE_SHUT_DOWN : 0u) | (d->conn ? 0u : STATE_BROKEN));
	out_u32(o, d->ring.req_cons);
	out_u32(o, d->ring.rsp_prod);
	out_u32(o, d->conn ? d->conn->last_tx : 0);
	record_end(o);
	if (!d->conn)
		return;
	save_watches(o, d->conn);
	save_streams(o, d->conn);
}

static int file_write(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t done = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	while (done < len && !err) {
		ssize_t n = write(fd, (const char *)bytes + done, len - done);

		if (n < 0 && errno != EINTR)
			err = -errno;
		else if (n > 0)
			done += (size_t)n;
	}
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

int state_save(struct store *s, const char *path)
{
	struct out o = { 0 };
	char *temp = mem_printf("%s.new", path);
	int err;

	out_put(&o, STATE_MAGIC, strlen(STATE_MAGIC));
	save_globals(&o, s);
	tree_walk(s->root, "/", save_node, &o);
	for (struct domain *d = s->domains ? s->domains->first : NULL; d; d = d->next)
		save_domain(&o, d);
	record_begin(&o, STATE_END);
	out_u64(&o, state_checksum(o.bytes, o.record));
	record_end(&o);
	err = file_write(temp, o.bytes, o.len);
	if (!err && rename(temp, path) < 0)
		err = -errno;
	free(temp);
	free(o.bytes);
	return err;
}
