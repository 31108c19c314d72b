/* A store with clients and domains in one process. */
#include "tests/unit/dom0/xenstored/lab.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/xenstored/audit.h"

/* ---- a hypervisor ---- */

static int ring_map(void *arg, uint16_t domid, uint32_t ref, void **page)
{
	struct lab *lab = arg;

	if (ref != 1 || domid >= LAB_DOMAINS || lab->dom[domid].life == DOMAIN_GONE)
		return -EINVAL;
	lab->dom[domid].mapped = true;
	*page = lab->dom[domid].page;
	return 0;
}

static void ring_unmap(void *arg, uint16_t domid, void *page)
{
	struct lab *lab = arg;

	(void)page;
	lab->dom[domid].mapped = false;
}

static int port_bind(void *arg, uint16_t domid, uint32_t remote, uint32_t *port)
{
	struct lab *lab = arg;

	if (remote == 0)
		return -EINVAL;
	lab->dom[domid].remote_port = remote;
	*port = 100u + domid;
	return 0;
}

static void port_unbind(void *arg, uint32_t port)
{
	struct lab *lab = arg;

	lab->dom[port - 100].remote_port = 0;
}

static void port_notify(void *arg, uint32_t port)
{
	struct lab *lab = arg;

	lab->dom[port - 100].notified++;
	if (lab->meanwhile)
		lab->meanwhile((int)port - 100);
}

static enum domain_life life(void *arg, uint16_t domid)
{
	struct lab *lab = arg;

	return domid < LAB_DOMAINS ? lab->dom[domid].life : DOMAIN_GONE;
}

void lab_domains_open(struct lab *lab)
{
	domains_open(lab->s, &lab->host, life);
}

void lab_open(struct lab *lab)
{
	memset(lab, 0, sizeof *lab);
	lab->s = store_new();
	lab->host = (struct ring_host){
		.ring_map = ring_map, .ring_unmap = ring_unmap, .port_bind = port_bind,
		.port_unbind = port_unbind, .port_notify = port_notify, .arg = lab,
	};
	for (int i = 0; i < LAB_DOMAINS; i++)
		lab->dom[i].life = DOMAIN_RUNS;
	lab_domains_open(lab);
}

void lab_audit(struct lab *lab)
{
	char why[256];

	if (store_audit(lab->s, why, sizeof why))
		ck_abort_msg("audit: %s", why);
}

void lab_close(struct lab *lab)
{
	lab_audit(lab);
	domains_close(lab->s);
	store_free(lab->s);
}

/* ---- a client ---- */

static ssize_t peer_read(struct conn *c, void *buf, size_t size)
{
	struct peer *p = c->port;
	size_t n = p->in_len - p->in_at;

	if (n > size)
		n = size;
	memcpy(buf, p->in + p->in_at, n);
	p->in_at += n;
	return (ssize_t)n;
}

static ssize_t peer_write(struct conn *c, const void *buf, size_t size)
{
	struct peer *p = c->port;

	if (p->deaf)
		return 0;
	ck_assert_uint_le(p->out_len + size, sizeof p->out);
	memcpy(p->out + p->out_len, buf, size);
	p->out_len += size;
	return (ssize_t)size;
}

static void peer_flush(struct conn *c)
{
	(void)c;
}

static void peer_want(struct conn *c, bool input, bool output)
{
	(void)c;
	(void)input;
	(void)output;
}

static void peer_closed(struct conn *c, int why)
{
	struct peer *p = c->port;

	p->conn = NULL;
	p->why = why;
}

static const struct transport peer_transport = {
	.read = peer_read, .write = peer_write, .flush = peer_flush,
	.want = peer_want, .close = peer_closed,
};

struct peer *peer_open(struct lab *lab, uint16_t domid)
{
	struct peer *p = calloc(1, sizeof *p);
	struct subject who = { .domid = domid, .target = domid };

	p->lab = lab;
	p->conn = conn_new(lab->s, who, &peer_transport, p);
	return p;
}

void peer_close(struct peer *p)
{
	if (p->conn)
		conn_close(p->conn, 0);
	free(p);
}

void peer_send(struct peer *p, const void *bytes, size_t len)
{
	ck_assert_ptr_nonnull(p->conn);
	if (p->in_at == p->in_len)
		p->in_at = p->in_len = 0;
	ck_assert_uint_le(p->in_len + len, sizeof p->in);
	memcpy(p->in + p->in_len, bytes, len);
	p->in_len += len;
	conn_serve(p->conn);
	while (conns_run(p->lab->s))
		;
}

bool peer_take(struct peer *p, struct answer *a)
{
	if (p->out_at == p->out_len) {
		p->out_at = p->out_len = 0;
		return false;
	}
	memcpy(&a->h, p->out + p->out_at, sizeof a->h);
	ck_assert_uint_le(a->h.len, XENSTORE_PAYLOAD_MAX);
	ck_assert_uint_le(p->out_at + sizeof a->h + a->h.len, p->out_len);
	memcpy(a->body, p->out + p->out_at + sizeof a->h, a->h.len);
	a->body[a->h.len] = '\0';
	p->out_at += sizeof a->h + a->h.len;
	return true;
}

const char *ask(struct peer *p, uint32_t type, uint32_t tx, const void *body, size_t len,
		struct answer *a)
{
	static struct answer own;
	static uint32_t req;
	unsigned char msg[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg h = { .type = type, .req_id = ++req, .tx_id = tx, .len = (uint32_t)len };
	struct answer event;
	size_t keep = p->out_len;

	if (!a)
		a = &own;
	memcpy(msg, &h, sizeof h);
	memcpy(msg + sizeof h, body, len);
	peer_send(p, msg, sizeof h + len);
	/* What was there before the request came is events; the reply is the first thing behind. */
	(void)keep;
	for (size_t at = p->out_at; at < p->out_len;) {
		memcpy(&a->h, p->out + at, sizeof a->h);
		if (a->h.type != XS_WATCH_EVENT) {
			size_t n = sizeof a->h + a->h.len;

			ck_assert_uint_eq(a->h.req_id, req);
			ck_assert_uint_eq(a->h.tx_id, tx);
			memcpy(a->body, p->out + at + sizeof a->h, a->h.len);
			a->body[a->h.len] = '\0';
			memmove(p->out + at, p->out + at + n, p->out_len - at - n);
			p->out_len -= n;
			return a->h.type == XS_ERROR ? a->body : NULL;
		}
		memcpy(&event.h, p->out + at, sizeof event.h);
		at += sizeof event.h + event.h.len;
	}
	ck_abort_msg("no reply to request of type %u", type);
	return NULL;
}

const char *error_of(const char *err)
{
	return err ? err : "";
}

const char *event_of(struct peer *p)
{
	static char text[2 * XENSTORE_PAYLOAD_MAX];
	struct answer a;

	if (!peer_take(p, &a))
		return "";
	ck_assert_uint_eq(a.h.type, XS_WATCH_EVENT);
	snprintf(text, sizeof text, "%s %s", a.body, a.body + strlen(a.body) + 1);
	return text;
}

uint32_t tx_open(struct peer *p)
{
	struct answer a;

	ck_assert_ptr_null(ASK(p, XS_TRANSACTION_START, 0, "", &a));
	return (uint32_t)strtoul(a.body, NULL, 10);
}

struct peer *guest_open(struct peer *dom0, uint16_t domid)
{
	char body[64];
	int n = snprintf(body, sizeof body, "/local/domain/%u", domid);

	ck_assert_ptr_null(ask(dom0, XS_MKDIR, 0, body, (size_t)n + 1, NULL));
	n += snprintf(body + n + 1, 8, "n%u", domid) + 1;
	ck_assert_ptr_null(ask(dom0, XS_SET_PERMS, 0, body, (size_t)n + 1, NULL));
	return peer_open(dom0->lab, domid);
}
