/* Rights in the store that outlive their owner, or were never asked for: XSA-115, XSA-322, XSA-352,
 * XSA-353, XSA-417.
 *
 * The store holds what guests and tools tell each other, and in the same tree what they must not:
 * passwords of consoles, paths of disks, who serves whom. A node has an owner and a list of who may
 * read and write it, by the numbers of domains, and numbers are used again. In XSA-322 a new domain
 * found the rights of the one before it, and in XSA-417, after the correction, for a moment once
 * more. In XSA-352 guests gave their nodes to others, whose quota they filled, or to dom0, which
 * has none; in XSA-353 the root of the tree had no owner worth asking, and a guest deleted the
 * whole of it. In XSA-115 a watch told of nodes that one could not read.
 *
 * Here a right names a domain by its number and generation (dom0/xenstored/perms.h): when a domain
 * is gone (store_domain_gone()), its number's generation moves on, its nodes go, and what others
 * granted to it means nobody. Only dom0 changes an owner (node_perms_set() in node_ops.c). There is
 * one judgement for all nodes, the root included (node_find()), and events are judged by it as well
 * (watch_fire()).
 *
 * The tests are a life, a death and a next life of the same number; then a guest tries each request
 * on each node that is not its own.
 * Catches, seeded by hand: generations not compared, an owner changed by a guest, the root judged
 * readable, an event sent without judging, a dead domain's nodes kept. */
#include <stdio.h>
#include <string.h>
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

static struct lab lab;
static struct peer *dom0, *guest, *other;
static struct answer a;

static void begin(void)
{
	lab_open(&lab);
	dom0 = peer_open(&lab, 0);
	guest = guest_open(dom0, 3);
	other = guest_open(dom0, 4);
}

static void end(void)
{
	peer_close(guest);
	peer_close(other);
	peer_close(dom0);
	lab_close(&lab);
}

#define IS(expr, error) ck_assert_str_eq(error_of(expr), error)

/* XSA-322, XSA-417: all ways a right can be held, and then the next domain of the number comes. */
START_TEST(next_of_the_same_number)
{
	begin();
	/* As owner, as one who is named, and as everybody below an owner who is gone. */
	ck_assert_ptr_null(WRITE(dom0, 0, "/vault/named\0secret", &a));
	ck_assert_ptr_null(ASK(dom0, XS_SET_PERMS, 0, "/vault/named\0n0\0b3", &a));
	ck_assert_ptr_null(WRITE(dom0, 0, "/vault/owned\0secret", &a));
	ck_assert_ptr_null(ASK(dom0, XS_SET_PERMS, 0, "/vault/owned\0n3", &a));
	ck_assert_ptr_null(WRITE(other, 0, "friend\0secret", &a));
	ck_assert_ptr_null(ASK(other, XS_SET_PERMS, 0, "friend\0n4\0r3", &a));
	ck_assert_ptr_null(WRITE(guest, 0, "diary\0secret", &a));
	ck_assert_ptr_null(ASK(guest, XS_SET_PERMS, 0, "diary\0b3", &a));
	uint32_t tx = tx_open(other);
	ck_assert_ptr_null(ASK(other, XS_SET_PERMS, tx, "friend\0n4\0b3", &a));

	peer_close(guest);
	store_domain_gone(lab.s, 3);
	lab_audit(&lab);
	guest = guest_open(dom0, 3);
	IS(ASK(guest, XS_READ, 0, "/vault/named", &a), "EACCES");
	IS(WRITE(guest, 0, "/vault/named\0mine", &a), "EACCES");
	IS(ASK(guest, XS_READ, 0, "/vault/owned", &a), "EACCES");
	IS(ASK(guest, XS_READ, 0, "/local/domain/4/friend", &a), "EACCES");
	IS(ASK(guest, XS_READ, 0, "diary", &a), "ENOENT");
	/* What the other had promised the dead one, in a transaction that is committed only now. */
	(void)ASK(other, XS_TRANSACTION_END, tx, "T", &a);
	IS(ASK(guest, XS_READ, 0, "/local/domain/4/friend", &a), "EACCES");
	/* Nor does the account begin with the dead one's debts. */
	ck_assert_int_eq(account_of(&lab.s->accounts, 3)->nodes, 1);
	end();
}
END_TEST

/* XSA-352: ownership is neither taken nor given away. */
START_TEST(owners_stay)
{
	begin();
	ck_assert_ptr_null(WRITE(dom0, 0, "/shared\0v", &a));
	ck_assert_ptr_null(ASK(dom0, XS_SET_PERMS, 0, "/shared\0b0", &a));
	ck_assert_ptr_null(WRITE(other, 0, "open\0v", &a));
	ck_assert_ptr_null(ASK(other, XS_SET_PERMS, 0, "open\0b4", &a));
	IS(ASK(guest, XS_SET_PERMS, 0, "/shared\0n3", &a), "EACCES");
	IS(ASK(guest, XS_SET_PERMS, 0, "/shared\0b0\0b3", &a), "EACCES");
	IS(ASK(guest, XS_SET_PERMS, 0, "/local/domain/4/open\0n3", &a), "EACCES");
	ck_assert_ptr_null(WRITE(guest, 0, "mine\0v", &a));
	IS(ASK(guest, XS_SET_PERMS, 0, "mine\0n4", &a), "EPERM");
	IS(ASK(guest, XS_SET_PERMS, 0, "mine\0n0", &a), "EPERM");
	/* Written by one who may: still its owner's. */
	ck_assert_ptr_null(WRITE(guest, 0, "/local/domain/4/open\0w", &a));
	ck_assert_ptr_null(ASK(dom0, XS_GET_PERMS, 0, "/local/domain/4/open", &a));
	ck_assert_str_eq(a.body, "b4");
	end();
}
END_TEST

/* XSA-353: the root, and everything near it. */
START_TEST(root_of_the_tree)
{
	static const char *const theirs[] = { "/", "/local", "/local/domain", "/vm", "/tool", "/local/domain/0",
					      "/local/domain/4", "/bothy" };
	char body[64];

	begin();
	ck_assert_ptr_null(WRITE(dom0, 0, "/bothy/x\0v", &a));
	ck_assert_ptr_null(WRITE(dom0, 0, "/local/domain/0/x\0v", &a));
	for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++) {
		size_t n = strlen(theirs[i]) + 1;

		memcpy(body, theirs[i], n);
		memcpy(body + n, "n3", 3);
		IS(ask(guest, XS_READ, 0, body, n, &a), "EACCES");
		IS(ask(guest, XS_DIRECTORY, 0, body, n, &a), "EACCES");
		IS(ask(guest, XS_GET_PERMS, 0, body, n, &a), "EACCES");
		IS(ask(guest, XS_WRITE, 0, body, n + 3, &a), "EACCES");
		IS(ask(guest, XS_SET_PERMS, 0, body, n + 3, &a), "EACCES");
		ck_assert_str_ne(error_of(ask(guest, XS_RM, 0, body, n, &a)), "");
		ck_assert_ptr_null(ask(dom0, XS_READ, 0, body, n, &a));
	}
	/* By way of a transaction, of one's own home, and of those who speak for others. */
	uint32_t tx = tx_open(guest);
	IS(ASK(guest, XS_RM, tx, "/local", &a), "EACCES");
	IS(ASK(guest, XS_INTRODUCE, 0, "4\0001\0009", &a), "EACCES");
	IS(ASK(guest, XS_RELEASE, 0, "4", &a), "EACCES");
	IS(ASK(guest, XS_SET_TARGET, 0, "3\0004", &a), "EACCES");
	IS(ASK(guest, XS_CONTROL, 0, "check", &a), "EACCES");
	end();
}
END_TEST

/* XSA-115: a watch high up tells of what its owner may read, and of nothing else that happens there. */
START_TEST(watches)
{
	begin();
	IS(ASK(guest, XS_WATCH, 0, "@releaseDomain\0t", &a), "EACCES");
	IS(ASK(guest, XS_WATCH, 0, "@introduceDomain\0t", &a), "EACCES");
	ck_assert_ptr_null(ASK(guest, XS_WATCH, 0, "/\0all", &a));
	ck_assert_str_eq(event_of(guest), "/ all");
	ck_assert_ptr_null(WRITE(other, 0, "private\0v", &a));
	ck_assert_ptr_null(WRITE(dom0, 0, "/local/domain/0/private\0v", &a));
	ck_assert_ptr_null(ASK(other, XS_RM, 0, "private", &a));
	ck_assert_str_eq(event_of(guest), "");
	ck_assert_ptr_null(WRITE(other, 0, "public\0v", &a));
	ck_assert_ptr_null(ASK(other, XS_SET_PERMS, 0, "public\0r4", &a));
	ck_assert_str_eq(event_of(guest), "/local/domain/4/public all");
	ck_assert_ptr_null(ASK(other, XS_RM, 0, "public", &a));
	ck_assert_str_eq(event_of(guest), "/local/domain/4/public all");
	end();
}
END_TEST

CHECK_MAIN("store_rights", NULL, NULL, next_of_the_same_number, owners_stay, root_of_the_tree,
	   watches)
