/* Who is at a guest's console: how they come in, what each sees and may type, and who is sent away. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "dom0/consoled/reception.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/consoled/world.h"
#include "tests/unit/pvdrivers/holds.h"

static struct reception reception;
static char path[80];

static struct guest *find(void *arg, uint16_t domid, uint32_t number)
{
	ck_assert_ptr_eq(arg, cw);
	return domid == 3 && number == 0 ? cw->g : NULL;
}

static void open_doors(void)
{
	int fd;

	world_begin();
	snprintf(path, sizeof path, "%s/console", cw->dir);
	fd = reception_listen(path);
	ck_assert_int_ge(fd, 0);
	reception = (struct reception){ .loop = &cw->loop, .find = find, .arg = cw };
	ck_assert_int_eq(reception_open(&reception, fd), 0);
}

static void close_doors(void)
{
	reception_close(&reception);
	unlink(path);
	world_end();
}

static int call(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(at.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	world_run();
	return fd;
}

static struct console_welcome hear(int fd)
{
	struct console_welcome w;

	world_run();
	ck_assert_int_eq(recv(fd, &w, sizeof w, 0), sizeof w);
	ck_assert_uint_eq(w.magic, CONSOLE_MAGIC);
	return w;
}

static struct console_welcome say(int fd, struct console_hello h)
{
	ck_assert_int_eq(send(fd, &h, sizeof h, 0), sizeof h);
	return hear(fd);
}

static int attach(void)
{
	int fd = call();

	ck_assert_int_eq(say(fd, (struct console_hello){ CONSOLE_MAGIC, 3, 0, 0, 0 }).err, 0);
	return fd;
}

static void ended(int fd)
{
	char c;

	ck_assert_int_eq(recv(fd, &c, 1, 0), 0);
	close(fd);
}

/* Require that @fd has just @text to read. */
static void sees(int fd, const char *text)
{
	char buf[4096];
	ssize_t n;

	world_run();
	n = recv(fd, buf, sizeof buf - 1, 0);
	buf[n > 0 ? n : 0] = '\0';
	ck_assert_str_eq(buf, text);
}

START_TEST(what_was_said_is_replayed)
{
	struct console_welcome w;
	int a, b;

	world_print("booting\r\n");
	a = attach();
	sees(a, "booting\r\n");
	world_print("login: ");
	sees(a, "login: ");
	/* The next sees all of it, too, and how much of it is old. */
	b = call();
	w = say(b, (struct console_hello){ CONSOLE_MAGIC, 3, 0, 0, 0 });
	ck_assert(w.err == 0 && w.others == 1 && w.from == 0 && w.replay == 16);
	sees(b, "booting\r\nlogin: ");
	world_print("x");
	sees(a, "x");
	sees(b, "x");
	close(a);
	close(b);
	world_run();
	ck_assert_ptr_null(cw->g->viewers);
}
END_TEST

/* The newest, as much as is kept. */
START_TEST(replay_is_bounded)
{
	static char line[1001], got[2 * SCROLLBACK_BYTES];
	struct console_welcome w;
	size_t n = 0;
	ssize_t m;
	int a;

	for (int i = 0; i < 200; i++) {
		memset(line, 'a' + i % 26, 1000);
		world_print(line);
	}
	a = call();
	w = say(a, (struct console_hello){ CONSOLE_MAGIC, 3, 0, 0, 0 });
	ck_assert(w.replay == SCROLLBACK_BYTES && w.from == 200000 - SCROLLBACK_BYTES);
	while ((m = recv(a, got + n, sizeof got - n, 0)) > 0) {
		n += (size_t)m;
		world_run();
	}
	ck_assert_uint_eq(n, SCROLLBACK_BYTES);
	for (size_t i = 0; i < n; i++)
		HOLDS(got[i] == (char)('a' + (200000 - SCROLLBACK_BYTES + i) / 1000 % 26));
	close(a);
}
END_TEST

/* Who comes back says how far it was; if that is not kept any more, it gets what is. */
START_TEST(attached_again)
{
	static char much[2001];
	struct console_welcome w;
	int a;

	world_print("0123456789");
	a = call();
	w = say(a, (struct console_hello){ CONSOLE_MAGIC, 3, 1, 7, 0 });
	ck_assert(w.from == 7 && w.replay == 3);
	sees(a, "789");
	close(a);
	a = call();
	w = say(a, (struct console_hello){ CONSOLE_MAGIC, 3, 1, 10, 0 });
	ck_assert(w.from == 10 && w.replay == 0);
	close(a);
	/* A number that was never said. */
	a = call();
	w = say(a, (struct console_hello){ CONSOLE_MAGIC, 3, 1, 11, 0 });
	ck_assert(w.from == 0 && w.replay == 10);
	close(a);
	memset(much, '.', 2000);
	for (int i = 0; i < 50; i++)
		world_print(much);
	a = call();
	w = say(a, (struct console_hello){ CONSOLE_MAGIC, 3, 1, 10, 0 });
	ck_assert(w.from == 100010 - SCROLLBACK_BYTES && w.replay == SCROLLBACK_BYTES);
	close(a);
}
END_TEST

/* A successor knows from the log what to replay, and the numbers go on. */
START_TEST(after_a_restart)
{
	struct console_welcome w;
	int a;

	world_print("said before ");
	a = attach();
	guest_detach(cw->g);
	sees(a, "said before ");
	ended(a);
	world_attach();
	world_print("and after");
	a = call();
	w = say(a, (struct console_hello){ CONSOLE_MAGIC, 3, 1, 12, 0 });
	ck_assert(w.from == 12 && w.replay == 9);
	sees(a, "and after");
	close(a);
}
END_TEST

START_TEST(all_may_type)
{
	struct xencons_interface *r = world_ring();
	int a = attach(), b = attach();

	ck_assert_int_eq(send(a, "ls", 2, 0), 2);
	world_run();
	ck_assert_int_eq(send(b, "\r", 1, 0), 1);
	world_run();
	ck_assert_uint_eq(r->in_prod, 3);
	ck_assert_mem_eq(r->in, "ls\r", 3);
	close(a);
	close(b);
}
END_TEST

/* The guest reads nothing: what they type waits, and reaches it when it does, also of one that has no more to say. */
START_TEST(a_guest_that_does_not_read)
{
	static char text[3000];
	struct xencons_interface *r = world_ring();
	int a = attach(), b = attach();
	uint32_t got = 0;

	for (uint32_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i % 251);
	ck_assert_int_eq(send(a, text, sizeof text, 0), sizeof text);
	ck_assert_int_eq(shutdown(a, SHUT_WR), 0);
	world_run();
	ck_assert_uint_eq(r->in_prod, 1024);
	for (int i = 0; i < 20 && got < sizeof text; i++) {
		for (; r->in_cons != r->in_prod; r->in_cons++)
			HOLDS(r->in[r->in_cons & 1023] == text[got++]);
		guest_event(cw->g);
		world_run();
	}
	ck_assert_uint_eq(got, sizeof text);
	ended(a);
	/* One that is gone while there is no room does not wait. */
	ck_assert_int_eq(send(b, text, 3000, 0), 3000);
	world_run();
	close(b);
	world_run();
	ck_assert_ptr_null(cw->g->viewers);
}
END_TEST

/* It takes nothing while the guest says more than is kept: it is closed, the guest and the others are not held up. */
START_TEST(a_viewer_that_does_not_read)
{
	static char much[2001];
	int a = attach(), b = attach();
	char buf[4096];
	uint64_t seen = 0;
	ssize_t n;

	memset(much, '.', 2000);
	for (int i = 0; i < 500; i++) {
		world_print(much);
		world_run();
		while ((n = recv(b, buf, sizeof buf, 0)) > 0)
			seen += (uint64_t)n;
	}
	ck_assert_uint_eq(seen, 1000000);
	ck_assert_ptr_null(cw->g->viewers->next);
	while ((n = recv(a, buf, sizeof buf, 0)) > 0)
		;
	ck_assert_int_eq(n, 0);
	close(a);
	close(b);
}
END_TEST

START_TEST(the_last_words_reach_them)
{
	int a = attach();

	for (const char *p = "panic"; *p; p++)
		world_ring()->out[world_ring()->out_prod++ & 2047] = *p;
	guest_detach(cw->g);
	sees(a, "panic");
	ended(a);
	memset(cw->page, 0, sizeof cw->page);
	world_attach();
}
END_TEST

/* ---- who is sent away ---- */

static void refused(struct console_hello h, int err)
{
	int fd = call();

	ck_assert_int_eq(say(fd, h).err, err);
	ended(fd);
}

START_TEST(refusals)
{
	int fd;

	refused((struct console_hello){ CONSOLE_MAGIC, 4, 0, 0, 0 }, -ENOENT);
	refused((struct console_hello){ CONSOLE_MAGIC, 65539, 0, 0, 0 }, -ENOENT);
	refused((struct console_hello){ CONSOLE_MAGIC, 3, 0, 0, 1 }, -ENOENT);
	refused((struct console_hello){ CONSOLE_MAGIC + 1, 3, 0, 0, 0 }, -EPROTO);
	fd = call();
	ck_assert_int_eq(send(fd, "hi", 2, 0), 2);
	ck_assert_int_eq(hear(fd).err, -EPROTO);
	ended(fd);
	close(call());
	world_run();
	ck_assert_uint_eq(reception.count, 0);
}
END_TEST

START_TEST(there_is_room_for_so_many)
{
	int viewer[VIEWERS_MAX], caller[CALLERS_MAX], fd;

	for (uint32_t i = 0; i < VIEWERS_MAX; i++)
		viewer[i] = attach();
	refused((struct console_hello){ CONSOLE_MAGIC, 3, 0, 0, 0 }, -EBUSY);
	close(viewer[5]);
	world_run();
	viewer[5] = attach();
	for (uint32_t i = 0; i < CALLERS_MAX; i++)
		caller[i] = call();
	fd = call();
	ck_assert_int_eq(hear(fd).err, -EBUSY);
	ended(fd);
	close(caller[0]);
	world_run();
	caller[0] = call();
	ck_assert_uint_eq(reception.count, CALLERS_MAX);
	for (uint32_t i = 0; i < CALLERS_MAX; i++)
		close(caller[i]);
	for (uint32_t i = 0; i < VIEWERS_MAX; i++)
		close(viewer[i]);
	world_run();
	ck_assert(reception.count == 0 && !cw->g->viewers);
	/* Callers that are still there when it closes. */
	close(call());
}
END_TEST

START_TEST(only_root_comes_in)
{
	struct stat st;
	int fd;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	/* What a predecessor left there is no hindrance, a path that is too long is one. */
	fd = reception_listen(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	char much[200] = "/tmp/";
	memset(much + 5, 'x', 150);
	ck_assert_int_eq(reception_listen(much), -ENAMETOOLONG);
	ck_assert_int_eq(reception_listen("/tmp/no/such/place"), -ENOENT);
}
END_TEST

CHECK_MAIN("viewer", open_doors, close_doors, what_was_said_is_replayed, replay_is_bounded, attached_again, after_a_restart,
	all_may_type, a_guest_that_does_not_read, a_viewer_that_does_not_read, the_last_words_reach_them, refusals,
	there_is_room_for_so_many, only_root_comes_in)
