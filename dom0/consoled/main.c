/* consoled: guests' consoles and the hypervisor's log.
 *
 *   consoled [--log-dir DIR] [--run-dir DIR]        in dom0
 *   consoled --ring FILE[=NAME] --log-dir DIR       on any host: one ring in a shared file, polled
 *
 * For each introduced domain with console nodes in the store: the ring to guest-NAME.log, to a pty whose name goes to
 * ~/console/tty, and to each `bothy console`, which comes by a socket in the run directory. So for each further console N
 * that the guest connects (secondary.h), whose log is guest-NAME:N.log. It holds nothing a restart loses: a successor finds
 * the domains in the store, binds the same ports and continues each ring where it stands. Start reading at guest.c. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/consoled/guest.h"
#include "dom0/consoled/hvlog.h"
#include "dom0/consoled/reception.h"
#include "dom0/consoled/roster.h"
#include "dom0/lib/daemon.h"
#include "dom0/lib/doors.h"
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "dom0/lib/sandbox.h"
#include "dom0/lib/store_client.h"
#include "protocol/xen.h"

#define STORE_WAIT_MS 30000u
#define POLL_NS 10000000u

static struct daemon {
	const char *log_dir, *run_dir, *ring;
	struct loop loop;
	struct doors doors;
	uint32_t log_port;	/* VIRQ_CON_RING */
	struct hvlog hvlog;
	struct roster roster;
	struct reception reception;
	struct loop_source events;
	struct loop_timer poll;
	struct guest *plain;
} cd = { .log_dir = "/var/log/bothy", .run_dir = "/run/bothy" };

static void usage(void)
{
	fputs("usage: consoled [--log-dir DIR] [--run-dir DIR]\n"
	      "       consoled --ring FILE[=NAME] --log-dir DIR\n", stderr);
	exit(2);
}

static void options_read(int argc, char **argv)
{
	static const struct option options[] = {
		{ "log-dir", required_argument, NULL, 'l' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "ring", required_argument, NULL, 'R' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'l': cd.log_dir = optarg; break;
		case 'r': cd.run_dir = optarg; break;
		case 'R': cd.ring = optarg; break;
		default: usage();
		}
	if (optind != argc)
		usage();
}

static int directory_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		daemon_fail(path, -errno);
	return fd;
}

/* ---- a ring in a file, without a hypervisor ---- */

static int file_ring_map(void *arg, uint16_t domid, uint32_t ref, void **page)
{
	int fd = open(arg, O_RDWR | O_CLOEXEC);
	void *va;

	(void)domid;
	(void)ref;
	if (fd < 0)
		return -errno;
	va = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (va == MAP_FAILED)
		return -errno;
	*page = va;
	return 0;
}

static void file_ring_unmap(void *arg, uint16_t domid, void *page)
{
	(void)arg;
	(void)domid;
	munmap(page, 4096);
}

static int file_port_bind(void *arg, uint16_t domid, uint32_t remote, uint32_t *port)
{
	(void)arg;
	(void)domid;
	*port = remote;
	return 0;
}

static void file_port_none(void *arg, uint32_t port)
{
	(void)arg;
	(void)port;
}

static void poll_expired(struct loop_timer *t)
{
	guest_event(cd.plain);
	loop_timer_arm(&cd.loop, t, POLL_NS);
}

static void plain_start(void)
{
	static struct ring_host host = {
		.ring_map = file_ring_map, .ring_unmap = file_ring_unmap,
		.port_bind = file_port_bind, .port_unbind = file_port_none,
		.port_notify = file_port_none,
	};
	struct sandbox box = { .calls = "openat renameat rename ioctl" };
	char *file = mem_dup(cd.ring, strlen(cd.ring)), *name = strchr(file, '=');
	int err;

	if (name)
		*name++ = '\0';
	host.arg = file;
	err = guest_attach(&cd.plain, &cd.loop, &host, &(struct guest_ring){ .domid = 1, .port = 1 },
			   name ? name : "plain", directory_open(cd.log_dir), directory_open("/dev"));
	if (err)
		daemon_fail(file, err);
	printf("%s\n", cd.plain->pty.name);
	fflush(stdout);
	cd.poll.expired = poll_expired;
	loop_timer_arm(&cd.loop, &cd.poll, POLL_NS);
	sandbox_enter(&box);
}

/* ---- under the hypervisor ---- */

static void events_ready(struct loop_source *src, uint32_t ready)
{
	uint32_t port;
	int err;

	(void)src;
	(void)ready;
	while ((err = doors_event(&cd.doors, &port)) == 0)
		if (port == cd.log_port)
			hvlog_read(&cd.hvlog);
		else
			roster_event(&cd.roster, port);
	if (err == -EFBIG) {
		hvlog_read(&cd.hvlog);
		roster_event_all(&cd.roster);
	}
}

static bool prepare(struct loop *l, void *arg)
{
	(void)l;
	(void)arg;
	/* Events that came with a reply are in no descriptor: look before sleeping. */
	return roster_follow(&cd.roster);
}

static void log_dir_make(void)
{
	daemon_directory_make(cd.log_dir, 0770);
	if (chown(cd.log_dir, 0, BOTHY_GID) < 0 || chmod(cd.log_dir, 0770) < 0)
		daemon_fail(cd.log_dir, -errno);
}

static int index_open(void)
{
	char *path = mem_printf("%s/hypervisor-log-index", cd.run_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		daemon_fail(path, -errno);
	free(path);
	return fd;
}

static void reception_start(void)
{
	char *path = mem_printf("%s/console", cd.run_dir);
	int fd = reception_listen(path), err = fd < 0 ? fd : 0;

	cd.reception = (struct reception){ .loop = &cd.loop, .find = roster_find, .arg = &cd.roster };
	if (!err)
		err = reception_open(&cd.reception, fd);
	if (err)
		daemon_fail(path, err);
	free(path);
}

static void dom0_start(void)
{
	struct sandbox box = {
		.uid = CONSOLED_UID, .root = STORE_DIR,
		.calls = "openat open renameat rename ioctl fcntl socket connect accept4 sendto recvfrom",
	};
	struct store *store;
	const char *what;
	int err, log_dir;

	log_dir_make();
	daemon_log_to(cd.log_dir, "consoled");
	daemon_directory_make(cd.run_dir, 0755);
	log_dir = directory_open(cd.log_dir);
	err = doors_open(&cd.doors, &what);
	if (err)
		daemon_fail(what, err);
	err = evtchn_bind_virq(&cd.doors.events, VIRQ_CON_RING, &cd.log_port);
	if (err)
		daemon_fail("VIRQ_CON_RING", err);
	daemon_source_add(&cd.loop, &cd.events, cd.doors.events.fd, events_ready);
	err = hvlog_open(&cd.hvlog, &cd.doors.hypercalls, log_dir, index_open());
	if (err)
		daemon_fail("hypervisor.log", err);
	err = store_open(&store, NULL, STORE_WAIT_MS);
	if (err)
		daemon_fail("store", err);
	store_set_path(store, STORE_SOCKET_IN_DIR);
	roster_open(&cd.roster, &cd.loop, store, &cd.doors, log_dir, directory_open("/dev"));
	reception_start();
	cd.loop.prepare = prepare;
	sandbox_enter(&box);
	hvlog_read(&cd.hvlog);
	err = roster_watch(&cd.roster);
	if (err)
		daemon_fail("watches", err);
}

int main(int argc, char **argv)
{
	log_open("consoled");
	umask(027);
	options_read(argc, argv);
	daemon_loop_open(&cd.loop);
	if (cd.ring)
		plain_start();
	else
		dom0_start();
	daemon_serve(&cd.loop);
	if (cd.plain)
		guest_detach(cd.plain);
	return 0;
}
