/* What a device's process would try that its guest has taken over, tried on the machine.
 *
 * backendd starts this program for blkback or netback, by whose name it is called, with their descriptors. It makes a child
 * for each attempt, which enters the sandbox with the rights that such a process has (for a disk that is only read: those
 * of one whose threads do its work), as the process itself would, and tries. Each attempt is made without the sandbox, too, where it must succeed: else its refusal
 * would say nothing. One line of the log for each; how many succeeded is then told as the reason why the device is refused.
 * What a process may ask of backendd is in the unit test of the broker. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/backend/port.h"
#include "dom0/backend/process.h"
#include "dom0/blkback/disk_ring.h"
#include "dom0/lib/daemon.h"
#include "protocol/dom0/evtchn.h"
#include "protocol/dom0/gntdev.h"

#define MAKES_NO_SENSE	0x00470000	/* a place in the grant device that nobody reserved */
#define VIRQ_UNUSED	4		/* global, and none of the kernel's */

static struct link_start start;
static pid_t backendd;
static uint16_t guest;
static bool outside;		/* the attempt is made without the sandbox */
static uint32_t port;		/* of dom0's own, which is for dom0 */
static int ports;		/* whose it is */
static struct disk_ring ring;		/* as blkback's */
static struct io_uring other_ring;	/* without its restrictions */
static struct sockaddr_in server;	/* of the disk */
static char secret[8] = "secret";

/* What a call gave, as an error if it is one. */
static long result(long n)
{
	return n < 0 ? -errno : n;
}
#define CALL(...) result(syscall(__VA_ARGS__))

/* ---- files ---- */

static long file_open(void) { return CALL(SYS_open, "/etc/passwd", O_RDONLY); }
static long file_openat(void) { return CALL(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }
static long file_make(void) { return CALL(SYS_openat, AT_FDCWD, "/run/escape", O_RDWR | O_CREAT, 0600); }
static long file_remove(void) { return CALL(SYS_unlinkat, AT_FDCWD, "/run/escape", 0); }
static long privcmd_open(void) { return CALL(SYS_openat, AT_FDCWD, "/dev/xen/privcmd", O_RDWR); }
static long memory_open(void) { return CALL(SYS_openat, AT_FDCWD, "/proc/1/mem", O_RDWR); }
static long memory_much(void)
{
	return mmap(NULL, 256 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -errno : 0;
}

static long memfd(void) { return CALL(SYS_memfd_create, "", 0); }
static long root_change(void) { return CALL(SYS_chroot, "/"); }
static long of_disk(void)
{
	int bytes;

	return CALL(SYS_ioctl, LINK_FD_DISK, FIGETBSZ, &bytes);
}

static long device_make(void)
{
	long err = CALL(SYS_mknodat, AT_FDCWD, "/run/escape-device", S_IFBLK | 0600, makedev(7, 0));

	return err ? err : CALL(SYS_unlinkat, AT_FDCWD, "/run/escape-device", 0);
}

static long file_system(void)
{
	long err = CALL(SYS_mount, "none", "/run/empty", "tmpfs", 0, NULL);

	return err ? err : CALL(SYS_umount2, "/run/empty", 0);
}

/* ---- processes ---- */

static long process_fork(void)
{
	long pid = CALL(SYS_fork);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long process_clone(void)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} args = { .exit_signal = SIGCHLD };
	long pid = CALL(SYS_clone3, &args, sizeof args);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long program(void)
{
	char *argv[] = { "true", NULL }, *environment[] = { NULL };

	return CALL(SYS_execve, "/bin/busybox", argv, environment);
}

static long others_memory(void)
{
	char got[sizeof secret];
	struct iovec here = { got, sizeof got }, there = { secret, sizeof secret };

	return CALL(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0);
}

static long trace(void) { return CALL(SYS_ptrace, PTRACE_SEIZE, backendd, NULL, NULL); }
static long signal_send(void) { return CALL(SYS_kill, backendd, 0); }
static long signal_thread(void) { return CALL(SYS_tkill, backendd, 0); }
static long signal_of_group(void) { return CALL(SYS_tgkill, 1, 1, 0); }
static long process_hold(void) { return CALL(SYS_pidfd_open, backendd, 0); }
static long limits(void) { return CALL(SYS_prlimit64, backendd, RLIMIT_NOFILE, NULL, &(struct rlimit){ 0 }); }
static long be_root(void) { return CALL(SYS_setresuid, 0, 0, 0); }
static long keep_rights(void) { return CALL(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0); }
static long namespace(void) { return CALL(SYS_unshare, CLONE_NEWNS); }
static long io_ports(void) { return CALL(SYS_iopl, 3); }

static long counters(void)
{
	struct perf_event_attr a = { .type = PERF_TYPE_SOFTWARE, .size = sizeof a, .config = PERF_COUNT_SW_CPU_CLOCK };

	return CALL(SYS_perf_event_open, &a, -1, 0, -1, 0);
}

static long kernel_program(void)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	return CALL(SYS_bpf, BPF_MAP_CREATE, &a, sizeof a);
}

/* ---- sockets ---- */

static long socket_internet(void) { return CALL(SYS_socket, AF_INET, SOCK_STREAM, 0); }
static long socket_of_kernel(void) { return CALL(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }
static long sockets(void) { return CALL(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }); }

static long store_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket" };
	long fd = CALL(SYS_socket, AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? fd : CALL(SYS_connect, fd, &a, sizeof a);
}

static long descriptor_send(void)
{
	int pair[2];
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c = { .h = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr m = { .msg_iov = &(struct iovec){ secret, 1 }, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c };

	if (outside && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -errno;
	return CALL(SYS_sendmsg, outside ? pair[0] : LINK_FD_SOCKET, &m, 0);
}

/* To another server, as a socket that has lost its connection could be: the list of calls does not let an address pass. */
static long server_other(void)
{
	int fd = outside ? socket(AF_INET, SOCK_STREAM, 0) : LINK_FD_DISK;

	return CALL(SYS_sendto, fd, "", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &server, sizeof server);
}

/* ---- grants ---- */

static long grant_map(void)
{
	struct ioctl_gntdev_map_grant_ref op = { .count = 1, .refs = { { .domid = guest, .ref = GNTTAB_RESERVED_CONSOLE } } };

	return CALL(SYS_ioctl, LINK_FD_GRANTS, IOCTL_GNTDEV_MAP_GRANT_REF, &op);
}

/* backendd counts. */
static long grant_give_back(void)
{
	struct gntdev g = { LINK_FD_GRANTS };
	uint32_t ref = GNTTAB_RESERVED_CONSOLE;
	uint64_t index = MAKES_NO_SENSE;
	int err = outside ? gntdev_reserve(&g, guest, &ref, 1, &index) : 0;

	return err ? err : gntdev_unreserve(&g, index, 1);
}

/* What the kernel looks at is the low half. */
static long grant_map_disguised(void)
{
	struct ioctl_gntdev_map_grant_ref op = { .count = 1, .refs = { { .domid = guest, .ref = GNTTAB_RESERVED_XENSTORE } } };

	return CALL(SYS_ioctl, LINK_FD_GRANTS, 1ul << 32 | IOCTL_GNTDEV_MAP_GRANT_REF, &op);
}

static long grant_copy(void)
{
	char page[64];
	struct gntdev_grant_copy_segment s = {
		.source.foreign = { .ref = GNTTAB_RESERVED_XENSTORE, .domid = guest }, .dest.virt = (uint64_t)(uintptr_t)page,
		.len = sizeof page, .flags = GNTCOPY_source_gref,
	};
	struct ioctl_gntdev_grant_copy op = { .count = 1, .segments = (uint64_t)(uintptr_t)&s };

	return CALL(SYS_ioctl, LINK_FD_GRANTS, IOCTL_GNTDEV_GRANT_COPY, &op);
}

/* A page that it had not asked backendd for. */
static long grant_unreserved(void)
{
	uint64_t index = MAKES_NO_SENSE;
	struct gntdev g = { LINK_FD_GRANTS };
	uint32_t ref = GNTTAB_RESERVED_CONSOLE;
	int err = outside ? gntdev_reserve(&g, guest, &ref, 1, &index) : 0;

	if (err)
		return err;
	return mmap(NULL, PV_PAGE, PROT_READ, MAP_SHARED, LINK_FD_GRANTS, (off_t)index) == MAP_FAILED ? -errno : 0;
}

/* ---- event channels ---- */

/* The device's descriptor, or one as it was before it was bound to its guest. */
static int events(void)
{
	struct evtchn e = { LINK_FD_EVENTS };

	return !outside ? LINK_FD_EVENTS : evtchn_open(&e) ? -1 : e.fd;
}

static long event_bind(void)
{
	struct ioctl_evtchn_bind_interdomain op = { .remote_domain = 0, .remote_port = port };

	return CALL(SYS_ioctl, events(), IOCTL_EVTCHN_BIND_INTERDOMAIN, &op);
}

static long event_offer(void)
{
	return CALL(SYS_ioctl, events(), IOCTL_EVTCHN_BIND_UNBOUND_PORT, &(struct ioctl_evtchn_bind_unbound_port){ guest });
}

static long event_virq(void)
{
	return CALL(SYS_ioctl, events(), IOCTL_EVTCHN_BIND_VIRQ, &(struct ioctl_evtchn_bind_virq){ VIRQ_UNUSED });
}

static long event_restrict(void)
{
	return CALL(SYS_ioctl, events(), IOCTL_EVTCHN_RESTRICT_DOMID, &(struct ioctl_evtchn_restrict_domid){ guest + 1 });
}

static long event_reset(void) { return CALL(SYS_ioctl, events(), IOCTL_EVTCHN_RESET, NULL); }

static long event_raise(void)
{
	return CALL(SYS_ioctl, outside ? ports : LINK_FD_EVENTS, IOCTL_EVTCHN_NOTIFY, &(struct ioctl_evtchn_notify){ port });
}

static long event_unbind(void)
{
	return CALL(SYS_ioctl, outside ? ports : LINK_FD_EVENTS, IOCTL_EVTCHN_UNBIND, &(struct ioctl_evtchn_unbind){ port });
}

/* ---- the ring of a disk ---- */

static long ring_make(void) { return CALL(SYS_io_uring_setup, 1, &(struct io_uring_params){ 0 }); }

static long ring_free(void)
{
	return CALL(SYS_io_uring_register, outside ? other_ring.ring_fd : ring.ring.ring_fd, IORING_UNREGISTER_FILES, NULL, 0);
}

static struct io_uring *its_ring(void)
{
	return outside ? &other_ring : &ring.ring;
}

/* What became of the request that @prepare'd has last. */
static long ring_do(void)
{
	struct io_uring_cqe *cqe;
	int err = io_uring_submit_and_wait(its_ring(), 1);

	if (err >= 0)
		err = io_uring_peek_cqe(its_ring(), &cqe);
	if (err < 0)
		return err;
	err = cqe->res;
	io_uring_cqe_seen(its_ring(), cqe);
	return err;
}

static long ring_open(void)
{
	io_uring_prep_openat(io_uring_get_sqe(its_ring()), AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
	return ring_do();
}

static long ring_socket(void)
{
	io_uring_prep_socket(io_uring_get_sqe(its_ring()), AF_INET, SOCK_STREAM, 0, 0);
	return ring_do();
}

static long ring_connect(void)
{
	static struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = outside ? socket(AF_INET, SOCK_DGRAM, 0) : LINK_FD_SOCKET;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(80);
	io_uring_prep_connect(io_uring_get_sqe(its_ring()), fd, (struct sockaddr *)&a, sizeof a);
	return ring_do();
}

static long ring_send(void)
{
	int pair[2] = { LINK_FD_SOCKET };

	if (outside && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -errno;
	io_uring_prep_send(io_uring_get_sqe(its_ring()), pair[0], secret, 1, 0);
	return ring_do();
}

/* A descriptor that the ring does not have. */
static long ring_read(int fd, unsigned char flags)
{
	static char text[8];
	static struct iovec iov = { text, sizeof text };
	struct io_uring_sqe *sqe = io_uring_get_sqe(its_ring());

	io_uring_prep_readv(sqe, fd, &iov, 1, 0);
	io_uring_sqe_set_flags(sqe, flags);
	return ring_do();
}

static long ring_descriptor(void) { return ring_read(LINK_FD_RECORDS, 0); }
static long ring_number(void) { return ring_read(1, IOSQE_FIXED_FILE); }

/* Whatever else an operation may be called. */
static long ring_operations(void)
{
	for (unsigned int op = 0; op < 256; op++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(its_ring());
		long got;

		if (op == IORING_OP_READV || op == IORING_OP_WRITEV || op == IORING_OP_READ_FIXED || op == IORING_OP_WRITE_FIXED ||
		    op == IORING_OP_FSYNC || op == IORING_OP_FALLOCATE)
			continue;
		io_uring_prep_rw((int)op, sqe, 0, NULL, 0, 0);
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
		got = ring_do();
		/* Of those that it does not know the kernel says so first. */
		if (got != -EACCES && got != -EINVAL)
			return 0;
	}
	return -EACCES;
}

/* ---- a network's queues ---- */

static long tap_name(void)
{
	char request[64];

	return CALL(SYS_ioctl, LINK_FD_TAP, TUNGETIFF, request);
}

static long tap_stays(void) { return CALL(SYS_ioctl, LINK_FD_TAP, TUNSETPERSIST, 1); }

/* ---- what is tried ---- */

enum {
	RING = 1, THREADS = 2, NBD = 4, NET = 8,
	FILES = RING | THREADS, DISK = FILES | NBD, ALL = DISK | NET,
	KILLED = 0x10000,	/* the list of calls ends the process */
};

static const struct attempt {
	const char *what;
	long (*try)(void);	/* not negative: it succeeded */
	int kinds, outcome;	/* -Exxx, or KILLED */
} attempts[] = {
	{ "a file opened", file_open, ALL, KILLED },
	{ "a file opened by openat", file_openat, ALL, KILLED },
	{ "a file made", file_make, ALL, KILLED },
	{ "a file removed", file_remove, ALL, KILLED },
	{ "hypercalls", privcmd_open, ALL, KILLED },
	{ "memory of init", memory_open, ALL, KILLED },
	{ "much memory", memory_much, ALL, -ENOMEM },
	{ "a file in memory", memfd, ALL, KILLED },
	{ "a device's node", device_make, ALL, KILLED },
	{ "another request to the disk's file", of_disk, FILES, KILLED },
	{ "another root", root_change, ALL, KILLED },
	{ "a mount", file_system, ALL, KILLED },
	{ "fork", process_fork, ALL, KILLED },
	{ "clone3", process_clone, ALL, KILLED },
	{ "a program", program, ALL, KILLED },
	{ "memory of another process", others_memory, ALL, KILLED },
	{ "a trace of backendd", trace, ALL, KILLED },
	{ "a signal for backendd", signal_send, ALL, KILLED },
	{ "a signal for backendd's thread", signal_thread, ALL, -EPERM },
	{ "a signal for init's thread", signal_of_group, ALL, -EPERM },
	{ "a descriptor of backendd", process_hold, ALL, KILLED },
	{ "backendd's limits", limits, ALL, KILLED },
	{ "uid 0", be_root, ALL, KILLED },
	{ "capabilities kept", keep_rights, ALL, KILLED },
	{ "another name space", namespace, ALL, KILLED },
	{ "I/O ports", io_ports, ALL, KILLED },
	{ "perf events", counters, ALL, KILLED },
	{ "bpf", kernel_program, ALL, KILLED },
	{ "a socket", socket_internet, ALL, KILLED },
	{ "a socket of the kernel's", socket_of_kernel, ALL, KILLED },
	{ "a pair of sockets", sockets, ALL, KILLED },
	{ "the store's socket", store_connect, ALL, KILLED },
	{ "a descriptor sent", descriptor_send, ALL, KILLED },
	{ "another server", server_other, NBD, KILLED },
	{ "a grant mapped", grant_map, ALL, KILLED },
	{ "a grant mapped, disguised", grant_map_disguised, ALL, KILLED },
	{ "a grant given back", grant_give_back, ALL, KILLED },
	{ "a grant copied", grant_copy, DISK, KILLED },
	{ "a grant that is not reserved", grant_unreserved, ALL, -EINVAL },
	{ "an event channel of dom0's", event_bind, ALL, -EACCES },
	{ "an event channel offered", event_offer, ALL, KILLED },
	{ "a virtual interrupt", event_virq, ALL, KILLED },
	{ "events of another domain", event_restrict, ALL, KILLED },
	{ "events reset", event_reset, ALL, KILLED },
	{ "an event of another process", event_raise, ALL, -ENOTCONN },
	{ "an event of another process unbound", event_unbind, ALL, -ENOTCONN },
	{ "another ring", ring_make, ALL, KILLED },
	{ "the ring's file let go", ring_free, RING, KILLED },
	{ "a file opened by the ring", ring_open, RING, -EACCES },
	{ "a socket by the ring", ring_socket, RING, -EACCES },
	{ "a connection by the ring", ring_connect, RING, -EACCES },
	{ "a message by the ring", ring_send, RING, -EACCES },
	{ "a descriptor by the ring", ring_descriptor, RING, -EACCES },
	{ "a file that the ring does not have", ring_number, RING, -EBADF },
	{ "the ring's other operations", ring_operations, RING, -EACCES },
	{ "the tap device's name", tap_name, NET, KILLED },
	{ "the tap device's life", tap_stays, NET, KILLED },
};

static void rings_open(void)
{
	int err = outside ? io_uring_queue_init(8, &other_ring, 0) : disk_ring_open(&ring, LINK_FD_DISK, 8);

	if (!err && outside)
		err = io_uring_register_files(&other_ring, (int[2]){ LINK_FD_RECORDS, LINK_FD_RECORDS }, 2);
	if (err)
		daemon_fail("ring", err);
}

static NORETURN void attempt_make(const struct attempt *a, int kind, const struct process_rights *rights)
{
	long n;

	outside = !rights;
	if (kind == RING)
		rings_open();
	if (rights)
		process_confine(rights, start.uid);
	n = a->try();
	syscall(SYS_exit_group, n < 0 ? -n : 0);
	__builtin_unreachable();
}

/* Make the attempt in a child: 0 or what refused it, or -EIO for a child that ended otherwise. */
static int outcome(const struct attempt *a, int kind, const struct process_rights *rights)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		attempt_make(a, kind, rights);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		daemon_fail("fork", -errno);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : -EIO;
	return -WEXITSTATUS(status);
}

/* Have a port of dom0's that waits for dom0. */
static void port_offer(void)
{
	struct ioctl_evtchn_bind_unbound_port op = { .remote_domain = 0 };
	struct evtchn e;
	int err = evtchn_open(&e), n;

	if (err)
		daemon_fail("evtchn", err);
	ports = e.fd;
	n = ioctl(ports, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &op);
	if (n < 0)
		daemon_fail("port", -errno);
	port = (uint32_t)n;
}

/* Attempts that did not end as they should. */
static unsigned int kind_try(const char *name, int kind, const struct process_rights *rights, unsigned int *count)
{
	unsigned int bad = 0;

	port_offer();
	for (const struct attempt *a = attempts; a < attempts + ARRAY_LEN(attempts); a++) {
		int inside, without;

		if (!(a->kinds & kind))
			continue;
		inside = outcome(a, kind, rights);
		without = outcome(a, kind, NULL);
		++*count;
		if (inside == a->outcome && without == 0) {
			log_info("%s: %s: refused: %s", name, a->what, inside == KILLED ? "killed" : strerror(-inside));
			continue;
		}
		bad++;
		log_error("%s: %s: WRONG: %d, not %d; without a sandbox %d", name, a->what, inside, a->outcome, without);
	}
	return bad;
}

/* How many descriptors there are beyond @last, but for that of the log. */
static unsigned int descriptors(int last)
{
	unsigned int n = 0;

	for (int fd = last + 1; fd < 1024; fd++)
		n += fd != log_fd() && fcntl(fd, F_GETFD) >= 0;
	return n;
}

int main(int argc, char **argv)
{
	bool net = argc > 0 && strstr(argv[0], "netback");
	unsigned int count = 1, bad;
	static struct port p;
	socklen_t bytes = sizeof server;
	char text[64];

	start = process_begin("escapes");
	backendd = getppid();
	/* .../TYPE/DOMID/DEVICE */
	guest = (uint16_t)atoi(strstr(start.path, net ? "/vif/" : "/vbd/") + strlen("/vbd/"));
	port_open(&p);
	bad = descriptors(net ? LINK_FD_TAP + (int)start.rings - 1 : LINK_FD_DISK);
	log_info("%s: descriptors of others: %s", argv[0], bad ? "WRONG" : "refused: none");
	if (start.nbd && getpeername(LINK_FD_DISK, (struct sockaddr *)&server, &bytes) < 0)
		daemon_fail("server", -errno);
	if (net) {
		bad += kind_try("netback", NET, &process_netback, &count);
	} else if (start.nbd) {
		bad += kind_try("nbd", NBD, &process_blkback_nbd, &count);
	} else if (start.read_only) {
		bad += kind_try("threads", THREADS, &process_blkback_threads, &count);
	} else {
		bad += kind_try("disk", RING, &process_blkback, &count);
	}
	snprintf(text, sizeof text, "%u attempts, %u wrong", count, bad);
	port_refuse(&p, text);
}
