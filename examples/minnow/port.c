/* The contracts are in port.h and pvdrivers/os.h.
 *
 * INVARIANT: events are enabled in sleep() alone, where all that the upcall does is to count. So nothing changes
 * under what runs, and what has happened is found by comparing counts, or in the store's ring. */
#include "examples/minnow/port.h"

#include <string.h>
#include "examples/minnow/memory.h"
#include "examples/pv/clock.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"
#include "examples/pv/mem.h"
#include "examples/pv/print.h"
#include "protocol/sched.h"

/* Lines of drivers, which a back end can cause, in an interval. */
#define LOG_LINES	10u
#define LOG_NS		10000000000u

static struct port *port_of(struct pv_os *os)
{
	return PV_CONTAINER_OF(os, struct port, os);
}

/* ---- memory and grants ---- */

static size_t pages_of(size_t bytes)
{
	return bytes / PV_PAGE + (bytes % PV_PAGE != 0);
}

static void *port_alloc(struct pv_os *os, size_t bytes)
{
	void *at = pages_take(&port_of(os)->pages, pages_of(bytes));

	return at ? memset(at, 0, bytes) : NULL;
}

static void port_free(struct pv_os *os, void *at, size_t bytes)
{
	if (at)
		pages_give(&port_of(os)->pages, at, pages_of(bytes));
}

static int port_grant(struct pv_os *os, domid_t peer, void *page, bool readonly, grant_ref_t *ref)
{
	struct port *p = port_of(os);
	uint16_t taken = p->grant_free;

	if (!taken)
		return -XEN_ENOSPC;
	p->grant_free = p->grant_next[taken];
	grant_give(taken, peer, page, readonly ? GTF_readonly : 0);
	*ref = taken;
	return 0;
}

static int port_grant_end(struct pv_os *os, grant_ref_t ref)
{
	struct port *p = port_of(os);

	if (grant_end(ref))
		return -XEN_EBUSY;
	p->grant_next[ref] = p->grant_free;
	p->grant_free = (uint16_t)ref;
	return 0;
}

/* ---- events ---- */

static struct port_event *event_find(struct port *p, uint32_t port)
{
	struct port_event *e = p->event;

	while (e < p->event + PORT_EVENTS && e->port != port)
		e++;
	return e < p->event + PORT_EVENTS ? e : NULL;
}

static int port_event_open(struct pv_os *os, domid_t peer, uint32_t remote_port, pv_callback *fn, void *arg,
			   uint32_t *port)
{
	struct port_event *e = event_find(port_of(os), 0);
	long got;

	if (!e)
		return -XEN_ENOSPC;
	got = remote_port ? event_bind_interdomain(peer, remote_port) : event_alloc_unbound(peer);
	if (got < 0)
		return remote_port ? -XEN_ENOENT : -XEN_ENOSPC;
	event_handle((evtchn_port_t)got, 0, NULL);
	/* As if one event had come. */
	*e = (struct port_event){ (uint32_t)got, event_count((evtchn_port_t)got) - 1, fn, arg };
	*port = (uint32_t)got;
	return 0;
}

static void port_event_notify(struct pv_os *os, uint32_t port)
{
	(void)os;
	/* It can fail only when the other end has gone. */
	(void)event_send(port);
}

static void port_event_close(struct pv_os *os, uint32_t port)
{
	struct port_event *e = event_find(port_of(os), port);

	if (e)
		e->port = 0;
	event_mask(port);
	(void)event_close(port);
}

/* ---- sleeping ---- */

static void sleep(void)
{
	sched_op(SCHEDOP_block, NULL);
	events_disable();
}

static bool happened(const struct port *p)
{
	bool any = xs_ready(&p->xs);

	for (unsigned int i = 0; i < XS_WATCHES; i++)
		any |= p->xs.watch[i].pending;
	for (unsigned int i = 0; i < PORT_EVENTS; i++)
		any |= p->event[i].port && event_count(p->event[i].port) != p->event[i].seen;
	return any;
}

void port_sleep(struct port *p, uint64_t deadline_ns)
{
	long err;

	if (happened(p))
		return;
	/* A timer that is left over wakes once too often. */
	err = deadline_ns == UINT64_MAX ? 0 : timer_set(deadline_ns);
	if (err)
		kernel_fatal("the timer cannot be set: %ld", err);
	sleep();
}

void port_run(struct port *p)
{
	xs_take(&p->xs);
	for (unsigned int i = 0; i < XS_WATCHES; i++) {
		struct xs_watch *w = &p->xs.watch[i];

		if (w->pending) {
			w->pending = false;
			w->fn(w->arg);
		}
	}
	for (unsigned int i = 0; i < PORT_EVENTS; i++) {
		struct port_event *e = &p->event[i];

		if (e->port && event_count(e->port) != e->seen) {
			e->seen = event_count(e->port);
			e->fn(e->arg);
		}
	}
}

/* ---- the store, and a log ---- */

static int port_store_read(struct pv_os *os, const char *path, char *value, size_t size)
{
	return xs_read(&port_of(os)->xs, path, value, size);
}

static int port_store_write(struct pv_os *os, const char *path, const char *value)
{
	return xs_write(&port_of(os)->xs, path, value);
}

static int port_store_watch(struct pv_os *os, const char *path, pv_callback *fn, void *arg)
{
	return xs_watch(&port_of(os)->xs, path, fn, arg);
}

static void port_store_unwatch(struct pv_os *os, const char *path, pv_callback *fn, void *arg)
{
	xs_unwatch(&port_of(os)->xs, path, fn, arg);
}

static void port_log(struct pv_os *os, const char *line)
{
	struct port *p = port_of(os);
	uint64_t now = clock_ns();

	if (now - p->log_start_ns > LOG_NS) {
		p->log_start_ns = now;
		p->logged = 0;
	}
	if (p->logged++ < LOG_LINES)
		print("%s\n", line);
}

static void store_notify(void *arg)
{
	(void)arg;
	(void)event_send(start_info->store_evtchn);
}

static void store_wait(void *arg)
{
	(void)arg;
	sleep();
}

/* ---- opening ---- */

static void grants_open(struct port *p)
{
	grant_open();
	for (uint16_t ref = GRANT_COUNT - 1; ref >= PORT_GRANT_FIRST; ref--) {
		p->grant_next[ref] = p->grant_free;
		p->grant_free = ref;
	}
}

static void timer_open(void)
{
	long port = event_bind_virq(VIRQ_TIMER, 0);

	if (port < 0)
		kernel_fatal("no timer: %ld", port);
	event_handle((evtchn_port_t)port, 0, NULL);
}

void port_open(struct port *p)
{
	*p = (struct port){
		.os = {
			.alloc = port_alloc, .free = port_free, .grant = port_grant, .grant_end = port_grant_end,
			.event_open = port_event_open, .event_notify = port_event_notify,
			.event_close = port_event_close, .store_read = port_store_read,
			.store_write = port_store_write, .store_watch = port_store_watch,
			.store_unwatch = port_store_unwatch, .log = port_log,
		},
	};
	if (!start_info->store_evtchn)
		kernel_fatal("this domain has no store");
	memory_open(&p->pages);
	grants_open(p);
	timer_open();
	event_handle(start_info->store_evtchn, 0, NULL);
	xs_open(&p->xs, mfn_to_va(start_info->store_mfn), store_notify, store_wait, p);
}
