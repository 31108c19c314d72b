/* Bytes to and from the ring, messages of them, requests of those. */
#include "examples/minnow/xs.h"

#include <string.h>

/* ---- bytes ---- */

static uint32_t least(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static void put(struct xs *x, const void *bytes, size_t size)
{
	const char *from = bytes;

	while (size && !x->broken) {
		uint32_t used = x->req_prod - __atomic_load_n(&x->ring->req_cons, __ATOMIC_ACQUIRE);
		uint32_t at = MASK_XENSTORE_IDX(x->req_prod);
		uint32_t n = least((uint32_t)size, XENSTORE_RING_SIZE - used, XENSTORE_RING_SIZE - at);

		x->broken = used > XENSTORE_RING_SIZE;
		if (!x->broken && !n)
			x->wait(x->arg);
		if (x->broken || !n)
			continue;
		memcpy(x->ring->req + at, from, n);
		from += n;
		size -= n;
		x->req_prod += n;
		__atomic_store_n(&x->ring->req_prod, x->req_prod, __ATOMIC_RELEASE);
		x->notify(x->arg);
	}
}

static void get(struct xs *x, void *bytes, size_t size)
{
	char *to = bytes;

	while (size && !x->broken) {
		uint32_t have = __atomic_load_n(&x->ring->rsp_prod, __ATOMIC_ACQUIRE) - x->rsp_cons;
		uint32_t at = MASK_XENSTORE_IDX(x->rsp_cons);
		uint32_t n = least((uint32_t)size, have, XENSTORE_RING_SIZE - at);

		x->broken = have > XENSTORE_RING_SIZE;
		if (!x->broken && !n)
			x->wait(x->arg);
		if (x->broken || !n)
			continue;
		memcpy(to, x->ring->rsp + at, n);
		to += n;
		size -= n;
		x->rsp_cons += n;
		__atomic_store_n(&x->ring->rsp_cons, x->rsp_cons, __ATOMIC_RELEASE);
		x->notify(x->arg);
	}
}

/* ---- messages ---- */

/* Take one message, waiting for all of it. False: broken. */
static bool message_get(struct xs *x, struct xsd_sockmsg *m)
{
	get(x, m, sizeof *m);
	x->broken = x->broken || m->len > XENSTORE_PAYLOAD_MAX;
	if (x->broken)
		return false;
	get(x, x->text, m->len);
	x->text[m->len] = '\0';
	return !x->broken;
}

/* The token of a watch is its place in the table, a digit. */
static void event_note(struct xs *x, uint32_t bytes)
{
	size_t path = strlen(x->text) + 1;
	uint32_t n = path + 1 < bytes ? (uint32_t)(x->text[path] - '0') : XS_WATCHES;

	if (n < XS_WATCHES && x->watch[n].path[0])
		x->watch[n].pending = true;
}

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} error[] = {
		{ "ENOENT", XEN_ENOENT }, { "EACCES", XEN_EACCES }, { "EPERM", XEN_EACCES },
		{ "ENOSPC", XEN_ENOSPC }, { "EQUOTA", XEN_ENOSPC }, { "EINVAL", XEN_EINVAL }, { "EEXIST", XEN_EEXIST },
	};

	for (size_t i = 0; i < sizeof error / sizeof error[0]; i++)
		if (strcmp(name, error[i].name) == 0)
			return error[i].number;
	return XEN_EIO;
}

/* Ask, with two parts of @a_bytes and @b_bytes, and wait for the answer, which is in x->text: its bytes; -XEN_Exxx. */
static int ask(struct xs *x, uint32_t type, const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
	struct xsd_sockmsg m = { .type = type, .req_id = ++x->request, .len = (uint32_t)(a_bytes + b_bytes) };

	if (a_bytes + b_bytes > XENSTORE_PAYLOAD_MAX)
		return -XEN_E2BIG;
	put(x, &m, sizeof m);
	put(x, a, a_bytes);
	put(x, b, b_bytes);
	while (message_get(x, &m) && m.type == XS_WATCH_EVENT)
		event_note(x, m.len);
	x->broken = x->broken || m.req_id != x->request || (m.type != type && m.type != XS_ERROR);
	if (x->broken)
		return -XEN_EIO;
	return m.type == XS_ERROR ? -error_number(x->text) : (int)m.len;
}

/* ---- requests ---- */

void xs_open(struct xs *x, struct xenstore_domain_interface *ring, void (*notify)(void *arg), void (*wait)(void *arg),
	     void *arg)
{
	*x = (struct xs){
		.ring = ring, .notify = notify, .wait = wait, .arg = arg,
		.req_prod = ring->req_prod, .rsp_cons = ring->rsp_cons,
	};
}

/* Ask for what is at @path; its first string to @value. */
static int string_get(struct xs *x, uint32_t type, const char *path, char *value, size_t size)
{
	int got = ask(x, type, path, strlen(path) + 1, "", 0);
	size_t n = got < 0 ? 0 : strlen(x->text) + 1;

	if (got < 0)
		return got;
	if (n > size)
		return -XEN_E2BIG;
	memcpy(value, x->text, n);
	return 0;
}

int xs_read(struct xs *x, const char *path, char *value, size_t size)
{
	return string_get(x, XS_READ, path, value, size);
}

int xs_first(struct xs *x, const char *path, char *name, size_t size)
{
	int err = string_get(x, XS_DIRECTORY, path, name, size);

	return err ? err : *name ? 0 : -XEN_ENOENT;
}

int xs_write(struct xs *x, const char *path, const char *value)
{
	int got = ask(x, XS_WRITE, path, strlen(path) + 1, value, strlen(value));

	return got < 0 ? got : 0;
}

static int watch_ask(struct xs *x, uint32_t type, const struct xs_watch *w)
{
	char token[2] = { (char)('0' + (w - x->watch)), '\0' };
	int got = ask(x, type, w->path, strlen(w->path) + 1, token, sizeof token);

	return got < 0 ? got : 0;
}

int xs_watch(struct xs *x, const char *path, pv_callback *fn, void *arg)
{
	struct xs_watch *w = x->watch;
	int err;

	while (w < x->watch + XS_WATCHES && w->path[0])
		w++;
	if (w == x->watch + XS_WATCHES || strlen(path) >= sizeof w->path)
		return -XEN_ENOSPC;
	*w = (struct xs_watch){ .fn = fn, .arg = arg };
	memcpy(w->path, path, strlen(path) + 1);
	err = watch_ask(x, XS_WATCH, w);
	if (err)
		w->path[0] = '\0';
	return err;
}

void xs_unwatch(struct xs *x, const char *path, pv_callback *fn, void *arg)
{
	for (struct xs_watch *w = x->watch; w < x->watch + XS_WATCHES; w++) {
		if (strcmp(w->path, path) != 0 || w->fn != fn || w->arg != arg)
			continue;
		(void)!watch_ask(x, XS_UNWATCH, w);
		/* Events that came before the answer are of no more interest. */
		*w = (struct xs_watch){ .path = "" };
		return;
	}
}

bool xs_ready(const struct xs *x)
{
	return !x->broken && __atomic_load_n(&x->ring->rsp_prod, __ATOMIC_ACQUIRE) != x->rsp_cons;
}

void xs_take(struct xs *x)
{
	struct xsd_sockmsg m;

	while (xs_ready(x) && message_get(x, &m))
		if (m.type == XS_WATCH_EVENT)
			event_note(x, m.len);
		else
			x->broken = true;	/* an answer to nothing */
}
