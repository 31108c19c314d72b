/* A guest's console: ring to log and pty and back, hostile indices, floods, a killed predecessor. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/consoled/world.h"
#include "tests/unit/pvdrivers/holds.h"

START_TEST(both_ways)
{
	char buf[64];
	int tty;

	world_print("hello\r\n");
	ck_assert_str_eq(world_log(), "hello\r\n");
	ck_assert_uint_eq(world_ring()->out_cons, 7);
	tty = world_tty();
	world_read(tty, buf, 7);
	cw->notified = 0;
	ck_assert_int_eq(write(tty, "\x03yes\n", 5), 5);
	world_wait(cw->g->tty.source.fd);
	ck_assert_int_eq(loop_round(&cw->loop, 100), 0);
	ck_assert_uint_eq(world_ring()->in_prod, 5);
	ck_assert_int_eq(cw->notified, 1);
	ck_assert_mem_eq(world_ring()->in, "\x03yes\n", 5);
	close(tty);
}
END_TEST

/* What was printed while nobody looked is there for who comes, the newest of it. */
START_TEST(kept_for_the_pty)
{
	char line[64], got[1 << 17];
	size_t n = 0;
	ssize_t m;
	int tty;

	for (int i = 0; i < 4000; i++) {
		snprintf(line, sizeof line, "line %06d of the boot\n", i);
		world_print(line);
	}
	tty = world_tty();
	while ((m = read(tty, got + n, sizeof got - 1 - n)) > 0 || cw->g->tty.at != cw->g->scrollback.end) {
		n += m > 0 ? (size_t)m : 0;
		ck_assert_int_eq(loop_round(&cw->loop, 100), 0);
	}
	got[n] = '\0';
	ck_assert_ptr_nonnull(strstr(got, "line 003999 of the boot"));
	ck_assert_ptr_nonnull(strstr(got, "line 002000 of the boot"));
	close(tty);
}
END_TEST

START_TEST(hostile)
{
	static const uint32_t bad[] = { 2049, 0x80000000u, 0xffffffffu };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		world_ring()->out_prod = bad[i];
		guest_event(cw->g);
		ck_assert(cw->g->told_broken);
		world_ring()->out_prod = 4;
		guest_event(cw->g);
		ck_assert_str_eq(world_log(), "");
		world_end();
		world_begin();
		world_ring()->in_cons = -bad[i];
		guest_event(cw->g);
		ck_assert_int_eq(write(cw->g->pty.slave, "x", 1), 1);
		world_run();
		ck_assert_uint_eq(world_ring()->in_prod, 0);
		world_end();
		world_begin();
	}
}
END_TEST

/* A guest that reads nothing: what is typed waits in the pty, and comes when it does. */
START_TEST(input_waits_for_room)
{
	static char text[3000];
	struct xencons_interface *r = world_ring();
	uint32_t got = 0;

	for (uint32_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i % 251);
	ck_assert_int_eq(write(cw->g->pty.slave, text, sizeof text), sizeof text);
	while (got < sizeof text) {
		world_wait(cw->g->tty.source.fd);
		world_run();
		/* Nothing of the pty is looked at until there is room. */
		ck_assert_uint_le(r->in_prod - r->in_cons, 1024);
		ck_assert(r->in_prod - r->in_cons < 1024 || !(cw->g->tty.source.events & EPOLLIN));
		for (; r->in_cons != r->in_prod; r->in_cons++)
			HOLDS(r->in[r->in_cons & 1023] == text[got++]);
		guest_event(cw->g);
	}
	ck_assert_uint_eq(got, sizeof text);
}
END_TEST

/* A flood is slowed down, not dropped, others have their turn, and the log stays bounded. */
START_TEST(flood)
{
	struct xencons_interface *r = world_ring();
	uint64_t put = 0;

	for (int i = 0; i < 8000; i++) {
		uint32_t room = 2048 - (r->out_prod - r->out_cons);

		r->out_prod += room;
		put += room;
		guest_event(cw->g);
	}
	ck_assert_uint_lt(put, (uint64_t)RATE_BURST + (8u << 20));
	ck_assert_uint_gt(r->out_prod - r->out_cons, 0);
	ck_assert(cw->g->resume.armed);
	ck_assert_uint_le(cw->g->log.size, LOG_BYTES);
}
END_TEST

START_TEST(rotated)
{
	struct logfile l;
	char chunk[1000], tail[9000];

	memset(chunk, 'x', sizeof chunk);
	ck_assert_int_eq(logfile_open(&l, cw->log_dir, "guest-one", 5000), 0);
	for (int i = 0; i < 23; i++) {
		chunk[0] = (char)('a' + i);
		logfile_write(&l, chunk, sizeof chunk);
	}
	ck_assert_uint_eq(l.size, 3000);
	/* The newest bytes are of the old file, too. */
	ck_assert_uint_eq(logfile_tail(&l, tail, 1500), 1500);
	ck_assert(tail[499] == 'x' && tail[500] == 'w');
	ck_assert_uint_eq(logfile_tail(&l, tail, 4000), 4000);
	ck_assert(tail[0] == 't' && tail[1000] == 'u' && tail[3000] == 'w');
	ck_assert_uint_eq(logfile_tail(&l, tail, sizeof tail), 8000);
	ck_assert(tail[0] == 'p' && tail[7000] == 'w');
	logfile_close(&l);
	ck_assert_uint_eq(strlen(world_log()), 3000);
}
END_TEST

/* Whoever comes after a killed daemon goes on where it stood, and knows what was said. */
START_TEST(successor)
{
	char buf[64] = "";
	int tty;

	logfile_write(&cw->g->log, "of an earlier guest ", 20);
	world_print("before ");
	guest_detach(cw->g);
	/* The predecessor may have died before it said that there was room. */
	cw->notified = 0;
	world_attach();
	ck_assert_int_eq(cw->notified, 1);
	guest_detach(cw->g);
	for (const char *p = "while away "; *p; p++)
		world_ring()->out[world_ring()->out_prod++ & 2047] = *p;
	world_attach();
	world_print("after");
	ck_assert_str_eq(world_log(), "of an earlier guest before while away after");
	tty = world_tty();
	world_read(tty, buf, strlen("before while away after"));
	ck_assert_str_eq(buf, "before while away after");
	ck_assert_uint_eq(cw->g->scrollback.end, strlen("before while away after"));
	close(tty);
}
END_TEST

START_TEST(last_words)
{
	for (const char *p = "panic"; *p; p++)
		world_ring()->out[world_ring()->out_prod++ & 2047] = *p;
	guest_detach(cw->g);
	ck_assert_str_eq(world_log(), "panic");
	memset(cw->page, 0, sizeof cw->page);
	world_attach();
}
END_TEST

START_TEST(names)
{
	char out[64];

	guest_file_name("web-1.example", 3, 0, out);
	ck_assert_str_eq(out, "guest-web-1.example");
	guest_file_name("../../etc/passwd", 3, 0, out);
	ck_assert_str_eq(out, "guest-domain-3");
	guest_file_name("", 3, 0, out);
	ck_assert_str_eq(out, "guest-domain-3");
	guest_file_name(".hidden", 3, 0, out);
	ck_assert_str_eq(out, "guest-domain-3");
	guest_file_name("a-name-that-is-much-too-long-for-a-file-of-this-daemon", 3, 0, out);
	ck_assert_str_eq(out, "guest-domain-3");
	/* The longest that goes, of whatever console; no two are the same. */
	guest_file_name("a-name-that-is-just-short-enough-for-its-file.", 3, 15, out);
	ck_assert_str_eq(out, "guest-a-name-that-is-just-short-enough-for-its-file.:15");
	guest_file_name("a-name-that-is-just-too-long-now-for-its-files.", 3, 15, out);
	ck_assert_str_eq(out, "guest-domain-3:15");
	guest_file_name("web:1", 3, 0, out);
	ck_assert_str_eq(out, "guest-domain-3");
}
END_TEST

CHECK_MAIN("guest", world_begin, world_end, both_ways, kept_for_the_pty, hostile, input_waits_for_room, flood, rotated,
	successor, last_words, names)
