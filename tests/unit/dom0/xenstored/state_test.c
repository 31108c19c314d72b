/* The successor: everything a daemon had finished is there after it was killed at any moment. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/tx.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"

static struct lab lab;
static struct peer *p;
static struct answer a;
static char path[64];

static void begin(void)
{
	snprintf(path, sizeof path, "/tmp/bothy-state-%d", (int)getpid());
	unlink(path);
	lab_open(&lab);
	p = peer_open(&lab, 0);
	ck_assert_int_eq(journal_open(lab.s, path), 0);
}

/* The daemon dies here; its successor takes over in the same lab. */
static void succeed(void)
{
	journal_commit(lab.s);
	journal_close(lab.s);
	peer_close(p);
	/* Ends the rings' maps and ports as the kernel would, without telling the state file. */
	domains_close(lab.s);
	store_free(lab.s);
	lab.s = store_new();
	lab_domains_open(&lab);
	ck_assert_int_eq(state_load(lab.s, path), 0);
	lab_audit(&lab);
	ck_assert_int_eq(journal_open(lab.s, path), 0);
	domains_start(lab.s);
	p = peer_open(&lab, 0);
}

static void end(void)
{
	peer_close(p);
	lab_close(&lab);
	unlink(path);
}

static const char *value(const char *node)
{
	const char *err = ask(p, XS_READ, 0, node, strlen(node) + 1, &a);

	return err ? err : a.body;
}

START_TEST(tree)
{
	uint32_t tx;

	begin();
	WRITE(p, 0, "/a/b\0one", &a);
	WRITE(p, 0, "/a/c\0two", &a);
	journal_commit(lab.s);
	ASK(p, XS_SET_PERMS, 0, "/a/b\0n0\0r7", &a);
	ASK(p, XS_RM, 0, "/a/c", &a);
	WRITE(p, 0, "/a/c/d\0three", &a);
	tx = tx_open(p);
	WRITE(p, tx, "/t/x\0committed", &a);
	ASK(p, XS_TRANSACTION_END, tx, "T", &a);
	tx = tx_open(p);
	WRITE(p, tx, "/t/y\0not", &a);
	ASK(p, XS_RM, 0, "/tool", &a);
	ASK(p, XS_SET_PERMS, 0, "@releaseDomain\0n0\0r7", &a);
	store_domain_gone(lab.s, 6);
	succeed();
	ck_assert_str_eq(value("/a/b"), "one");
	ck_assert_str_eq(value("/a/c"), "");
	ck_assert_str_eq(value("/a/c/d"), "three");
	ck_assert_str_eq(value("/t/x"), "committed");
	ck_assert_str_eq(value("/t/y"), "ENOENT");
	ck_assert_str_eq(value("/tool"), "ENOENT");
	ck_assert_ptr_null(ASK(p, XS_GET_PERMS, 0, "/a/b", &a));
	ck_assert_int_eq(memcmp(a.body, "n0\0r7", 6), 0);
	ck_assert_ptr_null(ASK(p, XS_GET_PERMS, 0, "@releaseDomain", &a));
	ck_assert_int_eq(memcmp(a.body, "n0\0r7", 6), 0);
	ck_assert_uint_eq(lab.s->accounts.gen[6], 1);
	succeed();
	ck_assert_str_eq(value("/t/x"), "committed");
	end();
}
END_TEST

static struct xenstore_domain_interface *ring(void)
{
	return (void *)lab.dom[3].page;
}

static void guest_put(const void *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		ring()->req[ring()->req_prod++ & 1023] = ((const char *)bytes)[i];
}

static bool guest_take(struct answer *out)
{
	char *to = (char *)&out->h;

	if (ring()->rsp_prod - ring()->rsp_cons < sizeof out->h)
		return false;
	for (size_t i = 0; i < sizeof out->h; i++)
		to[i] = ring()->rsp[ring()->rsp_cons++ & 1023];
	for (size_t i = 0; i < out->h.len; i++)
		out->body[i] = ring()->rsp[ring()->rsp_cons++ & 1023];
	out->body[out->h.len] = '\0';
	return true;
}

static void guest_ask(uint32_t type, uint32_t tx, const char *body, uint32_t len)
{
	struct xsd_sockmsg h = { .type = type, .req_id = 5, .tx_id = tx, .len = len };

	guest_put(&h, sizeof h);
	guest_put(body, len);
	domain_event(lab.s, 103);
}

START_TEST(domain)
{
	struct xsd_sockmsg h = { .type = XS_WRITE, .req_id = 8, .len = 9 };

	begin();
	ASK(p, XS_MKDIR, 0, "/local/domain/3", &a);
	ASK(p, XS_SET_PERMS, 0, "/local/domain/3\0n3", &a);
	ck_assert_ptr_null(ASK(p, XS_INTRODUCE, 0, "3\0001\0009", &a));
	guest_ask(XS_WATCH, 0, "data\0tok", 9);
	ck_assert(guest_take(&a) && a.h.type == XS_WATCH);
	ck_assert(guest_take(&a) && a.h.type == XS_WATCH_EVENT);
	guest_ask(XS_TRANSACTION_START, 0, "", 1);
	ck_assert(guest_take(&a) && a.h.type == XS_TRANSACTION_START);
	ck_assert_str_eq(a.body, "1");
	guest_ask(XS_WRITE, 1, "data\0in tx", 10);
	ck_assert(guest_take(&a));
	/* Half a request is under way when the daemon dies. */
	guest_put(&h, sizeof h);
	guest_put("data", 5);
	domain_event(lab.s, 103);
	succeed();
	ck_assert(lab.dom[3].mapped);
	ck_assert_uint_eq(lab.dom[3].remote_port, 9);
	ck_assert(guest_take(&a) && a.h.type == XS_WATCH_EVENT);
	ck_assert_msg(strcmp(a.body, "data") == 0, "an event may have been lost: watches fire");
	guest_put("live", 4);
	domain_event(lab.s, 103);
	ck_assert(guest_take(&a));
	ck_assert_uint_eq(a.h.req_id, 8);
	ck_assert_uint_eq(a.h.type, XS_WRITE);
	ck_assert(guest_take(&a) && a.h.type == XS_WATCH_EVENT);
	ck_assert_str_eq(value("/local/domain/3/data"), "live");
	guest_ask(XS_DIRECTORY, 1, "/local/domain/3", 16);
	ck_assert(guest_take(&a) && a.h.type == XS_DIRECTORY);
	guest_ask(XS_TRANSACTION_END, 1, "T", 2);
	ck_assert(guest_take(&a) && a.h.type == XS_ERROR);
	ck_assert_str_eq(a.body, "EAGAIN");
	end();
}
END_TEST

/* A reply that did not fit the ring goes on where it stopped. */
START_TEST(half_sent)
{
	char big[3000], got[4200];
	size_t n = 0;

	begin();
	memset(big, 'v', sizeof big);
	memcpy(big, "/big", 5);
	ck_assert_ptr_null(ask(p, XS_WRITE, 0, big, sizeof big, &a));
	ASK(p, XS_SET_PERMS, 0, "/big\0r0", &a);
	ck_assert_ptr_null(ASK(p, XS_INTRODUCE, 0, "3\0001\0009", &a));
	guest_ask(XS_READ, 0, "/big", 5);
	succeed();
	while (n < sizeof(struct xsd_sockmsg) + sizeof big - 5) {
		size_t before = n;

		while (ring()->rsp_cons != ring()->rsp_prod)
			got[n++] = ring()->rsp[ring()->rsp_cons++ & 1023];
		ck_assert_uint_gt(n, before);
		domain_event(lab.s, 103);
		ck_assert_uint_le(n, sizeof got);
	}
	ck_assert_uint_eq(n, sizeof(struct xsd_sockmsg) + sizeof big - 5);
	for (size_t i = sizeof(struct xsd_sockmsg); i < n; i++)
		ck_assert_int_eq(got[i], 'v');
	end();
}
END_TEST

START_TEST(dead_meanwhile)
{
	begin();
	ck_assert_ptr_null(ASK(p, XS_INTRODUCE, 0, "3\0001\0009", &a));
	guest_ask(XS_WATCH, 0, "data\0tok", 9);
	lab.dom[3].life = DOMAIN_GONE;
	succeed();
	ck_assert_ptr_null(domain_find(lab.s, 3));
	end();
}
END_TEST

/* Cut at every length, the file gives some earlier whole state or is refused. */
START_TEST(cut_anywhere)
{
	static char bytes[1 << 16];
	char text[16];
	ssize_t len;
	int fd, seen = -1;

	begin();
	for (int i = 0; i < 20; i++) {
		int n = snprintf(text, sizeof text, "/n%c%d", 0, i);

		ask(p, XS_WRITE, 0, text, (size_t)n + 1, &a);
		journal_commit(lab.s);
	}
	fd = open(path, O_RDONLY);
	len = read(fd, bytes, sizeof bytes);
	close(fd);
	for (ssize_t cut = 0; cut <= len; cut++) {
		struct store *s = store_new();
		int err;

		fd = open(path, O_WRONLY | O_TRUNC);
		ck_assert_int_eq(write(fd, bytes, (size_t)cut), cut);
		close(fd);
		err = state_load(s, path);
		if (err) {
			ck_assert_int_eq(err, -EPROTO);
			ck_assert_int_eq(seen, -1);
		} else {
			struct node *n = tree_find(s->root, "/n");
			int now = n ? (int)strtol(n->value->data, NULL, 10) : 0;

			ck_assert_int_ge(now, seen);
			seen = now;
		}
		store_free(s);
	}
	ck_assert_int_eq(seen, 19);
	end();
}
END_TEST

/* A file of any bytes is refused or read, never believed beyond its checksum. */
START_TEST(garbage)
{
	unsigned int seed = 7;

	begin();
	WRITE(p, 0, "/a/b\0one", &a);
	journal_commit(lab.s);
	for (int round = 0; round < 400; round++) {
		struct store *s = store_new();
		struct stat st;
		int fd = open(path, O_RDWR);
		unsigned char byte;

		ck_assert_int_eq(fstat(fd, &st), 0);
		seed = seed * 1103515245u + 12345u;
		byte = (unsigned char)(seed >> 16);
		ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)(seed % (unsigned int)st.st_size)), 1);
		close(fd);
		(void)!state_load(s, path);
		store_free(s);
	}
	end();
}
END_TEST

START_TEST(rewritten_when_grown)
{
	struct stat st;

	begin();
	for (int i = 0; i < 30000; i++) {
		WRITE(p, 0, "/some/node\0some value of some length", &a);
		journal_commit(lab.s);
	}
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(st.st_size, 3 << 20);
	succeed();
	ck_assert_str_eq(value("/some/node"), "some value of some length");
	end();
}
END_TEST

CHECK_MAIN("state", NULL, NULL, tree, domain, half_sent, dead_meanwhile, cut_anywhere, garbage,
	   rewritten_when_grown)
