/* Processes map what backendd reserved for them, by mmap(); it counts that, and so gives it back for them, too. A network back
 * end copies each packet by grant: the kernel does not tell whose, so that its process can reach all that is granted to dom0. */
#include "dom0/backend/process.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include "dom0/lib/daemon.h"
#include "dom0/lib/log.h"
#include "protocol/dom0/evtchn.h"
#include "protocol/dom0/gntdev.h"

#define LOG_DIR	"/var/log/bothy"

/* Address space. Of the guest's pages it bounds those that a process has given back and keeps mapped all the same. */
#define MEMORY_BYTES	(128u << 20)
static_assert(MEMORY_BYTES >= 4 * LINK_BLOCK_PAGES * 4096, "there is room for the guest's pages");

#define COMMON_REQUESTS \
	IOCTL_EVTCHN_BIND_INTERDOMAIN, IOCTL_EVTCHN_UNBIND, IOCTL_EVTCHN_NOTIFY

static const unsigned int blkback_requests[] = { COMMON_REQUESTS, 0 };
static const unsigned int netback_requests[] = { COMMON_REQUESTS, IOCTL_GNTDEV_GRANT_COPY, TUNSETOFFLOAD, 0 };

const struct process_rights process_blkback = { "sendto recvfrom io_uring_enter io_uring_register", blkback_requests };
const struct process_rights process_blkback_threads = { "sendto recvfrom preadv pwritev fdatasync fallocate", blkback_requests };
const struct process_rights process_blkback_nbd = { "sendto recvfrom shutdown", blkback_requests };
const struct process_rights process_netback = { "sendto recvfrom", netback_requests };

struct link_start process_begin(const char *name)
{
	static struct link_message m;
	size_t bytes;
	int err;

	log_open(name);
	daemon_log_to(LOG_DIR, name);
	/* backendd may have gone. */
	err = link_receive(LINK_FD_SOCKET, &m, &bytes, 0);
	if (!err && (m.type != LINK_START || bytes != sizeof m.start))
		err = -EPROTO;
	if (err)
		daemon_fail("backendd", err);
	return m.start;
}

void process_confine(const struct process_rights *rights, uid_t uid)
{
	struct sandbox box = {
		.uid = uid, .root = "/run/empty", .calls = rights->calls, .requests = rights->requests,
	};
	struct rlimit memory = { MEMORY_BYTES, MEMORY_BYTES };

	if (setrlimit(RLIMIT_AS, &memory) < 0)
		daemon_fail("limit of memory", -errno);
	sandbox_enter(&box);
}
