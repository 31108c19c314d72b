/* The store's ring, written by a guest: XSA-38, XSA-72, XSA-86, XSA-323, XSA-324, XSA-420.
 *
 * A guest speaks to the store through a page that both have mapped: two rings of a kilobyte, four
 * indices, any of which the guest can set to anything at any time. XSA-38 and XSA-86 believed them:
 * the difference of two indices was taken for an amount, and the daemon read or wrote as much, far
 * behind the page. Then there is what the bytes say. XSA-72 was a reply that had become too long
 * for the protocol, XSA-324 a watch event that had, made of a path and a token each of which was
 * short enough: the daemon gave up, and with it the store of the whole machine. XSA-323 measured a
 * relative path and not what it stands for, and guests made nodes that no tool could name. In
 * XSA-420 a number of 32 bits went through an integer of 31.
 *
 * Here our own indices are kept in our memory, and what the guest claims is compared with the
 * ring's size before a byte is touched (ring_read() and ring_write() in dom0/xenstored/ring.c); a
 * payload above 4096 ends the connection (request_next() in conn.c), as does any index that makes
 * no sense; a reply that would be longer is E2BIG; of an event that would be, the watch's own path
 * is sent. Paths are brought into one form and measured at one place (path_canonical() in path.c).
 * What a guest breaks is its own connection.
 *
 * Domain 3 sends each of these, and then domain 4 is served as ever.
 * Catches, seeded by hand: the comparison with the ring's size left out of ring_read() or
 * ring_write(), an event's length not looked at, a payload's length not looked at, a relative path
 * not measured. */
#include <stdio.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

#define HOSTILE 3
#define HONEST 4

static struct lab lab;
static struct peer *dom0;
static struct answer a;

static struct xenstore_domain_interface *ring(int domid)
{
	return (void *)lab.dom[domid].page;
}

static void introduce(int domid)
{
	char home[32], perms[48], body[32];
	int n = snprintf(home, sizeof home, "/local/domain/%d", domid);
	int m = snprintf(perms, sizeof perms, "%s%cn%d", home, 0, domid);
	int k = snprintf(body, sizeof body, "%d%c1%c9", domid, 0, 0);

	ask(dom0, XS_MKDIR, 0, home, (size_t)n + 1, &a);
	ask(dom0, XS_SET_PERMS, 0, perms, (size_t)m + 1, &a);
	ck_assert_ptr_null(ask(dom0, XS_INTRODUCE, 0, body, (size_t)k + 1, &a));
}

static void begin(void)
{
	lab_open(&lab);
	dom0 = peer_open(&lab, 0);
	introduce(HOSTILE);
	introduce(HONEST);
}

static void end(void)
{
	peer_close(dom0);
	lab_close(&lab);
}

static void turn(int domid)
{
	domain_event(lab.s, 100u + (uint32_t)domid);
	while (conns_run(lab.s))
		;
}

/* As a guest puts bytes, in as many turns as it takes. */
static void send(int domid, const void *bytes, size_t len)
{
	struct xenstore_domain_interface *r = ring(domid);

	for (size_t i = 0; i < len; i++) {
		if (r->req_prod - r->req_cons == XENSTORE_RING_SIZE)
			turn(domid);
		ck_assert_uint_lt(r->req_prod - r->req_cons, XENSTORE_RING_SIZE);
		r->req[r->req_prod++ & (XENSTORE_RING_SIZE - 1)] = ((const char *)bytes)[i];
	}
	turn(domid);
}

static void request(int domid, uint32_t type, uint32_t tx, const void *body, size_t len)
{
	struct xsd_sockmsg h = { .type = type, .req_id = 0xfeedf00d, .tx_id = tx, .len = (uint32_t)len };

	send(domid, &h, sizeof h);
	send(domid, body, len);
}

/* The next message to the guest; its type, or -1: none. */
static int receive(int domid)
{
	struct xenstore_domain_interface *r = ring(domid);
	size_t got = 0, want = sizeof a.h;

	memset(&a, 0, sizeof a);
	while (got < want) {
		if (r->rsp_prod == r->rsp_cons)
			turn(domid);
		if (r->rsp_prod == r->rsp_cons)
			return -1;
		((char *)&a)[got++] = r->rsp[r->rsp_cons++ & (XENSTORE_RING_SIZE - 1)];
		if (got == sizeof a.h) {
			ck_assert_uint_le(a.h.len, XENSTORE_PAYLOAD_MAX);
			want += a.h.len;
		}
	}
	turn(domid);
	return (int)a.h.type;
}

/* The store is there for the others, and consistent. */
static void others_are_served(void)
{
	request(HONEST, XS_WRITE, 0, "x\0v", 3);
	ck_assert_int_eq(receive(HONEST), XS_WRITE);
	request(HONEST, XS_READ, 0, "x", 2);
	ck_assert_int_eq(receive(HONEST), XS_READ);
	ck_assert_str_eq(a.body, "v");
	ck_assert_ptr_null(ASK(dom0, XS_READ, 0, "/local/domain/4/x", &a));
	lab_audit(&lab);
}

/* XSA-38, XSA-86: each index at each place, from a ring that was in order a moment ago and at the wrap of 2^32. */
START_TEST(indices)
{
	static const uint32_t jump[] = { 1025, 2048, 0x7fffffff, 0x80000000, 0xfffffc00, 0xffffffff };

	for (size_t i = 0; i < 4 * sizeof jump / sizeof jump[0]; i++) {
		struct xenstore_domain_interface *r = (begin(), ring(HOSTILE));
		uint32_t *const index[] = { &r->req_prod, &r->req_cons, &r->rsp_prod, &r->rsp_cons };

		request(HOSTILE, XS_WRITE, 0, "a\0b", 3);
		*index[i % 4] += jump[i / 4];
		turn(HOSTILE);
		turn(HOSTILE);
		/* Ours are not read again. The guest's end its connection when they are used; but one byte that is
		 * still to be read is no lie. */
		if (i % 4 == 3 && jump[i / 4] != 0xffffffff)
			request(HOSTILE, XS_READ, 0, "a", 2);
		turn(HOSTILE);
		if (i % 4 == 0 || (i % 4 == 3 && jump[i / 4] != 0xffffffff))
			ck_assert_ptr_null(domain_find(lab.s, HOSTILE)->conn);
		others_are_served();
		end();
	}
}
END_TEST

/* A ring whose indices have come round: that is no error. */
START_TEST(indices_that_wrap)
{
	begin();
	ASK(dom0, XS_RELEASE, 0, "3", &a);
	for (uint32_t *p = &ring(HOSTILE)->req_cons; p <= &ring(HOSTILE)->rsp_prod; p++)
		*p = 0xfffffff0;
	introduce(HOSTILE);
	for (int i = 0; i < 300; i++) {
		request(HOSTILE, XS_WRITE, 0, "a\0value", 7);
		ck_assert_int_eq(receive(HOSTILE), XS_WRITE);
	}
	others_are_served();
	end();
}
END_TEST

/* Lengths that the header claims. */
START_TEST(lengths)
{
	static const uint32_t claimed[] = { 4097, 5000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };

	for (size_t i = 0; i < sizeof claimed / sizeof claimed[0]; i++) {
		struct xsd_sockmsg h = { .type = XS_WRITE, .len = claimed[i] };

		begin();
		send(HOSTILE, &h, sizeof h);
		ck_assert_ptr_null(domain_find(lab.s, HOSTILE)->conn);
		others_are_served();
		end();
	}
}
END_TEST

/* XSA-72: a directory whose listing is longer than any reply, and a request whose body has no end. */
START_TEST(replies_too_long)
{
	static char full[XENSTORE_PAYLOAD_MAX];
	char name[32];

	begin();
	for (int i = 0; i < 500; i++) {
		int n = snprintf(name, sizeof name, "dir/child-number-%d", i);

		request(HOSTILE, XS_MKDIR, 0, name, (size_t)n + 1);
		ck_assert_int_eq(receive(HOSTILE), XS_MKDIR);
	}
	request(HOSTILE, XS_DIRECTORY, 0, "dir", 4);
	ck_assert_int_eq(receive(HOSTILE), XS_ERROR);
	ck_assert_str_eq(a.body, "E2BIG");
	memset(full, 'x', sizeof full);
	for (uint32_t type = 0; type <= XS_TYPE_COUNT; type++) {
		if (type == XS_WATCH_EVENT || type == XS_ERROR)
			continue;
		request(HOSTILE, type, 0, full, sizeof full);
		(void)receive(HOSTILE);
	}
	others_are_served();
	end();
}
END_TEST

/* XSA-324: the path of an event and the token of a watch, each as long as it may be. */
START_TEST(events_too_long)
{
	static char watch[XENSTORE_PAYLOAD_MAX], path[XENSTORE_REL_PATH_MAX], absolute[XENSTORE_REL_PATH_MAX + 32];
	size_t deep = sizeof path - 64;		/* a node's name may be so long */

	begin();
	memset(path, 'p', sizeof path);
	path[1] = '/';
	path[deep] = '\0';
	memset(watch, 't', sizeof watch);
	memcpy(watch, "p", 2);
	watch[sizeof watch - 1] = '\0';
	request(HOSTILE, XS_WATCH, 0, watch, sizeof watch);
	ck_assert_int_eq(receive(HOSTILE), XS_WATCH);
	ck_assert_int_eq(receive(HOSTILE), XS_WATCH_EVENT);
	request(HOSTILE, XS_MKDIR, 0, path, deep + 1);
	/* The reply and the event, which names what is watched instead. */
	for (int i = 0; i < 2; i++) {
		int type = receive(HOSTILE);
		ck_assert(type == XS_MKDIR || type == XS_WATCH_EVENT);
		if (type == XS_WATCH_EVENT)
			ck_assert_str_eq(a.body, "p");
	}
	ck_assert_int_eq(receive(HOSTILE), -1);
	/* XSA-323: whatever it could make, dom0 can name. */
	int n = snprintf(absolute, sizeof absolute, "/local/domain/3/%s", path);
	ck_assert_ptr_null(ask(dom0, XS_READ, 0, absolute, (size_t)n + 1, &a));
	ck_assert_ptr_null(ask(dom0, XS_RM, 0, absolute, (size_t)n + 1, &a));
	others_are_served();
	end();
}
END_TEST

/* XSA-323: names that are too long, or that mean another node than they say. */
START_TEST(names)
{
	static char path[XENSTORE_PAYLOAD_MAX];
	static const char *const bad[] = { "", "/", "//", "a//b", "a/", "/local/domain/3/", "a b", "a\tb", "@releaseDomain",
					   "../4/x", "a/../b", "\xff", "/local/domain/4/x" };

	begin();
	request(HONEST, XS_WRITE, 0, "x\0theirs", 8);
	ck_assert_int_eq(receive(HONEST), XS_WRITE);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t n = strlen(bad[i]) + 1;

		memcpy(path, bad[i], n);
		memcpy(path + n, "mine", 4);
		request(HOSTILE, XS_WRITE, 0, path, n + 4);
		ck_assert_int_eq(receive(HOSTILE), XS_ERROR);
	}
	for (size_t len = XENSTORE_REL_PATH_MAX - 2; len < sizeof path; len += len < 2060 ? 1 : 300) {
		memset(path, 'l', sizeof path);
		path[len] = '\0';
		request(HOSTILE, XS_READ, 0, path, len + 1);
		ck_assert_int_eq(receive(HOSTILE), XS_ERROR);
		ck_assert_str_eq(a.body, len > XENSTORE_REL_PATH_MAX ? "EINVAL" : "ENOENT");
		path[0] = '/';
		request(HOSTILE, XS_READ, 0, path, len + 1);
		ck_assert_int_eq(receive(HOSTILE), XS_ERROR);
		ck_assert_str_eq(a.body, len > XENSTORE_ABS_PATH_MAX ? "EINVAL" : "EACCES");
	}
	ck_assert_ptr_null(ASK(dom0, XS_READ, 0, "/local/domain/4/x", &a));
	ck_assert_str_eq(a.body, "theirs");
	others_are_served();
	end();
}
END_TEST

/* XSA-420: numbers with the highest bit set, which are echoed or refused, and mean nothing else. */
START_TEST(numbers)
{
	static const uint32_t tx[] = { 0x80000000, 0xffffffff, 0x7fffffff, 0x80000001 };

	begin();
	for (size_t i = 0; i < sizeof tx / sizeof tx[0]; i++) {
		request(HOSTILE, XS_READ, tx[i], "x", 2);
		ck_assert_int_eq(receive(HOSTILE), XS_ERROR);
		ck_assert_uint_eq(a.h.req_id, 0xfeedf00d);
		ck_assert_uint_eq(a.h.tx_id, tx[i]);
		request(HOSTILE, tx[i], 0, "x", 2);
		ck_assert_int_eq(receive(HOSTILE), XS_ERROR);
	}
	others_are_served();
	end();
}
END_TEST

CHECK_MAIN("store_ring", NULL, NULL, indices, indices_that_wrap, lengths, replies_too_long,
	   events_too_long, names, numbers)
