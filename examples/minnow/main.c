/* minnow: a small PV guest. It reads its disk, answers pings and echoes what comes to TCP port 7, until it is asked to
 * shut down.
 *
 * One loop, one vCPU, no interrupts: what has happened is called back for, then it sleeps. Start reading at
 * kernel_main(). Words of the command line:
 *   ip=A.B.C.D/BITS   its address; else by DHCP
 *   rounds=N          read the disk N times, one if not given */
#include <string.h>
#include "examples/minnow/echo.h"
#include "examples/minnow/inet.h"
#include "examples/minnow/port.h"
#include "examples/minnow/reader.h"
#include "examples/pv/clock.h"
#include "examples/pv/console.h"
#include "examples/pv/event.h"
#include "examples/pv/hypercall.h"
#include "examples/pv/kernel.h"
#include "examples/pv/mem.h"
#include "examples/pv/print.h"
#include "examples/pv/trap.h"
#include "protocol/sched.h"
#include "pvdrivers/store.h"

/* How long devices may take to part. */
#define PART_NS 2000000000u

static struct minnow {
	struct port port;
	struct reader reader;
	struct inet inet;
	bool has_disk, has_net, ready;
	int down;			/* SHUTDOWN_*, once asked for; -1 */
	uint64_t start_ns;
} minnow;

/* ---- what examples/pv asks for ---- */

void print_line(const char *line, unsigned bytes)
{
	console_write(line, bytes);
}

unsigned vcpu_self(void)
{
	return 0;
}

static _Noreturn void crash(void)
{
	console_flush();
	guest_shutdown(SHUTDOWN_crash);
}

_Noreturn void kernel_fatal(const char *format, ...)
{
	va_list args;

	print("minnow: fatal: ");
	va_start(args, format);
	print_args(format, args);
	va_end(args);
	print("\n");
	crash();
}

void trap_dispatch(struct trap_frame *f)
{
	if (f->vector == TRAP_EVENT) {
		event_upcall();
		return;
	}
	trap_print(f);
	crash();
}

/* ---- the store's part ---- */

/* Find the first device of @type: its directory to @path. */
static bool device_find(struct minnow *m, const char *type, char path[PV_PATH_MAX])
{
	char name[PV_VALUE_MAX], dir[PV_VALUE_MAX] = "device/";

	memcpy(dir + strlen(dir), type, strlen(type) + 1);
	if (xs_first(&m->port.xs, dir, name, sizeof name))
		return false;
	return store_path(path, dir, name) == 0;
}

static void control_changed(void *arg)
{
	struct minnow *m = arg;
	struct pv_os *os = &m->port.os;
	char what[PV_VALUE_MAX];

	if (os->store_read(os, "control/shutdown", what, sizeof what) || !*what)
		return;
	if (strcmp(what, "poweroff") == 0 || strcmp(what, "halt") == 0)
		m->down = SHUTDOWN_poweroff;
	else if (strcmp(what, "reboot") == 0)
		m->down = SHUTDOWN_reboot;
	else
		print("minnow: cannot do: %s\n", what);
	/* So that it is seen to be heard, and can be asked again. */
	(void)!os->store_write(os, "control/shutdown", "");
}

static void control_open(struct minnow *m)
{
	struct pv_os *os = &m->port.os;

	if (store_put_number(os, "control", "feature-poweroff", 1) || store_put_number(os, "control", "feature-reboot", 1) ||
	    os->store_watch(os, "control/shutdown", control_changed, m))
		print("minnow: cannot be asked to shut down\n");
}

/* ---- devices ---- */

static uint32_t rounds_asked(void)
{
	const char *text = option_find("rounds");
	uint32_t n = 0;

	for (; text && *text >= '0' && *text <= '9' && n < 100000; text++)
		n = n * 10 + (uint32_t)(*text - '0');
	return text ? n : 1;
}

static void devices_open(struct minnow *m)
{
	char path[PV_PATH_MAX];
	int err;

	if (device_find(m, "vbd", path)) {
		err = reader_open(&m->reader, &m->port.os, path, rounds_asked(), clock_ns);
		m->has_disk = !err;
		if (err)
			print("minnow: disk: %s: error %d\n", path, -err);
	}
	if (device_find(m, "vif", path)) {
		err = inet_open(&m->inet, &m->port.os, path, option_find("ip"), clock_ns);
		m->has_net = !err;
		if (err)
			print("minnow: net: %s: error %d\n", path, -err);
		else
			echo_open(&m->port.os);
	}
}

static void ready_check(struct minnow *m)
{
	if (m->ready || (m->has_disk && !m->reader.vbd.usable) || (m->has_net && !m->inet.has_address))
		return;
	m->ready = true;
	print("minnow: ready after %lu us\n", (clock_ns() - m->start_ns) / 1000);
}

/* Let go of both, as far as their back ends do. */
static void devices_part(struct minnow *m)
{
	uint64_t end = clock_ns() + PART_NS;

	if (m->has_disk)
		vbd_front_part(&m->reader.vbd);
	if (m->has_net)
		vif_front_part(&m->inet.vif);
	while ((m->reader.vbd.open || m->inet.vif.open) && clock_ns() < end) {
		port_run(&m->port);
		port_sleep(&m->port, end);
	}
}

/* One turn; return when the next is due if nothing happens. */
static uint64_t turn(struct minnow *m)
{
	uint64_t deadline = UINT64_MAX;

	port_run(&m->port);
	if (m->has_net) {
		inet_run(&m->inet);
		deadline = inet_deadline_ns(&m->inet);
	}
	if (m->has_disk && reader_run(&m->reader))
		deadline = 0;
	ready_check(m);
	return deadline;
}

_Noreturn void kernel_main(void)
{
	struct minnow *m = &minnow;

	m->start_ns = clock_ns();
	m->down = -1;
	port_open(&m->port);
	control_open(m);
	devices_open(m);
	print("minnow: up after %lu us, %lu KiB free\n", (clock_ns() - m->start_ns) / 1000, m->port.pages.free * 4);
	while (m->down < 0) {
		uint64_t deadline = turn(m);

		if (deadline)
			port_sleep(&m->port, deadline);
	}
	print("minnow: going down\n");
	devices_part(m);
	console_flush();
	guest_shutdown((unsigned)m->down);
}
