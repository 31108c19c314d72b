/* backendd: starts a process for each device that dom0's own back ends serve, and successors of those that die.
 *
 *   backendd [--run-dir DIR] [--log-dir DIR] [--blkback PROGRAM] [--netback PROGRAM]
 *
 * It is root and in no sandbox: it opens any disk and device, makes network interfaces, and maps grants for processes that must not. What these say
 * is hostile, as is what guests write to the store. Nothing is lost with it: its processes end, it finds devices in the store and
 * records in DIR, and starts their successors. Start reading at device.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "dom0/backendd/roster.h"
#include "dom0/lib/daemon.h"
#include "dom0/lib/log.h"
#include "dom0/lib/store_loop.h"

#define STORE_WAIT_MS 30000u

static struct {
	const char *run_dir, *log_dir;
	struct loop loop;
	struct roster roster;
	struct store_loop store;
} bd = { .run_dir = "/run/backendd", .log_dir = "/var/log/bothy", 
	.roster.host.program = { [DEVICE_VBD] = "/bin/blkback", [DEVICE_VIF] = "/bin/netback" } };

static void options_read(int argc, char **argv)
{
	static const struct option options[] = {
		{ "run-dir", required_argument, NULL, 'r' },
		{ "log-dir", required_argument, NULL, 'l' },
		{ "blkback", required_argument, NULL, 'b' },
		{ "netback", required_argument, NULL, 'n' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1 || optind != argc)
		switch (c) {
		case 'r': bd.run_dir = optarg; break;
		case 'l': bd.log_dir = optarg; break;
		case 'b': bd.roster.host.program[DEVICE_VBD] = optarg; break;
		case 'n': bd.roster.host.program[DEVICE_VIF] = optarg; break;
		default:
			fputs("usage: backendd [--run-dir DIR] [--log-dir DIR] [--blkback PROGRAM] [--netback PROGRAM]\n",
			      stderr);
			exit(2);
		}
}

static void store_ready(struct loop_source *src, uint32_t ready)
{
	(void)src;
	(void)ready;
	roster_look(&bd.roster);
}

static bool prepare(struct loop *l, void *arg)
{
	bool more = roster_look(&bd.roster);

	(void)arg;
	store_loop_follow(&bd.store, l, bd.roster.host.store, store_ready);
	return more;
}

int main(int argc, char **argv)
{
	int err;

	log_open("backendd");
	umask(027);
	options_read(argc, argv);
	daemon_log_to(bd.log_dir, "backendd");
	daemon_directory_make(bd.run_dir, 0700);
	daemon_directory_make("/run/empty", 0755);
	daemon_loop_open(&bd.loop);
	bd.loop.prepare = prepare;
	bd.roster.host.loop = &bd.loop;
	bd.roster.host.run_dir = bd.run_dir;
	err = store_open(&bd.roster.host.store, NULL, STORE_WAIT_MS);
	if (err)
		daemon_fail("store", err);
	err = roster_start(&bd.roster);
	if (err)
		daemon_fail("watch of " DEVICES_DIR, err);
	daemon_serve(&bd.loop);
	return 0;
}
