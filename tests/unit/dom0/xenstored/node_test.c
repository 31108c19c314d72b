/* Requests on nodes as a client sees them: the wire's shapes, errors, long lists. */
#include <stdio.h>
#include <string.h>
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

START_TEST(write_read)
{
	begin();
	ck_assert_ptr_null(WRITE(p, 0, "/a/b/c\0val\0ue", &a));
	ck_assert_str_eq(a.body, "OK");
	ck_assert_uint_eq(a.h.len, 3);
	ck_assert_ptr_null(ASK(p, XS_READ, 0, "/a/b/c", &a));
	ck_assert_uint_eq(a.h.len, 6);
	ck_assert_int_eq(memcmp(a.body, "val\0ue", 6), 0);
	ck_assert_ptr_null(ASK(p, XS_READ, 0, "/a", &a));
	ck_assert_uint_eq(a.h.len, 0);
	ck_assert_ptr_null(WRITE(p, 0, "/a/b/c\0", &a));
	ck_assert_ptr_null(ASK(p, XS_READ, 0, "/a/b/c", &a));
	ck_assert_uint_eq(a.h.len, 0);
	ck_assert_str_eq(error_of(ASK(p, XS_READ, 0, "/a/x", &a)), "ENOENT");
	end();
}
END_TEST

START_TEST(make_remove)
{
	begin();
	ck_assert_ptr_null(ASK(p, XS_MKDIR, 0, "/m/n", &a));
	ck_assert_ptr_null(WRITE(p, 0, "/m/n\0keep", &a));
	ck_assert_ptr_null(ASK(p, XS_MKDIR, 0, "/m/n", &a));
	ck_assert_ptr_null(ASK(p, XS_READ, 0, "/m/n", &a));
	ck_assert_msg(strcmp(a.body, "keep") == 0, "making what exists changes nothing");
	ck_assert_ptr_null(ASK(p, XS_RM, 0, "/m", &a));
	ck_assert_str_eq(error_of(ASK(p, XS_READ, 0, "/m/n", &a)), "ENOENT");
	ck_assert_msg(!ASK(p, XS_RM, 0, "/m", &a), "its parent exists: no error");
	ck_assert_str_eq(error_of(ASK(p, XS_RM, 0, "/m/n", &a)), "ENOENT");
	ck_assert_str_eq(error_of(ASK(p, XS_RM, 0, "/", &a)), "EINVAL");
	end();
}
END_TEST

START_TEST(malformed)
{
	begin();
	ck_assert_str_eq(error_of(ask(p, XS_READ, 0, "/a", 2, &a)), "EINVAL");
	ck_assert_str_eq(error_of(ask(p, XS_READ, 0, "", 0, &a)), "EINVAL");
	ck_assert_str_eq(error_of(ASK(p, XS_READ, 0, "/a\0/b", &a)), "EINVAL");
	ck_assert_str_eq(error_of(ask(p, XS_WRITE, 0, "/a", 2, &a)), "EINVAL");
	ck_assert_str_eq(error_of(ASK(p, XS_WATCH, 0, "/a", &a)), "EINVAL");
	ck_assert_str_eq(error_of(ASK(p, XS_SET_PERMS, 0, "/a", &a)), "EINVAL");
	ck_assert_str_eq(error_of(ASK(p, XS_TRANSACTION_END, 0, "X", &a)), "EINVAL");
	ck_assert_str_eq(error_of(ASK(p, XS_READ, 77, "/", &a)), "ENOENT");
	ck_assert_str_eq(error_of(ASK(p, XS_WATCH_EVENT, 0, "/", &a)), "ENOSYS");
	ck_assert_str_eq(error_of(ASK(p, 20, 0, "/", &a)), "ENOSYS");
	ck_assert_str_eq(error_of(ASK(p, 0xffff, 0, "/", &a)), "ENOSYS");
	ck_assert_str_eq(error_of(ASK(p, XS_RELEASE, 0, "0", &a)), "EINVAL");
	ck_assert_str_eq(error_of(ASK(p, XS_RELEASE, 0, "99999", &a)), "EINVAL");
	end();
}
END_TEST

START_TEST(oversized)
{
	struct xsd_sockmsg h = { .type = XS_WRITE, .len = XENSTORE_PAYLOAD_MAX + 1 };

	begin();
	peer_send(p, &h, sizeof h);
	ck_assert_msg(!p->conn, "a payload above the limit ends the connection");
	end();
}
END_TEST

START_TEST(pieces)
{
	unsigned char msg[sizeof(struct xsd_sockmsg) + 3];
	struct xsd_sockmsg h = { .type = XS_DIRECTORY, .req_id = 9, .len = 2 };

	begin();
	memcpy(msg, &h, sizeof h);
	memcpy(msg + sizeof h, "/", 2);
	for (size_t i = 0; i < sizeof h + 2; i++) {
		ck_assert(!peer_take(p, &a));
		peer_send(p, msg + i, 1);
	}
	ck_assert(peer_take(p, &a));
	ck_assert_uint_eq(a.h.req_id, 9);
	end();
}
END_TEST

START_TEST(directory)
{
	begin();
	ck_assert_ptr_null(WRITE(p, 0, "/d/b\0", &a));
	ck_assert_ptr_null(WRITE(p, 0, "/d/a\0", &a));
	ck_assert_ptr_null(ASK(p, XS_DIRECTORY, 0, "/d", &a));
	ck_assert_uint_eq(a.h.len, 4);
	ck_assert_int_eq(memcmp(a.body, "a\0b", 4), 0);
	ck_assert_ptr_null(ASK(p, XS_DIRECTORY, 0, "/d/a", &a));
	ck_assert_uint_eq(a.h.len, 0);
	end();
}
END_TEST

/* Ask in parts until the empty name; count names. */
static unsigned int parts_count(const char *path)
{
	unsigned int count = 0;
	size_t have = 0;

	for (;;) {
		char body[128], last = '\0';
		int n = snprintf(body, sizeof body, "%s", path);
		int m = snprintf(body + n + 1, sizeof body - (size_t)n - 1, "%zu", have);
		size_t gen;

		ck_assert_ptr_null(ask(p, XS_DIRECTORY_PART, 0, body, (size_t)(n + m + 2), &a));
		gen = strlen(a.body) + 1;
		for (size_t i = gen; i < a.h.len; i++) {
			if (a.body[i] == '\0' && last == '\0')
				return count;
			count += a.body[i] == '\0';
			last = a.body[i];
		}
		if (a.h.len == gen + 1 && a.body[gen] == '\0')
			return count;
		have += a.h.len - gen;
	}
}

START_TEST(directory_parts)
{
	char body[64];

	begin();
	for (int i = 0; i < 700; i++) {
		int n = snprintf(body, sizeof body, "/big/entry-%d", i);

		ck_assert_ptr_null(ask(p, XS_WRITE, 0, body, (size_t)n + 1, &a));
	}
	ck_assert_str_eq(error_of(ASK(p, XS_DIRECTORY, 0, "/big", &a)), "E2BIG");
	ck_assert_uint_eq(parts_count("/big"), 700);
	ck_assert_ptr_null(ASK(p, XS_MKDIR, 0, "/empty", &a));
	ck_assert_uint_eq(parts_count("/empty"), 0);
	end();
}
END_TEST

START_TEST(domain_path)
{
	begin();
	ck_assert_ptr_null(ASK(p, XS_GET_DOMAIN_PATH, 0, "7", &a));
	ck_assert_str_eq(a.body, "/local/domain/7");
	ck_assert_ptr_null(ASK(p, XS_IS_DOMAIN_INTRODUCED, 0, "7", &a));
	ck_assert_str_eq(a.body, "F");
	ck_assert_ptr_null(ASK(p, XS_CONTROL, 0, "check", &a));
	ck_assert_str_eq(a.body, "OK");
	end();
}
END_TEST

CHECK_MAIN("node", NULL, NULL, write_read, make_remove, malformed, oversized, pieces, directory,
	   directory_parts, domain_path)
