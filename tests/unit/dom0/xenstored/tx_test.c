/* Transactions: isolation, conflicts and their absence, quotas, ends. */
#include <stdio.h>
#include <string.h>
#include "dom0/xenstored/tx.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

static struct lab lab;
static struct peer *p, *q;
static struct answer a;

static void begin(void)
{
	lab_open(&lab);
	p = peer_open(&lab, 0);
	q = peer_open(&lab, 0);
	WRITE(p, 0, "/a\0one", &a);
	WRITE(p, 0, "/dir/x\0one", &a);
}

static void end(void)
{
	lab_audit(&lab);
	peer_close(p);
	peer_close(q);
	lab_close(&lab);
}

static const char *commit(struct peer *peer, uint32_t tx)
{
	return error_of(ASK(peer, XS_TRANSACTION_END, tx, "T", &a));
}

static const char *value(struct peer *peer, uint32_t tx, const char *path)
{
	const char *err = ask(peer, XS_READ, tx, path, strlen(path) + 1, &a);

	return err ? err : a.body;
}

START_TEST(isolated)
{
	uint32_t tx;

	begin();
	tx = tx_open(p);
	ck_assert_ptr_null(WRITE(p, tx, "/a\0two", &a));
	ck_assert_ptr_null(WRITE(p, tx, "/new/deep\0x", &a));
	ck_assert_str_eq(value(p, tx, "/a"), "two");
	ck_assert_str_eq(value(q, 0, "/a"), "one");
	ck_assert_str_eq(value(q, 0, "/new/deep"), "ENOENT");
	ck_assert_ptr_null(WRITE(q, 0, "/dir/x\0two", &a));
	ck_assert_msg(strcmp(value(p, tx, "/dir/x"), "one") == 0, "a snapshot");
	ck_assert_ptr_null(ASK(p, XS_TRANSACTION_END, tx, "F", &a));
	ck_assert_str_eq(value(q, 0, "/a"), "one");
	end();
}
END_TEST

START_TEST(committed)
{
	uint32_t tx;

	begin();
	tx = tx_open(p);
	ck_assert_ptr_null(ASK(p, XS_RM, tx, "/dir", &a));
	ck_assert_ptr_null(WRITE(p, tx, "/dir/y\0new", &a));
	ck_assert_ptr_null(ASK(p, XS_SET_PERMS, tx, "/dir/y\0n0\0r5", &a));
	ck_assert_ptr_null(ASK(p, XS_MKDIR, tx, "/m", &a));
	ck_assert_str_eq(commit(p, tx), "");
	ck_assert_str_eq(value(q, 0, "/dir/x"), "ENOENT");
	ck_assert_str_eq(value(q, 0, "/dir/y"), "new");
	ck_assert_ptr_null(ASK(q, XS_GET_PERMS, 0, "/dir/y", &a));
	ck_assert_int_eq(memcmp(a.body, "n0\0r5", 6), 0);
	ck_assert_str_eq(error_of(ASK(p, XS_READ, tx, "/a", &a)), "ENOENT");
	end();
}
END_TEST

/* What one does between another's read and commit, and whether the commit must fail. */
START_TEST(conflicts)
{
	static const struct {
		const char *what;
		uint32_t mine, theirs;
		const char *my_body;
		size_t my_len;
		const char *their_body;
		size_t their_len;
		const char *wanted;
	} cases[] = {
#define BODY(s) s, sizeof(s)
		{ "read, written", XS_READ, XS_WRITE,
		  BODY("/a"), BODY("/a\0z"), "EAGAIN" },
		{ "read, same value written", XS_READ, XS_WRITE,
		  BODY("/a"), BODY("/a\0one"), "EAGAIN" },
		{ "read, removed", XS_READ, XS_RM,
		  BODY("/a"), BODY("/a"), "EAGAIN" },
		{ "read, permissions", XS_READ, XS_SET_PERMS,
		  BODY("/a"), BODY("/a\0r0"), "EAGAIN" },
		{ "read absent, created", XS_READ, XS_WRITE,
		  BODY("/q"), BODY("/q\0z"), "EAGAIN" },
		{ "read, sibling written", XS_READ, XS_WRITE,
		  BODY("/a"), BODY("/b\0z"), "" },
		{ "listed, child added", XS_DIRECTORY, XS_WRITE,
		  BODY("/dir"), BODY("/dir/y\0z"), "EAGAIN" },
		{ "listed, child removed", XS_DIRECTORY, XS_RM,
		  BODY("/dir"), BODY("/dir/x"), "EAGAIN" },
		{ "listed, child's value", XS_DIRECTORY, XS_WRITE,
		  BODY("/dir"), BODY("/dir/x\0z"), "" },
		{ "read dir's value, child added", XS_READ, XS_WRITE,
		  BODY("/dir"), BODY("/dir/y\0z"), "" },
		{ "written, written", XS_WRITE, XS_WRITE,
		  BODY("/a\0m"), BODY("/a\0z"), "EAGAIN" },
		{ "created, sibling created", XS_WRITE, XS_WRITE,
		  BODY("/dir/m\0m"), BODY("/dir/z\0z"), "" },
		{ "created, parent removed", XS_WRITE, XS_RM,
		  BODY("/dir/m\0m"), BODY("/dir"), "EAGAIN" },
		{ "created, parent's permissions", XS_WRITE, XS_SET_PERMS,
		  BODY("/dir/m\0m"), BODY("/dir\0r0"), "EAGAIN" },
#undef BODY
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t tx;

		begin();
		tx = tx_open(p);
		(void)ask(p, cases[i].mine, tx, cases[i].my_body, cases[i].my_len, &a);
		ck_assert_ptr_null(WRITE(p, tx, "/result\0x", &a));
		ck_assert_ptr_null(ask(q, cases[i].theirs, 0, cases[i].their_body,
				       cases[i].their_len, &a));
		ck_assert_msg(strcmp(commit(p, tx), cases[i].wanted) == 0, "%s", cases[i].what);
		ck_assert_str_eq(value(q, 0, "/result"), *cases[i].wanted ? "ENOENT" : "x");
		end();
	}
}
END_TEST

/* What was judged by /shared must not land below a node that came between and is another's. */
START_TEST(nearer_parent)
{
	struct peer *one, *two;
	uint32_t tx;

	begin();
	one = peer_open(&lab, 1);
	two = peer_open(&lab, 2);
	ASK(p, XS_MKDIR, 0, "/shared", &a);
	ASK(p, XS_SET_PERMS, 0, "/shared\0b0", &a);
	tx = tx_open(one);
	ck_assert_ptr_null(WRITE(one, tx, "/shared/x/y/z\0v", &a));
	ck_assert_ptr_null(WRITE(two, 0, "/shared/x\0mine", &a));
	ck_assert_ptr_null(ASK(two, XS_SET_PERMS, 0, "/shared/x\0n2", &a));
	ck_assert_str_eq(error_of(WRITE(one, 0, "/shared/x/y/z\0v", &a)), "EACCES");
	ck_assert_str_eq(commit(one, tx), "EAGAIN");
	ck_assert_str_eq(value(p, 0, "/shared/x/y/z"), "ENOENT");
	tx = tx_open(one);
	ck_assert_ptr_null(WRITE(one, tx, "/shared/a/b/c\0v", &a));
	ck_assert_ptr_null(WRITE(one, tx, "/shared/a/d\0v", &a));
	ck_assert_ptr_null(WRITE(two, 0, "/shared/e/f\0v", &a));
	ck_assert_str_eq(commit(one, tx), "");
	peer_close(one);
	peer_close(two);
	end();
}
END_TEST

START_TEST(two_commit)
{
	uint32_t tx, ty;

	begin();
	tx = tx_open(p);
	ty = tx_open(q);
	ck_assert_ptr_null(WRITE(p, tx, "/p/v\0p", &a));
	ck_assert_ptr_null(WRITE(q, ty, "/q/v\0q", &a));
	ck_assert_str_eq(commit(p, tx), "");
	ck_assert_str_eq(commit(q, ty), "");
	ck_assert_str_eq(value(p, 0, "/p/v"), "p");
	ck_assert_str_eq(value(p, 0, "/q/v"), "q");
	end();
}
END_TEST

START_TEST(nested_refused)
{
	uint32_t tx;

	begin();
	tx = tx_open(p);
	ck_assert_str_eq(error_of(ASK(p, XS_TRANSACTION_START, tx, "", &a)), "EBUSY");
	ck_assert_str_eq(error_of(ASK(p, XS_TRANSACTION_END, 0, "T", &a)), "ENOENT");
	ck_assert_str_eq(error_of(ASK(q, XS_TRANSACTION_END, tx + 1, "T", &a)), "ENOENT");
	end();
}
END_TEST

START_TEST(events_on_commit)
{
	uint32_t tx;

	begin();
	ck_assert_ptr_null(ASK(q, XS_WATCH, 0, "/w\0t", &a));
	ck_assert_str_eq(event_of(q), "/w t");
	tx = tx_open(p);
	ck_assert_ptr_null(WRITE(p, tx, "/w/x\0v", &a));
	ck_assert_str_eq(event_of(q), "");
	ck_assert_str_eq(commit(p, tx), "");
	ck_assert_str_eq(event_of(q), "/w/x t");
	ck_assert_str_eq(event_of(q), "");
	end();
}
END_TEST

START_TEST(limits)
{
	struct peer *guest;

	begin();
	ASK(p, XS_MKDIR, 0, "/local/domain/5", &a);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/5\0n5", &a);
	guest = peer_open(&lab, 5);
	for (int i = 0; i < 10; i++)
		(void)tx_open(guest);
	ck_assert_str_eq(error_of(ASK(guest, XS_TRANSACTION_START, 0, "", &a)), "ENOSPC");
	ck_assert_ptr_null(ASK(guest, XS_RESET_WATCHES, 0, "", &a));
	ck_assert_uint_ne(tx_open(guest), 0);
	peer_close(guest);
	end();
}
END_TEST

/* A quota met in the middle of a commit undoes what came before it. */
START_TEST(quota_at_commit)
{
	struct peer *guest;
	char body[64];
	uint32_t tx;

	begin();
	ASK(p, XS_MKDIR, 0, "/local/domain/5", &a);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/5\0n5", &a);
	guest = peer_open(&lab, 5);
	tx = tx_open(guest);
	for (int i = 0; i < 100; i++) {
		int n = snprintf(body, sizeof body, "t/%d", i);

		ck_assert_ptr_null(ask(guest, XS_WRITE, tx, body, (size_t)n + 1, &a));
	}
	for (int i = 0; i < 950; i++) {
		int n = snprintf(body, sizeof body, "u/%d", i);

		ck_assert_ptr_null(ask(guest, XS_WRITE, 0, body, (size_t)n + 1, &a));
	}
	ck_assert_str_eq(commit(guest, tx), "ENOSPC");
	ck_assert_str_eq(value(p, 0, "/local/domain/5/t/0"), "ENOENT");
	lab_audit(&lab);
	peer_close(guest);
	end();
}
END_TEST

/* A guest that sits on a transaction does not keep an old tree alive. */
START_TEST(aged)
{
	struct peer *guest;
	uint32_t tx;

	begin();
	ASK(p, XS_MKDIR, 0, "/local/domain/5", &a);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/5\0n5", &a);
	guest = peer_open(&lab, 5);
	tx = tx_open(guest);
	ck_assert_ptr_null(WRITE(guest, tx, "x\0v", &a));
	lab.s->now_ns += TX_SNAPSHOT_NS + 1;
	tx_age(lab.s);
	ck_assert_ptr_null(WRITE(guest, tx, "y\0v", &a));
	ck_assert_ptr_null(ASK(guest, XS_READ, tx, "y", &a));
	ck_assert_str_eq(commit(guest, tx), "EAGAIN");
	ck_assert_str_eq(value(p, 0, "/local/domain/5/y"), "ENOENT");
	peer_close(guest);
	end();
}
END_TEST

CHECK_MAIN("tx", NULL, NULL, isolated, committed, conflicts, nearer_parent, two_commit,
	   nested_refused, events_on_commit, limits, quota_at_commit, aged)
