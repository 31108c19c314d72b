/* verify: a load on a disk that knows what it has written.
 *
 *   verify DISK SECONDS DEPTH
 *
 * DEPTH processes each own a part of DISK and do one operation after another on it, past the page cache: random
 * writes of up to 128 KiB, in which every sector says who wrote it, where and for which time, and reads of what was
 * written, compared. Not an error, a lost write, an old one that was done again later, or a sector of somebody else
 * goes unnoticed. Ends after SECONDS, or when it is interrupted, with "verify: N operations, all as written; none ended
 * for X ms", the longest such time, or says what was not and fails. Flushes are operations, too, to the disk as here. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECTOR		512u
#define BLOCK		4096u
#define BLOCKS_MAX	32u	/* of an operation */

struct stamp {
	uint64_t block, version, writer, sector;
};

static struct {
	int fd;
	uint64_t first, count;	/* blocks that this process owns */
	uint64_t writer;	/* differs from one run to the next */
	uint64_t *version;	/* of each; 0: not written yet */
	uint64_t *done;		/* operations, of this process */
	uint8_t *buffer;
	unsigned int seed;
} me;

static struct {
	uint64_t ended_ns;	/* the last operation of all; atomic */
	uint64_t pause_ns;	/* the longest time in which none ended; atomic */
	uint64_t done[];	/* operations, of each process */
} *shared;

static volatile sig_atomic_t stop;

static void interrupted(int signal)
{
	(void)signal;
	stop = 1;
}

static void stamps_write(uint64_t block, uint64_t n)
{
	for (uint64_t i = 0; i < n * BLOCK / SECTOR; i++) {
		uint64_t b = block + i * SECTOR / BLOCK;
		struct stamp s = { b, me.version[b - me.first], me.writer, i % (BLOCK / SECTOR) };

		for (unsigned int k = 0; k < SECTOR / sizeof s; k++)
			memcpy(me.buffer + i * SECTOR + k * sizeof s, &s, sizeof s);
	}
}

static int stamps_check(uint64_t block, uint64_t n)
{
	for (uint64_t i = 0; i < n * BLOCK / SECTOR; i++) {
		uint64_t b = block + i * SECTOR / BLOCK;
		struct stamp want = { b, me.version[b - me.first], me.writer, i % (BLOCK / SECTOR) }, is;

		if (!want.version)
			continue;
		for (unsigned int k = 0; k < SECTOR / sizeof is; k++) {
			memcpy(&is, me.buffer + i * SECTOR + k * sizeof is, sizeof is);
			if (memcmp(&is, &want, sizeof is) == 0)
				continue;
			printf("verify: block %llu sector %llu: version %llu of writer %llx for block %llu, where version "
			       "%llu of %llx was written\n", (unsigned long long)b, (unsigned long long)want.sector,
			       (unsigned long long)is.version, (unsigned long long)is.writer, (unsigned long long)is.block,
			       (unsigned long long)want.version, (unsigned long long)me.writer);
			return 1;
		}
	}
	return 0;
}

static int one(void)
{
	uint64_t n = 1 + (uint64_t)rand_r(&me.seed) % BLOCKS_MAX;
	uint64_t block = me.first + (uint64_t)rand_r(&me.seed) % (me.count - n + 1);
	int write = rand_r(&me.seed) % 2;
	ssize_t got;

	if (write) {
		for (uint64_t i = 0; i < n; i++)
			me.version[block - me.first + i]++;
		stamps_write(block, n);
	}
	got = write ? pwrite(me.fd, me.buffer, n * BLOCK, (off_t)(block * BLOCK))
		    : pread(me.fd, me.buffer, n * BLOCK, (off_t)(block * BLOCK));
	if (got != (ssize_t)(n * BLOCK)) {
		printf("verify: block %llu: %s: %s\n", (unsigned long long)block, write ? "write" : "read",
		       got < 0 ? strerror(errno) : "short");
		return 1;
	}
	if (rand_r(&me.seed) % 64 == 0) {
		if (fsync(me.fd) < 0) {
			printf("verify: fsync: %s\n", strerror(errno));
			return 1;
		}
		++*me.done;
	}
	return write ? 0 : stamps_check(block, n);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* An operation has ended. */
static void ended(void)
{
	uint64_t now = now_ns(), before = __atomic_exchange_n(&shared->ended_ns, now, __ATOMIC_RELAXED);
	uint64_t longest = __atomic_load_n(&shared->pause_ns, __ATOMIC_RELAXED);

	++*me.done;
	while (now > before && now - before > longest &&
	       !__atomic_compare_exchange_n(&shared->pause_ns, &longest, now - before, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

static int run(unsigned int index, time_t seconds)
{
	uint64_t start = now_ns();

	me.seed = (unsigned int)start ^ index;
	me.writer = start << 8 | index;
	me.done = &shared->done[index];
	me.version = calloc(me.count, sizeof *me.version);
	me.buffer = aligned_alloc(BLOCK, (size_t)BLOCKS_MAX * BLOCK);
	if (!me.version || !me.buffer)
		return 1;
	do {
		if (one())
			return 1;
		ended();
	} while (!stop && now_ns() - start < (uint64_t)seconds * 1000000000ull);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int depth = argc == 4 ? (unsigned int)atoi(argv[3]) : 0, failed = 0;
	uint64_t all = 0, blocks;
	int status;

	me.fd = argc == 4 ? open(argv[1], O_RDWR | O_DIRECT) : -1;
	if (me.fd < 0 || depth < 1 || depth > 256) {
		fprintf(stderr, "usage: verify DISK SECONDS DEPTH (DISK: %s)\n", strerror(errno));
		return 2;
	}
	blocks = (uint64_t)lseek(me.fd, 0, SEEK_END) / BLOCK;
	shared = mmap(NULL, sizeof *shared + depth * sizeof shared->done[0], PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	me.count = blocks / depth;
	signal(SIGINT, interrupted);
	if (shared == MAP_FAILED || me.count < BLOCKS_MAX) {
		fprintf(stderr, "verify: %s is too small\n", argv[1]);
		return 2;
	}
	shared->ended_ns = now_ns();
	for (unsigned int i = 0; i < depth; i++, me.first += me.count)
		if (fork() == 0) {
			int rc = run(i, atol(argv[2]));

			fflush(stdout);
			_exit(rc);
		}
	while (wait(&status) > 0)
		failed += status != 0;
	for (unsigned int i = 0; i < depth; i++)
		all += shared->done[i];
	if (failed)
		return 1;
	printf("verify: %llu operations, all as written; none ended for %llu ms\n", (unsigned long long)all,
	       (unsigned long long)shared->pause_ns / 1000000);
	return 0;
}
