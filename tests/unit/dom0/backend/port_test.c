/* The port of a device's process. backendd's answers wait in the socket before they are asked for; the grant device is a file
 * in memory, whose pages are the guest's, and the events are this file's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dom0/backend/port.h"
#include "tests/unit/check_main.h"

#define PAGES 1200u

static struct port port;
static struct pv_os *const os = &port.os;
static int backendd, memory;
static struct link_message heard;
static size_t heard_bytes;
static unsigned int calls;

/* ---- in place of Xen's devices ---- */

static uint32_t storm, last_bound, unbound, unmasked, unmasked_count;
static int pending_err;		/* told once, after which nothing is pending */

static struct gntdev_grant_copy_segment seen[2 * PAGES];
static uint32_t seen_count, requests;
static int copy_err;

/* References below PAGES are granted. */
int gntdev_copy(struct gntdev *g, struct gntdev_grant_copy_segment *segment, uint32_t count)
{
	ck_assert_int_eq(g->fd, memory);
	ck_assert_uint_gt(count, 0);
	requests++;
	for (uint32_t i = 0; i < count; i++) {
		bool out = segment[i].flags == GNTCOPY_dest_gref;
		grant_ref_t ref = out ? segment[i].dest.foreign.ref : segment[i].source.foreign.ref;

		segment[i].status = ref < PAGES ? GNTST_okay : GNTST_bad_gntref;
		seen[seen_count++] = segment[i];
	}
	return copy_err;
}

int evtchn_bind_interdomain(struct evtchn *e, uint16_t domid, uint32_t remote_port, uint32_t *own)
{
	(void)e;
	ck_assert_uint_eq(domid, 7);
	if (remote_port == 99)
		return -EINVAL;
	*own = ++last_bound;
	return 0;
}

int evtchn_unbind(struct evtchn *e, uint32_t p)
{
	(void)e;
	unbound = p;
	return 0;
}

int evtchn_notify(struct evtchn *e, uint32_t p)
{
	(void)e;
	(void)p;
	return 0;
}

int evtchn_take(struct evtchn *e, uint32_t fired[], unsigned int most)
{
	int err = pending_err;

	(void)e;
	pending_err = 0;
	for (unsigned int i = 0; storm && i < most; i++)
		fired[i] = storm + i / 2;
	return storm ? (int)most : err;
}

int evtchn_unmask_all(struct evtchn *e, const uint32_t fired[], unsigned int count)
{
	(void)e;
	unmasked = fired[0];
	unmasked_count = count;
	return 0;
}

/* ---- backendd ---- */

static void setup(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	memory = memfd_create("grants", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(memory, PAGES * PV_PAGE), 0);
	for (uint32_t i = 0; i < PAGES; i++)
		ck_assert_int_eq(pwrite(memory, &i, sizeof i, (off_t)i * PV_PAGE), sizeof i);
	port_open(&port);
	port.socket = pair[0];
	port.grants.fd = memory;
	port.events.fd = -1;
	backendd = pair[1];
	pending_err = 0;
}

static void say(enum link_type type, int err, uint32_t flags)
{
	struct link_message m = { .type = type, .err = err, .flags = flags };

	ck_assert_int_eq(link_send(backendd, &m, 0), 0);
}

static void say_text(const char *text)
{
	struct link_message m = { .type = LINK_REPLY, .count = (uint32_t)strlen(text) + 1 };

	strcpy(m.text, text);
	ck_assert_int_eq(link_send(backendd, &m, m.count), 0);
}

static void say_pages(uint32_t count, uint64_t first_page)
{
	struct link_message m = { .type = LINK_REPLY, .count = count };

	for (uint32_t i = 0; i < count; i++)
		m.index[i] = (first_page + i) * PV_PAGE;
	ck_assert_int_eq(link_send(backendd, &m, count * sizeof m.index[0]), 0);
}

/* Take the request that was made. */
static void hear(enum link_type type)
{
	ck_assert_int_eq(link_receive(backendd, &heard, &heard_bytes, MSG_DONTWAIT), 0);
	ck_assert_uint_eq(heard.type, type);
}

static void hear_nothing(void)
{
	ck_assert_int_eq(link_receive(backendd, &heard, &heard_bytes, MSG_DONTWAIT), -EAGAIN);
}

/* How many pages were given back at @first and the pages behind it; other requests are skipped. */
static uint32_t given_back(uint64_t first)
{
	struct link_message m;
	uint32_t pages = 0;
	size_t bytes;

	while (link_receive(backendd, &m, &bytes, MSG_DONTWAIT) == 0) {
		if (m.type != LINK_UNMAP)
			continue;
		ck_assert_uint_le(m.count, LINK_REFS_MAX);
		ck_assert_uint_eq(bytes, m.count * sizeof m.index[0]);
		for (uint32_t i = 0; i < m.count; i++, pages += m.flags)
			ck_assert_uint_eq(m.index[i], (first + pages) * PV_PAGE);
	}
	return pages;
}

static void call(void *arg)
{
	calls++;
	(void)arg;
}

/* ---- the store ---- */

START_TEST(reads)
{
	char value[8] = "old";

	say_text("1234567");
	ck_assert_int_eq(os->store_read(os, "/a/b", value, sizeof value), 0);
	ck_assert_str_eq(value, "1234567");
	hear(LINK_STORE_READ);
	ck_assert_uint_eq(heard_bytes, sizeof "/a/b");
	ck_assert_str_eq(heard.text, "/a/b");
	say_text("12345678");
	ck_assert_int_eq(os->store_read(os, "/a/b", value, sizeof value), -XEN_E2BIG);
	say(LINK_REPLY, -ENOENT, 0);
	ck_assert_int_eq(os->store_read(os, "/a/b", value, sizeof value), -XEN_ENOENT);
	ck_assert_str_eq(value, "1234567");
}
END_TEST

START_TEST(writes)
{
	static char longest[LINK_TEXT_MAX];

	say(LINK_REPLY, 0, 0);
	ck_assert_int_eq(os->store_write(os, "/a/b", "cd"), 0);
	hear(LINK_STORE_WRITE);
	ck_assert_uint_eq(heard_bytes, sizeof "/a/b\0cd");
	ck_assert_mem_eq(heard.text, "/a/b\0cd", sizeof "/a/b\0cd");
	say(LINK_REPLY, -EACCES, 0);
	ck_assert_int_eq(os->store_write(os, "/a/b", "cd"), -XEN_EACCES);
	hear(LINK_STORE_WRITE);
	memset(longest, 'x', LINK_TEXT_MAX - sizeof "/a/b" - 1);
	say(LINK_REPLY, 0, 0);
	ck_assert_int_eq(os->store_write(os, "/a/b", longest), 0);
	hear(LINK_STORE_WRITE);
	ck_assert_uint_eq(heard_bytes, LINK_TEXT_MAX);
	longest[strlen(longest)] = 'x';
	ck_assert_int_eq(os->store_write(os, "/a/b", longest), -XEN_ENOSPC);
	hear_nothing();
}
END_TEST

/* What comes amid a request is kept, and called back by port_run() alone. */
START_TEST(watches)
{
	char value[8], path[16];

	for (uint32_t i = 0; i < LINK_WATCHES_MAX; i++) {
		snprintf(path, sizeof path, "/w%u", i);
		say(LINK_REPLY, 0, 0);
		ck_assert_int_eq(os->store_watch(os, path, call, NULL), 0);
		hear(LINK_STORE_WATCH);
		ck_assert_uint_eq(heard.flags, i);
	}
	ck_assert_int_eq(os->store_watch(os, "/one-more", call, NULL), -XEN_ENOSPC);
	hear_nothing();
	say(LINK_CHANGED, 0, 2);
	say_text("x");
	ck_assert_int_eq(os->store_read(os, "/a", value, sizeof value), 0);
	ck_assert_uint_eq(calls, 0);
	ck_assert(port.kept);
	port_run(&port, false, false);
	ck_assert_uint_eq(calls, 1);
	ck_assert(!port.kept);
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, 1);
	/* One that is ended is not called, though its change is on the way. */
	hear(LINK_STORE_READ);
	say(LINK_CHANGED, 0, 2);
	say(LINK_REPLY, 0, 0);
	os->store_unwatch(os, "/w2", call, NULL);
	hear(LINK_STORE_UNWATCH);
	ck_assert_uint_eq(heard.flags, 2);
	say(LINK_CHANGED, 0, 2);
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, 1);
	os->store_unwatch(os, "/w2", call, NULL);
	hear_nothing();
	/* And its number can be used again, unless the store refuses. */
	say(LINK_REPLY, -ENOSPC, 0);
	ck_assert_int_eq(os->store_watch(os, "/again", call, NULL), -XEN_ENOSPC);
	say(LINK_REPLY, 0, 0);
	ck_assert_int_eq(os->store_watch(os, "/again", call, NULL), 0);
}
END_TEST

/* Without backendd, or with one that makes no sense, there is nothing to go on with: the process ends with 1. */
START_TEST(no_backendd)
{
	close(backendd);
	port_run(&port, true, true);
}
END_TEST

START_TEST(no_backendd_to_ask)
{
	close(backendd);
	(void)!os->store_write(os, "/a", "b");
}
END_TEST

START_TEST(no_sense)
{
	say(_i ? LINK_CHANGED : LINK_MAP, 0, LINK_WATCHES_MAX);
	port_run(&port, true, true);
}
END_TEST

/* ---- pages ---- */

/* Map @count pages, whose answers wait; each must hold its number, from @first_page on. */
static void map_and_look(uint32_t count, uint32_t flags, uint32_t first_page)
{
	static struct pv_map map[PAGES];

	for (uint32_t i = 0; i < count; i++)
		map[i].ref = 1000 + i;
	ck_assert_int_eq(os->map(os, 7, map, count, flags), 0);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(*(uint32_t *)map[i].addr, first_page + i);
	hear(LINK_MAP);
	ck_assert_uint_eq(heard.ref[0], 1000);
	for (uint32_t i = 1; i < count && (flags & PV_MAP_TOGETHER); i++)
		ck_assert_ptr_eq(map[i].addr, (char *)map[0].addr + (size_t)i * PV_PAGE);
	os->unmap(os, map, count);
	ck_assert_uint_eq(given_back(first_page), count);
	for (uint32_t i = 0; i < count; i++)
		ck_assert(msync(map[i].addr, PV_PAGE, MS_ASYNC) < 0 && errno == ENOMEM);
}

START_TEST(maps)
{
	say_pages(3, 20);
	map_and_look(3, PV_MAP_WRITABLE, 20);
	ck_assert_uint_eq(heard.flags, 0);
	say_pages(1, 5);
	map_and_look(16, PV_MAP_WRITABLE | PV_MAP_TOGETHER, 5);
	ck_assert_uint_eq(heard.flags, LINK_TOGETHER);
	say_pages(1, 5);
	map_and_look(1, PV_MAP_TOGETHER, 5);
	/* More than one request has room for. */
	say_pages(LINK_REFS_MAX, 0);
	say_pages(LINK_REFS_MAX, LINK_REFS_MAX);
	say_pages(100, 2 * LINK_REFS_MAX);
	map_and_look(2 * LINK_REFS_MAX + 100, PV_MAP_WRITABLE, 0);
	ck_assert_uint_eq(heard.count, LINK_REFS_MAX);
}
END_TEST

START_TEST(no_maps)
{
	struct pv_map map[PAGES] = { 0 };
	struct link_message m = { .type = LINK_REPLY, .count = 4, .index = { 0, PV_PAGE, 1, 3 * PV_PAGE } };

	say(LINK_REPLY, -ENOMEM, 0);
	ck_assert_int_eq(os->map(os, 7, map, 4, 0), -XEN_ENOMEM);
	ck_assert_uint_eq(given_back(0), 0);
	/* The third cannot be mapped: none is, and none stays reserved. */
	ck_assert_int_eq(link_send(backendd, &m, 4 * sizeof m.index[0]), 0);
	ck_assert_int_eq(os->map(os, 7, map, 4, 0), -XEN_EINVAL);
	for (uint32_t i = 0, n = 0; i < 4; i += n) {
		if (n == 0)
			hear(LINK_MAP);
		hear(LINK_UNMAP);
		ck_assert_uint_eq(heard.flags, 1);
		n = heard.count;
		ck_assert_mem_eq(heard.index, m.index + i, heard_bytes);
	}
	hear_nothing();
	ck_assert(msync(map[0].addr, PV_PAGE, MS_ASYNC) < 0);
	/* So with what an earlier request mapped. */
	say_pages(LINK_REFS_MAX, 0);
	say(LINK_REPLY, -ENOMEM, 0);
	ck_assert_int_eq(os->map(os, 7, map, LINK_REFS_MAX + 1, 0), -XEN_ENOMEM);
	ck_assert_uint_eq(given_back(0), LINK_REFS_MAX);
	ck_assert_int_eq(os->map(os, 7, map, LINK_REFS_MAX + 1, PV_MAP_TOGETHER), -XEN_EINVAL);
}
END_TEST

/* ---- copies ---- */

START_TEST(copies)
{
	char here[3][16];
	struct pv_copy copy[3] = {
		{ .ref = 5, .offset = 4095, .bytes = 1, .local = here[0], .err = 1 },
		{ .ref = 6, .offset = 0, .bytes = 4096, .local = here[1], .to_peer = true, .err = 1 },
		{ .ref = 7, .offset = 12, .bytes = 0, .local = here[2], .err = 1 },
	};

	os->copy(os, 7, copy, 3);
	ck_assert_uint_eq(requests, 1);
	ck_assert_uint_eq(seen_count, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(copy[i].err, 0);
	ck_assert(seen[0].flags == GNTCOPY_source_gref && seen[0].len == 1 &&
		  seen[0].dest.virt == (uintptr_t)here[0] && seen[0].source.foreign.ref == 5 &&
		  seen[0].source.foreign.offset == 4095 && seen[0].source.foreign.domid == 7);
	ck_assert(seen[1].flags == GNTCOPY_dest_gref && seen[1].len == 4096 &&
		  seen[1].source.virt == (uintptr_t)here[1] && seen[1].dest.foreign.ref == 6 &&
		  seen[1].dest.foreign.offset == 0 && seen[1].dest.foreign.domid == 7);
	ck_assert(seen[2].flags == GNTCOPY_source_gref && seen[2].len == 0);
	hear_nothing();
}
END_TEST

/* Each has an error of its own, and what leaves its page the kernel is not even asked. */
START_TEST(no_copies)
{
	char here[16];
	struct pv_copy copy[] = {
		{ .ref = PAGES, .bytes = 1, .local = here }, { .ref = 1, .bytes = 1, .local = here },
		{ .ref = 2, .offset = 4095, .bytes = 2, .local = here }, { .ref = 3, .bytes = 1, .local = here },
		{ .ref = 4, .offset = 65535, .bytes = 65535, .local = here }, { .ref = PAGES, .bytes = 2, .local = here },
	};
	static const bool good[] = { false, true, false, true, false, false };

	os->copy(os, 7, copy, 6);
	ck_assert_uint_eq(requests, 1);
	ck_assert_uint_eq(seen_count, 4);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(copy[i].err, good[i] ? 0 : -XEN_EINVAL);
	os->copy(os, 7, &copy[2], 1);
	ck_assert_uint_eq(requests, 1);
	ck_assert_int_eq(copy[2].err, -XEN_EINVAL);
	/* What the kernel refuses as a whole, whatever it has said of some. */
	copy_err = -EFAULT;
	os->copy(os, 7, copy, 6);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(copy[i].err, -XEN_EINVAL);
}
END_TEST

START_TEST(many_copies)
{
	static struct pv_copy copy[PAGES + 1];
	static char here[PAGES + 1];

	for (uint32_t i = 0; i <= PAGES; i++)
		copy[i] = (struct pv_copy){ .ref = i, .bytes = 1, .local = &here[i] };
	os->copy(os, 7, copy, PAGES + 1);
	ck_assert_uint_eq(seen_count, PAGES + 1);
	ck_assert_uint_le(requests, PAGES / 50);
	for (uint32_t i = 0; i <= PAGES; i++) {
		ck_assert_int_eq(copy[i].err, i < PAGES ? 0 : -XEN_EINVAL);
		ck_assert_uint_eq(seen[i].source.foreign.ref, i);
	}
	os->copy(os, 7, copy, 0);
	ck_assert_uint_eq(seen_count, PAGES + 1);
}
END_TEST

/* ---- events ---- */

START_TEST(events)
{
	uint32_t own[PORT_EVENTS_MAX], more = 12345;

	ck_assert_int_eq(os->event_open(os, 7, 99, call, NULL, &more), -XEN_ENOENT);
	for (uint32_t i = 0; i < PORT_EVENTS_MAX; i++)
		ck_assert_int_eq(os->event_open(os, 7, 1, call, NULL, &own[i]), 0);
	ck_assert_int_eq(os->event_open(os, 7, 1, call, NULL, &more), -XEN_ENOSPC);
	ck_assert_uint_eq(more, 12345);
	ck_assert_uint_eq(calls, 0);
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, PORT_EVENTS_MAX);	/* once after binding */
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, PORT_EVENTS_MAX);
	/* Some were lost. */
	pending_err = -EFBIG;
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, 2 * PORT_EVENTS_MAX);
	os->event_close(os, own[3]);
	ck_assert_uint_eq(unbound, own[3]);
	pending_err = -EFBIG;
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, 3 * PORT_EVENTS_MAX - 1);
}
END_TEST

/* A guest that never stops to notify stops nothing else. */
START_TEST(a_storm)
{
	uint32_t own;

	ck_assert_int_eq(os->event_open(os, 7, 1, call, NULL, &own), 0);
	storm = own;
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, 1);
	ck_assert(unmasked == own && unmasked_count == PORT_EVENTS_MAX);
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, 2);
	storm = 4242;		/* of a port that was closed meanwhile */
	port_run(&port, true, true);
	ck_assert_uint_eq(calls, 2);
}
END_TEST

START_TEST(memory_of_the_process)
{
	void *p = os->alloc(os, 2 * PV_PAGE), *q = os->alloc(os, 100);

	ck_assert_uint_eq((uintptr_t)p % PV_PAGE, 0);
	for (size_t i = 0; i < 2 * PV_PAGE; i++)
		ck_assert_uint_eq(((unsigned char *)p)[i], 0);
	os->free(os, p, 2 * PV_PAGE);
	os->free(os, q, 100);
	os->free(os, NULL, 100);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, NULL, reads, writes, watches, maps, no_maps, copies, no_copies, many_copies, events,
			      a_storm, memory_of_the_process);

	tcase_add_exit_test(c, no_backendd, 1);
	tcase_add_exit_test(c, no_backendd_to_ask, 1);
	tcase_add_loop_exit_test(c, no_sense, 1, 0, 2);
	return check_run("port", c);
}
