/* A front end that storms its back end: XSA-332, XSA-350, XSA-392, XSA-423, XSA-432.
 *
 * A back end is woken by its guest, works for it and answers, as often as the guest likes. In
 * XSA-332 events came so fast that dom0 did nothing but take them; in XSA-392 packets of a guest
 * that did not fetch them filled dom0's memory. A packet of an unusual shape overran a buffer
 * (XSA-432) or had a network card reset (XSA-423), a disk that was taken away while requests ran
 * was used after it was freed (XSA-350). Most of it was in Linux's back ends, which serve our
 * guests' disks and nets, and is theirs to prevent; the back end that is ours is the console's.
 *
 * Here consoled drains a guest's ring at a rate, after a burst (pvdrivers/con_back.c): a guest that prints faster waits in
 * its own ring, and no memory grows, for the log turns over at a fixed size and what nobody reads is the newest only
 * (scrollback.c). It answers an event only if the guest may wait for what it moved, so that two ends cannot wake each other
 * for ever. Indices are read once and compared with the ring's size (con_ring.c); who breaks them is no longer read, and
 * that is said once.
 *
 * The guest here has all day: it is the events, bytes and lines of the log that are counted, and
 * the memory around a buffer that is filled while another thread changes the index it is filled by.
 * Catches, seeded by hand: no rate, an answer to each event, a broken ring that is read on, an
 * index read twice. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/consoled/guest.h"
#include "dom0/lib/log.h"
#include "tests/unit/check_main.h"

static _Alignas(4096) struct {
	struct xencons_interface ring;
	unsigned char rest[4096 - sizeof(struct xencons_interface)];
} page;
static struct xencons_interface *const ring = &page.ring;
static struct loop loop;
static struct guest *g;
static int notified;
static char dir[] = "/tmp/bothy-storm-XXXXXX";
static int log_dir, dev_dir;

static int ring_map(void *arg, uint16_t domid, uint32_t ref, void **out)
{
	(void)arg, (void)domid, (void)ref;
	*out = ring;
	return 0;
}

static void ring_unmap(void *arg, uint16_t domid, void *p)
{
	(void)arg, (void)domid, (void)p;
}

static int port_bind(void *arg, uint16_t domid, uint32_t remote, uint32_t *port)
{
	(void)arg, (void)domid;
	*port = remote;
	return 0;
}

static void port_unbind(void *arg, uint32_t port)
{
	(void)arg, (void)port;
}

static void port_notify(void *arg, uint32_t port)
{
	(void)arg, (void)port;
	notified++;
}

static const struct ring_host host = {
	.ring_map = ring_map, .ring_unmap = ring_unmap, .port_bind = port_bind,
	.port_unbind = port_unbind, .port_notify = port_notify,
};

static void begin(void)
{
	memset(&page, 0, sizeof page);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	log_dir = open(dir, O_RDONLY | O_DIRECTORY);
	dev_dir = open("/dev", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(loop_open(&loop), 0);
	ck_assert_int_eq(guest_attach(&g, &loop, &host, &(struct guest_ring){ .domid = 3, .port = 7 }, "one", log_dir, dev_dir), 0);
}

static off_t log_size(const char *name)
{
	struct stat st;

	return fstatat(log_dir, name, &st, 0) == 0 ? st.st_size : 0;
}

static void end(void)
{
	guest_detach(g);
	loop_close(&loop);
	unlinkat(log_dir, "guest-one.log", 0);
	unlinkat(log_dir, "guest-one.log.1", 0);
	close(log_dir);
	close(dev_dir);
	rmdir(dir);
}

/* XSA-332: events with nothing behind them. */
START_TEST(events_for_nothing)
{
	begin();
	for (int i = 0; i < 100000; i++)
		guest_event(g);
	ck_assert_int_eq(notified, 1);			/* that there is someone */
	/* A guest that waits for room is worth one answer, one that does not is worth none. */
	ring->out_prod = (uint32_t)sizeof ring->out;
	guest_event(g);
	guest_event(g);
	ck_assert_int_eq(notified, 2);
	ring->out_prod++;
	guest_event(g);
	ck_assert_int_eq(notified, 2);
	end();
}
END_TEST

/* XSA-392: it prints as fast as the ring takes it, for a hundred bursts; nobody looks at the pty. */
START_TEST(output_without_end)
{
	uint64_t put = 0, start = loop_now_ns();

	begin();
	for (int i = 0; i < 100 * (int)(RATE_BURST / sizeof ring->out); i++) {
		uint32_t room = (uint32_t)sizeof ring->out - (ring->out_prod - ring->out_cons);

		__atomic_store_n(&ring->out_prod, ring->out_prod + room, __ATOMIC_RELEASE);
		put += room;
		guest_event(g);
	}
	ck_assert_uint_le(put, RATE_BURST + sizeof ring->out + (loop_now_ns() - start) / 1000 * RATE_BYTES / 1000000 + 4096);
	ck_assert_uint_eq(ring->out_prod - ring->out_cons, sizeof ring->out);
	ck_assert(g->resume.armed);				/* it will be looked at again */
	ck_assert_int_le(log_size("guest-one.log") + log_size("guest-one.log.1"), 2 * (off_t)LOG_BYTES);
	end();
}
END_TEST

/* The log of dom0 is not the guest's to fill: broken, seen, told, and that is all, however often it calls. */
START_TEST(broken_and_calling)
{
	static const uint32_t bad[] = { 2049, 0x80000000, 0xffffffff };
	char text[4096], path[64];

	begin();
	snprintf(path, sizeof path, "%s/own.log", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(log_to_file(path), 0);
	for (int i = 0; i < 10000; i++) {
		ring->out_prod = ring->out_cons + bad[i % 3];
		ring->in_cons = ring->in_prod + bad[i % 3];
		guest_event(g);
	}
	ck_assert(g->told_broken);
	ring->out_prod = ring->out_cons + 4;		/* it is too late for that */
	guest_event(g);
	ck_assert_int_eq(notified, 1);
	ck_assert_int_eq(log_size("guest-one.log"), 0);
	int fd = open(path, O_RDONLY), lines = 0;
	ssize_t n = read(fd, text, sizeof text);
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	ck_assert_int_eq(lines, 1);
	close(fd);
	unlink(path);
	end();
}
END_TEST

static bool stop;

/* The guest's other CPU: indices that are right, and in the next moment are not. */
static void *changes_indices(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		uint32_t cons = __atomic_load_n(&ring->out_cons, __ATOMIC_RELAXED);

		__atomic_store_n(&ring->out_prod, cons + 64, __ATOMIC_RELEASE);
		__atomic_store_n(&ring->out_prod, cons + 0x7fffffff, __ATOMIC_RELEASE);
		__atomic_store_n(&ring->in_cons, 5000, __ATOMIC_RELEASE);
		__atomic_store_n(&ring->in_cons, __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED), __ATOMIC_RELEASE);
	}
	return NULL;
}

/* XSA-155: the amount that was compared is the amount that is copied. */
START_TEST(indices_that_change)
{
	struct con_ring r;
	struct { char buf[512], behind[4096]; } room;
	pthread_t thread;

	memset(&page, 0, sizeof page);
	memset(ring->out, 'o', sizeof ring->out);
	memset(&room, 'r', sizeof room);
	con_ring_open(&r, ring, CON_BACK);
	ck_assert_int_eq(pthread_create(&thread, NULL, changes_indices, NULL), 0);
	for (int i = 0; i < 200000; i++) {
		int n = con_ring_read(&r, room.buf, sizeof room.buf);
		ck_assert(n <= (int)sizeof room.buf);
		n = con_ring_write(&r, room.buf, sizeof room.buf);
		ck_assert(n <= (int)sizeof room.buf);
		(void)!con_ring_push(&r);
		/* It broke, and another begins. */
		if (r.broken)
			con_ring_open(&r, ring, CON_BACK);
		if (i % 1000 == 0)
			for (size_t k = 0; k < sizeof room.behind; k++)
				if (room.behind[k] != 'r')
					ck_abort_msg("byte %zu behind the buffer was written", k);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < sizeof page.rest; i++)
		ck_assert_uint_eq(page.rest[i], 0);
}
END_TEST

CHECK_MAIN("console_storms", NULL, NULL, events_for_nothing, output_without_end,
	   broken_and_calling, indices_that_change)
