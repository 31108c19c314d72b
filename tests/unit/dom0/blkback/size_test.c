/* The size of a disk's file, while it changes. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/blkback/size.h"
#include "tests/unit/check_main.h"

static char path[] = "/tmp/bothy-size-XXXXXX";
static struct size size;
static int file;

static void setup(void)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ftruncate(file, 1 << 20), 0);
}

static void teardown(void)
{
	size_close(&size);
	close(file);
	unlink(path);
}

static void becomes(off_t bytes, bool changed, uint64_t sectors)
{
	ck_assert_int_eq(truncate(path, bytes), 0);
	ck_assert_int_eq(size_look(&size), changed);
	ck_assert_uint_eq(size.sectors, sectors);
	ck_assert(!size_look(&size));
}

START_TEST(grows_and_shrinks)
{
	ck_assert_int_eq(size_open(&size, file, 512, 2048), 0);
	becomes(1 << 20, false, 2048);
	becomes(1 << 21, true, 4096);
	becomes((1 << 21) + 511, false, 4096);
	becomes((1 << 21) + 512, true, 4097);
	becomes((off_t)1 << 40, true, 1ull << 31);
	becomes(512, true, 1);
	becomes(511, false, 1);
	becomes(0, false, 1);
	becomes(1024, true, 2);
}
END_TEST

START_TEST(whole_sectors_of_4096)
{
	ck_assert_int_eq(size_open(&size, file, 4096, 2048), 0);
	becomes((1 << 20) + 4095, false, 2048);
	becomes((1 << 20) + 4096, true, 2056);
	becomes((1 << 20) - 1, true, 2040);
	becomes(4095, false, 2040);
	becomes(4096, true, 8);
}
END_TEST

/* The timer says when to look, again and again, and looking takes it. */
START_TEST(is_due_again_and_again)
{
	struct pollfd p = { .events = POLLIN };

	ck_assert_int_eq(size_open(&size, file, 512, 2048), 0);
	p.fd = size.timer;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(poll(&p, 1, 60000), 1);
		/* Slow as this machine may be, a look is faster than the next one is due. */
		do
			ck_assert(!size_look(&size));
		while (poll(&p, 1, 0));
	}
}
END_TEST

CHECK_MAIN("size", setup, teardown, grows_and_shrinks, whole_sectors_of_4096, is_due_again_and_again)
