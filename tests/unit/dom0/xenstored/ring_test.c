/* Domains on rings: introduction, traffic, hostile indices, death. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

static struct lab lab;
static struct peer *p;
static struct answer a;

static void begin(void)
{
	lab_open(&lab);
	p = peer_open(&lab, 0);
}

static void end(void)
{
	peer_close(p);
	lab_close(&lab);
}

static struct xenstore_domain_interface *ring(int domid)
{
	return (void *)lab.dom[domid].page;
}

static uint32_t guest_put(int domid, const void *bytes, uint32_t len)
{
	struct xenstore_domain_interface *r = ring(domid);
	uint32_t n = 0;

	while (n < len && r->req_prod - r->req_cons < XENSTORE_RING_SIZE)
		r->req[r->req_prod++ & 1023] = ((const char *)bytes)[n++];
	return n;
}

static uint32_t guest_get(int domid, void *bytes, uint32_t len)
{
	struct xenstore_domain_interface *r = ring(domid);
	uint32_t n = 0;

	while (n < len && r->rsp_prod != r->rsp_cons)
		((char *)bytes)[n++] = r->rsp[r->rsp_cons++ & 1023];
	return n;
}

static void turn(int domid)
{
	domain_event(lab.s, 100u + (uint32_t)domid);
	while (conns_run(lab.s))
		;
}

/* One request through the ring, in as many turns as it takes. */
static const char *ring_ask(int domid, uint32_t type, const void *body, uint32_t len)
{
	unsigned char msg[8192];
	struct xsd_sockmsg h = { .type = type, .req_id = 42, .len = len };
	uint32_t sent = 0, got = 0;

	memcpy(msg, &h, sizeof h);
	memcpy(msg + sizeof h, body, len);
	while (sent < sizeof h + len) {
		sent += guest_put(domid, msg + sent, (uint32_t)sizeof h + len - sent);
		turn(domid);
	}
	memset(&a, 0, sizeof a);
	for (int i = 0; i < 100 && got < sizeof a.h; i++)
		got += guest_get(domid, (char *)&a.h + got, (uint32_t)sizeof a.h - got);
	ck_assert_uint_eq(got, sizeof a.h);
	ck_assert_uint_le(a.h.len, XENSTORE_PAYLOAD_MAX);
	for (got = 0; got < a.h.len;) {
		got += guest_get(domid, a.body + got, a.h.len - got);
		turn(domid);
	}
	return a.h.type == XS_ERROR ? a.body : NULL;
}

static void introduce(int domid)
{
	char body[32];
	int n = snprintf(body, sizeof body, "%d%c%d%c%d", domid, 0, 1, 0, 9);

	snprintf(body, sizeof body, "/local/domain/%d", domid);
	ask(p, XS_MKDIR, 0, body, strlen(body) + 1, &a);
	snprintf(body + strlen(body) + 1, 8, "n%d", domid);
	ask(p, XS_SET_PERMS, 0, body, strlen(body) + 1 + strlen(body + strlen(body) + 1) + 1, &a);
	n = snprintf(body, sizeof body, "%d%c%d%c%d", domid, 0, 1, 0, 9);
	ck_assert_ptr_null(ask(p, XS_INTRODUCE, 0, body, (size_t)n + 1, &a));
}

START_TEST(traffic)
{
	char big[2100];

	begin();
	ASK(p, XS_WATCH, 0, "@introduceDomain\0i", &a);
	(void)event_of(p);
	introduce(3);
	ck_assert_str_eq(event_of(p), "@introduceDomain i");
	ck_assert_ptr_null(ASK(p, XS_IS_DOMAIN_INTRODUCED, 0, "3", &a));
	ck_assert_str_eq(a.body, "T");
	ck_assert_ptr_null(ring_ask(3, XS_WRITE, "x\0hello", 7));
	ck_assert_ptr_null(ring_ask(3, XS_READ, "x", 2));
	ck_assert_str_eq(a.body, "hello");
	ck_assert_uint_eq(a.h.req_id, 42);
	memset(big, 'b', sizeof big);
	memcpy(big, "y", 2);
	ck_assert_ptr_null(ring_ask(3, XS_WRITE, big, 2 + 2000));
	for (int i = 0; i < 50; i++) {
		ck_assert_ptr_null(ring_ask(3, XS_READ, "y", 2));
		ck_assert_uint_eq(a.h.len, 2000);
	}
	ck_assert_uint_gt(lab.dom[3].notified, 0);
	end();
}
END_TEST

/* XSA-38 and its like: indices that make no sense end that domain's service and nothing else. */
START_TEST(hostile_indices)
{
	static const struct { uint32_t req_prod, rsp_cons; } cases[] = {
		{ 1025, 0 }, { 0xffffffff, 0 }, { 0x80000000, 0 }, { 0, 1 }, { 0, 0x7fffffff },
		{ 18, 5000 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin();
		introduce(3);
		introduce(4);
		guest_put(3, (struct xsd_sockmsg[]){ { .type = XS_DIRECTORY, .len = 2 } }, 16);
		guest_put(3, "/", 2);
		ring(3)->req_prod = cases[i].req_prod ? cases[i].req_prod : ring(3)->req_prod;
		ring(3)->rsp_cons = cases[i].rsp_cons;
		turn(3);
		turn(3);
		ck_assert_ptr_null(ring_ask(4, XS_WRITE, "x\0v", 3));
		ck_assert_ptr_null(ASK(p, XS_CONTROL, 0, "check", &a));
		ck_assert_str_eq(a.body, "OK");
		end();
	}
}
END_TEST

START_TEST(oversized)
{
	struct xsd_sockmsg h = { .type = XS_WRITE, .len = 0xffffffff };

	begin();
	introduce(3);
	guest_put(3, &h, sizeof h);
	turn(3);
	ck_assert_ptr_null(domain_find(lab.s, 3)->conn);
	ck_assert_uint_ne(ring(3)->error, XENSTORE_ERROR_NONE);
	turn(3);
	ck_assert_ptr_null(ASK(p, XS_RELEASE, 0, "3", &a));
	end();
}
END_TEST

/* A guest that breaks its ring and starts anew, again and again, gets one line of the log. */
START_TEST(broken_again)
{
	char path[] = "/tmp/bothy-ring-XXXXXX", text[4096];
	int fd = mkstemp(path), lines = 0;
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(log_to_file(path), 0);
	begin();
	introduce(3);
	for (int i = 0; i < 50; i++) {
		ring(3)->req_prod = ring(3)->req_cons + 5000;
		turn(3);
		ck_assert_ptr_null(domain_find(lab.s, 3)->conn);
		ring(3)->connection = XENSTORE_RECONNECT;
		turn(3);
		ck_assert_ptr_null(ring_ask(3, XS_WRITE, "x\0v", 3));
	}
	end();
	n = read(fd, text, sizeof text);
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	ck_assert_int_eq(lines, 1);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(reconnect)
{
	begin();
	introduce(3);
	ck_assert_ptr_null(ring_ask(3, XS_WATCH, "/\0t", 4));
	guest_put(3, "garbage", 7);
	ring(3)->connection = XENSTORE_RECONNECT;
	turn(3);
	ck_assert_uint_eq(ring(3)->connection, XENSTORE_CONNECTED);
	ck_assert_uint_eq(account_of(&lab.s->accounts, 3)->watches, 0);
	ck_assert_ptr_null(ring_ask(3, XS_WRITE, "x\0v", 3));
	end();
}
END_TEST

START_TEST(death)
{
	begin();
	introduce(3);
	introduce(4);
	ck_assert_ptr_null(ring_ask(3, XS_WRITE, "x\0v", 3));
	ASK(p, XS_WATCH, 0, "@releaseDomain\0r", &a);
	(void)event_of(p);
	lab.dom[3].life = DOMAIN_SHUT_DOWN;
	domains_check(lab.s);
	ck_assert_str_eq(event_of(p), "@releaseDomain r");
	ck_assert_ptr_nonnull(domain_find(lab.s, 3));
	ck_assert(lab.dom[3].mapped);
	lab.dom[3].life = DOMAIN_DYING;
	domains_check(lab.s);
	ck_assert_msg(!lab.dom[3].mapped, "a page kept mapped would keep it from being reaped");
	ck_assert_ptr_null(domain_find(lab.s, 3));
	ck_assert_uint_eq(lab.dom[3].remote_port, 0);
	ck_assert_ptr_nonnull(domain_find(lab.s, 4));
	ck_assert_str_eq(error_of(ASK(p, XS_READ, 0, "/local/domain/3/x", &a)), "ENOENT");
	ck_assert_int_eq(account_of(&lab.s->accounts, 3)->nodes, 0);
	ck_assert_int_eq(account_of(&lab.s->accounts, 3)->bytes, 0);
	end();
}
END_TEST

/* dom0's back ends learn of a dead front end by the watch on its state, as the toolstack makes it. */
START_TEST(death_tells_back_ends)
{
	static const char state[] = "/local/domain/3/device/vif/0/state\0tok";

	begin();
	introduce(3);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/3\0n0\0r3", &a);
	WRITE(p, 0, "/local/domain/3/device/vif/0/state\0001", &a);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/3/device/vif/0\0n3\0r0", &a);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/3/device/vif/0/state\0n3\0r0", &a);
	ck_assert_ptr_null(ask(p, XS_WATCH, 0, state, sizeof state, &a));
	(void)event_of(p);
	ck_assert_ptr_null(ring_ask(3, XS_WRITE, "device/vif/0/state\0006", 20));
	ck_assert_str_eq(event_of(p), "/local/domain/3/device/vif/0/state tok");
	lab.dom[3].life = DOMAIN_DYING;
	domains_check(lab.s);
	ck_assert_str_eq(event_of(p), "/local/domain/3/device/vif/0/state tok");
	ck_assert_str_eq(error_of(ASK(p, XS_READ, 0, "/local/domain/3/device/vif/0/state", &a)),
			 "ENOENT");
	end();
}
END_TEST

/* Linux notifies only if the daemon had read everything before: a request that arrives while the one
 * before it is served comes without an event. */
static void second_request(int domid)
{
	struct xsd_sockmsg h = { .type = XS_WRITE, .req_id = 43, .len = 4 };

	if (domid != 4)
		return;
	lab.meanwhile = NULL;
	guest_put(3, &h, sizeof h);
	guest_put(3, "y\0v", 4);
}

START_TEST(request_without_event)
{
	struct xsd_sockmsg h = { .type = XS_WRITE, .req_id = 42, .len = 4 };

	begin();
	introduce(3);
	introduce(4);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/3\0n3\0r4", &a);
	ck_assert_ptr_null(ring_ask(4, XS_WATCH, "/local/domain/3\0t", 18));
	lab.meanwhile = second_request;
	guest_put(3, &h, sizeof h);
	guest_put(3, "x\0v", 4);
	turn(3);
	ck_assert_ptr_null(ASK(p, XS_READ, 0, "/local/domain/3/x", &a));
	ck_assert_msg(!ASK(p, XS_READ, 0, "/local/domain/3/y", &a), "the second waits for an event");
	end();
}
END_TEST

START_TEST(released)
{
	begin();
	introduce(3);
	ck_assert_ptr_null(ASK(p, XS_RELEASE, 0, "3", &a));
	ck_assert_str_eq(error_of(ASK(p, XS_RELEASE, 0, "3", &a)), "ENOENT");
	ck_assert(!lab.dom[3].mapped);
	introduce(3);
	ck_assert_ptr_null(ring_ask(3, XS_WRITE, "x\0v", 3));
	end();
}
END_TEST

CHECK_MAIN("ring", NULL, NULL, traffic, hostile_indices, oversized, broken_again, reconnect, death,
	   death_tells_back_ends, request_without_event, released)
