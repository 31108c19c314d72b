/* The contracts are in port.h and pvdrivers/os.h.
 *
 * Each page is mapped by itself, unless pages shall lie together: the kernel unmaps in the groups of the mapping. A
 * handle is the page's place in the grant device, which is page-aligned and so leaves room for whether it is one of several
 * that go together. */
#include "dom0/backend/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "dom0/lib/loop.h"
#include "dom0/lib/mem.h"

#define HANDLE_TOGETHER 0x80000000u
#define COPY_BATCH	64u	/* copies of one request to the kernel */

static struct port *port_of(struct pv_os *os)
{
	return PV_CONTAINER_OF(os, struct port, os);
}

static NORETURN void broken(int err)
{
	if (err != -EPIPE)
		log_error("backendd: %s", strerror(-err));
	exit(1);
}

/* ---- messages ---- */

/* What backendd says unasked. */
static void hear(struct port *p)
{
	struct link_message *m = &p->message;

	p->kept = true;
	if (m->type == LINK_CHANGED && m->flags < LINK_WATCHES_MAX)
		p->watch[m->flags].pending = true;
	else
		broken(-EPROTO);
}

/* Send the request @m and wait for the reply, which is in p->message; its error. */
static int ask(struct port *p, const struct link_message *m, size_t bytes)
{
	size_t got;
	int err = link_send(p->socket, m, bytes);

	for (; !err; hear(p)) {
		err = link_receive(p->socket, &p->message, &got, 0);
		if (!err && p->message.type == LINK_REPLY)
			return p->message.err;
	}
	broken(err);
}

static int ask_text(struct port *p, enum link_type type, uint32_t number, const char *path, const char *value)
{
	struct link_message m = { .type = type, .flags = number };
	size_t a = strlen(path) + 1, b = value ? strlen(value) + 1 : 0;

	if (a + b > sizeof m.text)
		return -ENOSPC;
	memcpy(m.text, path, a);
	if (value)
		memcpy(m.text + a, value, b);
	return ask(p, &m, a + b);
}

/* ---- memory and grants ---- */

static void *port_alloc(struct pv_os *os, size_t bytes)
{
	void *p = NULL;

	(void)os;
	if (bytes % PV_PAGE)
		return calloc(1, bytes);
	if (posix_memalign(&p, PV_PAGE, bytes))
		return NULL;
	return memset(p, 0, bytes);
}

static void port_free(struct pv_os *os, void *p, size_t bytes)
{
	(void)os;
	(void)bytes;
	free(p);
}

/* A back end shares nothing of its own. */
static int port_grant(struct pv_os *os, domid_t peer, void *page, bool readonly, grant_ref_t *ref)
{
	(void)os;
	(void)peer;
	(void)page;
	(void)readonly;
	(void)ref;
	return -XEN_ENOSYS;
}

static int port_grant_end(struct pv_os *os, grant_ref_t ref)
{
	(void)os;
	(void)ref;
	return -XEN_ENOSYS;
}

/* Give back what is reserved at @count places, of @pages pages each, and not mapped. */
static void unreserve(struct port *p, const uint64_t index[], uint32_t count, uint32_t pages)
{
	struct link_message m;
	int err;

	if (count == 0)
		return;
	m.type = LINK_UNMAP;
	m.err = 0;
	m.count = count;
	m.flags = pages;
	memcpy(m.index, index, count * sizeof index[0]);
	err = link_send(p->socket, &m, count * sizeof index[0]);
	if (err)
		broken(err);
}

static void port_unmap(struct pv_os *os, struct pv_map *map, uint32_t count)
{
	uint32_t step = count && (map[0].handle & HANDLE_TOGETHER) ? count : 1, n = 0;
	uint64_t index[LINK_REFS_MAX];

	for (uint32_t i = 0; i < count; i += step) {
		munmap(map[i].addr, (size_t)step * PV_PAGE);
		index[n++] = (uint64_t)(map[i].handle & ~HANDLE_TOGETHER) * PV_PAGE;
		if (n == LINK_REFS_MAX) {
			unreserve(port_of(os), index, n, step);
			n = 0;
		}
	}
	unreserve(port_of(os), index, n, step);
}

/* Map @step pages of the grant device at the index that backendd reserved: this is where the hypervisor looks at the
 * references. */
static int map_at(struct port *p, struct pv_map *map, uint32_t step, uint64_t index, int prot)
{
	void *va = mmap(NULL, (size_t)step * PV_PAGE, prot, MAP_SHARED, p->grants.fd, (off_t)index);

	for (uint32_t i = 0; i < step && va != MAP_FAILED; i++) {
		map[i].addr = (char *)va + (size_t)i * PV_PAGE;
		map[i].handle = (uint32_t)(index / PV_PAGE) | (step > 1 ? HANDLE_TOGETHER : 0);
	}
	return va == MAP_FAILED ? -errno : 0;
}

static int map_some(struct port *p, struct pv_map *map, uint32_t count, uint32_t flags)
{
	bool together = count > 1 && (flags & PV_MAP_TOGETHER);
	uint32_t step = together ? count : 1, done = 0;
	struct link_message m = { .type = LINK_MAP, .count = count, .flags = together ? LINK_TOGETHER : 0 };
	uint64_t index[LINK_REFS_MAX];
	int err;

	for (uint32_t i = 0; i < count; i++)
		m.ref[i] = map[i].ref;
	err = ask(p, &m, count * sizeof m.ref[0]);
	if (err)
		return err;
	memcpy(index, p->message.index, count / step * sizeof index[0]);
	for (; done < count && !err; done += err ? 0 : step)
		err = map_at(p, map + done, step, index[done / step],
			     PROT_READ | (flags & PV_MAP_WRITABLE ? PROT_WRITE : 0));
	if (!err)
		return 0;
	port_unmap(&p->os, map, done);
	unreserve(p, index + done / step, (count - done) / step, step);
	return err;
}

static int port_map(struct pv_os *os, domid_t peer, struct pv_map *map, uint32_t count, uint32_t flags)
{
	struct port *p = port_of(os);
	uint32_t done = 0;
	int err = 0;

	(void)peer;	/* backendd maps of this device's guest only */
	if ((flags & PV_MAP_TOGETHER) && count > LINK_REFS_MAX)
		return -XEN_EINVAL;
	while (done < count && !err) {
		uint32_t n = count - done < LINK_REFS_MAX ? count - done : LINK_REFS_MAX;

		err = map_some(p, map + done, n, flags);
		done += err ? 0 : n;
	}
	if (err)
		port_unmap(os, map, done);
	return err;
}

/* The segment of the kernel's for @c. */
static struct gntdev_grant_copy_segment segment_of(domid_t peer, const struct pv_copy *c)
{
	struct gntdev_grant_copy_segment s = { .len = c->bytes };

	if (c->to_peer) {
		s.source.virt = (uint64_t)(uintptr_t)c->local;
		s.dest.foreign.ref = c->ref;
		s.dest.foreign.offset = c->offset;
		s.dest.foreign.domid = peer;
		s.flags = GNTCOPY_dest_gref;
	} else {
		s.dest.virt = (uint64_t)(uintptr_t)c->local;
		s.source.foreign.ref = c->ref;
		s.source.foreign.offset = c->offset;
		s.source.foreign.domid = peer;
		s.flags = GNTCOPY_source_gref;
	}
	return s;
}

static bool copy_fits(const struct pv_copy *c)
{
	return c->offset + c->bytes <= (int)PV_PAGE;
}

/* For what crosses its page's end the kernel refuses the others, too: it does not get to see that. */
static void copy_batch(struct port *p, domid_t peer, struct pv_copy *copy, uint32_t count)
{
	struct gntdev_grant_copy_segment segment[COPY_BATCH];
	uint32_t n = 0;
	int err;

	for (uint32_t i = 0; i < count; i++)
		if (copy_fits(&copy[i]))
			segment[n++] = segment_of(peer, &copy[i]);
	err = n ? gntdev_copy(&p->grants, segment, n) : 0;
	for (uint32_t i = 0, at = 0; i < count; i++)
		copy[i].err = !copy_fits(&copy[i]) || segment[at++].status != GNTST_okay || err ? -XEN_EINVAL : 0;
}

static void port_copy(struct pv_os *os, domid_t peer, struct pv_copy *copy, uint32_t count)
{
	for (uint32_t done = 0, n; done < count; done += n) {
		n = count - done < COPY_BATCH ? count - done : COPY_BATCH;
		copy_batch(port_of(os), peer, copy + done, n);
	}
}

/* ---- events ---- */

static int port_event_open(struct pv_os *os, domid_t peer, uint32_t remote_port, pv_callback *fn, void *arg,
			   uint32_t *port)
{
	struct port *p = port_of(os);
	struct port_event *e = p->event;
	int err;

	while (e < p->event + PORT_EVENTS_MAX && e->port)
		e++;
	if (e == p->event + PORT_EVENTS_MAX)
		return -XEN_ENOSPC;
	err = evtchn_bind_interdomain(&p->events, peer, remote_port, port);
	if (err)
		return -XEN_ENOENT;
	*e = (struct port_event){ .port = *port, .pending = true, .fn = fn, .arg = arg };
	p->kept = true;
	return 0;
}

static void port_event_notify(struct pv_os *os, uint32_t port)
{
	/* It can fail only when the guest has gone. */
	(void)!evtchn_notify(&port_of(os)->events, port);
}

static struct port_event *event_find(struct port *p, uint32_t port)
{
	struct port_event *e = p->event;

	while (e < p->event + PORT_EVENTS_MAX && e->port != port)
		e++;
	return e < p->event + PORT_EVENTS_MAX ? e : NULL;
}

static void port_event_close(struct pv_os *os, uint32_t port)
{
	struct port *p = port_of(os);
	struct port_event *e = event_find(p, port);

	if (e)
		e->port = 0;
	(void)!evtchn_unbind(&p->events, port);
}

/* A guest can notify as fast as we take: the rest of what there is has its turn, and then comes what is left. */
static void events_take(struct port *p)
{
	uint32_t fired[PORT_EVENTS_MAX];
	int count = evtchn_take(&p->events, fired, PORT_EVENTS_MAX);

	for (int i = 0; i < count; i++) {
		struct port_event *e = event_find(p, fired[i]);

		if (e)
			e->pending = true;
	}
	/* Before it is looked at: what comes meanwhile raises them again. */
	if (count > 0)
		(void)!evtchn_unmask_all(&p->events, fired, (unsigned int)count);
	for (uint32_t i = 0; count == -EFBIG && i < PORT_EVENTS_MAX; i++)
		p->event[i].pending = p->event[i].port != 0;
}

/* ---- store ---- */

static int port_store_read(struct pv_os *os, const char *path, char *value, size_t size)
{
	struct port *p = port_of(os);
	int err = ask_text(p, LINK_STORE_READ, 0, path, NULL);
	const char *text;

	if (err)
		return err;
	text = link_string(&p->message, p->message.count, 0);
	if (!text || strlen(text) >= size)
		return -XEN_E2BIG;
	strcpy(value, text);
	return 0;
}

static int port_store_write(struct pv_os *os, const char *path, const char *value)
{
	return ask_text(port_of(os), LINK_STORE_WRITE, 0, path, value);
}

static struct port_watch *watch_find(struct port *p, const char *path)
{
	struct port_watch *w = p->watch;

	while (w < p->watch + LINK_WATCHES_MAX && strcmp(w->path, path) != 0)
		w++;
	return w < p->watch + LINK_WATCHES_MAX ? w : NULL;
}

static int port_store_watch(struct pv_os *os, const char *path, pv_callback *fn, void *arg)
{
	struct port *p = port_of(os);
	struct port_watch *w = watch_find(p, "");
	int err;

	if (!w || strlen(path) >= sizeof w->path)
		return -XEN_ENOSPC;
	*w = (struct port_watch){ .fn = fn, .arg = arg };
	strcpy(w->path, path);
	err = ask_text(p, LINK_STORE_WATCH, (uint32_t)(w - p->watch), path, NULL);
	if (err)
		w->path[0] = '\0';
	return err;
}

static void port_store_unwatch(struct pv_os *os, const char *path, pv_callback *fn, void *arg)
{
	struct port *p = port_of(os);
	struct port_watch *w = watch_find(p, path);

	(void)fn;
	(void)arg;
	if (!w)
		return;
	w->path[0] = '\0';
	(void)!ask_text(p, LINK_STORE_UNWATCH, (uint32_t)(w - p->watch), path, NULL);
}

static void port_log(struct pv_os *os, const char *line)
{
	if (log_allowed(&port_of(os)->limit, loop_now_ns()))
		log_warn("%s", line);
}

static uint64_t port_now_ns(struct pv_os *os)
{
	(void)os;
	return loop_now_ns();
}

/* ---- the process's side ---- */

void port_open(struct port *p)
{
	*p = (struct port){
		.os = {
			.alloc = port_alloc, .free = port_free, .grant = port_grant, .grant_end = port_grant_end,
			.map = port_map, .unmap = port_unmap, .copy = port_copy,
			.event_open = port_event_open, .event_notify = port_event_notify,
			.event_close = port_event_close,
			.store_read = port_store_read, .store_write = port_store_write,
			.store_watch = port_store_watch, .store_unwatch = port_store_unwatch, .log = port_log,
			.now_ns = port_now_ns,
		},
		.socket = LINK_FD_SOCKET, .grants = { LINK_FD_GRANTS }, .events = { LINK_FD_EVENTS },
		.limit = LOG_LIMIT(10, 10000000000u),
	};
}

void port_refuse(struct port *p, const char *why)
{
	struct link_message m = { .type = LINK_REFUSED };

	log_error("%s", why);
	snprintf(m.text, sizeof m.text, "%s", why);
	(void)!link_send(p->socket, &m, strlen(m.text) + 1);
	exit(1);
}

static void socket_take(struct port *p)
{
	size_t got;
	int err;

	while ((err = link_receive(p->socket, &p->message, &got, MSG_DONTWAIT)) == 0)
		hear(p);
	if (err != -EAGAIN)
		broken(err);
}

void port_run(struct port *p, bool said, bool fired)
{
	if (said)
		socket_take(p);
	if (fired)
		events_take(p);
	p->kept = false;
	for (uint32_t i = 0; i < LINK_WATCHES_MAX; i++) {
		struct port_watch *w = &p->watch[i];

		if (w->pending && w->path[0]) {
			w->pending = false;
			w->fn(w->arg);
		}
	}
	for (uint32_t i = 0; i < PORT_EVENTS_MAX; i++) {
		struct port_event *e = &p->event[i];

		if (e->pending && e->port) {
			e->pending = false;
			e->fn(e->arg);
		}
	}
}
