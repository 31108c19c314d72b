/* The confined child that unpacks kernels: the only place a payload is parsed in dom0.
 *
 * Parent and child share two mappings: a page for the child's answer, and the file that the bytes go to.
 * The child gives up its descriptors, its user, and every system call but memory and exit before it looks
 * at the first byte of the kernel.
 * Rules: the parent believes only the exit status and a size that it checks against the room; the text
 * of a refusal is copied once and tamed.
 * Neighbours: lib/image has the decoders, kernel_cache.c is the only caller.
 */
#include "toolstack/image/kernel_unpack.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/image/decompress.h"
#include "lib/image/elf.h"
#include "lib/image/payload.h"

enum {
	ANSWER_SIZE = 4096,
	CPU_SECONDS_MAX = 600, /* the slowest emulator with the biggest kernel */
	NOBODY = 65534,
};
/* Numbers that neither a shell nor a sanitizer exits with. */
enum child_exit { CHILD_UNPACKED = 40, CHILD_REFUSED = 41, CHILD_UNCONFINED = 42 };

struct answer {
	uint64_t size;
	char reason[160];
};

/* sigaltstack touches only the caller; the sanitizers' run time wants it. */
static int confine_calls(void)
{
	static const int allowed[] = {SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap),
		SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(exit_group), SCMP_SYS(exit),
		SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack)};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = filter ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

static int confine_user(void)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -errno;
	return 0;
}

static int confine(void)
{
	const struct rlimit cpu = {CPU_SECONDS_MAX, CPU_SECONDS_MAX}, none = {0, 0};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (setrlimit(RLIMIT_CPU, &cpu) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	if (syscall(SYS_close_range, 0u, ~0u, 0u) < 0 || setrlimit(RLIMIT_NOFILE, &none) < 0)
		return -errno;
	if (confine_user() < 0)
		return -EPERM;
	return confine_calls();
}

static void *decoder_alloc(void *opaque, size_t size)
{
	(void)opaque;
	return malloc(size);
}

static void decoder_free(void *opaque, void *p)
{
	(void)opaque;
	free(p);
}

/* Runs confined. Returns NULL or what is wrong. */
static const char *child_unpack(
	const void *file, size_t size, void *out, size_t room, size_t *out_size)
{
	static const struct decompress_memory memory = {NULL, decoder_alloc, decoder_free};
	struct pv_image_info image;
	struct payload payload;
	const char *wrong = payload_find(file, size, &payload);

	if (!wrong && payload.unpacked_size)
		room = payload.unpacked_size; /* no more than it claims: a bomb ends there */
	if (!wrong)
		wrong = payload_unpack(file, &payload, out, room, out_size, &memory);
	if (!wrong && payload.unpacked_size && *out_size != payload.unpacked_size)
		wrong = "kernel unpacks to less than it claims";
	if (!wrong)
		wrong = pv_image_parse(out, *out_size, &image);
	return wrong;
}

static _Noreturn void child_main(
	struct answer *a, const void *file, size_t size, void *out, size_t room)
{
	const char *wrong;
	size_t out_size = 0;

	if (confine() < 0)
		_exit(CHILD_UNCONFINED);
	wrong = child_unpack(file, size, out, room, &out_size);
	if (wrong)
		strncpy(a->reason, wrong, sizeof(a->reason) - 1);
	a->size = out_size;
	_exit(wrong ? CHILD_REFUSED : CHILD_UNPACKED);
}

static int answer_refused(const volatile struct answer *a, struct why *why)
{
	char reason[sizeof(a->reason)];

	for (size_t i = 0; i < sizeof(reason); i++)
		reason[i] = a->reason[i];
	reason[sizeof(reason) - 1] = '\0';
	why_set(why, -ENOEXEC, "not a kernel that can be started: %s", reason);
	why_hint(
		why, "needed: a Linux bzImage or ELF file with paravirtualization (CONFIG_XEN_PV)");
	return -ENOEXEC;
}

/* Judge the child's end. Returns 0 and *size. */
static int answer_read(const volatile struct answer *a, int status, uint64_t *size, struct why *why)
{
	if (WIFSIGNALED(status)) {
		why_set(why, -EIO, "unpacking the kernel failed: the child died: %s",
			strsignal(WTERMSIG(status)));
		if (WTERMSIG(status) == SIGBUS)
			why_hint(why, "is the kernel cache's file system full?");
		return -EIO;
	}
	if (WEXITSTATUS(status) == CHILD_UNCONFINED)
		return why_set(why, -EPERM, "the child that unpacks kernels could not be confined");
	if (WEXITSTATUS(status) == CHILD_REFUSED)
		return answer_refused(a, why);
	if (WEXITSTATUS(status) != CHILD_UNPACKED)
		return why_set(why, -EIO, "unpacking the kernel failed: the child exited with %d",
			WEXITSTATUS(status));
	*size = a->size;
	if (*size == 0 || *size > PAYLOAD_UNPACKED_MAX)
		return why_set(why, -EIO, "unpacking the kernel failed: impossible size");
	return 0;
}

static int wait_child(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int run_child(struct answer *a, const void *file, size_t size, void *out, uint64_t *out_size,
	struct why *why)
{
	int status = 0, rc;
	pid_t pid = fork();

	if (pid == 0)
		child_main(a, file, size, out, PAYLOAD_UNPACKED_MAX);
	rc = pid < 0 ? -errno : wait_child(pid, &status);
	if (rc < 0)
		return why_set(why, rc, "a process to unpack the kernel: %s", strerror(-rc));
	return answer_read(a, status, out_size, why);
}

/* Shared with the child: @fd, or nothing when it is -1. NULL when it cannot be. */
static void *share(int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int kernel_unpack(int out, const void *file, size_t size, struct why *why)
{
	struct answer *answer = share(-1, ANSWER_SIZE);
	void *room =
		ftruncate(out, PAYLOAD_UNPACKED_MAX) < 0 ? NULL : share(out, PAYLOAD_UNPACKED_MAX);
	uint64_t out_size = 0;
	int rc;

	if (answer && room)
		rc = run_child(answer, file, size, room, &out_size, why);
	else
		rc = why_set(why, -ENOMEM, "no room to unpack the kernel: %s", strerror(errno));
	if (answer)
		munmap(answer, ANSWER_SIZE);
	if (room)
		munmap(room, PAYLOAD_UNPACKED_MAX);
	if (rc == 0 && ftruncate(out, (off_t)out_size) < 0)
		rc = why_set(why, -errno, "unpacked kernel: %s", strerror(errno));
	return rc;
}
