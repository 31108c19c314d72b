/* A fuzz target of a back end without libFuzzer: as many states of its rings as there is time for.
 *
 *	mutate [--states N] [--seed S] [--crashes FOLDER]
 *
 * Inputs are mutated from a pool of earlier ones at random, without a look at what they reach: that is libFuzzer's part, which is
 * a hundred times slower. A state is what a back end found when it ran. What breaks a property, faults or takes
 * ten seconds of the processor is written to the folder as an input that the target's libFuzzer program takes, and ends the run. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "tests/fuzz/targets/target.h"

#define POOL		256u
#define BYTES_MAX	2048u
#define SECONDS_MAX	10u

static struct {
	uint8_t bytes[BYTES_MAX];
	size_t size;
} pool[POOL], now;
static uint64_t rng;
static char crash_file[512];

static uint32_t below(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)((rng >> 16) % n);
}

/* Operations and small numbers mostly, and what stands at an edge. */
static uint8_t some_byte(void)
{
	static const uint8_t edge[] = { 0, 1, 7, 8, 11, 12, 0x7f, 0x80, 0xfe, 0xff };

	switch (below(4)) {
	case 0:
		return edge[below(sizeof edge)];
	case 1:
		return (uint8_t)below(16);
	default:
		return (uint8_t)below(256);
	}
}

static void renew(uint32_t i)
{
	for (pool[i].size = 0; pool[i].size < BYTES_MAX; pool[i].size++)
		pool[i].bytes[pool[i].size] = some_byte();
}

/* Some of the pool is always new: what only ever comes from itself grows alike, and ends early. */
static void mutate(void)
{
	if (below(16) == 0)
		renew(below(POOL));
	now = pool[below(POOL)];
	for (uint32_t n = 1 + below(8); n; n--) {
		size_t at = now.size ? below((uint32_t)now.size) : 0, room = BYTES_MAX - now.size;
		size_t run = 1 + below(24);

		switch (below(now.size < BYTES_MAX / 2 ? 3 : 4)) {
		case 0:				/* some more, here */
			run = run < room ? run : room;
			memmove(now.bytes + at + run, now.bytes + at, now.size - at);
			for (size_t i = 0; i < run; i++)
				now.bytes[at + i] = some_byte();
			now.size += run;
			break;
		case 3:				/* some less */
			run = run < now.size - at ? run : now.size - at;
			memmove(now.bytes + at, now.bytes + at + run, now.size - at - run);
			now.size -= run;
			break;
		default:
			if (now.size)
				now.bytes[at] = some_byte();
		}
	}
	pool[below(POOL)] = now;
}

/* Only what is allowed in a signal handler. */
static void broken(int signal)
{
	static const char what[] = "mutate: the input is in ";
	int fd = open(crash_file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0 && write(fd, now.bytes, now.size) == (ssize_t)now.size) {
		(void)!write(STDERR_FILENO, what, sizeof what - 1);
		(void)!write(STDERR_FILENO, crash_file, strlen(crash_file));
		(void)!write(STDERR_FILENO, "\n", 1);
	}
	_exit(128 + signal);
}

int main(int argc, char **argv)
{
	const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPROF };
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0], *folder = ".";
	uint64_t states = 1000000, seed = 1, inputs = 0;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--states") == 0)
			states = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--crashes") == 0)
			folder = argv[i + 1];
	}
	snprintf(crash_file, sizeof crash_file, "%s/%s-mutated-%llu", folder, name, (unsigned long long)seed);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		(void)signal(signals[i], broken);
	/* Each input opens a device: its memory is not to be the kernel's in between. */
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 25);
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 26);
	rng = seed * 0x9e3779b97f4a7c15ull + 1;
	for (uint32_t i = 0; i < POOL; i++)
		renew(i);
	while (fuzz_states < states) {
		if (inputs++ % 1024 == 0)
			(void)setitimer(ITIMER_PROF, &(struct itimerval){ .it_value.tv_sec = SECONDS_MAX }, NULL);
		mutate();
		(void)LLVMFuzzerTestOneInput(now.bytes, now.size);
	}
	printf("%s: %llu states of its rings in %llu inputs\n", name, (unsigned long long)fuzz_states,
		(unsigned long long)inputs);
	return 0;
}
