/* The sandbox, looked at from outside: who the process is afterwards, and what ends it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/backend/process.h"
#include "dom0/lib/sandbox.h"
#include "protocol/dom0/evtchn.h"
#include "protocol/dom0/gntdev.h"
#include "tests/unit/check_main.h"

static int ready[2], go[2];
static void (*before)(void);	/* what the child does first */

/* Start a child that enters @box, says so, waits, and calls @then. */
static pid_t boxed(const struct sandbox *box, void (*then)(void))
{
	char byte = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(ready) | pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		if (before)
			before();
		sandbox_enter(box);
		if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(9);
		then();
		/* Not _exit(): the sanitizer's leak check would meet the filter. */
		syscall(SYS_exit_group, 0);
	}
	close(ready[1]);
	ck_assert_msg(read(ready[0], &byte, 1) == 1, "the child did not get into its sandbox");
	return pid;
}

static int released(pid_t pid)
{
	int status;

	ck_assert_int_eq(write(go[1], "", 1), 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* The value of one line of the status of one of the process's threads. */
static const char *status_of(pid_t pid, pid_t thread, const char *key)
{
	static char line[256];
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)thread);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f))
		if (strncmp(line, key, strlen(key)) == 0)
			break;
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return line + strlen(key);
}

/* ---- threads that were there before ---- */

static int started_thread[2], released_thread[2];

static void *thread_waits(void *arg)
{
	char byte = 0;

	if (write(started_thread[1], &byte, 1) == 1 && read(released_thread[0], &byte, 1) == 1)
		(void)!syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
	return arg;
}

static void thread_begin(void)
{
	pthread_t t;
	char byte;

	/* What a thread does to begin, the sanitizer's part above all, no box allows. */
	if (pipe(started_thread) || pipe(released_thread) || pthread_create(&t, NULL, thread_waits, NULL) ||
	    read(started_thread[0], &byte, 1) != 1)
		_exit(8);
}

static void thread_release(void)
{
	(void)!write(released_thread[1], "", 1);
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

static void nothing(void)
{
}

static void socket_open(void)
{
	(void)!socket(AF_UNIX, SOCK_STREAM, 0);
}

static void file_open(void)
{
	(void)!access("/", F_OK);
}

static void is_boxed(pid_t pid, pid_t thread)
{
	ck_assert_str_eq(status_of(pid, thread, "Uid:"), "\t901\t901\t901\t901");
	ck_assert_str_eq(status_of(pid, thread, "Gid:"), "\t900\t900\t900\t900");
	ck_assert_str_eq(status_of(pid, thread, "Groups:"), "\t ");
	ck_assert_str_eq(status_of(pid, thread, "CapEff:"), "\t0000000000000000");
	ck_assert_str_eq(status_of(pid, thread, "NoNewPrivs:"), "\t1");
	ck_assert_str_eq(status_of(pid, thread, "Seccomp:"), "\t2");
}

START_TEST(identity)
{
	struct sandbox box = { .uid = XENSTORED_UID, .root = "/tmp", .calls = "ioctl" };
	pid_t pid = boxed(&box, nothing);
	char path[64], root[64];
	ssize_t n;

	is_boxed(pid, pid);
	snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
	n = readlink(path, root, sizeof root - 1);
	ck_assert_int_gt(n, 0);
	root[n] = '\0';
	ck_assert_str_eq(root, "/tmp");
	ck_assert_int_eq(released(pid), 0);
}
END_TEST

START_TEST(threads_that_were_there_before)
{
	struct sandbox box = { .uid = XENSTORED_UID, .root = "/tmp" };
	char path[64];
	struct dirent *e;
	int threads = 0, status;
	pid_t pid;
	DIR *d;

	before = thread_begin;
	pid = boxed(&box, thread_release);
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	d = opendir(path);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			is_boxed(pid, atoi(e->d_name));
			threads++;
		}
	closedir(d);
	ck_assert_int_eq(threads, 2);
	status = released(pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
END_TEST

START_TEST(forbidden_calls_kill)
{
	struct sandbox box = { 0 };
	int status = released(boxed(&box, socket_open));

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSYS);
	status = released(boxed(&box, file_open));
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	box.calls = "socket";
	ck_assert_int_eq(released(boxed(&box, socket_open)), 0);
}
END_TEST

/* A sandbox that cannot be entered is no reason to go on without. */
START_TEST(no_way_without)
{
	struct sandbox box = { .uid = XENSTORED_UID, .root = "/no/such/directory" };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		sandbox_enter(&box);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 71);
	box = (struct sandbox){ .calls = "no_such_call" };
	pid = fork();
	if (pid == 0) {
		sandbox_enter(&box);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 71);
}
END_TEST

/* ---- as the processes of devices use it ---- */

static const struct process_rights *const processes[] = {
	&process_blkback, &process_blkback_threads, &process_blkback_nbd, &process_netback,
};

static struct sandbox device_box(const struct process_rights *rights)
{
	bool root = geteuid() == 0;

	return (struct sandbox){ .uid = root ? DEVICES_UID : 0, .root = root ? "/tmp" : NULL,
				 .calls = rights->calls, .requests = rights->requests };
}

#define X32 0x40000000
#define HIGH (1ul << 32)

/* What the guest would try, that the process is by then. */
static const struct escape {
	long number;
	unsigned long argument;	/* the second and the fifth; the others are 0 */
} escapes[] = {
	{ SYS_ioctl, IOCTL_GNTDEV_MAP_GRANT_REF }, { SYS_ioctl, IOCTL_GNTDEV_UNMAP_GRANT_REF },
	{ SYS_ioctl, IOCTL_GNTDEV_SET_UNMAP_NOTIFY },
	{ SYS_ioctl, IOCTL_GNTDEV_SET_MAX_GRANTS }, { SYS_ioctl, IOCTL_EVTCHN_BIND_VIRQ },
	{ SYS_ioctl, IOCTL_EVTCHN_BIND_UNBOUND_PORT }, { SYS_ioctl, TUNSETIFF }, { SYS_ioctl, TUNSETPERSIST },
	{ SYS_ioctl, TUNSETQUEUE }, { SYS_ioctl, TUNATTACHFILTER }, { SYS_ioctl, TUNSETLINK },
	{ SYS_ioctl, SIOCSIFHWADDR }, { SYS_ioctl, SIOCGIFNAME },
	{ SYS_ioctl, IOCTL_EVTCHN_RESTRICT_DOMID }, { SYS_ioctl, IOCTL_EVTCHN_RESET }, { SYS_ioctl, TIOCSTI },
	{ SYS_ioctl, FIONBIO }, { SYS_ioctl, 0 }, { SYS_ioctl, IOCTL_EVTCHN_NOTIFY + 1 },
	{ SYS_ioctl, HIGH | IOCTL_GNTDEV_MAP_GRANT_REF }, { SYS_ioctl, HIGH }, { SYS_ioctl, ~0ul },
	{ SYS_io_uring_setup, 0 }, { SYS_io_uring_register, 0 }, { SYS_io_setup, 0 }, { SYS_io_submit, 0 },
	{ SYS_open, 0 }, { SYS_openat, 0 }, { SYS_openat2, 0 }, { SYS_creat, 0 }, { SYS_open_by_handle_at, 0 },
	{ SYS_memfd_create, 0 }, { SYS_ftruncate, 0 }, { SYS_truncate, 0 }, { SYS_unlinkat, 0 },
	{ SYS_rename, 0 }, { SYS_linkat, 0 }, { SYS_mknodat, 0 }, { SYS_fchmod, 0 }, { SYS_fchown, 0 }, { SYS_stat, 0 },
	{ SYS_getdents64, 0 }, { SYS_splice, 0 }, { SYS_dup, 0 }, { SYS_dup2, 0 }, { SYS_pipe2, 0 },
	{ SYS_socket, 0 }, { SYS_socketpair, 0 }, { SYS_connect, 0 }, { SYS_bind, 0 }, { SYS_accept4, 0 },
	{ SYS_sendto, 4096 }, { SYS_sendto, HIGH }, { SYS_sendmsg, 0 }, { SYS_sendmmsg, 0 }, { SYS_recvmsg, 0 },
	{ SYS_fork, 0 }, { SYS_vfork, 0 }, { SYS_clone, 0 }, { SYS_clone3, 0 }, { SYS_execve, 0 }, { SYS_execveat, 0 },
	{ SYS_ptrace, 0 }, { SYS_process_vm_readv, 0 }, { SYS_process_vm_writev, 0 }, { SYS_kill, 0 },
	{ SYS_pidfd_open, 0 }, { SYS_pidfd_getfd, 0 }, { SYS_pidfd_send_signal, 0 }, { SYS_prlimit64, 0 },
	{ SYS_setuid, 0 }, { SYS_setresuid, 0 }, { SYS_setgroups, 0 }, { SYS_capset, 0 }, { SYS_prctl, 0 },
	{ SYS_arch_prctl, 0 }, { SYS_seccomp, 0 }, { SYS_chroot, 0 }, { SYS_mount, 0 }, { SYS_unshare, 0 },
	{ SYS_setns, 0 }, { SYS_bpf, 0 }, { SYS_perf_event_open, 0 }, { SYS_userfaultfd, 0 }, { SYS_keyctl, 0 },
	{ SYS_shmget, 0 }, { SYS_shmat, 0 }, { SYS_msgget, 0 }, { SYS_iopl, 0 }, { SYS_ioperm, 0 },
	{ SYS_modify_ldt, 0 }, { SYS_init_module, 0 }, { SYS_kexec_load, 0 }, { SYS_reboot, 0 }, { 9999, 0 },
	{ X32 | SYS_getpid, 0 }, { X32 | SYS_openat, 0 }, { -1, 0 },
};
/* Each kind has these for itself. */
static const struct escape blkback_escapes[] = {
	{ SYS_fallocate, 0 },
	{ SYS_ioctl, IOCTL_GNTDEV_GRANT_COPY }, { SYS_ioctl, HIGH | IOCTL_GNTDEV_GRANT_COPY }, { SYS_ioctl, TUNSETOFFLOAD },
};
static const struct escape threads_escapes[] = {
	{ SYS_io_uring_enter, 0 }, { SYS_ioctl, IOCTL_GNTDEV_GRANT_COPY }, { SYS_ioctl, TUNSETOFFLOAD },
};
static const struct escape nbd_escapes[] = {
	{ SYS_io_uring_enter, 0 }, { SYS_fallocate, 0 }, { SYS_ioctl, IOCTL_GNTDEV_GRANT_COPY }, { SYS_ioctl, TUNSETOFFLOAD },
};
static const struct escape netback_escapes[] = { { SYS_io_uring_enter, 0 }, { SYS_fallocate, 0 } };
static const struct escape *escape;

static void escape_try(void)
{
	syscall(escape->number, 0, escape->argument, 0, 0, escape->argument, 0);
}

static void none_escapes(const struct process_rights *rights, const struct escape *all, size_t count)
{
	struct sandbox box = device_box(rights);

	for (escape = all; escape < all + count; escape++) {
		int status = released(boxed(&box, escape_try));

		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "call %ld, %#lx: status %#x",
			      escape->number, escape->argument, status);
	}
}

START_TEST(no_escapes)
{
	none_escapes(processes[_i], escapes, ARRAY_LEN(escapes));
	if (processes[_i] == &process_blkback)
		none_escapes(processes[_i], blkback_escapes, ARRAY_LEN(blkback_escapes));
	else if (processes[_i] == &process_blkback_threads)
		none_escapes(processes[_i], threads_escapes, ARRAY_LEN(threads_escapes));
	else if (processes[_i] == &process_blkback_nbd)
		none_escapes(processes[_i], nbd_escapes, ARRAY_LEN(nbd_escapes));
	else
		none_escapes(processes[_i], netback_escapes, ARRAY_LEN(netback_escapes));
}
END_TEST

static int thread(void *arg) __attribute__((no_sanitize("address", "undefined")));
static int thread(void *arg)
{
	(void)arg;
	syscall(X32 | SYS_getpid);
	syscall(SYS_exit, 0);
	return 0;
}

/* Wait for a thread that makes such a call. */
static void other_thread(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	static int alive = 1;

	if (clone(thread, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		  CLONE_SYSVSEM | CLONE_CHILD_CLEARTID, NULL, NULL, NULL, &alive) < 0)
		syscall(SYS_exit_group, 9);
	while (__atomic_load_n(&alive, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &alive, FUTEX_WAIT, 1, NULL, NULL, 0);
}

/* It is not just the thread that ends. */
START_TEST(all_threads_end)
{
	struct sandbox box = { .calls = "clone" };
	int status = released(boxed(&box, other_thread));

	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "status %#x", status);
}
END_TEST

static int pair[2], null;
static struct io_uring ring;
static const struct process_rights *serves;

#define NEED(condition) do { if (!(condition)) syscall(SYS_exit_group, __LINE__ % 200 + 1); } while (0)

static void io(void)
{
	struct io_uring_cqe *cqe;

	io_uring_prep_nop(io_uring_get_sqe(&ring));
	NEED(io_uring_submit(&ring) == 1);
	NEED(io_uring_wait_cqe(&ring, &cqe) == 0 && cqe->res == 0);
}

/* All that serving a device takes. */
static void work(void)
{
	struct pollfd wait = { .fd = pair[1], .events = POLLIN };
	char text[4] = "";
	struct iovec iov[] = { { text, 1 }, { text + 1, 1 } };
	void *va;

	for (const unsigned int *r = serves->requests; *r; r++) {
		NEED(ioctl(null, *r, NULL) < 0 && errno == ENOTTY);
		/* The kernel does not see the high half. */
		NEED(syscall(SYS_ioctl, null, HIGH | *r, NULL) < 0 && errno == ENOTTY);
	}
	NEED(send(pair[0], "abc", 4, MSG_NOSIGNAL) == 4);
	NEED(poll(&wait, 1, -1) == 1);
	NEED(recv(pair[1], text, sizeof text, MSG_DONTWAIT | MSG_TRUNC) == 4 && strcmp(text, "abc") == 0);
	if (serves == &process_blkback)
		io();
	if (serves == &process_blkback_threads)
		NEED(pwritev(null, iov, 2, 0) == 2 && preadv(null, iov, 2, 0) == 0 && fdatasync(null) < 0 &&
		     fallocate(null, 0, 0, 1) < 0);
	if (serves == &process_blkback_nbd)
		NEED(shutdown(null, SHUT_WR) < 0 && errno == ENOTSOCK);
	NEED(writev(null, iov, 2) == 2 && readv(null, iov, 2) == 0);
	va = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(va != MAP_FAILED && munmap(va, 4096) == 0);
	NEED(write(null, "x", 1) == 1 && read(null, text, 1) == 0 && close(null) == 0);
}

START_TEST(what_is_needed_works)
{
	struct sandbox box = device_box(serves = processes[_i]);

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	null = open("/dev/null", O_RDWR);
	ck_assert_int_eq(io_uring_queue_init(4, &ring, 0), 0);
	ck_assert_int_eq(released(boxed(&box, work)), 0);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, identity, threads_that_were_there_before, forbidden_calls_kill,
			      no_way_without, all_threads_end);

	tcase_add_loop_test(c, no_escapes, 0, ARRAY_LEN(processes));
	tcase_add_loop_test(c, what_is_needed_works, 0, ARRAY_LEN(processes));
	return check_run("sandbox", c);
}
