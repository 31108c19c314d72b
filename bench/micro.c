/* micro: what an operation of a PV kernel costs, seen from a process in dom0 or in a guest.
 *
 * Each benchmark is a function that repeats its operation and returns how often. It is run once to
 * warm up and three times measured; printed is the median of nanoseconds per operation, which under
 * QEMU's -icount shift=0 are instructions, hypervisor's included:
 *     micro NAME 1234.5
 * The process stays on CPU 0, so that a round trip between two processes is two switches.
 * Beside it: bench.py, which runs it in both kinds of domain and prints the table. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "protocol/dom0/evtchn.h"
#include "protocol/dom0/privcmd.h"
#include "protocol/hypercall.h"
#include "protocol/version.h"

#define PAGE	4096
#define ROUNDS	3
#define FAILED	(-1L)

static volatile unsigned handled;

static long null_syscall(void)
{
	long n = 40000;

	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	return n;
}

static long gettimeofday_vdso(void)
{
	long n = 20000;
	struct timeval tv;

	for (long i = 0; i < n; i++)
		gettimeofday(&tv, NULL);
	return n;
}

static long clock_gettime_syscall(void)
{
	long n = 10000;
	struct timespec ts;

	for (long i = 0; i < n; i++)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return n;
}

/* The other side of the pipes: answer each byte with one. */
static void pipe_echo(int in, int out, long n)
{
	char c;

	while (n-- > 0)
		if (read(in, &c, 1) != 1 || write(out, &c, 1) != 1)
			_exit(1);
	_exit(0);
}

static long pipe_round_trip(void)
{
	int to[2], from[2];
	long n = 1000;
	char c = 0;

	if (pipe(to) || pipe(from))
		return FAILED;
	pid_t child = fork();
	if (child == 0)
		pipe_echo(to[0], from[1], n);
	for (long i = 0; i < n; i++)
		if (write(to[1], &c, 1) != 1 || read(from[0], &c, 1) != 1)
			return FAILED;
	waitpid(child, NULL, 0);
	close(to[0]), close(to[1]), close(from[0]), close(from[1]);
	return n;
}

static long fork_wait(void)
{
	long n = 20;

	for (long i = 0; i < n; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (child < 0)
			return FAILED;
		waitpid(child, NULL, 0);
	}
	return n;
}

static long fork_exec_wait(void)
{
	long n = 10;

	for (long i = 0; i < n; i++) {
		pid_t child = fork();

		if (child == 0) {
			execl("/proc/self/exe", "micro", "-", (char *)NULL);
			_exit(1);
		}
		if (child < 0)
			return FAILED;
		waitpid(child, NULL, 0);
	}
	return n;
}

static char *pages_map(long n)
{
	char *m = mmap(NULL, (size_t)(n * PAGE), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		exit(1);
	madvise(m, (size_t)(n * PAGE), MADV_NOHUGEPAGE);
	return m;
}

static void pages_touch(char *m, long n)
{
	for (long i = 0; i < n; i++)
		m[i * PAGE] = 1;
}

static long page_fault(void)
{
	long n = 4096;
	char *m = pages_map(n);

	pages_touch(m, n);
	munmap(m, (size_t)(n * PAGE));
	return n;
}

static long mprotect_pair_touch(void)
{
	long n = 1000;
	char *m = pages_map(3);

	pages_touch(m, 3);
	for (long i = 0; i < n; i++) {
		mprotect(m + PAGE, PAGE, PROT_READ);
		mprotect(m + PAGE, PAGE, PROT_READ | PROT_WRITE);
		m[PAGE] = 2;
	}
	munmap(m, 3 * PAGE);
	return n;
}

static long mmap_touch_munmap_64(void)
{
	long n = 40;

	for (long i = 0; i < n; i++) {
		char *m = pages_map(64);

		pages_touch(m, 64);
		munmap(m, 64 * PAGE);
	}
	return n;
}

static long mmap_munmap_64(void)
{
	long n = 1000;

	for (long i = 0; i < n; i++) {
		char *m = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		munmap(m, 64 * PAGE);
	}
	return n;
}

static void signal_handle(int number)
{
	(void)number;
	handled++;
}

static long signal_self(void)
{
	long n = 1000;
	pid_t self = getpid();

	signal(SIGUSR1, signal_handle);
	for (long i = 0; i < n; i++)
		kill(self, SIGUSR1);
	return n;
}

static int privcmd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	return fd;
}

/* An ioctl that privcmd does not know: the price of the way there. */
static long privcmd_no_hypercall(void)
{
	long n = 10000;

	if (privcmd() < 0)
		return FAILED;
	for (long i = 0; i < n; i++)
		ioctl(privcmd(), _IOC(_IOC_NONE, 'P', 99, 0), NULL);
	return n;
}

static long privcmd_xen_version(void)
{
	long n = 10000;
	struct privcmd_hypercall call = { .op = __HYPERVISOR_xen_version,
					  .arg = { XENVER_version } };

	for (long i = 0; i < n; i++)
		if (ioctl(privcmd(), IOCTL_PRIVCMD_HYPERCALL, &call) < 0)
			return FAILED;
	return n;
}

/* Two ports of our own, connected to each other: notify one, read the other. */
static long event_self_ping(void)
{
	struct ioctl_evtchn_bind_unbound_port unbound = { 0 };
	struct ioctl_evtchn_bind_interdomain peer = { 0 };
	long n = 1000;
	uint32_t port;
	int fd = open("/dev/xen/evtchn", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int a = fd < 0 ? -1 : ioctl(fd, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound);

	if (a < 0)
		return FAILED;
	peer.remote_port = (uint32_t)a;
	int b = ioctl(fd, IOCTL_EVTCHN_BIND_INTERDOMAIN, &peer);
	struct ioctl_evtchn_notify notify = { .port = (uint32_t)b };
	/* A fresh pair starts with an event: take it. */
	usleep(20000);
	while (read(fd, &port, sizeof port) == sizeof port)
		if (write(fd, &port, sizeof port) < 0)
			return FAILED;
	fcntl(fd, F_SETFL, 0);
	for (long i = 0; i < n; i++)
		if (ioctl(fd, IOCTL_EVTCHN_NOTIFY, &notify) < 0 ||
		    read(fd, &port, sizeof port) != sizeof port ||
		    write(fd, &port, sizeof port) != sizeof port)
			return FAILED;
	close(fd);
	return n;
}

static const struct {
	const char *name;
	long (*run)(void);
} benchmarks[] = {
	{ "null system call", null_syscall },
	{ "gettimeofday", gettimeofday_vdso },
	{ "clock_gettime by system call", clock_gettime_syscall },
	{ "pipe round trip", pipe_round_trip },
	{ "fork + wait", fork_wait },
	{ "fork + exec + wait", fork_exec_wait },
	{ "anonymous page fault", page_fault },
	{ "mprotect pair + touch", mprotect_pair_touch },
	{ "mmap, touch, munmap 64 pages", mmap_touch_munmap_64 },
	{ "mmap, munmap 64 pages untouched", mmap_munmap_64 },
	{ "signal to self", signal_self },
	{ "privcmd ioctl without hypercall", privcmd_no_hypercall },
	{ "privcmd ioctl with xen_version", privcmd_xen_version },
	{ "event channel self-ping", event_self_ping },
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure(const char *name, long (*run)(void))
{
	double ns[ROUNDS];

	if (run() == FAILED) {
		printf("micro %s: not here\n", name);
		return;
	}
	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ns();
		long n = run();

		ns[i] = (now_ns() - start) / (double)n;
	}
	qsort(ns, ROUNDS, sizeof *ns, compare);
	printf("micro %s: %.1f\n", name, ns[ROUNDS / 2]);
}

int main(int argc, char **argv)
{
	cpu_set_t cpu0;

	if (argc > 1 && !strcmp(argv[1], "-"))
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	CPU_ZERO(&cpu0);
	CPU_SET(0, &cpu0);
	sched_setaffinity(0, sizeof cpu0, &cpu0);
	for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++)
		measure(benchmarks[i].name, benchmarks[i].run);
	return 0;
}
