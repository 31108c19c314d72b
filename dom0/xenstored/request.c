/* Requests: one table, dispatch, replies.
 *
 * The table says which types exist, who may send them and which work on a transaction's tree. All
 * handlers see a payload of known length; strings in it are checked here to be terminated.
 * The reply goes out before watch events the request caused. */
#include "dom0/xenstored/request.h"

#include <errno.h>
#include <string.h>
#include "dom0/lib/log.h"
#include "dom0/xenstored/path.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"
#include "dom0/xenstored/watch.h"

enum { DOM0_ONLY = 1, IN_TX = 2 };

static const struct request_kind {
	request_handler *handle;
	unsigned int flags;
} kinds[XS_TYPE_COUNT] = {
	[XS_CONTROL]		= { request_control, DOM0_ONLY },
	[XS_DIRECTORY]		= { request_directory, IN_TX },
	[XS_READ]		= { request_read, IN_TX },
	[XS_GET_PERMS]		= { request_get_perms, IN_TX },
	[XS_WATCH]		= { request_watch, 0 },
	[XS_UNWATCH]		= { request_unwatch, 0 },
	[XS_TRANSACTION_START]	= { request_tx_start, IN_TX },
	[XS_TRANSACTION_END]	= { request_tx_end, IN_TX },
	[XS_INTRODUCE]		= { request_introduce, DOM0_ONLY },
	[XS_RELEASE]		= { request_release, DOM0_ONLY },
	[XS_GET_DOMAIN_PATH]	= { request_get_domain_path, 0 },
	[XS_WRITE]		= { request_write, IN_TX },
	[XS_MKDIR]		= { request_mkdir, IN_TX },
	[XS_RM]			= { request_rm, IN_TX },
	[XS_SET_PERMS]		= { request_set_perms, IN_TX },
	[XS_IS_DOMAIN_INTRODUCED] = { request_is_introduced, 0 },
	[XS_RESUME]		= { request_resume, DOM0_ONLY },
	[XS_SET_TARGET]		= { request_set_target, DOM0_ONLY },
	[XS_RESET_WATCHES]	= { request_reset_watches, 0 },
	[XS_DIRECTORY_PART]	= { request_directory_part, IN_TX },
};

/* The only names clients know; anything else would be EINVAL to them. */
static const char *error_name(int err)
{
	static const struct { int err; const char *name; } names[] = {
		{ EINVAL, "EINVAL" }, { EACCES, "EACCES" }, { EEXIST, "EEXIST" },
		{ EISDIR, "EISDIR" }, { ENOENT, "ENOENT" }, { ENOMEM, "ENOMEM" },
		{ ENOSPC, "ENOSPC" }, { EIO, "EIO" }, { ENOTEMPTY, "ENOTEMPTY" },
		{ ENOSYS, "ENOSYS" }, { EROFS, "EROFS" }, { EBUSY, "EBUSY" },
		{ EAGAIN, "EAGAIN" }, { EISCONN, "EISCONN" }, { E2BIG, "E2BIG" },
		{ EPERM, "EPERM" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].err == err)
			return names[i].name;
	return "EINVAL";
}

int request_words_some(const struct request *rq, const char **word, unsigned int min,
		       unsigned int max)
{
	unsigned int n = 0;

	if (rq->len == 0 || rq->body[rq->len - 1] != '\0')
		return -EINVAL;
	for (uint32_t at = 0; at < rq->len; at += (uint32_t)strlen(rq->body + at) + 1) {
		if (n == max)
			return -EINVAL;
		word[n++] = rq->body + at;
	}
	return n < min ? -EINVAL : (int)n;
}

int request_words(const struct request *rq, const char **word, unsigned int count)
{
	int n = request_words_some(rq, word, count, count);

	return n < 0 ? n : 0;
}

int word_number(const char *word, uint64_t most, uint64_t *value)
{
	uint64_t v = 0;

	if (!*word)
		return -EINVAL;
	for (; *word; word++) {
		if (*word < '0' || *word > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*word - '0'), &v) || v > most)
			return -EINVAL;
	}
	*value = v;
	return 0;
}

int request_path(const struct request *rq, const char *name, char path[])
{
	return path_canonical(name, rq->conn->who.domid, false, path);
}

int request_put(struct request *rq, const void *bytes, size_t len)
{
	if (len > sizeof rq->out - rq->out_len)
		return -E2BIG;
	memcpy(rq->out + rq->out_len, bytes, len);
	rq->out_len += (uint32_t)len;
	return 0;
}

int request_put_text(struct request *rq, const char *text)
{
	return request_put(rq, text, strlen(text) + 1);
}

static int request_dispatch(struct request *rq, const struct xsd_sockmsg *h)
{
	const struct request_kind *kind = h->type < XS_TYPE_COUNT ? &kinds[h->type] : NULL;

	if (!kind || !kind->handle)
		return -ENOSYS;
	if ((kind->flags & DOM0_ONLY) && rq->conn->who.domid != 0)
		return -EACCES;
	if ((kind->flags & IN_TX) && h->tx_id != 0) {
		struct tx *tx = tx_find(rq->conn, h->tx_id);

		if (!tx)
			return -ENOENT;
		rq->view = view_tx(rq->store, tx);
	}
	return kind->handle(rq);
}

void request_serve(struct conn *c, const struct xsd_sockmsg *h, const void *body)
{
	struct request rq;
	struct store *s = c->store;
	int err;

	rq.conn = c;
	rq.store = s;
	rq.body = body;
	rq.len = h->len;
	rq.announce = NULL;
	rq.special = NULL;
	rq.out_len = 0;
	changes_init(&rq.changes);
	rq.view = view_live(s, &rq.changes);
	s->requests++;
	err = request_dispatch(&rq, h);
	if (err) {
		const char *name = error_name(-err);

		conn_reply(c, h, XS_ERROR, name, strlen(name) + 1);
		changes_drop(&rq.changes);
		return;
	}
	if (rq.out_len == 0 && h->type != XS_READ && h->type != XS_DIRECTORY)
		conn_reply(c, h, h->type, "OK", 3);
	else
		conn_reply(c, h, h->type, rq.out, rq.out_len);
	watch_fire(s, &rq.changes);
	if (rq.announce)
		watch_announce(rq.announce);
	if (rq.special)
		watch_fire_special(s, rq.special, s->special[special_of(rq.special)]);
}
