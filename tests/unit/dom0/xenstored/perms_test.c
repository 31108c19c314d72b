/* Permissions: the wire form, who may what, inheritance, and rights that end with a domain. */
#include <errno.h>
#include <string.h>
#include "dom0/xenstored/perms.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

static struct accounts accounts;

static unsigned int access_of(const struct perms *p, uint16_t domid, uint16_t target)
{
	struct subject who = { .domid = domid, .target = target };

	return perms_access(&accounts, p, &who);
}

START_TEST(wire)
{
	static const char *const words[] = { "n0", "r5", "b32751" };
	static const char *const bad[] = { "", "n", "x1", "n-1", "r1x", "r32752", "r99999999999" };
	struct perms *p;
	char buf[64];

	ck_assert_int_eq(perms_parse(&accounts, words, 3, &p), 0);
	ck_assert_int_eq(perms_format(p, buf, sizeof buf), 3 + 3 + 7);
	ck_assert_int_eq(memcmp(buf, "n0\0r5\0b32751", 13), 0);
	ck_assert_int_eq(perms_format(p, buf, 8), -E2BIG);
	perms_put(p);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_int_eq(perms_parse(&accounts, &bad[i], 1, &p), -EINVAL);
	ck_assert_int_eq(perms_parse(&accounts, words, 0, &p), -EINVAL);
}
END_TEST

START_TEST(judged)
{
	static const char *const words[] = { "w3", "r5", "n6", "b7" };
	struct perms *p;

	ck_assert_int_eq(perms_parse(&accounts, words, 4, &p), 0);
	ck_assert_uint_eq(access_of(p, 0, 0), PERM_ALL);
	ck_assert_uint_eq(access_of(p, 3, 3), PERM_ALL);
	ck_assert_uint_eq(access_of(p, 5, 5), PERM_READ);
	ck_assert_uint_eq(access_of(p, 6, 6), PERM_NONE);
	ck_assert_uint_eq(access_of(p, 7, 7), PERM_READ | PERM_WRITE);
	ck_assert_msg(access_of(p, 8, 8) == PERM_WRITE, "the owner's letter is everybody's access");
	ck_assert_msg(access_of(p, 6, 3) == PERM_ALL, "a target's rights are added");
	ck_assert_msg(access_of(p, 6, 0) == PERM_NONE, "but never domain 0's");
	perms_put(p);
}
END_TEST

START_TEST(end_with_domain)
{
	static const char *const words[] = { "n3", "r5" };
	struct perms *p, *q;

	ck_assert_int_eq(perms_parse(&accounts, words, 2, &p), 0);
	accounts.gen[5]++;
	ck_assert_uint_eq(access_of(p, 5, 5), PERM_NONE);
	q = perms_adopt(&accounts, p, -1);
	ck_assert_uint_eq(q->count, 1);
	perms_put(q);
	accounts.gen[3]++;
	ck_assert_uint_eq(access_of(p, 3, 3), PERM_NONE);
	q = perms_adopt(&accounts, p, -1);
	ck_assert_uint_eq(perms_owner(q), 0);
	perms_put(q);
	perms_put(p);
}
END_TEST

/* What the toolstack makes for a guest, and what the guest may do there. */
START_TEST(guest_home)
{
	struct lab lab;
	struct peer *dom0, *guest;
	struct answer a;

	lab_open(&lab);
	dom0 = peer_open(&lab, 0);
	guest = peer_open(&lab, 3);
	ck_assert_ptr_null(ASK(dom0, XS_MKDIR, 0, "/local/domain/3", &a));
	ck_assert_ptr_null(ASK(dom0, XS_SET_PERMS, 0, "/local/domain/3\0n0\0r3", &a));
	ck_assert_ptr_null(WRITE(dom0, 0, "/local/domain/3/name\0one", &a));
	ck_assert_ptr_null(ASK(dom0, XS_MKDIR, 0, "/local/domain/3/data", &a));
	ck_assert_ptr_null(ASK(dom0, XS_SET_PERMS, 0, "/local/domain/3/data\0n3", &a));
	ck_assert_ptr_null(ASK(guest, XS_READ, 0, "name", &a));
	ck_assert_str_eq(a.body, "one");
	ck_assert_str_eq(error_of(WRITE(guest, 0, "name\0two", &a)), "EACCES");
	ck_assert_str_eq(error_of(WRITE(guest, 0, "new\0x", &a)), "EACCES");
	ck_assert_str_eq(error_of(ASK(guest, XS_READ, 0, "nothing", &a)), "ENOENT");
	ck_assert_str_eq(error_of(ASK(guest, XS_READ, 0, "/vm/secret", &a)), "EACCES");
	ck_assert_ptr_null(WRITE(guest, 0, "data/a/b\0x", &a));
	ck_assert_ptr_null(ASK(guest, XS_GET_PERMS, 0, "data/a/b", &a));
	ck_assert_msg(strcmp(a.body, "n3") == 0 && a.h.len == 3, "who creates, owns");
	ck_assert_ptr_null(ASK(guest, XS_SET_PERMS, 0, "data/a\0b3\0r4", &a));
	ck_assert_str_eq(error_of(ASK(guest, XS_SET_PERMS, 0, "data/a\0n4", &a)), "EPERM");
	ck_assert_str_eq(error_of(ASK(guest, XS_SET_PERMS, 0, "name\0b3", &a)), "EACCES");
	ck_assert_str_eq(error_of(ASK(guest, XS_SET_PERMS, 0, "@releaseDomain\0r3", &a)),
			 "EACCES");
	ck_assert_str_eq(error_of(ASK(guest, XS_CONTROL, 0, "check", &a)), "EACCES");
	ck_assert_str_eq(error_of(ASK(guest, XS_INTRODUCE, 0, "4\0001\0002", &a)), "EACCES");
	peer_close(guest);
	peer_close(dom0);
	lab_close(&lab);
}
END_TEST

/* XSA-322: a new domain of an old id must not find the old one's rights. */
START_TEST(reused_id)
{
	struct lab lab;
	struct peer *dom0, *guest;
	struct answer a;

	lab_open(&lab);
	dom0 = peer_open(&lab, 0);
	ck_assert_ptr_null(WRITE(dom0, 0, "/secret\0x", &a));
	ck_assert_ptr_null(ASK(dom0, XS_SET_PERMS, 0, "/secret\0n0\0b3", &a));
	ck_assert_ptr_null(WRITE(dom0, 0, "/theirs/x\0y", &a));
	ck_assert_ptr_null(ASK(dom0, XS_SET_PERMS, 0, "/theirs\0n3", &a));
	store_domain_gone(lab.s, 3);
	ck_assert_str_eq(error_of(ASK(dom0, XS_READ, 0, "/theirs/x", &a)), "ENOENT");
	ck_assert_ptr_null(ASK(dom0, XS_GET_PERMS, 0, "/secret", &a));
	ck_assert_str_eq(a.body, "n0");
	ck_assert_uint_eq(a.h.len, 3);
	guest = peer_open(&lab, 3);
	ck_assert_str_eq(error_of(ASK(guest, XS_READ, 0, "/secret", &a)), "EACCES");
	ck_assert_int_eq(account_of(&lab.s->accounts, 3)->nodes, 0);
	peer_close(guest);
	peer_close(dom0);
	lab_close(&lab);
}
END_TEST

CHECK_MAIN("perms", NULL, NULL, wire, judged, end_with_domain, guest_home, reused_id)
