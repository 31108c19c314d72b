/* NBD URIs: what they mean, and what is none. */
#include <errno.h>
#include <string.h>
#include "dom0/lib/nbd_uri.h"
#include "tests/unit/check_main.h"

static const struct {
	const char *text;
	enum nbd_way way;
	const char *place, *export;
	uint16_t port;
} good[] = {
	{ "nbd://192.0.2.1", NBD_TCP, "192.0.2.1", "", 10809 },
	{ "nbd://192.0.2.1/", NBD_TCP, "192.0.2.1", "", 10809 },
	{ "nbd://192.0.2.1:1/a/b", NBD_TCP, "192.0.2.1", "a/b", 1 },
	{ "nbd://192.0.2.1:65535/a%20%2Fb", NBD_TCP, "192.0.2.1", "a /b", 65535 },
	{ "nbd://[::1]", NBD_TCP, "::1", "", 10809 },
	{ "nbd://[2001:db8::1]:7/x", NBD_TCP, "2001:db8::1", "x", 7 },
	{ "nbd+unix:///?socket=/run/s", NBD_UNIX, "/run/s", "", 0 },
	{ "nbd+unix:///e,%3f?socket=/run/a%20b", NBD_UNIX, "/run/a b", "e,?", 0 },
	{ "nbd+exec:qemu-nbd -f qcow2 /a,b.img", NBD_EXEC, "qemu-nbd -f qcow2 /a,b.img", "", 0 },
};

START_TEST(what_they_mean)
{
	struct nbd_uri u;
	const char *what = "";

	ck_assert(nbd_uri_is(good[_i].text));
	ck_assert_msg(nbd_uri_parse(&u, good[_i].text, &what) == 0, "%s: %s", good[_i].text, what);
	ck_assert_int_eq(u.way, good[_i].way);
	ck_assert_str_eq(u.place, good[_i].place);
	ck_assert_str_eq(u.export, good[_i].export);
	ck_assert_uint_eq(u.port, good[_i].port);
}
END_TEST

static const struct {
	const char *text, *what;
} bad[] = {
	{ "nbd:", "expected nbd://, nbd+unix:// or nbd+exec:" },
	{ "nbds://192.0.2.1", "expected nbd://, nbd+unix:// or nbd+exec:" },
	{ "nbd+vsock://1", "expected nbd://, nbd+unix:// or nbd+exec:" },
	{ "nbd://", "expected an address: names are not looked up" },
	{ "nbd:///e", "expected an address: names are not looked up" },
	{ "nbd://host/e", "expected an address: names are not looked up" },
	{ "nbd://::1/e", "expected an address: names are not looked up" },
	{ "nbd://[192.0.2.1]/e", "expected an address: names are not looked up" },
	{ "nbd://[::1/e", "expected an address: names are not looked up" },
	{ "nbd://[::1/]e", "expected an address: names are not looked up" },
	{ "nbd://1.2.3.4.5", "expected an address: names are not looked up" },
	{ "nbd://[::1]x", "the port makes no sense" },
	{ "nbd://192.0.2.1:", "the port makes no sense" },
	{ "nbd://192.0.2.1:0", "the port makes no sense" },
	{ "nbd://192.0.2.1:65536", "the port makes no sense" },
	{ "nbd://192.0.2.1:-1", "the port makes no sense" },
	{ "nbd://192.0.2.1:99999999999999999999", "the port makes no sense" },
	{ "nbd://192.0.2.1/%", "the export's name makes no sense" },
	{ "nbd://192.0.2.1/%0", "the export's name makes no sense" },
	{ "nbd://192.0.2.1/%00", "the export's name makes no sense" },
	{ "nbd://192.0.2.1/%gg", "the export's name makes no sense" },
	{ "nbd+unix://", "expected nbd+unix:///EXPORT?socket=PATH" },
	{ "nbd+unix:///run/s?export", "expected nbd+unix:///EXPORT?socket=PATH" },
	{ "nbd+unix://host/?socket=/run/s", "expected nbd+unix:///EXPORT?socket=PATH" },
	{ "nbd+unix:///?socket=", "socket is not an absolute path of at most 107 bytes" },
	{ "nbd+unix:///?socket=run/s", "socket is not an absolute path of at most 107 bytes" },
	{ "nbd+exec:", "expected nbd+exec:COMMAND" },
	{ "nbd+exec:  ", "expected nbd+exec:COMMAND" },
};

START_TEST(what_is_none)
{
	struct nbd_uri u;
	const char *what = "";

	ck_assert_int_eq(nbd_uri_parse(&u, bad[_i].text, &what), -EINVAL);
	ck_assert_str_eq(what, bad[_i].what);
}
END_TEST

START_TEST(lengths)
{
	char text[1024] = "nbd://192.0.2.1/";
	struct nbd_uri u;
	const char *what;

	memset(text + strlen(text), 'x', NBD_EXPORT - 1);
	ck_assert_int_eq(nbd_uri_parse(&u, text, &what), 0);
	ck_assert_uint_eq(strlen(u.export), NBD_EXPORT - 1);
	text[strlen(text)] = 'x';
	ck_assert_int_eq(nbd_uri_parse(&u, text, &what), -EINVAL);
	memset(text, 0, sizeof text);
	strcpy(text, "nbd+unix:///?socket=/");
	memset(text + strlen(text), 'x', 106);
	ck_assert_int_eq(nbd_uri_parse(&u, text, &what), 0);
	text[strlen(text)] = 'x';
	ck_assert_int_eq(nbd_uri_parse(&u, text, &what), -EINVAL);
	memset(text, 'x', sizeof text - 1);
	memcpy(text, "nbd://", 6);
	ck_assert_int_eq(nbd_uri_parse(&u, text, &what), -EINVAL);
	memcpy(text, "nbd+exec:", 9);
	ck_assert_int_eq(nbd_uri_parse(&u, text, &what), -EINVAL);
	text[9 + NBD_PLACE - 1] = '\0';
	ck_assert_int_eq(nbd_uri_parse(&u, text, &what), 0);
	ck_assert(!nbd_uri_is("/nbd") && !nbd_uri_is("nb") && !nbd_uri_is(""));
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, lengths);

	tcase_add_loop_test(c, what_they_mean, 0, ARRAY_LEN(good));
	tcase_add_loop_test(c, what_is_none, 0, ARRAY_LEN(bad));
	return check_run("nbd_uri", c);
}
