/* Names of nodes: what is a path, hostile shapes, relative names. */
#include <errno.h>
#include <string.h>
#include "dom0/xenstored/path.h"
#include "tests/unit/check_main.h"

static char out[PATH_ROOM];

START_TEST(absolute)
{
	ck_assert_int_eq(path_canonical("/", 0, false, out), 0);
	ck_assert_str_eq(out, "/");
	ck_assert_int_eq(path_canonical("/a/B-9_@x", 5, false, out), 0);
	ck_assert_str_eq(out, "/a/B-9_@x");
}
END_TEST

START_TEST(relative)
{
	ck_assert_int_eq(path_canonical("device/vbd", 17, false, out), 0);
	ck_assert_str_eq(out, "/local/domain/17/device/vbd");
}
END_TEST

START_TEST(special)
{
	ck_assert_int_eq(path_canonical("@releaseDomain", 0, true, out), 0);
	ck_assert_str_eq(out, "@releaseDomain");
	ck_assert_int_eq(path_canonical("@releaseDomain", 0, false, out), -EINVAL);
	ck_assert_int_eq(path_canonical("@a/b", 0, true, out), -EINVAL);
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = { "", "//", "/a//b", "/a/", "a/", "/a b", "/a\n", "/a.b",
					   "/\xff", "/a/../b" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(path_canonical(bad[i], 0, true, out) == -EINVAL, "%s", bad[i]);
}
END_TEST

START_TEST(lengths)
{
	char name[4000];

	memset(name, 'a', sizeof name);
	name[0] = '/';
	name[3072] = '\0';
	ck_assert_int_eq(path_canonical(name, 0, false, out), 0);
	name[3072] = 'a';
	name[3073] = '\0';
	ck_assert_int_eq(path_canonical(name, 0, false, out), -EINVAL);
	name[0] = 'a';
	name[2048] = '\0';
	ck_assert_int_eq(path_canonical(name, 32751, false, out), 0);
	name[2048] = 'a';
	name[2049] = '\0';
	ck_assert_int_eq(path_canonical(name, 0, false, out), -EINVAL);
}
END_TEST

START_TEST(relations)
{
	ck_assert_uint_eq(path_parent_len("/"), 0);
	ck_assert_uint_eq(path_parent_len("/a"), 1);
	ck_assert_uint_eq(path_parent_len("/a/bc"), 2);
	ck_assert(path_is_below("/a/b", "/a"));
	ck_assert(path_is_below("/a", "/a"));
	ck_assert(path_is_below("/a", "/"));
	ck_assert(!path_is_below("/ab", "/a"));
}
END_TEST

CHECK_MAIN("path", NULL, NULL, absolute, relative, special, refused, lengths, relations)
