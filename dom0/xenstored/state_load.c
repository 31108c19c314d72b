/* Reading a predecessor's state.
 *
 * A batch is applied only after its checksum was verified, and the first bad one ends the reading.
 * Nodes come parents first. What cannot be restored of one domain (it died meanwhile) does not stop
 * the others: its records are read and dropped. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/domain.h"
#include "dom0/xenstored/node_ops.h"
#include "dom0/xenstored/path.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/state_format.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"

#define STATE_MAX (256u << 20)

/* A reader of one record; @bad once it asked for more than there is. */
struct in {
	const uint8_t *at, *end;
	bool bad;
};

static const void *in_take(struct in *i, size_t len)
{
	const void *p = i->at;

	if (i->bad || len > (size_t)(i->end - i->at)) {
		i->bad = true;
		return NULL;
	}
	i->at += len;
	return p;
}

static uint32_t in_u32(struct in *i)
{
	const void *p = in_take(i, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof v);
	return v;
}

static uint64_t in_u64(struct in *i)
{
	const void *p = in_take(i, 8);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof v);
	return v;
}

/* A text of at most @room - 1 bytes. */
static void in_text(struct in *i, char *buf, size_t room)
{
	uint32_t len = in_u32(i);
	const void *p = in_take(i, len);

	buf[0] = '\0';
	if (!p || len >= room || memchr(p, 0, len)) {
		i->bad = true;
		return;
	}
	memcpy(buf, p, len);
	buf[len] = '\0';
}

static struct perms *in_perms(struct in *i)
{
	uint32_t count = in_u32(i);
	struct perms *p;

	if (i->bad || count == 0 || count > PERMS_MAX) {
		i->bad = true;
		return NULL;
	}
	p = mem_alloc(sizeof *p + count * sizeof p->entry[0]);
	p->refs = 1;
	p->count = count;
	for (uint32_t k = 0; k < count; k++) {
		uint32_t domid = in_u32(i), access = in_u32(i);

		p->entry[k].gen = in_u32(i);
		p->entry[k].domid = (uint16_t)domid;
		p->entry[k].access = (uint8_t)access;
		if (domid >= DOMID_COUNT || access > 3)
			i->bad = true;
	}
	if (i->bad) {
		free(p);
		return NULL;
	}
	return p;
}

/* ---- the tree ---- */

static void node_place(struct store *s, const char *path, struct blob *value, struct perms *perms,
		       uint64_t gen, uint64_t child_gen, struct in *i)
{
	struct node *n = tree_find(s->root, path), *parent;
	char parent_path[PATH_ROOM] = "";
	const char *name;

	if (n) {	/* "/" and what a new store has */
		account_charge(&s->accounts, NULL, perms_owner(n->perms), -1,
			       -(int64_t)node_bytes(strlen(n->name), n->value, n->perms));
		node_set_value(n, value, gen);
		node_set_perms(n, perms, gen);
	} else {
		memcpy(parent_path, path, path_parent_len(path));
		parent = path_parent_len(path) ? tree_find(s->root, parent_path) : NULL;
		if (!parent) {
			i->bad = true;
			return;
		}
		name = strrchr(path, '/') + 1;
		n = node_new(name, strlen(name), value, perms, gen);
		node_add_child(parent, n, gen > parent->child_gen ? gen : parent->child_gen);
	}
	n->child_gen = child_gen;
	account_charge(&s->accounts, NULL, perms_owner(perms), 1,
		       (int64_t)node_bytes(strlen(n->name), value, perms));
}

static void load_node(struct store *s, struct in *i)
{
	char text[PATH_ROOM], path[PATH_ROOM];
	struct blob *value;
	struct perms *perms;
	uint64_t gen, child_gen;
	uint32_t len;
	const void *bytes;

	in_text(i, text, sizeof text);
	gen = in_u64(i);
	child_gen = in_u64(i);
	perms = in_perms(i);
	len = in_u32(i);
	bytes = in_take(i, len);
	/* Generations are unique: one that was not given out yet would come a second time. */
	if (i->bad || path_canonical(text, 0, false, path) || gen > s->gen || child_gen > s->gen) {
		perms_put(perms);
		i->bad = true;
		return;
	}
	value = blob_new(bytes, len);
	node_place(s, path, value, perms, gen, child_gen, i);
	blob_put(value);
	perms_put(perms);
}

static void load_special(struct store *s, struct in *i)
{
	char name[64];
	struct perms *p;
	enum special sp;

	in_text(i, name, sizeof name);
	p = in_perms(i);
	sp = special_of(name);
	if (!p || sp == SPECIAL_COUNT) {
		perms_put(p);	/* a name of another version */
		return;
	}
	perms_put(s->special[sp]);
	s->special[sp] = p;
}

static void load_domain_gen(struct store *s, struct in *i)
{
	uint32_t domid = in_u32(i), gen = in_u32(i);

	if (domid < DOMID_COUNT)
		s->accounts.gen[domid] = gen;
}

static void load_rm(struct store *s, struct in *i)
{
	char text[PATH_ROOM], path[PATH_ROOM];
	struct view v = view_live(s, NULL);

	in_text(i, text, sizeof text);
	if (i->bad || path_canonical(text, 0, false, path))
		i->bad = true;
	else
		node_apply_rm(&v, path);
}

/* ---- domains ---- */

static void load_domain(struct store *s, struct in *i)
{
	uint32_t domid = in_u32(i), port = in_u32(i), target = in_u32(i), flags = in_u32(i);
	struct domain *d;
	int err;

	if (i->bad || domid >= DOMID_COUNT || target >= DOMID_COUNT) {
		i->bad = true;
		return;
	}
	err = domain_restore(s, (uint16_t)domid, port, (flags & STATE_BROKEN) != 0);
	d = domain_find(s, (uint16_t)domid);
	if (err || !d) {
		log_warn("domain %u is not taken over: %s", domid, strerror(-err));
		return;
	}
	d->shut_down = flags & STATE_SHUT_DOWN;
	if (d->conn)
		d->conn->who.target = (uint16_t)target;
}

static void load_domain_end(struct store *s, struct in *i)
{
	uint32_t domid = in_u32(i);

	if (domid < DOMID_COUNT)
		domain_forget(s, (uint16_t)domid);
}

/* The connection a record is about; NULL: its domain was not taken over. */
static struct conn *in_conn(struct store *s, struct in *i)
{
	uint32_t domid = in_u32(i);
	struct domain *d = domid < DOMID_COUNT ? domain_find(s, (uint16_t)domid) : NULL;

	return d ? d->conn : NULL;
}

static void load_watch(struct store *s, struct in *i, bool add)
{
	struct conn *c = in_conn(s, i);
	char text[PATH_ROOM], path[PATH_ROOM], token[XENSTORE_PAYLOAD_MAX];
	struct watch *w;
	uint32_t strip;

	in_text(i, text, sizeof text);
	strip = add ? in_u32(i) : 0;
	in_text(i, token, sizeof token);
	if (i->bad || !c || path_canonical(text, 0, true, path) || strip > strlen(path))
		return;
	if (add ? watch_add(s, c, path, strip, token, &w) : watch_remove(s, c, path, token))
		log_warn("domain %u: watch on %s does not fit", c->who.domid, path);
}

static void load_streams(struct store *s, struct in *i)
{
	struct conn *c = in_conn(s, i);
	uint32_t in_len = in_u32(i);
	const void *bytes = in_take(i, in_len);

	if (!c || i->bad || in_len > CONN_IN_ROOM)
		return;
	conn_restore(c, bytes, in_len, i->at, (size_t)(i->end - i->at));
}

static void load_tx(struct store *s, struct in *i)
{
	struct conn *c = in_conn(s, i);
	uint32_t id = in_u32(i), open = in_u32(i);

	if (!c || id == 0)
		return;
	if (open && !tx_find(c, id))
		tx_restore(s, c, id);
	else if (!open && tx_find(c, id))
		tx_drop(s, tx_find(c, id));
}

/* ---- the file ---- */

static void load_record(struct store *s, enum state_tag tag, struct in *i)
{
	switch (tag) {
	case STATE_COMMIT: break;
	case STATE_DOMAIN_GEN: load_domain_gen(s, i); break;
	case STATE_SPECIAL: load_special(s, i); break;
	case STATE_NODE: load_node(s, i); break;
	case STATE_RM: load_rm(s, i); break;
	case STATE_DOMAIN: load_domain(s, i); break;
	case STATE_DOMAIN_END: load_domain_end(s, i); break;
	case STATE_WATCH: load_watch(s, i, true); break;
	case STATE_UNWATCH: load_watch(s, i, false); break;
	case STATE_TX: load_tx(s, i); break;
	case STATE_STREAMS: load_streams(s, i); break;
	}
}

static int file_read(const char *path, uint8_t **bytes, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;
	struct stat st;
	size_t done = 0;
	uint8_t *buf;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_size > (off_t)STATE_MAX) {
		close(fd);
		return -EPROTO;
	}
	buf = mem_alloc((size_t)st.st_size);
	while (done < (size_t)st.st_size && !err) {
		ssize_t n = read(fd, buf + done, (size_t)st.st_size - done);

		if (n <= 0)
			err = n < 0 ? -errno : -EPROTO;
		else
			done += (size_t)n;
	}
	close(fd);
	if (err) {
		free(buf);
		return err;
	}
	*bytes = buf;
	*len = done;
	return 0;
}

/* Step over one record; false: the stream is cut. */
static bool record_next(struct in *file, uint32_t *tag, struct in *record)
{
	uint32_t len;

	*tag = in_u32(file);
	len = in_u32(file);
	record->at = in_take(file, len);
	if (file->bad)
		return false;
	record->end = record->at + len;
	record->bad = false;
	return true;
}

/* Where the batch that starts at @file ends; NULL: it is not whole. *@gen: the last generation. */
static const uint8_t *batch_end(struct in file, uint64_t *gen)
{
	const uint8_t *start = file.at;
	struct in record;
	uint32_t tag;

	for (;;) {
		const uint8_t *at = file.at;

		if (!record_next(&file, &tag, &record))
			return NULL;
		if (tag != STATE_COMMIT)
			continue;
		if (in_u64(&record) != state_checksum(start, (size_t)(at - start)))
			return NULL;
		*gen = in_u64(&record);
		return record.bad ? NULL : file.at;
	}
}

static void batch_apply(struct store *s, struct in batch, const char *path)
{
	struct in record;
	uint32_t tag;

	while (batch.at < batch.end && record_next(&batch, &tag, &record)) {
		load_record(s, (enum state_tag)tag, &record);
		if (record.bad)
			log_error("%s: a record of kind %u is broken and skipped", path, tag);
	}
}

/* What a new store has is not in every old one. */
static void tree_empty(struct store *s)
{
	struct view v = view_live(s, NULL);
	char path[PATH_ROOM];

	while (s->root->child_count > 0) {
		snprintf(path, sizeof path, "/%s", s->root->child[0]->name);
		node_apply_rm(&v, path);
	}
}

static bool magic_is_good(const uint8_t *bytes, size_t len)
{
	return len >= strlen(STATE_MAGIC) && memcmp(bytes, STATE_MAGIC, strlen(STATE_MAGIC)) == 0;
}

int state_load(struct store *s, const char *path)
{
	const uint8_t *end;
	uint8_t *bytes = NULL;
	struct in file;
	size_t len = 0;
	uint64_t gen;
	int err = file_read(path, &bytes, &len);

	if (err)
		return err;
	file = (struct in){ .at = bytes, .end = bytes + len };
	if (magic_is_good(bytes, len))
		file.at += strlen(STATE_MAGIC);
	else
		file.at = file.end;
	end = batch_end(file, &gen);
	if (end)
		tree_empty(s);
	else
		err = -EPROTO;
	for (; end; end = batch_end(file, &gen)) {
		if (gen > s->gen)
			s->gen = gen;
		batch_apply(s, (struct in){ .at = file.at, .end = end }, path);
		file.at = end;
	}
	for (struct conn *c = s->conns; c; c = c->next)
		tx_restored(s, c);
	if (!err && file.at < file.end)
		log_warn("%s: the last batch is cut and skipped", path);
	free(bytes);
	return err;
}
