/* A guest's console: ring to log and pty and back, hostile indices, floods, a killed predecessor.
 * */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/consoled/guest.h"
#include "tests/unit/check_main.h"

static _Alignas(4096) unsigned char page[4096];
static struct loop loop;
static struct guest *g;
static int dev_dir, log_dir, notified, bound, mapped;
static char log_path[80];

static int ring_map(void *arg, uint16_t domid, void **out)
{
	(void)arg;
	(void)domid;
	mapped++;
	*out = page;
	return 0;
}

static void ring_unmap(void *arg, uint16_t domid, void *p)
{
	(void)arg;
	(void)domid;
	(void)p;
	mapped--;
}

static int port_bind(void *arg, uint16_t domid, uint32_t remote, uint32_t *port)
{
	(void)arg;
	(void)domid;
	*port = remote;
	bound++;
	return 0;
}

static void port_unbind(void *arg, uint32_t port)
{
	(void)arg;
	(void)port;
	bound--;
}

static void port_notify(void *arg, uint32_t port)
{
	(void)arg;
	(void)port;
	notified++;
}

static const struct ring_host host = {
	.ring_map = ring_map, .ring_unmap = ring_unmap, .port_bind = port_bind,
	.port_unbind = port_unbind, .port_notify = port_notify,
};

static struct xencons_interface *ring(void)
{
	return (void *)page;
}

static void attach(void)
{
	ck_assert_int_eq(guest_attach(&g, &loop, &host, 3, 7, "one", log_dir, dev_dir), 0);
}

static void begin(void)
{
	static char dir[48];

	memset(page, 0, sizeof page);
	notified = bound = mapped = 0;
	snprintf(dir, sizeof dir, "/tmp/bothy-console-%d", (int)getpid());
	ck_assert_int_eq(mkdtemp(strcat(strcpy(dir, "/tmp/bothy-console-"), "XXXXXX")) == NULL, 0);
	snprintf(log_path, sizeof log_path, "%s/guest-one.log", dir);
	log_dir = open(dir, O_RDONLY | O_DIRECTORY);
	dev_dir = open("/dev", O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(loop_open(&loop), 0);
	attach();
}

static void end(void)
{
	char old[96];

	guest_detach(g);
	ck_assert_int_eq(mapped, 0);
	ck_assert_int_eq(bound, 0);
	loop_close(&loop);
	close(log_dir);
	close(dev_dir);
	snprintf(old, sizeof old, "%s.1", log_path);
	unlink(old);
	unlink(log_path);
	*strrchr(log_path, '/') = '\0';
	rmdir(log_path);
}

static void guest_print(const char *text)
{
	while (*text)
		ring()->out[ring()->out_prod++ & 2047] = *text++;
	guest_event(g);
}

static const char *log_text(void)
{
	static char text[1 << 16];
	int fd = open(log_path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

START_TEST(both_ways)
{
	char buf[64];
	int tty;

	begin();
	guest_print("hello\r\n");
	ck_assert_str_eq(log_text(), "hello\r\n");
	ck_assert_uint_eq(ring()->out_cons, 7);
	ck_assert_int_eq(notified, 1);
	tty = open(g->pty.name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	ck_assert_int_eq(read(tty, buf, sizeof buf), 7);
	ck_assert_int_eq(write(tty, "\x03yes\n", 5), 5);
	ck_assert_int_eq(loop_round(&loop, 100), 0);
	ck_assert_uint_eq(ring()->in_prod, 5);
	ck_assert_int_eq(memcmp(ring()->in, "\x03yes\n", 5), 0);
	close(tty);
	end();
}
END_TEST

/* What was printed while nobody looked is there for who comes, the newest of it. */
START_TEST(backlog_kept)
{
	char line[64], got[1 << 17];
	size_t n = 0;
	ssize_t m;
	int tty;

	begin();
	for (int i = 0; i < 4000; i++) {
		snprintf(line, sizeof line, "line %06d of the boot\n", i);
		guest_print(line);
	}
	tty = open(g->pty.name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	while ((m = read(tty, got + n, sizeof got - 1 - n)) > 0 || g->backlog.len) {
		n += m > 0 ? (size_t)m : 0;
		ck_assert_int_eq(loop_round(&loop, 100), 0);
	}
	got[n] = '\0';
	ck_assert_ptr_nonnull(strstr(got, "line 003999 of the boot"));
	ck_assert_ptr_nonnull(strstr(got, "line 002000 of the boot"));
	close(tty);
	end();
}
END_TEST

START_TEST(hostile)
{
	static const uint32_t bad[] = { 2049, 0x80000000u, 0xffffffffu };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		begin();
		ring()->out_prod = bad[i];
		guest_event(g);
		ck_assert(g->broken);
		ring()->out_prod = 4;
		guest_event(g);
		ck_assert_str_eq(log_text(), "");
		end();
		begin();
		ring()->in_cons = bad[i];
		guest_event(g);
		ck_assert_int_eq(write(g->pty.slave, "x", 1), 1);
		ck_assert_int_eq(loop_round(&loop, 0), 0);
		end();
	}
}
END_TEST

/* A flood is slowed down, not dropped, and the log stays bounded. */
START_TEST(flood)
{
	uint64_t put = 0;

	begin();
	for (int i = 0; i < 8000; i++) {
		uint32_t room = 2048 - (ring()->out_prod - ring()->out_cons);

		ring()->out_prod += room;
		put += room;
		guest_event(g);
	}
	ck_assert_uint_lt(put, (uint64_t)RATE_BURST + (8u << 20));
	ck_assert_uint_gt(ring()->out_prod - ring()->out_cons, 0);
	ck_assert(g->resume.armed);
	ck_assert_uint_le(g->log.size, LOG_BYTES);
	end();
}
END_TEST

START_TEST(rotated)
{
	struct logfile l;
	char chunk[1000];

	begin();
	memset(chunk, 'x', sizeof chunk);
	ck_assert_int_eq(logfile_open(&l, log_dir, "guest-one", 5000), 0);
	for (int i = 0; i < 23; i++)
		logfile_write(&l, chunk, sizeof chunk);
	ck_assert_uint_eq(l.size, 3000);
	logfile_close(&l);
	ck_assert_uint_eq(strlen(log_text()), 3000);
	end();
}
END_TEST

/* Whoever comes after a killed daemon goes on where it stood. */
START_TEST(successor)
{
	begin();
	guest_print("before ");
	guest_detach(g);
	for (const char *p = "while away "; *p; p++)
		ring()->out[ring()->out_prod++ & 2047] = *p;
	attach();
	guest_print("after");
	ck_assert_str_eq(log_text(), "before while away after");
	end();
}
END_TEST

START_TEST(names)
{
	char out[64];

	guest_file_name("web-1.example", 3, out);
	ck_assert_str_eq(out, "guest-web-1.example");
	guest_file_name("../../etc/passwd", 3, out);
	ck_assert_str_eq(out, "guest-domain-3");
	guest_file_name("", 3, out);
	ck_assert_str_eq(out, "guest-domain-3");
	guest_file_name(".hidden", 3, out);
	ck_assert_str_eq(out, "guest-domain-3");
	guest_file_name("a-name-that-is-much-too-long-for-a-file-of-this-daemon", 3, out);
	ck_assert_str_eq(out, "guest-domain-3");
}
END_TEST

CHECK_MAIN("guest", NULL, NULL, both_ways, backlog_kept, hostile, flood, rotated, successor, names)
