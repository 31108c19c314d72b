/* Dropping privileges: chroot, uid, no_new_privs, seccomp by libseccomp's names.
 *
 * The order matters: the root directory while we may, then the uid (which drops capabilities), then
 * the filter that forbids taking any of it back. */
#include "dom0/lib/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/io_uring.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "dom0/lib/log.h"

/* What any event loop with a heap needs. */
static const char common_calls[] =
	"read write readv writev pread64 pwrite64 close lseek fcntl fstat newfstatat "
	"epoll_wait epoll_pwait epoll_ctl poll ppoll nanosleep clock_nanosleep "
	"brk mmap munmap mremap madvise mprotect "
	"clock_gettime gettimeofday getpid gettid futex "
	"rt_sigreturn rt_sigprocmask rt_sigaction restart_syscall "
	"exit exit_group tgkill tkill";

static NORETURN void sandbox_fail(const char *what, int err)
{
	log_error("sandbox: %s: %s", what, strerror(err));
	exit(71);
}

static void root_change(const char *root)
{
	if (chroot(root) < 0)
		sandbox_fail(root, errno);
	if (chdir("/") < 0)
		sandbox_fail("chdir", errno);
}

static void uid_drop(uid_t uid)
{
	if (setgroups(0, NULL) < 0)
		sandbox_fail("setgroups", errno);
	if (setresgid(BOTHY_GID, BOTHY_GID, BOTHY_GID) < 0)
		sandbox_fail("setresgid", errno);
	if (setresuid(uid, uid, uid) < 0)
		sandbox_fail("setresuid", errno);
}

/* Calls that are allowed in one form only: an argument, masked, with its value. */
static const struct form {
	int nr;
	struct scmp_arg_cmp argument;
} forms[] = {
	/* With an address and MSG_FASTOPEN it connects a socket anew that has lost its connection, to anyone. */
	{ SCMP_SYS(sendto), SCMP_A4(SCMP_CMP_MASKED_EQ, UINT64_MAX, 0) },
	/* It can do things to rings that are not ours to do, and some without a ring. */
	{ SCMP_SYS(io_uring_register), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, IORING_REGISTER_BUFFERS_UPDATE) },
};

static int call_allow(scmp_filter_ctx ctx, int nr)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (forms[i].nr == nr)
			return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 1, forms[i].argument);
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
}

static void calls_allow(scmp_filter_ctx ctx, const char *names)
{
	char *copy = strdup(names), *save = NULL;

	if (!copy)
		sandbox_fail("list", ENOMEM);
	for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		int nr = seccomp_syscall_resolve_name(name), err;

		if (nr == __NR_SCMP_ERROR)
			sandbox_fail(name, ENOSYS);
		err = call_allow(ctx, nr);
		if (err)
			sandbox_fail(name, -err);
	}
	free(copy);
}

static void requests_allow(scmp_filter_ctx ctx, const unsigned int *requests)
{
	for (; *requests; requests++) {
		/* The kernel looks at the low half only. */
		int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					   SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, *requests));

		if (err)
			sandbox_fail("ioctl", -err);
	}
}

void sandbox_enter(const struct sandbox *s)
{
	scmp_filter_ctx ctx;
	int err;

	if (s->root)
		root_change(s->root);
	if (s->uid)
		uid_drop(s->uid);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		sandbox_fail("no_new_privs", errno);
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		sandbox_fail("seccomp", ENOMEM);
	/* A call of another ABI (32 bits, x32) would end no more than its thread. */
	err = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (err)
		sandbox_fail("seccomp", -err);
	/* Of all threads that there are. */
	err = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (err)
		sandbox_fail("seccomp", -err);
	calls_allow(ctx, common_calls);
	if (s->calls)
		calls_allow(ctx, s->calls);
	if (s->requests)
		requests_allow(ctx, s->requests);
	err = seccomp_load(ctx);
	if (err)
		sandbox_fail("seccomp_load", -err);
	seccomp_release(ctx);
}
