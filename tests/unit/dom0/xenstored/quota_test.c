/* Quotas: what one domain can make the daemon keep, and that it gets it back. */
#include <stdio.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

static struct lab lab;
static struct peer *p, *guest;
static struct answer a;

static void begin(void)
{
	lab_open(&lab);
	p = peer_open(&lab, 0);
	ASK(p, XS_MKDIR, 0, "/local/domain/4", &a);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/4\0n4", &a);
	guest = peer_open(&lab, 4);
}

static void end(void)
{
	peer_close(p);
	peer_close(guest);
	lab_close(&lab);
}

START_TEST(nodes)
{
	char body[32];
	int made = 0;

	begin();
	for (int i = 0; i < 1100; i++) {
		int n = snprintf(body, sizeof body, "n%d", i);

		if (ask(guest, XS_MKDIR, 0, body, (size_t)n + 1, &a))
			break;
		made++;
	}
	ck_assert_int_eq(made, 999);	/* and its home */
	ck_assert_str_eq(error_of(ASK(guest, XS_MKDIR, 0, "more", &a)), "ENOSPC");
	ck_assert_ptr_null(ASK(guest, XS_RM, 0, "n7", &a));
	ck_assert_ptr_null(ASK(guest, XS_MKDIR, 0, "more", &a));
	ck_assert_msg(!ASK(p, XS_MKDIR, 0, "/local/domain/4/x", &a), "domain 0 has none");
	end();
}
END_TEST

START_TEST(node_size)
{
	char body[4096];

	begin();
	memset(body, 'v', sizeof body);
	memcpy(body, "a", 2);
	ck_assert_ptr_null(ask(guest, XS_WRITE, 0, body, 2 + 2000, &a));
	ck_assert_str_eq(error_of(ask(guest, XS_WRITE, 0, body, 2 + 2048, &a)), "ENOSPC");
	ck_assert_ptr_null(ASK(guest, XS_READ, 0, "a", &a));
	ck_assert_uint_eq(a.h.len, 2000);
	memcpy(body, "/", 2);
	ck_assert_msg(!ask(p, XS_WRITE, 0, body, 2 + 4000, &a), "domain 0 has none");
	end();
}
END_TEST

START_TEST(perms_entries)
{
	begin();
	ASK(guest, XS_MKDIR, 0, "a", &a);
	ck_assert_ptr_null(ASK(guest, XS_SET_PERMS, 0, "a\0n4\0r1\0r2\0r3\0r5", &a));
	ck_assert_str_eq(error_of(ASK(guest, XS_SET_PERMS, 0, "a\0n4\0r1\0r2\0r3\0r5\0r6", &a)),
			 "ENOSPC");
	end();
}
END_TEST

START_TEST(transaction_nodes)
{
	char body[32];
	int i = 0;
	uint32_t tx;

	begin();
	tx = tx_open(guest);
	for (; i < 2000; i++) {
		int n = snprintf(body, sizeof body, "q%d", i);

		if (strcmp(error_of(ask(guest, XS_READ, tx, body, (size_t)n + 1, &a)), "ENOENT"))
			break;
	}
	ck_assert_str_eq(a.body, "ENOSPC");
	ck_assert_int_le(i, 1024);
	ck_assert_ptr_null(ASK(guest, XS_TRANSACTION_END, tx, "F", &a));
	end();
}
END_TEST

/* Values, transactions and queues come out of one purse. */
START_TEST(bytes)
{
	char body[4096];
	uint32_t tx[4];
	int written = 0;

	begin();
	memset(body, 'v', sizeof body);
	for (int t = 0; t < 4; t++) {
		tx[t] = tx_open(guest);
		for (int i = 0; i < 900; i++) {
			int n = snprintf(body, 32, "k%d", i);

			if (ask(guest, XS_WRITE, tx[t], body, (size_t)n + 1 + 1900, &a))
				break;
			written++;
		}
	}
	ck_assert_int_lt(written, 4 * 900);
	ck_assert_int_le(account_of(&lab.s->accounts, 4)->bytes, store_limits.bytes + 8192);
	lab_audit(&lab);
	end();
	ck_assert_int_gt(written, 900);
}
END_TEST

CHECK_MAIN("quota", NULL, NULL, nodes, node_size, perms_entries, transaction_nodes, bytes)
