/* The broker's pages: what a process that is the guest's can have mapped, and what it must not ask for. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dom0/backendd/device.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/backendd/fake_doors.h"

#define BACK	"/local/domain/0/user-backend/vbd/1/51"

static struct device device;
static int process;		/* its end of the socket */
static struct link_message answer;
static size_t answer_bytes;

static void setup(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	device = (struct device){ .kind = &vbd_kind, .domid = 1, .number = 51, .path = BACK, .socket = pair[0] };
	process = pair[1];
}

static void teardown(void)
{
	close(process);
	close(device.socket);
}

/* Ask for @count pages, as @bytes of references; the reply is in answer. */
static bool mapped(uint32_t count, uint32_t flags, size_t bytes)
{
	struct link_message m = { .type = LINK_MAP, .count = count, .flags = flags };

	for (uint32_t i = 0; i < LINK_REFS_MAX; i++)
		m.ref[i] = 100 + i;
	ck_assert_int_eq(link_send(process, &m, bytes), 0);
	if (!broker_serve(&device))
		return false;
	ck_assert_int_eq(link_receive(process, &answer, &answer_bytes, MSG_DONTWAIT), 0);
	ck_assert_uint_eq(answer.type, LINK_REPLY);
	return true;
}

START_TEST(maps)
{
	for (uint32_t n = 1; n <= LINK_REFS_MAX; n += LINK_REFS_MAX - 1) {
		fake_doors = (struct fake_doors){ 0 };
		ck_assert(mapped(n, 0, n * sizeof(grant_ref_t)));
		ck_assert_int_eq(answer.err, 0);
		ck_assert_uint_eq(answer.count, n);
		ck_assert_uint_eq(answer_bytes, n * sizeof answer.index[0]);
		for (uint32_t i = 0; i < n; i++)
			ck_assert_uint_eq(answer.index[i], (100u + i) * 4096u);
		ck_assert_uint_eq(fake_doors.calls, n);
		ck_assert_uint_eq(fake_doors.domid, 1);
		fake_doors = (struct fake_doors){ 0 };
		ck_assert(mapped(n, LINK_TOGETHER, n * sizeof(grant_ref_t)));
		ck_assert_uint_eq(answer.count, 1);
		ck_assert_uint_eq(answer.index[0], 100u * 4096u);
		ck_assert_uint_eq(fake_doors.calls, 1);
		ck_assert_uint_eq(fake_doors.last_ref, 99 + n);
	}
}
END_TEST

START_TEST(no_maps)
{
	static const struct {
		uint32_t count;
		size_t bytes;
	} bad[] = {
		{ 0, 0 }, { 0, 4 }, { 1, 0 }, { 1, 3 }, { 1, 5 }, { 1, 8 }, { 2, 4 }, { 512, 2044 }, { 513, 2052 },
		{ 1u << 30, 0 }, { (1u << 30) + 1, 4 }, { UINT32_MAX, 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert(!mapped(bad[i].count, 0, bad[i].bytes));
		ck_assert(!mapped(bad[i].count, UINT32_MAX, bad[i].bytes));
	}
	ck_assert_uint_eq(fake_doors.calls, 0);
}
END_TEST

START_TEST(a_map_that_fails_keeps_nothing)
{
	for (uint32_t at = 1; at <= 5; at++) {
		fake_doors = (struct fake_doors){ .fails_at = at };
		ck_assert(mapped(5, 0, 20));
		ck_assert_int_eq(answer.err, -ENOMEM);
		ck_assert_uint_eq(answer_bytes, 0);
		ck_assert_uint_eq(fake_doors.reserved, 0);
	}
	fake_doors = (struct fake_doors){ .fails_at = 1 };
	ck_assert(mapped(5, LINK_TOGETHER, 20));
	ck_assert_int_eq(answer.err, -ENOMEM);
}
END_TEST

/* Give back @count places of @pages pages each, from @index on. */
static bool given_back(uint64_t index, uint32_t count, uint32_t pages, size_t bytes)
{
	struct link_message m = { .type = LINK_UNMAP, .count = count, .flags = pages };

	for (uint32_t i = 0; i < LINK_REFS_MAX; i++)
		m.index[i] = index + (uint64_t)i * 4096;
	ck_assert_int_eq(link_send(process, &m, bytes), 0);
	return broker_serve(&device);
}

START_TEST(given_back_once)
{
	fake_doors = (struct fake_doors){ 0 };
	ck_assert(mapped(3, 0, 12));
	ck_assert_uint_eq(device.pages, 3);
	ck_assert(given_back(101 * 4096, 2, 1, 16));
	ck_assert_uint_eq(fake_doors.reserved, 1);
	ck_assert_uint_eq(device.pages, 1);
	ck_assert_int_eq(link_receive(process, &answer, &answer_bytes, MSG_DONTWAIT), -EAGAIN);
	/* What is not there, never was, or is no longer; and what lies together only together. */
	ck_assert(!given_back(101 * 4096, 1, 1, 8));
	ck_assert(!given_back(100 * 4096, 2, 1, 16));
	ck_assert_uint_eq(device.pages, 0);
	ck_assert(mapped(4, LINK_TOGETHER, 16));
	ck_assert_uint_eq(device.pages, 4);
	ck_assert(!given_back(100 * 4096, 1, 1, 8));
	ck_assert(!given_back(100 * 4096, 1, 3, 8));
	ck_assert(!given_back(100 * 4096, 1, UINT32_MAX, 8));
	ck_assert(!given_back(101 * 4096, 1, 3, 8));
	ck_assert(!given_back(UINT64_MAX - 4095, 1, 4, 8));
	/* What is no request. */
	ck_assert(!given_back(100 * 4096, 0, 4, 0));
	ck_assert(!given_back(100 * 4096, 1, 0, 8));
	ck_assert(!given_back(100 * 4096, 1, 4, 7));
	ck_assert(!given_back(100 * 4096, 1, 4, 16));
	ck_assert(!given_back(100 * 4096, LINK_REFS_MAX + 1, 1, LINK_REFS_MAX * 8));
	ck_assert(!given_back(100 * 4096, (1u << 29) + 1, 4, 8));
	ck_assert_uint_eq(device.pages, 4);
	ck_assert_uint_eq(fake_doors.reserved, 4);
	ck_assert(given_back(100 * 4096, 1, 4, 8));
	ck_assert_uint_eq(device.pages, 0);
	ck_assert_uint_eq(fake_doors.reserved, 0);
}
END_TEST

/* How often the log, a file at @fd, has @text. */
static unsigned int logged(int fd, const char *text)
{
	char all[4096];
	ssize_t n = pread(fd, all, sizeof all - 1, 0);
	unsigned int count = 0;

	all[n < 0 ? 0 : n] = '\0';
	for (const char *at = all; (at = strstr(at, text)); at++)
		count++;
	return count;
}

/* It takes what it gets, in any pieces, and gives nothing back: it gets its share, and others have theirs all the same. */
START_TEST(no_more_than_its_share)
{
	struct device other = device;
	char path[] = "/tmp/bothy-pages-XXXXXX";
	int log = mkstemp(path);
	uint64_t own;

	ck_assert_int_eq(log_to_file(path), 0);
	unlink(path);
	fake_doors = (struct fake_doors){ 0 };
	for (uint32_t got = 0; got < LINK_BLOCK_PAGES - 1; got += got ? LINK_REFS_MAX : LINK_REFS_MAX - 1) {
		uint32_t n = got ? LINK_REFS_MAX : LINK_REFS_MAX - 1;

		ck_assert(mapped(n, _i ? LINK_TOGETHER : 0, n * sizeof(grant_ref_t)));
		ck_assert_int_eq(answer.err, 0);
	}
	ck_assert_uint_eq(fake_doors.reserved, LINK_BLOCK_PAGES - 1);
	ck_assert_uint_eq(logged(log, "\n"), 0);
	for (int n = 0; n < 1000; n++) {
		ck_assert(mapped(2, _i ? LINK_TOGETHER : 0, 2 * sizeof(grant_ref_t)));
		ck_assert_int_eq(answer.err, -ENOSPC);
		ck_assert_uint_eq(answer_bytes, 0);
	}
	ck_assert_uint_eq(fake_doors.reserved, LINK_BLOCK_PAGES - 1);
	ck_assert_uint_eq(logged(log, "\n"), 1);
	ck_assert_uint_eq(logged(log, BACK ": blkback asks for more than 8192 pages"), 1);
	/* One is left, then none, then as many as it gives back. */
	ck_assert(mapped(1, 0, 4) && answer.err == 0);
	own = answer.index[0];
	ck_assert(mapped(1, 0, 4) && answer.err == -ENOSPC);
	ck_assert(given_back(own, 1, 1, 8));
	ck_assert(mapped(1, 0, 4) && answer.err == 0);
	ck_assert(mapped(1, 0, 4) && answer.err == -ENOSPC);
	ck_assert_uint_eq(logged(log, "\n"), 1);
	/* What it was refused, others get. */
	device = other;
	ck_assert(mapped(LINK_REFS_MAX, 0, LINK_REFS_MAX * sizeof(grant_ref_t)) && answer.err == 0);
	/* A network's needs its rings. */
	device = other;
	device.kind = &vif_kind;
	ck_assert(mapped(8, 0, 32) && answer.err == 0);
	ck_assert(mapped(1, 0, 4) && answer.err == -ENOSPC);
	ck_assert_uint_eq(logged(log, "netback asks for more than 8 pages"), 1);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, teardown, maps, no_maps, a_map_that_fails_keeps_nothing, given_back_once);

	tcase_add_loop_test(c, no_more_than_its_share, 0, 2);
	return check_run("pages", c);
}
