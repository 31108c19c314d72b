/* Consoles beside the first, over a real store: the toolstack makes them, the guest connects them as it likes, or pretends
 * to. The hypervisor is this file. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/consoled/secondary.h"
#include "dom0/lib/domctl.h"
#include "dom0/lib/mem.h"
#include "protocol/io/console.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/store_daemon.h"

#define HOME	"/local/domain/3"
#define FRONT	HOME "/device/console/1"
#define BACK	SECONDARIES_DIR "/3/1"
#define GRANTS	4u	/* references from 0 on that domain 3 has granted */

static struct store_daemon server;
static struct store *toolstack;
static struct loop loop;
static struct doors doors;
static struct roster roster;
static _Alignas(4096) unsigned char page[GRANTS][4096];
static int mapped, bound;
static bool dying;
static char dir[40];

/* ---- the hypervisor ---- */

static int ring_map(void *arg, uint16_t domid, uint32_t ref, void **out)
{
	(void)arg;
	if (domid != 3 || ref >= GRANTS)
		return -EINVAL;
	mapped++;
	*out = page[ref];
	return 0;
}

static void ring_unmap(void *arg, uint16_t domid, void *p)
{
	(void)arg, (void)domid, (void)p;
	mapped--;
}

static int port_bind(void *arg, uint16_t domid, uint32_t remote, uint32_t *port)
{
	(void)arg, (void)domid;
	if (remote == 99)
		return -EINVAL;
	*port = 100 + remote;
	bound++;
	return 0;
}

static void port_unbind(void *arg, uint32_t port)
{
	(void)arg, (void)port;
	bound--;
}

static void port_notify(void *arg, uint32_t port)
{
	(void)arg, (void)port;
}

int domctl_info(struct privcmd *p, uint16_t domid, struct xen_domctl_getdomaininfo *info)
{
	(void)p;
	*info = (struct xen_domctl_getdomaininfo){ .domain = domid, .flags = dying ? XEN_DOMINF_dying : 0 };
	return 0;
}

/* ---- the world ---- */

static bool prepare(struct loop *l, void *arg)
{
	(void)l, (void)arg;
	return roster_follow(&roster);
}

static void put(const char *path, const char *value)
{
	ck_assert_int_eq(store_write(toolstack, STORE_NO_TX, path, value), 0);
}

static void take(const char *path)
{
	ck_assert_int_eq(store_rm(toolstack, STORE_NO_TX, path), 0);
}

/* Whether @path has @value. */
static bool has(const char *path, const char *value)
{
	char text[64];

	return store_read_buf(toolstack, STORE_NO_TX, path, text, sizeof text) == 0 && strcmp(text, value) == 0;
}

static bool is_there(const char *path)
{
	char text[64];

	return store_read_buf(toolstack, STORE_NO_TX, path, text, sizeof text) == 0;
}

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/bothy-secondary-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	store_daemon_open(&server);
	ck_assert_int_eq(store_open(&toolstack, server.path, 10000), 0);
	put(HOME "/name", "web");
	put(HOME "/console/port", "7");
	put(FRONT "/state", "1");
	put(BACK "/online", "1");
	put(BACK "/state", "1");
}

/* consoled begins. */
static void consoled(void)
{
	struct store *store;

	ck_assert_int_eq(loop_open(&loop), 0);
	loop.prepare = prepare;
	doors.host = (struct ring_host){ .ring_map = ring_map, .ring_unmap = ring_unmap, .port_bind = port_bind,
					 .port_unbind = port_unbind, .port_notify = port_notify };
	ck_assert_int_eq(store_open(&store, server.path, 10000), 0);
	roster_open(&roster, &loop, store, &doors, open(dir, O_RDONLY | O_DIRECTORY), open("/dev", O_RDONLY | O_DIRECTORY));
	ck_assert_int_eq(roster_watch(&roster), 0);
}

static void teardown(void)
{
	char *command = mem_printf("rm -r %s", dir);

	ck_assert_int_eq(mapped, bound);
	store_close(roster.store);
	store_close(toolstack);
	store_daemon_close(&server);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

#define UNTIL(condition) do { \
	for (int rounds_ = 0; !(condition) && rounds_ < 1000; rounds_++) \
		ck_assert_int_eq(loop_round(&loop, 10), 0); \
	ck_assert_msg((condition), "never: " #condition); \
} while (0)

static void settle(void)
{
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(loop_round(&loop, 1), 0);
}

/* The guest connects its console 1, with @ref and @port. */
static void connect_with(const char *ref, const char *port)
{
	put(FRONT "/ring-ref", ref);
	put(FRONT "/port", port);
	put(FRONT "/state", "3");
}

/* The guest says @text on the ring with grant @ref, whose port is consoled's @own. */
static void print(uint32_t ref, uint32_t own, const char *text)
{
	struct xencons_interface *r = (void *)page[ref];

	while (*text)
		r->out[r->out_prod++ & 2047] = *text++;
	roster_event(&roster, own);
}

static const char *log_of(const char *file)
{
	static char text[256];
	char *path = mem_printf("%s/%s", dir, file);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
	free(path);
	return text;
}

/* ---- */

START_TEST(connected_and_closed)
{
	consoled();
	UNTIL(has(BACK "/state", "2"));
	ck_assert_ptr_nonnull(roster_find(&roster, 3, 0));
	ck_assert_ptr_null(roster_find(&roster, 3, 1));
	connect_with("2", "9");
	UNTIL(has(BACK "/state", "4"));
	ck_assert(has(BACK "/tty", roster_find(&roster, 3, 1)->pty.name));
	ck_assert(!has(HOME "/console/tty", roster_find(&roster, 3, 1)->pty.name));
	print(2, 109, "on the second");
	print(0, 107, "on the first");
	ck_assert_str_eq(log_of("guest-web:1.log"), "on the second");
	ck_assert_str_eq(log_of("guest-web.log"), "on the first");
	put(FRONT "/state", "4");
	settle();
	ck_assert_int_eq(mapped, 2);
	/* The guest lets go, and takes it up again elsewhere. */
	put(FRONT "/state", "5");
	UNTIL(has(BACK "/state", "6"));
	ck_assert_ptr_null(roster_find(&roster, 3, 1));
	ck_assert_int_eq(mapped, 1);
	put(FRONT "/state", "1");
	UNTIL(has(BACK "/state", "2"));
	connect_with("3", "10");
	UNTIL(has(BACK "/state", "4"));
	print(3, 110, ", again");
	ck_assert_str_eq(log_of("guest-web:1.log"), "on the second, again");
}
END_TEST

/* What is read of the guest's is believed as far as the hypervisor agrees. */
START_TEST(hostile)
{
	static const struct {
		const char *ref, *port;
	} bad[] = {
		{ "4", "9" }, { "4294967295", "9" }, { "4294967298", "9" }, { "-1", "9" }, { "", "9" }, { "two", "9" },
		{ "2", "99" }, { "2", "4294967305" }, { "2", "" }, { "2", "-9" },
	};
	static const char *const states[] = { "", "x", "-3", "9", "18446744073709551615", "7", "6" };

	consoled();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put(FRONT "/state", "1");
		UNTIL(has(BACK "/state", "2"));
		connect_with(bad[i].ref, bad[i].port);
		UNTIL(has(BACK "/state", "5"));
		ck_assert_ptr_null(roster_find(&roster, 3, 1));
		ck_assert_int_eq(mapped, 1);
		ck_assert_int_eq(bound, 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		put(FRONT "/state", "1");
		UNTIL(has(BACK "/state", "2"));
		connect_with("2", "9");
		UNTIL(has(BACK "/state", "4"));
		put(FRONT "/state", states[i]);
		UNTIL(has(BACK "/state", "6"));
		ck_assert_int_eq(mapped, 1);
	}
	/* It takes away what is its own. */
	connect_with("2", "9");
	UNTIL(has(BACK "/state", "4"));
	take(FRONT);
	UNTIL(has(BACK "/state", "6"));
	ck_assert_int_eq(mapped, 1);
	ck_assert_ptr_nonnull(roster_find(&roster, 3, 0));
}
END_TEST

/* Each connection may print so much at once: there are not many. */
START_TEST(connected_again_and_again)
{
	int connected = 0;

	consoled();
	for (int i = 0; i < 50; i++) {
		put(FRONT "/state", "1");
		UNTIL(has(BACK "/state", "2"));
		connect_with("2", "9");
		UNTIL(has(BACK "/state", "4") || has(BACK "/state", "5"));
		connected += mapped == 2;
	}
	ck_assert_int_ge(connected, 30);
	ck_assert_int_le(connected, 40);
	ck_assert_int_eq(mapped, 1);
}
END_TEST

START_TEST(removed)
{
	consoled();
	connect_with("2", "9");
	UNTIL(has(BACK "/state", "4"));
	put(BACK "/online", "0");
	UNTIL(!is_there(BACK));
	ck_assert_int_eq(mapped, 1);
	/* And made anew, as it may be with another guest of the number. */
	put(FRONT "/state", "3");
	put(BACK "/state", "1");
	put(BACK "/online", "1");
	UNTIL(has(BACK "/state", "4"));
	take(BACK);
	UNTIL(mapped == 1);
	settle();
	ck_assert(!is_there(BACK));
	ck_assert_ptr_null(roster.secondaries);
}
END_TEST

/* Another consoled, or a xenstored that was started again: all goes on. */
START_TEST(successors)
{
	connect_with("2", "9");
	put(FRONT "/state", "4");
	put(BACK "/state", "4");
	consoled();
	UNTIL(roster_find(&roster, 3, 1));
	store_daemon_kill(&server);
	store_daemon_start(&server);
	settle();
	print(2, 109, "still there");
	ck_assert_str_eq(log_of("guest-web:1.log"), "still there");
	ck_assert_int_eq(mapped, 2);
	put(FRONT "/state", "5");
	UNTIL(has(BACK "/state", "6"));
}
END_TEST

START_TEST(names_that_are_no_consoles)
{
	static const char *const names[] = { "3/0", "3/16", "3/x", "0/1", "32752/1", "x/1" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = mem_printf(SECONDARIES_DIR "/%s/online", names[i]);

		put(path, "1");
		free(path);
	}
	consoled();
	UNTIL(has(BACK "/state", "2"));
	settle();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = mem_printf(SECONDARIES_DIR "/%s/state", names[i]);

		ck_assert_msg(!is_there(path), "%s", path);
		free(path);
	}
}
END_TEST

/* Of a domain that dies nothing stays mapped, and what is not there is not attached. */
START_TEST(with_the_domain)
{
	put(SECONDARIES_DIR "/4/1/online", "1");
	put("/local/domain/4/device/console/1/state", "3");
	put("/local/domain/4/device/console/1/ring-ref", "2");
	put("/local/domain/4/device/console/1/port", "9");
	connect_with("2", "9");
	consoled();
	UNTIL(has(BACK "/state", "4"));
	settle();
	ck_assert_ptr_null(roster_find(&roster, 4, 1));
	ck_assert_int_eq(mapped, 2);
	dying = true;
	store_daemon_kill(&server);	/* each watch fires */
	store_daemon_start(&server);
	UNTIL(!roster.guests);
	ck_assert_int_eq(mapped, 0);
	settle();
	ck_assert_ptr_null(roster.guests);
	put(BACK "/online", "0");
	UNTIL(!is_there(BACK));
}
END_TEST

CHECK_MAIN("secondary", setup, teardown, connected_and_closed, hostile, connected_again_and_again, removed, successors,
	   names_that_are_no_consoles, with_the_domain)
