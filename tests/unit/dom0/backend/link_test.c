/* Messages between backendd and a device's process: what is none is told apart from an end and from nothing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dom0/backend/link.h"
#include "tests/unit/check_main.h"

#define HEADER offsetof(struct link_message, text)

static int end[2];
static struct link_message got;
static size_t bytes;

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, end), 0);
	memset(&got, 0xaa, sizeof got);
	bytes = 12345;
}

static int receive(void)
{
	return link_receive(end[1], &got, &bytes, MSG_DONTWAIT);
}

START_TEST(nothing_and_an_end)
{
	struct link_message m = { .type = LINK_CHANGED };

	ck_assert_int_eq(receive(), -EAGAIN);
	ck_assert_int_eq(link_send(end[0], &m, 0), 0);
	close(end[0]);
	ck_assert_int_eq(receive(), 0);		/* what was sent before is heard */
	ck_assert_int_eq(receive(), -EPIPE);
	ck_assert_int_eq(link_send(end[1], &m, 0), -EPIPE);
	ck_assert_uint_eq(bytes, 0);
}
END_TEST

/* The other end went with something of ours unread. */
START_TEST(reset)
{
	struct link_message m = { .type = LINK_CHANGED };

	ck_assert_int_eq(link_send(end[1], &m, 0), 0);
	close(end[0]);
	ck_assert_int_eq(receive(), -EPIPE);
}
END_TEST

START_TEST(lengths)
{
	static char big[sizeof(struct link_message) + 1];
	struct link_message m = { .type = LINK_MAP, .count = 3, .flags = 5, .ref = { 1, 2, 3 } };

	for (size_t n = 1; n < HEADER; n++) {
		ck_assert_int_eq(send(end[0], &m, n, 0), (ssize_t)n);
		ck_assert_int_eq(receive(), -EPROTO);
	}
	ck_assert_int_eq(send(end[0], big, sizeof big, 0), (ssize_t)sizeof big);
	ck_assert_int_eq(receive(), -EPROTO);
	ck_assert_uint_eq(bytes, 12345);
	ck_assert_int_eq(link_send(end[0], &m, 3 * sizeof m.ref[0]), 0);
	ck_assert_int_eq(receive(), 0);
	ck_assert_uint_eq(bytes, 3 * sizeof m.ref[0]);
	ck_assert_mem_eq(&got, &m, HEADER + bytes);
	ck_assert_int_eq(link_send(end[0], &m, sizeof m - HEADER), 0);
	ck_assert_int_eq(receive(), 0);
	ck_assert_uint_eq(bytes, sizeof m - HEADER);
	ck_assert_int_eq(send(end[0], &m, 0, 0), 0);
	ck_assert_int_eq(receive(), -EPIPE);
}
END_TEST

START_TEST(who_does_not_read_stops_nobody)
{
	struct link_message m = { .type = LINK_CHANGED };
	int err = 0;

	ck_assert_int_eq(fcntl(end[0], F_SETFL, O_NONBLOCK), 0);
	for (long n = 0; n < 1000000 && !err; n++)
		err = link_send(end[0], &m, LINK_TEXT_MAX);
	ck_assert_int_eq(err, -EAGAIN);
}
END_TEST

START_TEST(strings)
{
	struct link_message m = { .text = "a\0bc\0" };

	ck_assert_str_eq(link_string(&m, 5, 0), "a");
	ck_assert_str_eq(link_string(&m, 5, 1), "bc");
	ck_assert_ptr_null(link_string(&m, 5, 2));
	ck_assert_str_eq(link_string(&m, 6, 2), "");
	ck_assert_ptr_null(link_string(&m, 4, 1));	/* no NUL */
	ck_assert_ptr_null(link_string(&m, 1, 0));
	ck_assert_ptr_null(link_string(&m, 0, 0));
	memset(m.text, 'x', sizeof m.text);
	ck_assert_ptr_null(link_string(&m, sizeof m - HEADER, 0));	/* more than a text */
	m.text[LINK_TEXT_MAX - 1] = '\0';
	ck_assert_uint_eq(strlen(link_string(&m, sizeof m - HEADER, 0)), LINK_TEXT_MAX - 1);
	ck_assert_ptr_null(link_string(&m, sizeof m - HEADER, 1));
}
END_TEST

CHECK_MAIN("link", setup, NULL, nothing_and_an_end, reset, lengths, who_does_not_read_stops_nobody, strings)
