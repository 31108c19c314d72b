/* xs.c against a store in the same process, right or hostile: it serves the ring whenever the client waits. */
#include "examples/minnow/xs.h"

#include <string.h>
#include "tests/unit/check_main.h"

static struct xenstore_domain_interface ring;
static struct xs xs;
static uint8_t in[8192];		/* the request that is coming */
static size_t in_bytes;
static char value[XENSTORE_PAYLOAD_MAX];	/* of the only node, /a */
static size_t value_bytes;
static const char *error;		/* what the next answer is, if not NULL */
static uint32_t events;			/* watch events that come before each answer */
static char token[8];			/* of the last watch */
static uint32_t step;			/* bytes that the store moves at a time */
static void (*spoil)(struct xsd_sockmsg *m);	/* changes answers */
static uint8_t out[16384];		/* what the store has to say */
static size_t out_bytes;
static uint32_t calls, notified;

static void say(uint32_t type, uint32_t id, const char *text, size_t bytes)
{
	struct xsd_sockmsg m = { .type = type, .req_id = id, .len = (uint32_t)bytes };

	if (spoil)
		spoil(&m);
	memcpy(out + out_bytes, &m, sizeof m);
	memcpy(out + out_bytes + sizeof m, text, bytes);
	out_bytes += sizeof m + bytes;
}

static void say_event(const char *path, const char *which)
{
	char text[64];
	size_t a = strlen(path) + 1, b = strlen(which) + 1;

	memcpy(text, path, a);
	memcpy(text + a, which, b);
	say(XS_WATCH_EVENT, 0, text, a + b);
}

/* Answer the request in @in. */
static void answer(const struct xsd_sockmsg *m, char *text)
{
	size_t path = strlen(text) + 1;

	for (uint32_t i = 0; i < events; i++)
		say_event("/a/b", token);
	if (error)
		return say(XS_ERROR, m->req_id, error, strlen(error) + 1);
	switch (m->type) {
	case XS_READ:
		if (strcmp(text, "/a") != 0)
			return say(XS_ERROR, m->req_id, "ENOENT", 7);
		return say(XS_READ, m->req_id, value, value_bytes);
	case XS_DIRECTORY:
		return say(XS_DIRECTORY, m->req_id, value, value_bytes);
	case XS_WRITE:
		value_bytes = m->len - path;
		memcpy(value, text + path, value_bytes);
		return say(XS_WRITE, m->req_id, "OK", 3);
	case XS_WATCH:
		strcpy(token, text + path);
		say(XS_WATCH, m->req_id, "OK", 3);
		return say_event(text, token);
	default:
		return say(m->type, m->req_id, "OK", 3);
	}
}

/* The store has its turn, for @step bytes in each direction. */
static void serve(void)
{
	struct xsd_sockmsg m;

	for (uint32_t n = 0; n < step && ring.req_cons != ring.req_prod; n++)
		in[in_bytes++] = (uint8_t)ring.req[MASK_XENSTORE_IDX(ring.req_cons++)];
	memcpy(&m, in, sizeof m);
	if (in_bytes >= sizeof m && in_bytes == sizeof m + m.len) {
		in[in_bytes] = '\0';
		in_bytes = 0;
		answer(&m, (char *)in + sizeof m);
	}
	for (uint32_t n = 0; n < step && out_bytes && ring.rsp_prod - ring.rsp_cons < XENSTORE_RING_SIZE; n++) {
		ring.rsp[MASK_XENSTORE_IDX(ring.rsp_prod++)] = (char)out[0];
		memmove(out, out + 1, --out_bytes);
	}
}

static void wait(void *arg)
{
	ck_assert_ptr_eq(arg, &calls);
	ck_assert_uint_lt(++calls, 100000);
	serve();
}

static void notify(void *arg)
{
	ck_assert_ptr_eq(arg, &calls);
	notified++;
}

static void set_up(void)
{
	/* Somebody used the ring before. */
	ring.req_prod = ring.req_cons = 0xfffffff0;
	ring.rsp_prod = ring.rsp_cons = 1000;
	step = 7;
	xs_open(&xs, &ring, notify, wait, &calls);
}

START_TEST(reads_and_writes)
{
	char got[PV_VALUE_MAX] = "";

	ck_assert_int_eq(xs_write(&xs, "/a", "seven"), 0);
	ck_assert_int_eq(xs_read(&xs, "/a", got, sizeof got), 0);
	ck_assert_str_eq(got, "seven");
	ck_assert_int_eq(xs_read(&xs, "/a", got, 5), -XEN_E2BIG);
	ck_assert_int_eq(xs_read(&xs, "/a", got, 6), 0);
	ck_assert_int_eq(xs_read(&xs, "/b", got, sizeof got), -XEN_ENOENT);
	ck_assert(notified > 0 && !xs.broken);
}
END_TEST

/* A message of the largest size goes through rings of a quarter of it. */
START_TEST(larger_than_the_ring)
{
	static char big[XENSTORE_PAYLOAD_MAX], back[XENSTORE_PAYLOAD_MAX];

	memset(big, 'x', sizeof big - 4);
	ck_assert_int_eq(xs_write(&xs, "/a", big), 0);
	ck_assert_uint_eq(value_bytes, sizeof big - 4);
	ck_assert_int_eq(xs_read(&xs, "/a", back, sizeof back), 0);
	ck_assert_str_eq(big, back);
	memset(big, 'x', sizeof big - 2);
	ck_assert_int_eq(xs_write(&xs, "/a", big), -XEN_E2BIG);
	ck_assert_uint_eq(value_bytes, sizeof big - 4);
}
END_TEST

START_TEST(directories)
{
	char name[8] = "";

	value_bytes = 6;
	memcpy(value, "12\0" "7\0", 6);
	ck_assert_int_eq(xs_first(&xs, "/d", name, sizeof name), 0);
	ck_assert_str_eq(name, "12");
	ck_assert_int_eq(xs_first(&xs, "/d", name, 2), -XEN_E2BIG);
	value_bytes = 0;
	ck_assert_int_eq(xs_first(&xs, "/d", name, sizeof name), -XEN_ENOENT);
}
END_TEST

START_TEST(errors)
{
	static const struct {
		const char *name;
		int err;
	} rows[] = { { "ENOENT", XEN_ENOENT }, { "EACCES", XEN_EACCES }, { "EPERM", XEN_EACCES }, { "EQUOTA", XEN_ENOSPC },
		{ "EINVAL", XEN_EINVAL }, { "EISDIR", XEN_EIO }, { "", XEN_EIO } };
	char got[8];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		error = rows[i].name;
		ck_assert_int_eq(xs_read(&xs, "/a", got, sizeof got), -rows[i].err);
		ck_assert_int_eq(xs_write(&xs, "/a", ""), -rows[i].err);
	}
	ck_assert(!xs.broken);
}
END_TEST

static void nothing(void *arg)
{
	(void)arg;
}

START_TEST(watches)
{
	char got[8];
	int one, two;

	ck_assert_int_eq(xs_watch(&xs, "/a", nothing, &one), 0);
	ck_assert(!xs.watch[0].pending);
	while (out_bytes)
		serve();
	ck_assert(xs_ready(&xs));
	xs_take(&xs);
	ck_assert(xs.watch[0].pending && !xs_ready(&xs));
	xs.watch[0].pending = false;
	/* Events that come before an answer are kept. */
	events = 3;
	ck_assert_int_eq(xs_read(&xs, "/b", got, sizeof got), -XEN_ENOENT);
	ck_assert(xs.watch[0].pending);
	xs_unwatch(&xs, "/a", nothing, &two);
	ck_assert_str_eq(xs.watch[0].path, "/a");
	xs_unwatch(&xs, "/a", nothing, &one);
	ck_assert(xs.watch[0].path[0] == '\0' && !xs.watch[0].pending);
}
END_TEST

START_TEST(more_watches_than_there_can_be)
{
	char path[4] = "/a";

	for (unsigned int i = 0; i < XS_WATCHES; i++)
		ck_assert_int_eq(xs_watch(&xs, path, nothing, &calls), 0);
	ck_assert_int_eq(xs_watch(&xs, path, nothing, &calls), -XEN_ENOSPC);
	error = "EQUOTA";
	xs_unwatch(&xs, path, nothing, &calls);
	ck_assert_int_eq(xs_watch(&xs, path, nothing, &calls), -XEN_ENOSPC);
	error = NULL;
	ck_assert_int_eq(xs_watch(&xs, path, nothing, &calls), 0);
}
END_TEST

/* Tokens that name no watch of ours are of nobody's interest. */
START_TEST(tokens_that_lie)
{
	static const char *const tokens[] = { "", "8", "9", "/", ":", "1" };

	ck_assert_int_eq(xs_watch(&xs, "/a", nothing, NULL), 0);
	while (out_bytes)
		serve();
	xs_take(&xs);
	xs.watch[0].pending = false;
	step = 1000;
	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
		say_event("/a", tokens[i]);
	say(XS_WATCH_EVENT, 0, "/a", 2);
	say(XS_WATCH_EVENT, 0, "", 0);
	serve();
	xs_take(&xs);
	for (unsigned int i = 0; i < XS_WATCHES; i++)
		ck_assert(!xs.watch[i].pending);
	ck_assert(!xs.broken);
}
END_TEST

static void too_long(struct xsd_sockmsg *m)
{
	m->len = XENSTORE_PAYLOAD_MAX + 1;
}

static void other_request(struct xsd_sockmsg *m)
{
	m->req_id++;
}

static void other_type(struct xsd_sockmsg *m)
{
	m->type = XS_RM;
}

/* Broken once, it is not asked any more. */
static void is_broken(void)
{
	char got[8];
	uint32_t before;

	ck_assert_int_eq(xs_read(&xs, "/a", got, sizeof got), -XEN_EIO);
	ck_assert(xs.broken);
	before = calls;
	ck_assert_int_eq(xs_write(&xs, "/a", ""), -XEN_EIO);
	ck_assert_int_eq(xs_watch(&xs, "/a", nothing, NULL), -XEN_EIO);
	xs_take(&xs);
	ck_assert(!xs_ready(&xs) && calls == before);
}

START_TEST(answers_that_make_no_sense)
{
	void (*const how[])(struct xsd_sockmsg *m) = { too_long, other_request, other_type };

	spoil = how[_i];
	is_broken();
}
END_TEST

START_TEST(an_answer_to_nothing)
{
	say(XS_READ, 5, "x", 1);
	step = 100;
	serve();
	xs_take(&xs);
	is_broken();
}
END_TEST

START_TEST(indices_that_make_no_sense)
{
	if (_i)
		ring.rsp_prod = ring.rsp_cons + XENSTORE_RING_SIZE + 1;
	else
		ring.req_cons = ring.req_prod + 1;
	is_broken();
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(set_up, NULL, reads_and_writes, larger_than_the_ring, directories, errors, watches,
		more_watches_than_there_can_be, tokens_that_lie, an_answer_to_nothing);

	tcase_add_loop_test(c, answers_that_make_no_sense, 0, 3);
	tcase_add_loop_test(c, indices_that_make_no_sense, 0, 2);
	return check_run("xs", c);
}
