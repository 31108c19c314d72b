/* A disk by threads. */
#include <string.h>
#include <unistd.h>
#include "dom0/blkback/disk_threads.h"
#include "tests/unit/dom0/blkback/disk_cases.h"

static struct disk_threads threads;

static struct disk *by_threads(int fd)
{
	int err = disk_threads_open(&threads, fd);

	ck_assert_msg(err == 0, "no threads: %s", strerror(-err));
	return &threads.disk;
}

/* Closed at once, when some of them have not even begun; then once more. */
START_TEST(come_and_go)
{
	for (int i = 0; i < 100; i++) {
		struct disk_threads other;

		ck_assert_int_eq(disk_threads_open(&other, disk_file), 0);
		other.disk.close(&other.disk);
	}
}
END_TEST

int main(void)
{
	TCase *c = disk_cases(by_threads);

	disk_cases_of_file(c);
	tcase_add_test(c, come_and_go);
	return check_run("disk_threads", c);
}
