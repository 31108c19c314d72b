/* The broker against a process that is the guest's: what it must not ask for ends it, and neither the store nor the
 * grant device hear of it. The store is this file. Pages are asked for in pages_test.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/backendd/device.h"
#include "pvdrivers/vbd_back.h"
#include "pvdrivers/vif_back.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/backendd/fake_doors.h"

#define BACK	"/local/domain/0/user-backend/vbd/1/51"
#define FRONT	"/local/domain/1/device/vbd/51"
#define VIF_BACK	"/local/domain/0/user-backend/vif/1/51"
#define VIF_FRONT	"/local/domain/1/device/vif/51"

static struct device_host host;
static struct device device;
static int process;		/* its end of the socket */
static struct link_message answer;
static size_t answer_bytes;

/* ---- the store ---- */

static char log_text[1024];	/* what the store was asked */
static const char *value = "4";
static size_t value_bytes = 1;
static int store_err;

static int note(const char *fmt, ...) PRINTF_LIKE(1, 2);
static int note(const char *fmt, ...)
{
	size_t n = strlen(log_text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(log_text + n, sizeof log_text - n, fmt, ap);
	va_end(ap);
	return store_err;
}

int store_read(struct store *s, uint32_t tx, const char *path, char **out, size_t *len)
{
	int err = note("read %s;", path);

	(void)s;
	ck_assert_uint_eq(tx, STORE_NO_TX);
	if (err)
		return err;
	*out = calloc(1, value_bytes + 1);
	memcpy(*out, value, value_bytes);
	*len = value_bytes;
	return 0;
}

int store_write(struct store *s, uint32_t tx, const char *path, const char *text)
{
	(void)s;
	ck_assert_uint_eq(tx, STORE_NO_TX);
	return note("write %s=%s;", path, text);
}

int device_read(const struct device *d, const char *node, char *text, size_t size)
{
	(void)d, (void)node, (void)text, (void)size;
	ck_abort_msg("the broker reads nothing for itself");
}

int store_read_u64(struct store *s, uint32_t tx, const char *path, uint64_t *n)
{
	(void)s, (void)tx, (void)path, (void)n;
	ck_abort_msg("nor a number");
}

bool device_is_offered(const struct device *d)
{
	(void)d;
	ck_abort_msg("nor does it ask");
}

void device_refuse(struct device *d, const char *why)
{
	ck_assert_ptr_eq(d, &device);
	note("refused: %s;", why);
}

int store_watch(struct store *s, const char *path, const char *token)
{
	(void)s;
	return note("watch %s %s;", path, token);
}

int store_unwatch(struct store *s, const char *path, const char *token)
{
	(void)s;
	return note("unwatch %s %s;", path, token);
}

/* ---- the process ---- */

static void setup(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	device = (struct device){ .host = &host, .kind = &vbd_kind, .domid = 1, .number = 51, .path = BACK, .front = FRONT,
				  .socket = pair[0] };
	process = pair[1];
}

static void teardown(void)
{
	close(process);
	close(device.socket);
}

/* Send and have it served; the reply is in answer. */
static bool served(const struct link_message *m, size_t bytes)
{
	ck_assert_int_eq(link_send(process, m, bytes), 0);
	if (!broker_serve(&device))
		return false;
	ck_assert_int_eq(link_receive(process, &answer, &answer_bytes, MSG_DONTWAIT), 0);
	ck_assert_uint_eq(answer.type, LINK_REPLY);
	return true;
}

/* A request with @n bytes of @text. */
static bool asked(enum link_type type, uint32_t flags, const char *text, size_t n)
{
	struct link_message m = { .type = type, .flags = flags, .count = (uint32_t)n };

	memcpy(m.text, text, n);
	log_text[0] = '\0';
	return served(&m, n);
}
#define ASKED(type, flags, text) asked(type, flags, text, sizeof(text))

/* ---- the store ---- */

START_TEST(reads)
{
	static char longest[LINK_TEXT_MAX];

	ck_assert(ASKED(LINK_STORE_READ, 0, FRONT "/state"));
	ck_assert_str_eq(log_text, "read " FRONT "/state;");
	ck_assert_str_eq(answer.text, "4");
	ck_assert_uint_eq(answer.count, 2);
	ck_assert(ASKED(LINK_STORE_READ, 0, BACK "/params"));
	store_err = -ENOENT;
	ck_assert(ASKED(LINK_STORE_READ, 0, FRONT "/queue-1/ring-ref0"));
	ck_assert_int_eq(answer.err, -ENOENT);
	ck_assert_uint_eq(answer_bytes, 0);
	store_err = 0;
	memset(longest, 'x', sizeof longest);
	value = longest;
	value_bytes = LINK_TEXT_MAX - 1;
	ck_assert(ASKED(LINK_STORE_READ, 0, FRONT "/state"));
	ck_assert_int_eq(answer.err, 0);
	ck_assert_uint_eq(strlen(answer.text), LINK_TEXT_MAX - 1);
	value_bytes = LINK_TEXT_MAX;
	ck_assert(ASKED(LINK_STORE_READ, 0, FRONT "/state"));
	ck_assert_int_eq(answer.err, -E2BIG);
	value = "3\0004";
	value_bytes = 3;
	ck_assert(ASKED(LINK_STORE_READ, 0, FRONT "/state"));
	ck_assert_int_eq(answer.err, -E2BIG);
}
END_TEST

START_TEST(writes)
{
	static const char *const nodes[] = {
		"state", "sectors", "sector-size", "physical-sector-size", "info", "feature-flush-cache",
		"feature-barrier", "feature-discard", "discard-granularity", "discard-alignment", "discard-secure",
		"feature-persistent", "feature-max-indirect-segments", "multi-queue-max-queues", "max-ring-page-order",
	};
	char text[256], expected[256];

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		int n = snprintf(text, sizeof text, BACK "/%s%c%zu", nodes[i], '\0', i);

		snprintf(expected, sizeof expected, "write " BACK "/%s=%zu;", nodes[i], i);
		ck_assert(asked(LINK_STORE_WRITE, 0, text, (size_t)n + 1));
		ck_assert_str_eq(log_text, expected);
		ck_assert_int_eq(answer.err, 0);
	}
	ck_assert(ASKED(LINK_STORE_WRITE, 0, BACK "/state\0"));
	ck_assert_str_eq(log_text, "write " BACK "/state=;");
	store_err = -ENOSPC;
	ck_assert(ASKED(LINK_STORE_WRITE, 0, BACK "/state\0004"));
	ck_assert_int_eq(answer.err, -ENOSPC);
}
END_TEST

/* ---- a back end as it is, and what it writes ---- */

static char back_state[8] = "1", front_state[8] = "1";

static int os_read(struct pv_os *os, const char *path, char *text, size_t size)
{
	const struct {
		const char *path, *value;
	} nodes[] = {
		{ BACK "/frontend-id", "1" }, { BACK "/frontend", FRONT }, { BACK "/online", "1" },
		{ BACK "/state", back_state }, { FRONT "/state", front_state }, { FRONT "/ring-ref", "8" },
		{ FRONT "/event-channel", "5" },
		{ VIF_BACK "/frontend-id", "1" }, { VIF_BACK "/frontend", VIF_FRONT }, { VIF_BACK "/online", "1" },
		{ VIF_BACK "/state", back_state }, { VIF_FRONT "/state", front_state },
		{ VIF_FRONT "/tx-ring-ref", "8" }, { VIF_FRONT "/rx-ring-ref", "9" }, { VIF_FRONT "/event-channel", "5" },
		{ VIF_FRONT "/request-rx-copy", "1" },
	};

	(void)os;
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (strcmp(path, nodes[i].path) == 0) {
			snprintf(text, size, "%s", nodes[i].value);
			return 0;
		}
	return -XEN_ENOENT;
}

static int os_write(struct pv_os *os, const char *path, const char *written)
{
	char text[256];
	int n = snprintf(text, sizeof text, "%s%c%s", path, '\0', written);

	(void)os;
	ck_assert_msg(asked(LINK_STORE_WRITE, 0, text, (size_t)n + 1), "%s must be written", path);
	if (strcmp(path + strlen(device.path), "/state") == 0)
		snprintf(back_state, sizeof back_state, "%s", written);
	return 0;
}

static int os_watch(struct pv_os *os, const char *path, pv_callback *fn, void *arg)
{
	(void)os, (void)path, (void)fn, (void)arg;
	return 0;
}

static void os_unwatch(struct pv_os *os, const char *path, pv_callback *fn, void *arg)
{
	(void)os, (void)path, (void)fn, (void)arg;
}

static int os_map(struct pv_os *os, domid_t peer, struct pv_map *map, uint32_t count, uint32_t flags)
{
	static char page[PV_PAGE] __attribute__((aligned(PV_PAGE)));

	(void)os, (void)peer, (void)flags;
	ck_assert_uint_eq(count, 1);
	map->addr = page;
	return 0;
}

static void os_unmap(struct pv_os *os, struct pv_map *map, uint32_t count)
{
	(void)os, (void)map, (void)count;
}

static int os_event(struct pv_os *os, domid_t peer, uint32_t remote, pv_callback *fn, void *arg, uint32_t *port)
{
	(void)os, (void)peer, (void)remote, (void)fn, (void)arg;
	*port = 1;
	return 0;
}

static void os_port(struct pv_os *os, uint32_t port)
{
	(void)os, (void)port;
}

static void *os_alloc(struct pv_os *os, size_t bytes)
{
	(void)os;
	return calloc(1, bytes);
}

static void os_free(struct pv_os *os, void *p, size_t bytes)
{
	(void)os, (void)bytes;
	free(p);
}

/* From its first state to a connection and another size, all that it writes is let through. */
START_TEST(a_back_end_works)
{
	static struct blk_record record;
	struct pv_os os = {
		.alloc = os_alloc, .free = os_free, .map = os_map, .unmap = os_unmap, .event_open = os_event,
		.event_notify = os_port, .event_close = os_port, .store_read = os_read, .store_write = os_write,
		.store_watch = os_watch, .store_unwatch = os_unwatch,
	};
	static struct vbd_back back = {
		.max_rings = 1, .record = &record,
		.config = { .jobs = 1, .limits = { .sectors = 8, .sector_bytes = 512, .max_segments = 11 } },
	};

	ck_assert_int_eq(vbd_back_open(&back, &os, BACK), 0);
	pv_device_step(&back.device);
	ck_assert_str_eq(back_state, "2");
	strcpy(front_state, "3");
	pv_device_step(&back.device);
	ck_assert_str_eq(back_state, "4");
	vbd_back_resize(&back, 16);
	ck_assert_str_eq(log_text, "write " BACK "/state=4;");
	ck_assert(vbd_back_close(&back));
}
END_TEST

static void nothing_changed(struct vif_back *v)
{
	(void)v;
}

START_TEST(a_network_back_end_works)
{
	struct pv_os os = {
		.alloc = os_alloc, .free = os_free, .map = os_map, .unmap = os_unmap, .event_open = os_event,
		.event_notify = os_port, .event_close = os_port, .store_read = os_read, .store_write = os_write,
		.store_watch = os_watch, .store_unwatch = os_unwatch,
	};
	static struct vif_back back = { .max_queues = 1, .changed = nothing_changed };
	char text[] = VIF_BACK "/sectors\0001";

	device.kind = &vif_kind;
	strcpy(device.path, VIF_BACK);
	strcpy(device.front, VIF_FRONT);
	ck_assert_int_eq(vif_back_open(&back, &os, VIF_BACK), 0);
	pv_device_step(&back.device);
	ck_assert_str_eq(back_state, "2");
	strcpy(front_state, "3");
	pv_device_step(&back.device);
	ck_assert_str_eq(back_state, "4");
	vif_back_close(&back);
	/* What is of other devices, or says who the guest is, where it is and what it may do. */
	log_text[0] = '\0';
	ck_assert(!asked(LINK_STORE_WRITE, 0, text, sizeof text));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, VIF_BACK "/mac\00000:16:3e:00:00:01"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, VIF_BACK "/ip\0"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, VIF_BACK "/rate\0"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, VIF_BACK "/bridge\0other"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, VIF_BACK "/vifname\0eth0"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, VIF_BACK "/queues\0004"));
	ck_assert(!ASKED(LINK_STORE_READ, 0, BACK "/state"));
	ck_assert_str_eq(log_text, "");
	ck_assert(ASKED(LINK_STORE_WATCH, 1, VIF_FRONT "/state"));
	ck_assert_str_eq(log_text, "watch " VIF_FRONT "/state vif 1 51 1;");
}
END_TEST

/* What names the disk, its guest and its life is the toolstack's: a successor believes it. */
START_TEST(no_writes)
{
	static const char *const nodes[] = {
		"params", "mode", "frontend", "frontend-id", "online", "type", "state/x", "state/", "feature-", "",
		"/state", "./state", "../51/state", "../512/state", "../../2/51/params", "State", "states", "stat",
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
		int n = snprintf(text, sizeof text, BACK "/%s%c/dev/vda", nodes[i], '\0');

		ck_assert_msg(!asked(LINK_STORE_WRITE, 0, text, (size_t)n + 1), "%s was written", nodes[i]);
		ck_assert_str_eq(log_text, "");
	}
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, FRONT "/state\0004"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, BACK "\0004"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, BACK "2/state\0004"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, "state\0004"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, "\0" "4"));
	ck_assert(!ASKED(LINK_STORE_WRITE, 0, BACK "/state"));					/* no value */
	ck_assert(!asked(LINK_STORE_WRITE, 0, BACK "/state\0004", sizeof BACK "/state" + 1));	/* one without end */
	ck_assert_str_eq(log_text, "");
}
END_TEST

/* What may be neither read nor watched. */
START_TEST(no_paths)
{
	static const enum link_type types[] = { LINK_STORE_READ, LINK_STORE_WATCH };
	char path[DEVICE_PATH + 1];

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		ck_assert(!ASKED(types[i], 0, ""));
		ck_assert(!ASKED(types[i], 0, "/"));
		ck_assert(!ASKED(types[i], 0, "state"));
		ck_assert(!ASKED(types[i], 0, "@releaseDomain"));
		ck_assert(!ASKED(types[i], 0, FRONT));
		ck_assert(!ASKED(types[i], 0, FRONT "/"));
		ck_assert(!ASKED(types[i], 0, BACK));
		ck_assert(!ASKED(types[i], 0, BACK "2/state"));
		ck_assert(!ASKED(types[i], 0, FRONT "2/state"));
		ck_assert(!ASKED(types[i], 0, "/local/domain/1/device/vbd/5/state"));
		ck_assert(!ASKED(types[i], 0, "/local/domain/1/device/vbd/state"));
		ck_assert(!ASKED(types[i], 0, "/local/domain/0/user-backend/vbd/2/51/state"));
		ck_assert(!ASKED(types[i], 0, "/local" FRONT "/state"));
		ck_assert(!asked(types[i], 0, FRONT "/state", sizeof FRONT "/state" - 1));	/* no NUL */
		ck_assert(!asked(types[i], 0, "", 0));
		memset(path, 'x', DEVICE_PATH);
		memcpy(path, FRONT "/", sizeof FRONT);
		path[DEVICE_PATH] = '\0';
		ck_assert(!ASKED(types[i], 0, path));
		path[DEVICE_PATH - 1] = '\0';
		ck_assert(ASKED(types[i], 0, path));
	}
}
END_TEST

/* In the store a dot is no parent directory but an error, which it says itself. */
START_TEST(dots)
{
	store_err = -EINVAL;
	ck_assert(ASKED(LINK_STORE_READ, 0, FRONT "/../52/state"));
	ck_assert_int_eq(answer.err, -EINVAL);
	ck_assert(!ASKED(LINK_STORE_READ, 0, "/local/domain/1/device/vbd/../vbd/51/state"));
}
END_TEST

START_TEST(watches)
{
	ck_assert(ASKED(LINK_STORE_WATCH, 0, FRONT "/state"));
	ck_assert_str_eq(log_text, "watch " FRONT "/state vbd 1 51 0;");
	ck_assert(ASKED(LINK_STORE_WATCH, LINK_WATCHES_MAX - 1, BACK "/state"));
	ck_assert_str_eq(log_text, "watch " BACK "/state vbd 1 51 3;");
	/* A number that is in use, or none. */
	ck_assert(!ASKED(LINK_STORE_WATCH, 0, FRONT "/x"));
	ck_assert(!ASKED(LINK_STORE_WATCH, LINK_WATCHES_MAX, FRONT "/x"));
	ck_assert(!ASKED(LINK_STORE_WATCH, UINT32_MAX, FRONT "/x"));
	ck_assert(!ASKED(LINK_STORE_UNWATCH, LINK_WATCHES_MAX, FRONT "/x"));
	ck_assert(!ASKED(LINK_STORE_UNWATCH, UINT32_MAX, FRONT "/x"));
	ck_assert_str_eq(log_text, "");
	/* Only what was set is undone, by its number. */
	ck_assert(ASKED(LINK_STORE_UNWATCH, 0, "/another/path"));
	ck_assert_str_eq(log_text, "unwatch " FRONT "/state vbd 1 51 0;");
	ck_assert(ASKED(LINK_STORE_UNWATCH, 0, FRONT "/state"));
	ck_assert_str_eq(log_text, "");
	/* One that the store refuses is not set. */
	store_err = -ENOSPC;
	ck_assert(ASKED(LINK_STORE_WATCH, 1, FRONT "/x"));
	ck_assert_int_eq(answer.err, -ENOSPC);
	store_err = 0;
	ck_assert(ASKED(LINK_STORE_WATCH, 1, FRONT "/x"));
	log_text[0] = '\0';
	broker_end(&device);
	ck_assert_str_eq(log_text, "unwatch " FRONT "/x vbd 1 51 1;unwatch " BACK "/state vbd 1 51 3;");
	log_text[0] = '\0';
	broker_end(&device);
	ck_assert_str_eq(log_text, "");
}
END_TEST

/* ---- what is no request ---- */

START_TEST(no_requests)
{
	char big[sizeof(struct link_message) + 8] = { 0 };

	for (uint32_t type = LINK_REPLY; type < LINK_REPLY + 20; type++)
		ck_assert(!ASKED((enum link_type)type, 0, FRONT "/state"));
	ck_assert(!ASKED((enum link_type)UINT32_MAX, 0, FRONT "/state"));
	ck_assert_int_eq(send(process, big, 4, 0), 4);
	ck_assert(!broker_serve(&device));
	ck_assert_int_eq(send(process, big, sizeof big, 0), (ssize_t)sizeof big);
	ck_assert(!broker_serve(&device));
	ck_assert_int_eq(send(process, big, 0, 0), 0);
	ck_assert(!broker_serve(&device));
	ck_assert(broker_serve(&device));	/* there is nothing */
	ck_assert_str_eq(log_text, "");
	ck_assert_uint_eq(fake_doors.calls, 0);
	close(process);
	ck_assert(!broker_serve(&device));
	process = -1;
}
END_TEST

/* It asks and asks and never takes a reply. */
START_TEST(a_process_that_does_not_read)
{
	struct link_message m = { .type = LINK_MAP, .count = LINK_REFS_MAX };
	bool good = true;

	for (long n = 0; n < 1000000 && good; n++) {
		ck_assert_int_eq(link_send(process, &m, sizeof m.ref), 0);
		good = broker_serve(&device);
	}
	ck_assert(!good);
}
END_TEST

START_TEST(changes)
{
	int status = 0;

	broker_changed(&device, 2);		/* there is no process */
	ck_assert_int_eq(link_receive(process, &answer, &answer_bytes, MSG_DONTWAIT), -EAGAIN);
	device.pid = fork();
	if (device.pid == 0)
		for (;;)
			pause();
	broker_changed(&device, 2);
	ck_assert_int_eq(link_receive(process, &answer, &answer_bytes, MSG_DONTWAIT), 0);
	ck_assert_uint_eq(answer.type, LINK_CHANGED);
	ck_assert_uint_eq(answer.flags, 2);
	/* One that does not read dies of it. */
	for (long n = 0; n < 1000000 && waitpid(device.pid, &status, WNOHANG) == 0; n++)
		broker_changed(&device, 2);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

START_TEST(refusal)
{
	struct link_message m = { .type = LINK_REFUSED, .text = "no such export" };

	ck_assert_int_eq(link_send(process, &m, sizeof "no such export"), 0);
	ck_assert(broker_serve(&device));
	ck_assert_str_eq(log_text, "refused: no such export;");
	ck_assert(!served(&m, 3));	/* without its end */
	ck_assert(!served(&m, 0));
	ck_assert_str_eq(log_text, "refused: no such export;");
}
END_TEST

CHECK_MAIN("broker", setup, teardown, reads, writes, a_back_end_works, a_network_back_end_works, no_writes, no_paths, dots,
	   watches, no_requests, a_process_that_does_not_read, changes, refusal)
