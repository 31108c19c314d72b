/* Watches: who hears of what, in which words, and what a deaf client costs. */
#include <stdio.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

static struct lab lab;
static struct peer *p, *w;
static struct answer a;

static void begin(void)
{
	lab_open(&lab);
	p = peer_open(&lab, 0);
	w = peer_open(&lab, 0);
}

static void end(void)
{
	peer_close(p);
	peer_close(w);
	lab_close(&lab);
}

START_TEST(fires)
{
	begin();
	ck_assert_ptr_null(ASK(w, XS_WATCH, 0, "/a\0tok", &a));
	ck_assert_msg(strcmp(event_of(w), "/a tok") == 0, "once at registration");
	WRITE(p, 0, "/a\0v", &a);
	ck_assert_str_eq(event_of(w), "/a tok");
	WRITE(p, 0, "/a/b/c\0v", &a);
	ck_assert_str_eq(event_of(w), "/a/b/c tok");
	ASK(p, XS_SET_PERMS, 0, "/a/b\0n0", &a);
	ck_assert_str_eq(event_of(w), "/a/b tok");
	WRITE(p, 0, "/ab\0v", &a);
	ck_assert_str_eq(event_of(w), "");
	ASK(p, XS_RM, 0, "/a/b", &a);
	ck_assert_str_eq(event_of(w), "/a/b tok");
	ck_assert_str_eq(event_of(w), "");
	end();
}
END_TEST

START_TEST(removal_tells_below)
{
	begin();
	WRITE(p, 0, "/a/b/c\0v", &a);
	ASK(w, XS_WATCH, 0, "/a/b/c\0deep", &a);
	(void)event_of(w);
	ASK(p, XS_RM, 0, "/a", &a);
	ck_assert_str_eq(event_of(w), "/a/b/c deep");
	ck_assert_str_eq(event_of(w), "");
	end();
}
END_TEST

START_TEST(root_and_relative)
{
	begin();
	ASK(w, XS_WATCH, 0, "/\0all", &a);
	ASK(w, XS_WATCH, 0, "device\0rel", &a);
	(void)event_of(w);
	ck_assert_str_eq(event_of(w), "device rel");
	WRITE(p, 0, "/local/domain/0/device/x\0v", &a);
	ck_assert_str_eq(event_of(w), "/local/domain/0/device/x all");
	ck_assert_str_eq(event_of(w), "device/x rel");
	end();
}
END_TEST

START_TEST(unwatch)
{
	begin();
	ASK(w, XS_WATCH, 0, "/a\0t", &a);
	ck_assert_str_eq(error_of(ASK(w, XS_WATCH, 0, "/a\0t", &a)), "EEXIST");
	ck_assert_ptr_null(ASK(w, XS_WATCH, 0, "/a\0u", &a));
	ck_assert_ptr_null(ASK(w, XS_UNWATCH, 0, "/a\0t", &a));
	ck_assert_str_eq(error_of(ASK(w, XS_UNWATCH, 0, "/a\0t", &a)), "ENOENT");
	(void)event_of(w);
	(void)event_of(w);
	WRITE(p, 0, "/a\0v", &a);
	ck_assert_str_eq(event_of(w), "/a u");
	ck_assert_str_eq(event_of(w), "");
	ck_assert_ptr_null(ASK(w, XS_RESET_WATCHES, 0, "", &a));
	WRITE(p, 0, "/a\0v", &a);
	ck_assert_str_eq(event_of(w), "");
	end();
}
END_TEST

/* XSA-115: no news of nodes one cannot read. */
START_TEST(rights)
{
	struct peer *guest;

	begin();
	guest = peer_open(&lab, 4);
	ck_assert_ptr_null(ASK(guest, XS_WATCH, 0, "/\0t", &a));
	(void)event_of(guest);
	WRITE(p, 0, "/secret\0v", &a);
	ck_assert_str_eq(event_of(guest), "");
	ASK(p, XS_SET_PERMS, 0, "/secret\0n0\0r4", &a);
	ck_assert_str_eq(event_of(guest), "/secret t");
	WRITE(p, 0, "/secret\0v", &a);
	ck_assert_str_eq(event_of(guest), "/secret t");
	ASK(p, XS_RM, 0, "/secret", &a);
	ck_assert_msg(strcmp(event_of(guest), "/secret t") == 0, "it could read what went");
	ck_assert_str_eq(error_of(ASK(guest, XS_WATCH, 0, "@releaseDomain\0t", &a)), "EACCES");
	ck_assert_ptr_null(ASK(p, XS_SET_PERMS, 0, "@releaseDomain\0n0\0r4", &a));
	ck_assert_ptr_null(ASK(guest, XS_WATCH, 0, "@releaseDomain\0t", &a));
	ck_assert_str_eq(event_of(guest), "@releaseDomain t");
	peer_close(guest);
	end();
}
END_TEST

START_TEST(quota)
{
	struct peer *guest;
	char body[32];

	begin();
	guest = peer_open(&lab, 4);
	for (int i = 0; i < 128; i++) {
		int n = snprintf(body, sizeof body, "x%ct%d", 0, i);

		ck_assert_ptr_null(ask(guest, XS_WATCH, 0, body, (size_t)n + 1, &a));
	}
	ck_assert_str_eq(error_of(ASK(guest, XS_WATCH, 0, "x\0more", &a)), "E2BIG");
	peer_close(guest);
	ck_assert_uint_eq(account_of(&lab.s->accounts, 4)->watches, 0);
	end();
}
END_TEST

/* XSA-326: who does not read its events costs a bounded amount, and misses nothing afterwards. */
START_TEST(deaf)
{
	struct peer *guest;
	struct answer event;
	bool heard = false;

	begin();
	ASK(p, XS_MKDIR, 0, "/d", &a);
	ASK(p, XS_SET_PERMS, 0, "/d\0r0", &a);
	guest = peer_open(&lab, 4);
	ASK(guest, XS_WATCH, 0, "/d\0t", &a);
	(void)event_of(guest);
	guest->deaf = true;
	for (int i = 0; i < 20000; i++)
		WRITE(p, 0, "/d/some-longer-name-of-a-node\0v", &a);
	ck_assert_uint_le(guest->conn->out_bytes, 64u << 10);
	lab_audit(&lab);
	guest->deaf = false;
	conn_serve(guest->conn);
	ck_assert_uint_eq(guest->conn->out_bytes, 0);
	while (peer_take(guest, &event))
		heard = heard || strcmp(event.body, "/d") == 0;
	ck_assert_msg(heard, "the watch fires for what was dropped");
	WRITE(p, 0, "/d/x\0v", &a);
	ck_assert_str_eq(event_of(guest), "/d/x t");
	peer_close(guest);
	end();
}
END_TEST

/* Who does not read replies is not served, and keeps nobody from being served. */
START_TEST(replies_unread)
{
	unsigned char msg[64];
	struct xsd_sockmsg h = { .type = XS_DIRECTORY, .len = 2 };
	struct peer *guest;
	unsigned int n = 0;

	begin();
	guest = peer_open(&lab, 4);
	guest->deaf = true;
	memcpy(msg, &h, sizeof h);
	memcpy(msg + sizeof h, "/", 2);
	for (int i = 0; i < 200; i++)
		peer_send(guest, msg, sizeof h + 2);
	ck_assert_uint_le(guest->conn->out_replies, store_limits.requests);
	ck_assert_ptr_null(WRITE(p, 0, "/x\0v", &a));
	guest->deaf = false;
	while (guest->in_at < guest->in_len || guest->conn->out_first) {
		conn_serve(guest->conn);
		while (conns_run(lab.s))
			;
	}
	conn_serve(guest->conn);
	while (peer_take(guest, &a))
		n++;
	ck_assert_uint_eq(n, 200);
	peer_close(guest);
	end();
}
END_TEST

CHECK_MAIN("watch", NULL, NULL, fires, removal_tells_below, root_and_relative, unwatch, rights,
	   quota, deaf, replies_unread)
