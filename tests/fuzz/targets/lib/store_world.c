/* The other side of the store: a hypervisor with four domains, two clients in domain 0.
 *
 * Guests keep to the ring's protocol here; the targets break it by writing to the pages. */
#include "tests/fuzz/targets/lib/store_world.h"

#include <errno.h>
#include "dom0/xenstored/audit.h"
#include "tests/fuzz/targets/target.h"

/* ---- the hypervisor ---- */

static int ring_map(void *arg, uint16_t domid, uint32_t ref, void **page)
{
	struct world *w = arg;

	HOLDS(ref == 1);
	if (domid >= GUESTS || w->life[domid] == DOMAIN_GONE)
		return -EINVAL;
	HOLDS(!w->mapped[domid]);
	w->mapped[domid] = true;
	*page = w->page[domid];
	return 0;
}

static void ring_unmap(void *arg, uint16_t domid, void *page)
{
	struct world *w = arg;

	HOLDS(domid < GUESTS && w->mapped[domid] && page == w->page[domid]);
	w->mapped[domid] = false;
}

static int port_bind(void *arg, uint16_t domid, uint32_t remote, uint32_t *port)
{
	struct world *w = arg;

	HOLDS(domid < GUESTS);
	if (remote == 0)
		return -EINVAL;
	HOLDS(!w->bound[domid]);
	w->bound[domid] = true;
	*port = 100u + domid;
	return 0;
}

static void port_unbind(void *arg, uint32_t port)
{
	struct world *w = arg;

	HOLDS(port >= 100 && port < 100 + GUESTS && w->bound[port - 100]);
	w->bound[port - 100] = false;
}

static void port_notify(void *arg, uint32_t port)
{
	struct world *w = arg;

	HOLDS(port >= 100 && port < 100 + GUESTS && w->bound[port - 100]);
}

static enum domain_life life(void *arg, uint16_t domid)
{
	struct world *w = arg;

	return domid < GUESTS ? w->life[domid] : DOMAIN_GONE;
}

/* ---- what comes back ---- */

static void message_check(struct actor *a, const struct xsd_sockmsg *h, const uint8_t *body)
{
	if (h->type != XS_WATCH_EVENT) {
		a->replies++;
		a->reply = *h;
		memcpy(a->body, body, h->len);
		return;
	}
	const uint8_t *end = h->len ? memchr(body, 0, h->len) : NULL;

	HOLDS(end && end + 1 < body + h->len);
	HOLDS(memchr(end + 1, 0, (size_t)(body + h->len - end - 1)) == body + h->len - 1);
}

static void mailbox_put(struct actor *a, const uint8_t *bytes, size_t len)
{
	struct mailbox *b = &a->box;
	struct xsd_sockmsg h;

	while (len > 0 && !a->wild) {
		size_t want = sizeof h;

		if (b->len >= sizeof h) {
			memcpy(&h, b->bytes, sizeof h);
			HOLDS(h.len <= XENSTORE_PAYLOAD_MAX);
			want += h.len;
		}
		size_t n = want - b->len < len ? want - b->len : len;

		memcpy(b->bytes + b->len, bytes, n);
		b->len += n;
		bytes += n;
		len -= n;
		if (b->len < sizeof h)
			continue;
		memcpy(&h, b->bytes, sizeof h);
		if (h.len <= XENSTORE_PAYLOAD_MAX && b->len == sizeof h + h.len) {
			message_check(a, &h, b->bytes + sizeof h);
			b->len = 0;
		}
	}
}

/* ---- clients of domain 0's ---- */

static ssize_t client_read(struct conn *c, void *buf, size_t size)
{
	struct actor *a = c->port;
	size_t n = a->in_len - a->in_at < size ? a->in_len - a->in_at : size;

	memcpy(buf, a->in + a->in_at, n);
	a->in_at += n;
	return (ssize_t)n;
}

static ssize_t client_write(struct conn *c, const void *buf, size_t size)
{
	struct actor *a = c->port;

	if (a->deaf)
		return 0;
	size = size > 700 ? 700 : size;	/* messages arrive in pieces */
	mailbox_put(a, buf, size);
	return (ssize_t)size;
}

static void client_flush(struct conn *c)
{
	(void)c;
}

static void client_want(struct conn *c, bool input, bool output)
{
	(void)c;
	(void)input;
	(void)output;
}

static void client_closed(struct conn *c, int why)
{
	struct actor *a = c->port;

	(void)why;
	a->conn = NULL;
}

static const struct transport client_transport = { .read = client_read, .write = client_write,
	.flush = client_flush, .want = client_want, .close = client_closed };

void actor_reopen(struct world *w, struct actor *a)
{
	struct subject who = { .domid = 0, .target = 0 };

	a->in_at = a->in_len = a->box.len = 0;
	a->wild = a->deaf = false;
	a->conn = conn_new(w->s, who, &client_transport, a);
	HOLDS(a->conn);
}

/* ---- both kinds ---- */

struct xenstore_domain_interface *actor_ring(struct world *w, struct actor *a)
{
	return (void *)w->page[a->domid];
}

size_t actor_put(struct world *w, struct actor *a, const void *bytes, size_t len)
{
	struct xenstore_domain_interface *r = actor_ring(w, a);
	size_t n = 0;

	if (a->domid == 0) {
		memmove(a->in, a->in + a->in_at, a->in_len - a->in_at);
		a->in_len -= a->in_at;
		a->in_at = 0;
		n = sizeof a->in - a->in_len < len ? sizeof a->in - a->in_len : len;
		memcpy(a->in + a->in_len, bytes, n);
		a->in_len += n;
		return n;
	}
	while (n < len && r->req_prod - r->req_cons < XENSTORE_RING_SIZE)
		r->req[r->req_prod++ % XENSTORE_RING_SIZE] = ((const char *)bytes)[n++];
	return n;
}

void world_rest(struct world *w)
{
	while (conns_run(w->s))
		;
}

/* Returns whether there was something. */
static bool ring_take(struct world *w, struct actor *a)
{
	struct xenstore_domain_interface *r = actor_ring(w, a);
	uint32_t before = r->rsp_cons;

	while (!a->deaf && r->rsp_prod != r->rsp_cons &&
		r->rsp_prod - r->rsp_cons <= XENSTORE_RING_SIZE) {
		uint8_t byte = (uint8_t)r->rsp[r->rsp_cons++ % XENSTORE_RING_SIZE];

		mailbox_put(a, &byte, 1);
	}
	return r->rsp_cons != before;
}

void actor_turn(struct world *w, struct actor *a)
{
	bool more;

	/* What waits for a full ring takes several turns. */
	do {
		if (a->domid == 0) {
			if (a->conn)
				conn_serve(a->conn);
		} else {
			domain_event(w->s, 100u + a->domid);
		}
		world_rest(w);
		more = a->domid != 0 && ring_take(w, a);
	} while (more);
}

bool actor_is_served(struct world *w, const struct actor *a)
{
	struct domain *d = domain_find(w->s, a->domid);

	return a->domid == 0 ? a->conn != NULL : d && d->conn;
}

bool actor_ask(struct world *w, struct actor *a, const struct xsd_sockmsg *h, const void *body)
{
	uint8_t msg[MSG_MAX];
	size_t len = sizeof *h + h->len, sent = 0, n;
	uint32_t before = a->replies;

	HOLDS(h->len <= XENSTORE_PAYLOAD_MAX);
	memcpy(msg, h, sizeof *h);
	memcpy(msg + sizeof *h, body, h->len);
	do {
		n = actor_put(w, a, msg + sent, len - sent);
		sent += n;
		actor_turn(w, a);
	} while (n > 0 && sent < len);
	if (sent < len)
		a->wild = true;		/* the rest of it would be taken for a header */
	a->sent++;
	if (a->wild || a->deaf || !actor_is_served(w, a) || a->replies == before)
		return false;
	return true;
}

void world_open(struct world *w)
{
	memset(w, 0, sizeof *w);
	w->s = store_new();
	HOLDS(w->s);
	w->host = (struct ring_host){ .ring_map = ring_map, .ring_unmap = ring_unmap,
		.port_bind = port_bind, .port_unbind = port_unbind, .port_notify = port_notify,
		.arg = w };
	for (int i = 0; i < GUESTS; i++)
		w->life[i] = DOMAIN_RUNS;
	domains_open(w->s, &w->host, life);
	for (int i = 0; i < ACTORS; i++)
		w->actor[i].domid = (uint16_t)(i < CLIENTS ? 0 : i - CLIENTS + 1);
	for (int i = 0; i < CLIENTS; i++)
		actor_reopen(w, &w->actor[i]);
}

void world_audit(struct world *w)
{
	char why[256];

	if (store_audit(w->s, why, sizeof why)) {
		fprintf(stderr, "audit: %s\n", why);
		abort();
	}
	for (const struct conn *c = w->s->conns; c; c = c->next)
		HOLDS(c->out_replies <= store_limits.requests && c->in_at <= c->in_len);
	for (uint32_t i = 1; i < DOMID_COUNT; i++) {
		const struct account *a = w->s->accounts.slot[i];

		HOLDS(!a || (a->watches <= store_limits.watches && a->txs <= store_limits.txs));
	}
}

void world_close(struct world *w)
{
	domains_close(w->s);
	store_free(w->s);
	for (int i = 0; i < GUESTS; i++)
		HOLDS(!w->mapped[i] && !w->bound[i]);
	for (int i = 0; i < CLIENTS; i++)
		HOLDS(!w->actor[i].conn);
}
