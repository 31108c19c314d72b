/* Domains known to the store.
 *
 * A domain that breaks its ring loses its connection, nothing else: its nodes and watches of others
 * on them stay until it dies. Death is read from the hypervisor's list, never from the event that
 * made us look (events coalesce). A domain's end bumps its id's generation, so that no right
 * survives into the next domain of that id. */
#include "dom0/xenstored/domain.h"

#include <errno.h>
#include <stdlib.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"
#include "protocol/grant_table.h"

void domains_open(struct store *s, const struct ring_host *host,
		  enum domain_life (*life)(void *host_arg, uint16_t domid))
{
	s->domains = mem_alloc(sizeof *s->domains);
	s->domains->host = host;
	s->domains->life = life;
}

struct domain *domain_find(const struct store *s, uint16_t domid)
{
	struct domain *d = s->domains ? s->domains->first : NULL;

	while (d && d->domid != domid)
		d = d->next;
	return d;
}

/* ---- transport ---- */

static ssize_t domain_read(struct conn *c, void *buf, size_t size)
{
	struct domain *d = c->port;

	return ring_read(&d->ring, buf, size);
}

static ssize_t domain_write(struct conn *c, const void *buf, size_t size)
{
	struct domain *d = c->port;

	return ring_write(&d->ring, buf, size);
}

static void domain_flush(struct conn *c)
{
	const struct ring_host *host = c->store->domains->host;
	struct domain *d = c->port;

	if (d->ring.moved == 0)
		return;
	d->ring.moved = 0;
	host->port_notify(host->arg, d->port);
}

static void domain_want(struct conn *c, bool input, bool output)
{
	/* The guest notifies after each step of either index. */
	(void)c;
	(void)input;
	(void)output;
}

static void domain_conn_closed(struct conn *c, int why)
{
	struct domain *d = c->port;

	d->conn = NULL;
	if (why == 0)
		return;
	journal_domain(c->store, d);
	if (!d->broke)
		log_warn("domain %u broke its store ring: no longer served", d->domid);
	d->broke = true;
	__atomic_store_n(&d->ring.page->error,
			 (uint32_t)(why == -EPROTO ? XENSTORE_ERROR_RINGIDX : XENSTORE_ERROR_COMM),
			 __ATOMIC_RELEASE);
}

static const struct transport domain_transport = {
	.read = domain_read,
	.write = domain_write,
	.flush = domain_flush,
	.want = domain_want,
	.close = domain_conn_closed,
};

/* ---- coming and going ---- */

static int domain_connect(struct store *s, struct domain *d)
{
	const struct ring_host *host = s->domains->host;
	struct subject who = { .domid = d->domid, .target = d->domid };
	void *page;
	int err = host->ring_map(host->arg, d->domid, GNTTAB_RESERVED_XENSTORE, &page);

	if (err)
		return err;
	err = host->port_bind(host->arg, d->domid, d->remote_port, &d->port);
	if (err) {
		host->ring_unmap(host->arg, d->domid, page);
		return err;
	}
	ring_attach(&d->ring, page);
	d->conn = conn_new(s, who, &domain_transport, d);
	d->conn->kept = true;
	return 0;
}

static int domain_rebind(struct store *s, struct domain *d, uint32_t remote_port)
{
	const struct ring_host *host = s->domains->host;

	host->port_unbind(host->arg, d->port);
	d->remote_port = remote_port;
	journal_domain(s, d);
	return host->port_bind(host->arg, d->domid, remote_port, &d->port);
}

static int domain_add(struct store *s, uint16_t domid, uint32_t remote_port, struct domain **out)
{
	struct domain *d = mem_alloc(sizeof *d);
	int err;

	d->domid = domid;
	d->remote_port = remote_port;
	err = domain_connect(s, d);
	if (err) {
		free(d);
		return err;
	}
	d->next = s->domains->first;
	s->domains->first = d;
	journal_domain(s, d);
	*out = d;
	return 0;
}

int domain_introduce(struct store *s, uint16_t domid, uint32_t remote_port)
{
	struct domain *d = domain_find(s, domid);
	int err;

	if (!s->domains)
		return -ENOSYS;
	if (domid >= DOMID_COUNT)
		return -EINVAL;
	if (d)
		return domain_rebind(s, d, remote_port);
	err = domain_add(s, domid, remote_port, &d);
	if (err)
		return err;
	/* The peer may have waited for us, or asked before we came. */
	s->domains->host->port_notify(s->domains->host->arg, d->port);
	conn_serve(d->conn);
	return 0;
}

int domain_restore(struct store *s, uint16_t domid, uint32_t remote_port, bool broken)
{
	struct domain *d = domain_find(s, domid);
	int err = 0;

	if (!s->domains)
		return -ENOSYS;
	if (!d)
		err = domain_add(s, domid, remote_port, &d);
	else if (d->remote_port != remote_port)
		err = domain_rebind(s, d, remote_port);
	if (!err && broken && d->conn)
		conn_close(d->conn, 0);
	return err;
}

void domains_start(struct store *s)
{
	struct domain *d = s->domains ? s->domains->first : NULL;

	for (; d; d = d->next) {
		if (!d->conn)
			continue;
		s->domains->host->port_notify(s->domains->host->arg, d->port);
		for (struct watch *w = d->conn->watches; w; w = w->conn_next)
			watch_announce(w);
		conn_serve(d->conn);
	}
}

static void domain_free(struct store *s, struct domain **slot)
{
	const struct ring_host *host = s->domains->host;
	struct domain *d = *slot;

	*slot = d->next;
	journal_domain_end(s, d->domid);
	if (d->conn)
		conn_close(d->conn, 0);
	host->port_unbind(host->arg, d->port);
	host->ring_unmap(host->arg, d->domid, d->ring.page);
	free(d);
}

static struct domain **domain_slot(struct store *s, uint16_t domid)
{
	struct domain **at = &s->domains->first;

	while (*at && (*at)->domid != domid)
		at = &(*at)->next;
	return at;
}

void domain_forget(struct store *s, uint16_t domid)
{
	struct domain **slot = s->domains ? domain_slot(s, domid) : NULL;

	if (slot && *slot)
		domain_free(s, slot);
}

int domain_release(struct store *s, uint16_t domid)
{
	struct domain **slot;

	if (domid == 0 || domid >= DOMID_COUNT)
		return -EINVAL;
	slot = s->domains ? domain_slot(s, domid) : NULL;
	if (!slot || !*slot)
		return -ENOENT;
	domain_free(s, slot);
	store_domain_gone(s, domid);
	return 0;
}

void domains_close(struct store *s)
{
	while (s->domains && s->domains->first)
		domain_free(s, &s->domains->first);
	free(s->domains);
	s->domains = NULL;
}

/* ---- events ---- */

static void domain_restart(struct store *s, struct domain *d)
{
	struct subject who = { .domid = d->domid, .target = d->domid };

	if (d->conn)
		conn_close(d->conn, 0);
	ring_reset(&d->ring);
	d->conn = conn_new(s, who, &domain_transport, d);
	d->conn->kept = true;
}

void domain_event(struct store *s, uint32_t port)
{
	struct domain *d = s->domains ? s->domains->first : NULL;

	while (d && d->port != port)
		d = d->next;
	if (!d)
		return;
	if (d->domid != 0 && __atomic_load_n(&d->ring.page->connection, __ATOMIC_ACQUIRE) ==
	    XENSTORE_RECONNECT) {
		domain_restart(s, d);
		s->domains->host->port_notify(s->domains->host->arg, d->port);
	}
	if (d->conn)
		conn_serve(d->conn);
}

void domains_check(struct store *s)
{
	const struct ring_host *host;
	struct domain **slot;

	if (!s->domains)
		return;
	host = s->domains->host;
	for (slot = &s->domains->first; *slot;) {
		struct domain *d = *slot;
		enum domain_life life = d->domid ? s->domains->life(host->arg, d->domid) : DOMAIN_RUNS;

		if (life == DOMAIN_GONE || life == DOMAIN_DYING) {
			uint16_t domid = d->domid;

			domain_free(s, slot);
			store_domain_gone(s, domid);
			continue;
		}
		if (life == DOMAIN_SHUT_DOWN && !d->shut_down) {
			d->shut_down = true;
			journal_domain(s, d);
		}
		slot = &d->next;
	}
	/* A domain that was never introduced may have died as well: always tell. */
	watch_fire_special(s, special_name(SPECIAL_RELEASE), s->special[SPECIAL_RELEASE]);
}
