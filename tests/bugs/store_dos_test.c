/* Guests that eat the store: XSA-206, XSA-326, XSA-330, XSA-415, XSA-416, XSA-418, XSA-419,
 * XSA-421.
 *
 * The store is one process for all, and what it keeps for a guest it keeps in its own memory.
 * Quotas were counted for nodes, and guests found what was not a node: watches with long tokens,
 * replies and events they did not read (XSA-326, XSA-416), watches that were reset and not freed
 * (XSA-330). And nodes that were not counted: those of a friend who died and left them to dom0
 * (XSA-419), those of a transaction that failed half way (XSA-415, without their parents; XSA-421,
 * because it had deleted a node that it had made). Time is eaten as well: who writes all the time
 * lets everybody else's transactions fail, dom0's among them, so that no domain can be created any
 * more (XSA-206). And the stack: names that lie a thousand levels deep, and a function that deletes
 * a node by deleting its children (XSA-418).
 *
 * Here one account for each domain covers all that the store keeps for it, in bytes
 * (dom0/xenstored/account.h): nodes, watches, transactions with what they changed, unread output.
 * Who does not read is not served, and nobody else notices (serve_some() in conn.c); events beyond
 * a bound become one. A transaction depends on the nodes it looked at and no others (tx.c), and is
 * repeated on the tree as it is when it commits. Nothing that walks the tree calls itself
 * (node_put() in tree.c, tree_walk()).
 *
 * Domain 3 does each of these until it is told to stop; its account is compared with the limits,
 * and dom0 and domain 4 work on meanwhile. The audit counts all nodes and bytes anew.
 * Catches, seeded by hand: no limit of bytes, changes of a transaction not counted, a client that
 * does not read still served, events without a bound, a commit that asks nothing, nodes freed by
 * recursion. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

static struct lab lab;
static struct peer *dom0, *guest, *friend;
static struct answer a;

static void begin(void)
{
	lab_open(&lab);
	dom0 = peer_open(&lab, 0);
	guest = guest_open(dom0, 3);
	friend = guest_open(dom0, 4);
}

static void end(void)
{
	peer_close(guest);
	peer_close(friend);
	peer_close(dom0);
	lab_close(&lab);
}

static const struct account *account(uint16_t domid)
{
	return account_of(&lab.s->accounts, domid);
}

/* What the store keeps for the guest is within the limits, but for one request that was under way, and others are
 * served. */
static void bounded(void)
{
	ck_assert_int_le(account(3)->nodes, store_limits.nodes);
	ck_assert_int_le(account(3)->bytes, (int64_t)store_limits.bytes + (64 << 10) + 8192);
	ck_assert_uint_le(account(3)->watches, store_limits.watches);
	ck_assert_uint_le(account(3)->txs, store_limits.txs);
	ck_assert_ptr_null(WRITE(friend, 0, "x\0v", &a));
	ck_assert_ptr_null(WRITE(dom0, 0, "/x\0v", &a));
	lab_audit(&lab);
}

/* Makes nodes PREFIX0, PREFIX1, ... with values of @size; how many. */
static int fill(struct peer *p, uint32_t tx, const char *prefix, size_t size, int most)
{
	static char body[4096];
	int i = 0;

	for (; i < most; i++) {
		memset(body, 'v', sizeof body);
		int n = snprintf(body, 64, "%s%d", prefix, i);
		if (ask(p, XS_WRITE, tx, body, (size_t)n + 1 + size, &a))
			break;
	}
	return i;
}

/* Nodes and values in more transactions than there may be, each fine by itself; then all of them commit. */
START_TEST(in_transactions)
{
	uint32_t tx[32];
	unsigned count = 0;

	begin();
	while (count < 32 && !ASK(guest, XS_TRANSACTION_START, 0, "", &a)) {
		tx[count] = (uint32_t)strtoul(a.body, NULL, 10);
		char prefix[8];
		snprintf(prefix, sizeof prefix, "t%u-", count++);
		(void)fill(guest, tx[count - 1], prefix, 1500, 900);
		bounded();
	}
	ck_assert_uint_eq(count, store_limits.txs);
	for (unsigned i = 0; i < count; i++) {
		(void)ASK(guest, XS_TRANSACTION_END, tx[i], "T", &a);
		bounded();
	}
	end();
}
END_TEST

/* XSA-421: transactions that also delete what they have made. */
START_TEST(made_and_deleted)
{
	begin();
	for (int round = 0; round < 12; round++) {
		uint32_t tx = tx_open(guest);
		char prefix[16];
		snprintf(prefix, sizeof prefix, "m%d-", round);
		ck_assert_ptr_null(ASK(guest, XS_MKDIR, tx, "here/and", &a));
		(void)fill(guest, tx, prefix, 1, 150);
		ck_assert_ptr_null(ASK(guest, XS_RM, tx, "here", &a));
		const char *err = error_of(ASK(guest, XS_TRANSACTION_END, tx, "T", &a));
		ck_assert(strcmp(err, "") == 0 || strcmp(err, "ENOSPC") == 0);
		bounded();
	}
	ck_assert_int_ge(account(3)->nodes, store_limits.nodes - 150);
	end();
}
END_TEST

/* One node, written over and over in one transaction: it is kept as often, in the list of what is to be done. */
START_TEST(in_a_log)
{
	static char body[2000] = "again";
	int written = 0;

	begin();
	uint32_t tx = tx_open(guest);
	while (written < 10000 && !ask(guest, XS_WRITE, tx, body, sizeof body, &a))
		written++;
	ck_assert_str_eq(a.body, "ENOSPC");
	ck_assert_int_lt(written, (int)(store_limits.bytes / sizeof body) + 2);
	bounded();
	ck_assert_ptr_null(ASK(guest, XS_TRANSACTION_END, tx, "F", &a));
	ck_assert_int_lt(account(3)->bytes, 100);
	end();
}
END_TEST

/* XSA-326, XSA-330: watches by the hundred with tokens as long as they may be, and all of them reset. */
START_TEST(in_watches)
{
	static char body[4096];

	begin();
	for (int i = 0; i < 400; i++) {
		memset(body, 't', sizeof body);
		int n = snprintf(body, 64, "w%d", i);
		body[n] = body[sizeof body - 1] = '\0';
		(void)ask(guest, XS_WATCH, 0, body, sizeof body, &a);
	}
	while (peer_take(guest, &a))
		;
	bounded();
	ck_assert_uint_eq(account(3)->watches, store_limits.watches);
	ck_assert_ptr_null(ASK(guest, XS_RESET_WATCHES, 0, "", &a));
	ck_assert_uint_eq(account(3)->watches, 0);
	ck_assert_int_lt(account(3)->bytes, 100);
	end();
}
END_TEST

/* XSA-416, XSA-326: answers that are not read, and then events. */
START_TEST(not_read)
{
	static char big[4096];
	struct xsd_sockmsg h = { .type = XS_READ, .len = 4 };
	unsigned char request[sizeof h + 4];

	begin();
	memset(big, 'b', sizeof big);
	memcpy(big, "big", 4);
	ck_assert_ptr_null(ask(guest, XS_WRITE, 0, big, 4 + 2000, &a));
	ck_assert_ptr_null(ASK(guest, XS_WATCH, 0, "/\0all", &a));
	ck_assert_ptr_null(ASK(guest, XS_WATCH, 0, "/local\0all", &a));
	while (peer_take(guest, &a))
		;
	int64_t before = account(3)->bytes;
	memcpy(request, &h, sizeof h);
	memcpy(request + sizeof h, "big", 4);
	guest->deaf = true;
	for (int i = 0; i < 300; i++)
		peer_send(guest, request, sizeof request);
	ck_assert_int_le(account(3)->bytes - before, (int64_t)(store_limits.requests + 1) * 4200);
	for (int i = 0; i < 20000; i++) {
		char body[64];
		int n = snprintf(body, sizeof body, "/local/domain/3/e%d", i % 10);
		ask(dom0, XS_MKDIR, 0, body, (size_t)n + 1, &a);
		ask(dom0, XS_RM, 0, body, (size_t)n + 1, &a);
	}
	bounded();
	ck_assert_int_le(account(3)->bytes - before, (64 << 10) + (int64_t)(store_limits.requests + 1) * 4200);
	/* It hears again, and is told once what it has missed. */
	guest->deaf = false;
	conn_serve(guest->conn);
	while (conns_run(lab.s))
		;
	unsigned events = 0;
	while (peer_take(guest, &a))
		events += a.h.type == XS_WATCH_EVENT;
	ck_assert_uint_gt(events, 0);
	ck_assert_ptr_null(ASK(guest, XS_READ, 0, "big", &a));
	end();
}
END_TEST

/* XSA-419: two of them. Each makes nodes in the other's home, deletes and gives away what can be given. */
START_TEST(two_friends)
{
	begin();
	ck_assert_ptr_null(WRITE(guest, 0, "open\0v", &a));
	ck_assert_ptr_null(ASK(guest, XS_SET_PERMS, 0, "open\0b3", &a));
	ck_assert_ptr_null(WRITE(friend, 0, "open\0v", &a));
	ck_assert_ptr_null(ASK(friend, XS_SET_PERMS, 0, "open\0b4", &a));
	for (int round = 0; round < 4; round++) {
		char prefix[64];
		snprintf(prefix, sizeof prefix, "/local/domain/4/open/r%d-", round);
		(void)fill(guest, 0, prefix, 1, 2000);
		snprintf(prefix, sizeof prefix, "/local/domain/3/open/r%d-", round);
		(void)fill(friend, 0, prefix, 1, 2000);
		ck_assert_int_le(account(3)->nodes, store_limits.nodes);
		ck_assert_int_le(account(4)->nodes, store_limits.nodes);
		lab_audit(&lab);
		ck_assert_str_ne(error_of(ASK(friend, XS_SET_PERMS, 0, "/local/domain/4/open/r0-0\0n4", &a)), "");
	}
	/* What is deleted is given back to whose it was. */
	ck_assert_ptr_null(ASK(guest, XS_RM, 0, "open", &a));
	ck_assert_ptr_null(ASK(friend, XS_RM, 0, "open", &a));
	ck_assert_int_eq(account(3)->nodes, 1);
	ck_assert_int_eq(account(4)->nodes, 1);
	/* The friend fills the guest's home and dies, again and again: what was its own goes with it. */
	int64_t dom0_nodes = account(0)->nodes;
	ck_assert_ptr_null(WRITE(guest, 0, "open\0v", &a));
	ck_assert_ptr_null(ASK(guest, XS_SET_PERMS, 0, "open\0b3", &a));
	for (int life = 0; life < 3; life++) {
		ck_assert_int_gt(fill(friend, 0, "/local/domain/3/open/f", 1, 2000), 900);
		peer_close(friend);
		store_domain_gone(lab.s, 4);
		lab_audit(&lab);
		ck_assert_int_eq(account(0)->nodes, dom0_nodes);
		ck_assert_int_eq(account(3)->nodes, 2);
		friend = guest_open(dom0, 4);
	}
	end();
}
END_TEST

/* XSA-415: a transaction that fails half way down a path, and one whose parent goes while it makes children below it. */
START_TEST(orphans)
{
	begin();
	int made = fill(guest, 0, "n", 1, 997);
	ck_assert_int_eq(made, 997);
	uint32_t half = tx_open(guest);
	ck_assert_str_eq(error_of(ASK(guest, XS_MKDIR, half, "a/b/c/d/e", &a)), "ENOSPC");
	ck_assert_ptr_null(ASK(guest, XS_TRANSACTION_END, half, "T", &a));
	ck_assert_str_eq(error_of(ASK(guest, XS_READ, 0, "a", &a)), "ENOENT");
	ck_assert_int_eq(account(3)->nodes, 998);
	lab_audit(&lab);
	while (made-- > 0) {
		char body[32];
		int n = snprintf(body, sizeof body, "n%d", made);
		ck_assert_ptr_null(ask(guest, XS_RM, 0, body, (size_t)n + 1, &a));
	}
	ck_assert_ptr_null(ASK(guest, XS_MKDIR, 0, "parent/child", &a));
	for (int i = 0; i < 3; i++) {
		uint32_t tx = tx_open(guest);
		ck_assert_ptr_null(WRITE(guest, tx, "parent/child/orphan\0v", &a));
		ck_assert_ptr_null(ASK(i ? dom0 : guest, XS_RM, 0, "/local/domain/3/parent", &a));
		ck_assert_str_eq(error_of(ASK(guest, XS_TRANSACTION_END, tx, "T", &a)), "EAGAIN");
		ck_assert_str_eq(error_of(ASK(guest, XS_READ, 0, "parent/child/orphan", &a)), "ENOENT");
		lab_audit(&lab);
		ck_assert_ptr_null(ASK(guest, XS_MKDIR, 0, "parent/child", &a));
	}
	ck_assert_int_eq(account(3)->nodes, 3);
	end();
}
END_TEST

/* XSA-206: dom0 creates a domain in one transaction, while a guest writes what it may, all the time. */
START_TEST(busy_writer)
{
	begin();
	ck_assert_ptr_null(WRITE(guest, 0, "mine\0v", &a));
	uint32_t tx = tx_open(dom0);
	for (int i = 0; i < 50; i++) {
		char body[64];
		int n = snprintf(body, sizeof body, "/local/domain/9/device/vbd/%d", i);

		ck_assert_ptr_null(ask(dom0, XS_MKDIR, tx, body, (size_t)n + 1, &a));
		ck_assert_ptr_null(WRITE(guest, 0, "mine\0w", &a));
		ck_assert_ptr_null(WRITE(guest, 0, "mine/below\0w", &a));
		ck_assert_ptr_null(ASK(guest, XS_RM, 0, "mine", &a));
	}
	ck_assert_ptr_null(ASK(dom0, XS_TRANSACTION_END, tx, "T", &a));
	end();
}
END_TEST

#define DEEP_STACK (128u << 10)

/* A name of a thousand and more levels is made, listed, copied, watched, and deleted from the top. */
static void *deep(void *arg)
{
	static char body[4096];
	char *home = body + sprintf(body, "/local/domain/3");
	int levels = arg ? 1500 : 950;

	for (int i = 0; i < levels; i++)
		memcpy(home + 2 * i, "/d", 3);
	size_t n = strlen(body) + 1;
	struct peer *who = arg ? dom0 : guest;
	for (int round = 0; round < 2; round++) {
		uint32_t tx = tx_open(dom0);		/* a snapshot, so that the tree is copied */
		ck_assert_ptr_null(ask(who, XS_MKDIR, 0, body, n, &a));
		ck_assert_ptr_null(ask(who, XS_WRITE, 0, body, n, &a));
		ck_assert_ptr_null(ASK(dom0, XS_TRANSACTION_END, tx, "F", &a));
		lab_audit(&lab);
		if (round)
			store_domain_gone(lab.s, 3);
		else
			ck_assert_ptr_null(ASK(dom0, XS_RM, 0, "/local/domain/3/d", &a));
		lab_audit(&lab);
	}
	return NULL;
}

/* XSA-418: on a stack on which a thousand calls within calls have no place. */
START_TEST(depth)
{
	for (uintptr_t by_dom0 = 0; by_dom0 < 2; by_dom0++) {
		pthread_attr_t small;
		pthread_t thread;

		begin();
		ck_assert_int_eq(pthread_attr_init(&small), 0);
		ck_assert_int_eq(pthread_attr_setstacksize(&small, DEEP_STACK), 0);
		ck_assert_int_eq(pthread_create(&thread, &small, deep, (void *)by_dom0), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		end();
	}
}
END_TEST

CHECK_MAIN("store_dos", NULL, NULL, in_transactions, made_and_deleted, in_a_log, in_watches,
	   not_read, two_friends, orphans, busy_writer, depth)
