/* The store client against the real daemon's core in a child process: requests, long lists,
 * transactions that lose races, events, and a daemon that is replaced. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/store_client.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/store_daemon.h"

static struct store_daemon server;
static struct store *s;

static void begin(void)
{
	store_daemon_open(&server);
	ck_assert_int_eq(store_open(&s, server.path, 5000), 0);
}

static void end(void)
{
	store_close(s);
	store_daemon_close(&server);
}

START_TEST(requests)
{
	char *value, buf[8];
	uint64_t number;
	size_t len;
	bool introduced;

	begin();
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/a/b", "value"), 0);
	ck_assert_int_eq(store_read(s, STORE_NO_TX, "/a/b", &value, &len), 0);
	ck_assert_str_eq(value, "value");
	ck_assert_uint_eq(len, 5);
	free(value);
	ck_assert_int_eq(store_read_buf(s, STORE_NO_TX, "/a/b", buf, 4), 0);
	ck_assert_str_eq(buf, "val");
	ck_assert_int_eq(store_read_buf(s, STORE_NO_TX, "/a/x", buf, 4), -ENOENT);
	ck_assert_int_eq(store_printf(s, STORE_NO_TX, "/n", "%d", 42), 0);
	ck_assert_int_eq(store_read_u64(s, STORE_NO_TX, "/n", &number), 0);
	ck_assert_uint_eq(number, 42);
	ck_assert_int_eq(store_read_u64(s, STORE_NO_TX, "/a/b", &number), -EINVAL);
	ck_assert_int_eq(store_set_perms(s, STORE_NO_TX, "/a", "n0 r5"), 0);
	ck_assert_int_eq(store_set_perms(s, STORE_NO_TX, "/a", "nonsense"), -EINVAL);
	ck_assert_int_eq(store_mkdir(s, STORE_NO_TX, "/m"), 0);
	ck_assert_int_eq(store_rm(s, STORE_NO_TX, "/m"), 0);
	ck_assert_int_eq(store_rm(s, STORE_NO_TX, "/m/below"), 0);
	ck_assert_int_eq(store_is_introduced(s, 5, &introduced), 0);
	ck_assert(!introduced);
	ck_assert_int_eq(store_release(s, 5), -ENOENT);
	ck_assert_int_eq(store_introduce(s, 5, 1, 1), -ENOSYS);
	end();
}
END_TEST

START_TEST(lists)
{
	char **names, node[64];
	unsigned int count;

	begin();
	ck_assert_int_eq(store_mkdir(s, STORE_NO_TX, "/d"), 0);
	ck_assert_int_eq(store_list(s, STORE_NO_TX, "/d", &names, &count), 0);
	ck_assert_uint_eq(count, 0);
	free(names);
	for (int i = 0; i < 900; i++) {
		snprintf(node, sizeof node, "/d/a-name-of-some-length-%04d", i);
		ck_assert_int_eq(store_mkdir(s, STORE_NO_TX, node), 0);
	}
	ck_assert_int_eq(store_list(s, STORE_NO_TX, "/d", &names, &count), 0);
	ck_assert_uint_eq(count, 900);
	for (unsigned int i = 0; i < count; i++) {
		snprintf(node, sizeof node, "a-name-of-some-length-%04u", i);
		ck_assert_str_eq(names[i], node);
	}
	free(names);
	end();
}
END_TEST

static int attempts;

/* Another client spoils the first two attempts. */
static int increment(struct store *st, uint32_t tx, void *arg)
{
	uint64_t v;
	int err = store_read_u64(st, tx, "/n", &v);

	if (!err && attempts++ < 2)
		err = store_printf(arg, STORE_NO_TX, "/n", "%d", 10 * attempts);
	return err ? err : store_printf(st, tx, "/n", "%d", (int)v + 1);
}

START_TEST(transactions)
{
	struct store *other;
	uint64_t v;

	begin();
	attempts = 0;
	ck_assert_int_eq(store_open(&other, server.path, 0), 0);
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/n", "1"), 0);
	ck_assert_int_eq(store_transact(s, increment, other), 0);
	ck_assert_int_eq(attempts, 3);
	ck_assert_int_eq(store_read_u64(s, STORE_NO_TX, "/n", &v), 0);
	ck_assert_uint_eq(v, 21);
	store_close(other);
	end();
}
END_TEST

START_TEST(events)
{
	struct store_event ev;

	begin();
	ck_assert_int_eq(store_watch(s, "/w", "tok"), 0);
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/w/x", "1"), 0);
	ck_assert_int_eq(store_event(s, 1000, &ev), 0);
	ck_assert_str_eq(ev.path, "/w");
	store_event_free(&ev);
	ck_assert_int_eq(store_event(s, 1000, &ev), 0);
	ck_assert_str_eq(ev.path, "/w/x");
	ck_assert_str_eq(ev.token, "tok");
	store_event_free(&ev);
	ck_assert_int_eq(store_event(s, 0, &ev), -EAGAIN);
	ck_assert_int_eq(store_unwatch(s, "/w", "tok"), 0);
	ck_assert_int_eq(store_unwatch(s, "/w", "tok"), -ENOENT);
	end();
}
END_TEST

START_TEST(daemon_replaced)
{
	unsigned int before;
	struct store_event ev;
	char buf[16];
	uint32_t tx;

	begin();
	ck_assert_int_eq(store_watch(s, "/w", "tok"), 0);
	ck_assert_int_eq(store_event(s, 1000, &ev), 0);
	store_event_free(&ev);
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/kept", "yes"), 0);
	ck_assert_int_eq(store_tx_start(s, &tx), 0);
	before = store_connections(s);
	store_daemon_kill(&server);
	store_daemon_start(&server);
	ck_assert_int_eq(store_write(s, tx, "/lost", "x"), -EAGAIN);
	ck_assert_uint_ne(store_connections(s), before);
	ck_assert_int_eq(store_read_buf(s, STORE_NO_TX, "/kept", buf, sizeof buf), 0);
	ck_assert_str_eq(buf, "yes");
	ck_assert_int_eq(store_event(s, 5000, &ev), 0);
	ck_assert_str_eq(ev.path, "/w");
	store_event_free(&ev);
	ck_assert_int_eq(store_write(s, STORE_NO_TX, "/w/new", "x"), 0);
	ck_assert_int_eq(store_event(s, 5000, &ev), 0);
	ck_assert_str_eq(ev.path, "/w/new");
	store_event_free(&ev);
	end();
}
END_TEST

START_TEST(no_daemon)
{
	ck_assert_int_eq(store_open(&s, "/tmp/bothy-no-such-socket", 50), -EPIPE);
}
END_TEST

CHECK_MAIN("store_client", NULL, NULL, requests, lists, transactions, events, daemon_replaced,
	   no_daemon)
