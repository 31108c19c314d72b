/* The sandbox, looked at from outside: who the process is afterwards, and what ends it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/lib/sandbox.h"
#include "tests/unit/check_main.h"

static int ready[2], go[2];

/* Start a child that enters @box, says so, waits, and calls @then. */
static pid_t boxed(const struct sandbox *box, void (*then)(void))
{
	char byte = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(ready) | pipe(go), 0);
	pid = fork();
	if (pid == 0) {
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

/* The value of one line of /proc/PID/status. */
static const char *status_of(pid_t pid, const char *key)
{
	static char line[256];
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f))
		if (strncmp(line, key, strlen(key)) == 0)
			break;
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return line + strlen(key);
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

START_TEST(identity)
{
	struct sandbox box = { .uid = XENSTORED_UID, .root = "/tmp", .calls = "ioctl" };
	pid_t pid = boxed(&box, nothing);
	char path[64], root[64];
	ssize_t n;

	ck_assert_str_eq(status_of(pid, "Uid:"), "\t901\t901\t901\t901");
	ck_assert_str_eq(status_of(pid, "Gid:"), "\t900\t900\t900\t900");
	ck_assert_str_eq(status_of(pid, "CapEff:"), "\t0000000000000000");
	ck_assert_str_eq(status_of(pid, "NoNewPrivs:"), "\t1");
	ck_assert_str_eq(status_of(pid, "Seccomp:"), "\t2");
	snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
	n = readlink(path, root, sizeof root - 1);
	ck_assert_int_gt(n, 0);
	root[n] = '\0';
	ck_assert_str_eq(root, "/tmp");
	ck_assert_int_eq(released(pid), 0);
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

CHECK_MAIN("sandbox", NULL, NULL, identity, forbidden_calls_kill, no_way_without)
