/* Reading a predecessor's state.
 *
 * The whole file is read and its checksum verified before anything is believed. Nodes come parents
 * first. What cannot be restored of one domain (it died meanwhile) does not stop the others. */
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
		node_add_child(parent, n, parent->child_gen);
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

/* ---- domains ---- */

static void load_domain(struct store *s, struct in *i)
{
	uint32_t domid = in_u32(i), port = in_u32(i), target = in_u32(i), flags = in_u32(i);
	uint32_t req_cons = in_u32(i), rsp_prod = in_u32(i), last_tx = in_u32(i);
	int err;

	if (i->bad || domid >= DOMID_COUNT || target >= DOMID_COUNT) {
		i->bad = true;
		return;
	}
	err = domain_restore(s, (uint16_t)domid, port, req_cons, rsp_prod,
			     (flags & STATE_BROKEN) != 0);
	if (err) {
		log_warn("domain %u is not taken over: %s", domid, strerror(-err));
		return;
	}
	domain_find(s, (uint16_t)domid)->shut_down = flags & STATE_SHUT_DOWN;
	if (domain_find(s, (uint16_t)domid)->conn) {
		struct conn *c = domain_find(s, (uint16_t)domid)->conn;

		c->who.target = (uint16_t)target;
		c->last_tx = last_tx;
	}
}

/* The connection a record is about; NULL: its domain was not taken over. */
static struct conn *in_conn(struct store *s, struct in *i)
{
	uint32_t domid = in_u32(i);
	struct domain *d = domid < DOMID_COUNT ? domain_find(s, (uint16_t)domid) : NULL;

	return d ? d->conn : NULL;
}

static void load_watch(struct store *s, struct in *i)
{
	struct conn *c = in_conn(s, i);
	char text[PATH_ROOM], path[PATH_ROOM], token[XENSTORE_PAYLOAD_MAX];
	struct watch *w;
	uint32_t strip, lost;

	in_text(i, text, sizeof text);
	strip = in_u32(i);
	in_text(i, token, sizeof token);
	lost = in_u32(i);
	if (i->bad || !c || path_canonical(text, 0, true, path) || strip > strlen(path))
		return;
	if (watch_add(s, c, path, strip, token, &w)) {
		log_warn("domain %u: watch on %s is lost", c->who.domid, path);
		return;
	}
	w->lost = lost;
	c->lost += lost;
}

static void load_stream(struct store *s, struct in *i, enum state_tag tag)
{
	struct conn *c = in_conn(s, i);
	size_t len = (size_t)(i->end - i->at);

	if (!c || len == 0)
		return;
	if (tag == STATE_OUTPUT && len <= MSG_MAX) {
		conn_restore_out(c, i->at, len);
	} else if (tag == STATE_INPUT && len <= CONN_IN_ROOM) {
		memcpy(c->in, i->at, len);
		c->in_len = (uint32_t)len;
	}
}

static void load_tx(struct store *s, struct in *i)
{
	struct conn *c = in_conn(s, i);
	uint32_t id = in_u32(i);

	if (c && id && !tx_find(c, id))
		tx_restore(s, c, id);
}

/* ---- the file ---- */

static void load_record(struct store *s, enum state_tag tag, struct in *i)
{
	switch (tag) {
	case STATE_GLOBAL: s->gen = in_u64(i); break;
	case STATE_DOMAIN_GEN: load_domain_gen(s, i); break;
	case STATE_SPECIAL: load_special(s, i); break;
	case STATE_NODE: load_node(s, i); break;
	case STATE_DOMAIN: load_domain(s, i); break;
	case STATE_WATCH: load_watch(s, i); break;
	case STATE_INPUT:
	case STATE_OUTPUT: load_stream(s, i, tag); break;
	case STATE_TX: load_tx(s, i); break;
	case STATE_END: break;
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

static bool state_is_whole(const uint8_t *bytes, size_t len)
{
	struct in file = { .at = bytes + strlen(STATE_MAGIC), .end = bytes + len }, record;
	uint32_t tag;

	if (len < strlen(STATE_MAGIC) || memcmp(bytes, STATE_MAGIC, strlen(STATE_MAGIC)) != 0)
		return false;
	for (;;) {
		const uint8_t *start = file.at;

		if (!record_next(&file, &tag, &record))
			return false;
		if (tag == STATE_END)
			return in_u64(&record) == state_checksum(bytes, (size_t)(start - bytes)) &&
			       !record.bad;
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

int state_load(struct store *s, const char *path)
{
	struct in file, record;
	uint32_t tag = 0;
	uint8_t *bytes = NULL;
	size_t len = 0;
	int err = file_read(path, &bytes, &len);

	if (err)
		return err;
	if (!state_is_whole(bytes, len)) {
		free(bytes);
		return -EPROTO;
	}
	tree_empty(s);
	file = (struct in){ .at = bytes + strlen(STATE_MAGIC), .end = bytes + len };
	while (tag != STATE_END && record_next(&file, &tag, &record)) {
		load_record(s, (enum state_tag)tag, &record);
		if (record.bad)
			log_error("%s: a record of kind %u is broken and skipped", path, tag);
	}
	free(bytes);
	return 0;
}
