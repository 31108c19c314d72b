/* vcon_back.c and vcon_front.c over one store: connecting, parting, dying; nodes as Linux's hvc_xen writes them; ends and
 * stores that are against them. */
#include <stdlib.h>
#include <string.h>
#include "pvdrivers/host/os_host.h"
#include "pvdrivers/vcon_back.h"
#include "pvdrivers/vcon_front.h"
#include "tests/unit/check_main.h"
#include "tests/unit/pvdrivers/holds.h"

#define BACK	"/local/domain/0/user-backend/console/7/1"
#define FRONT	"/local/domain/7/device/console/1"

static struct host_machine *machine;
static struct host_domain dom0, guest;
static struct vcon_back back;
static struct vcon_front front;
static uint32_t back_changes, front_changes;
static uint64_t now_ns;
static char seen[1 << 16], got[1 << 16];	/* of the guest's, in dom0; of dom0's, in the guest */
static uint32_t seen_bytes, got_bytes;
static uint32_t told;				/* times that the guest was woken */
static bool part_now, deaf;			/* the guest parts when input comes; dom0 does not read */
static uint32_t refuse_write;			/* dom0's nth write from now on fails; 0: none */
static int (*host_write)(struct pv_os *os, const char *path, const char *value);

/* ---- the store ---- */

static void put(const char *dir, const char *name, const char *value)
{
	ck_assert_int_eq(store_put(&guest.os, dir, name, value), 0);
}

static const char *get(const char *dir, const char *name)
{
	static char value[4][PV_PATH_MAX];
	static unsigned int at;

	return store_get(&guest.os, dir, name, value[++at % 4], PV_PATH_MAX) ? "" : value[at % 4];
}

static void states(const char *f, const char *b)
{
	ck_assert_str_eq(get(FRONT, "state"), f);
	ck_assert_str_eq(get(BACK, "state"), b);
}

static int refusing_write(struct pv_os *os, const char *path, const char *value)
{
	return refuse_write && --refuse_write == 0 ? -XEN_EACCES : host_write(os, path, value);
}

/* ---- the ends ---- */

static uint64_t clock_ns(struct vcon_back *v)
{
	ck_assert_ptr_eq(v, &back);
	return now_ns;
}

static void back_changed(struct vcon_back *v)
{
	ck_assert_ptr_eq(v, &back);
	back_changes++;
}

static void back_ready(struct vcon_back *v)
{
	int n;

	while (!deaf && (n = vcon_back_read(v, seen + seen_bytes, 700)) > 0) {
		seen_bytes += (uint32_t)n;
		vcon_back_push(v);
	}
}

static void front_changed(struct vcon_front *v)
{
	ck_assert_ptr_eq(v, &front);
	front_changes++;
}

static void front_ready(struct vcon_front *v)
{
	int n;

	told++;
	while ((n = vcon_front_read(v, got + got_bytes, 300)) > 0)
		got_bytes += (uint32_t)n;
	if (part_now)
		vcon_front_part(v);
}

static void back_begin(void)
{
	back = (struct vcon_back){ .limits = { 1u << 20, 1 }, .now_ns = clock_ns, .changed = back_changed,
				   .ready = back_ready };
	ck_assert_int_eq(vcon_back_open(&back, &dom0.os, BACK), 0);
}

static void front_begin(void)
{
	front = (struct vcon_front){ .changed = front_changed, .ready = front_ready };
	ck_assert_int_eq(vcon_front_open(&front, &guest.os, FRONT), 0);
}

static void run(void)
{
	host_run(machine);
}

static void connect(void)
{
	back_begin();
	front_begin();
	run();
	states("4", "4");
}

static void set_up(void)
{
	machine = calloc(1, sizeof *machine);
	host_domain_init(&dom0, machine, 0);
	host_domain_init(&guest, machine, 7);
	host_write = dom0.os.store_write;
	dom0.os.store_write = refusing_write;
	back_changes = front_changes = seen_bytes = got_bytes = refuse_write = 0;
	part_now = deaf = false;
	put(BACK, "frontend", FRONT);
	put(BACK, "frontend-id", "7");
	put(BACK, "online", "1");
	put(BACK, "state", "1");
	put(FRONT, "backend", BACK);
	put(FRONT, "backend-id", "0");
	put(FRONT, "state", "1");
}

static void tear_down(void)
{
	vcon_back_close(&back);
	ck_assert_int_eq(vcon_front_close(&front), 0);
	ck_assert_uint_eq(host_domain_holds(&dom0) + host_domain_holds(&guest), 0);
	free(machine);
}

static void start_over(void)
{
	tear_down();
	set_up();
}

/* More bytes than the rings hold, either way. */
static void works(void)
{
	static char out[5000], in[5000];
	uint32_t done = 0, from = seen_bytes;
	int n;

	for (uint32_t i = 0; i < sizeof out; i++) {
		out[i] = (char)rand();
		in[i] = (char)rand();
	}
	while (done < sizeof out) {
		n = vcon_front_write(&front, out + done, (uint32_t)sizeof out - done);
		HOLDS(n > 0);
		done += (uint32_t)n;
		run();
	}
	ck_assert_uint_eq(seen_bytes - from, sizeof out);
	ck_assert_mem_eq(seen + from, out, sizeof out);
	from = got_bytes;
	for (done = 0; done < sizeof in; done += (uint32_t)n) {
		HOLDS(vcon_back_room(&back) == (int)CON_IN_BYTES);
		n = vcon_back_write(&back, in + done, (uint32_t)sizeof in - done);
		HOLDS(n > 0);
		vcon_back_push(&back);
		run();
	}
	ck_assert_uint_eq(got_bytes - from, sizeof in);
	ck_assert_mem_eq(got + from, in, sizeof in);
}

START_TEST(connects_through_the_store)
{
	connect();
	ck_assert(front.usable && front_changes == 1 && back.open && back_changes == 1);
	works();
	ck_assert_uint_eq(dom0.logged + guest.logged, 0);
}
END_TEST

static void nothing(void *arg)
{
	(void)arg;
}

/* hvc_xen makes its ring at once, without a look at the back end, and waits for Connected. */
START_TEST(as_linux)
{
	struct xencons_interface *page = guest.os.alloc(&guest.os, PV_PAGE);
	grant_ref_t ref;
	uint32_t port;

	ck_assert(guest.os.grant(&guest.os, 0, page, false, &ref) == 0 &&
		  guest.os.event_open(&guest.os, 0, 0, nothing, NULL, &port) == 0);
	ck_assert(store_put_number(&guest.os, FRONT, "ring-ref", ref) == 0 &&
		  store_put_number(&guest.os, FRONT, "port", port) == 0);
	put(FRONT, "state", "3");
	memcpy(page->out, "early", page->out_prod = 5);
	back_begin();
	run();
	states("3", "4");
	ck_assert(seen_bytes == 5 && memcmp(seen, "early", 5) == 0);
	put(FRONT, "state", "4");
	memcpy(page->out + 5, "late", 4);
	page->out_prod += 4;
	guest.os.event_notify(&guest.os, port);
	run();
	ck_assert(seen_bytes == 9 && memcmp(seen + 5, "late", 4) == 0);
	/* It says Closed on its way out, and removes its ring. */
	memcpy(page->out + 9, "bye", 3);
	page->out_prod += 3;
	put(FRONT, "state", "6");
	run();
	states("6", "6");
	ck_assert(seen_bytes == 12 && memcmp(seen + 9, "bye", 3) == 0 && !back.open && back_changes == 2);
	ck_assert_int_eq(guest.os.grant_end(&guest.os, ref), 0);
	guest.os.event_close(&guest.os, port);
	guest.os.free(&guest.os, page, PV_PAGE);
	front_begin();
}
END_TEST

/* Whatever was printed before the guest asked to part is read, though dom0 was slow. */
START_TEST(the_front_end_parts_and_returns)
{
	connect();
	works();
	seen_bytes = 0;
	deaf = true;
	ck_assert_int_eq(vcon_front_write(&front, "last words", 10), 10);
	run();
	ck_assert_uint_eq(seen_bytes, 0);
	deaf = false;
	vcon_front_part(&front);
	run();
	states("6", "6");
	ck_assert(seen_bytes == 10 && memcmp(seen, "last words", 10) == 0);
	ck_assert(!back.device.gone && !front.page && !back.open && !front.usable && front_changes == 2);
	ck_assert_int_eq(vcon_front_write(&front, "x", 1), -XEN_ENXIO);
	ck_assert_int_eq(vcon_front_read(&front, got, 1), -XEN_ENXIO);
	ck_assert_int_eq(vcon_back_write(&back, "x", 1), -XEN_ENXIO);
	ck_assert_int_eq(vcon_back_read(&back, seen, 1), -XEN_ENXIO);
	ck_assert_int_eq(vcon_back_room(&back), -XEN_ENXIO);
	vcon_back_push(&back);
	put(FRONT, "state", "1");
	run();
	states("4", "4");
	works();
}
END_TEST

START_TEST(removal)
{
	connect();
	ck_assert_int_eq(vcon_front_write(&front, "end", 3), 3);
	put(BACK, "online", "0");
	put(BACK, "state", "5");
	run();
	states("6", "6");
	ck_assert(back.device.gone && seen_bytes == 3 && !front.usable && !front.page);
}
END_TEST

START_TEST(removed_by_force)
{
	connect();
	host_store_remove(machine, BACK);
	host_store_remove(machine, FRONT);
	run();
	ck_assert(back.device.gone && front.device.gone && !back.open && !front.page);
	ck_assert_str_eq(get(BACK, "state"), "");
	ck_assert_str_eq(get(FRONT, "state"), "");
}
END_TEST

/* The user parts when input comes. */
START_TEST(part_from_ready)
{
	connect();
	part_now = true;
	ck_assert_int_eq(vcon_back_write(&back, "x", 1), 1);
	vcon_back_push(&back);
	run();
	states("6", "6");
	ck_assert(got_bytes == 1 && !front.page);
}
END_TEST

/* Nobody changes a state; the successor goes on where the dead one stood. */
START_TEST(death_and_return)
{
	connect();
	works();
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t from = seen_bytes = got_bytes = 0;

		host_domain_die(&dom0);
		ck_assert_int_eq(vcon_front_write(&front, "while away", 10), 10);
		back_begin();
		run();
		states("4", "4");
		ck_assert(seen_bytes - from == 10 && memcmp(seen + from, "while away", 10) == 0);
		works();
		ck_assert_uint_eq(front_changes, 1);
	}
	/* It died while a full ring was read, before it told the guest. */
	static char full[CON_OUT_BYTES];
	deaf = true;
	ck_assert_int_eq(vcon_front_write(&front, full, CON_OUT_BYTES), CON_OUT_BYTES);
	run();
	front.page->out_cons = front.page->out_prod;
	host_domain_die(&dom0);
	deaf = false;
	got_bytes = 0;
	told = 0;
	back_begin();
	run();
	ck_assert_uint_eq(told, 1);
	works();
}
END_TEST

/* A guest that floods is read no more than its limit, and that a successor starts with another burst is all it gains. */
START_TEST(flood)
{
	static char out[CON_OUT_BYTES];
	int n = 1;

	back_begin();
	back.limits = (struct con_limits){ 2 * CON_OUT_BYTES, 1 };
	front_begin();
	run();
	for (int i = 0; i < 10; i++, run())
		n = vcon_front_write(&front, out, sizeof out);
	ck_assert_int_eq(n, 0);
	ck_assert_uint_le(seen_bytes, 2 * CON_OUT_BYTES);
	ck_assert_int_eq(vcon_back_read(&back, seen, 1), -XEN_EAGAIN);
}
END_TEST

/* ---- against them ---- */

/* A front end that is Initialised with node @name saying @value, or missing: the device closes, nothing is held. */
static void lie(const char *name, const char *value)
{
	char path[PV_PATH_MAX];

	put(BACK, "state", "2");
	front_begin();
	run();
	states("3", "2");
	ck_assert_int_eq(store_path(path, FRONT, name), 0);
	host_store_remove(machine, path);
	if (value)
		put(FRONT, name, value);
	back_begin();
	run();
	states("6", "6");
	ck_assert_uint_eq(dom0.logged, 1);
	ck_assert_ptr_nonnull(strstr(dom0.last_log, BACK ": cannot be connected as its other end says: error "));
	ck_assert(!back.open && !back.map.addr && !back.port && back_changes == 0);
	start_over();
}

START_TEST(lies)
{
	static const char *const bad[] = { NULL, "", "x", "-1", "0", "4294967296", "99999", "18446744073709551615" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		lie("ring-ref", bad[i]);
		lie("port", bad[i]);
	}
	connect();
}
END_TEST

START_TEST(indices_that_make_no_sense)
{
	for (int i = 0; i < 6; i++) {
		connect();
		*(i & 1 ? &front.page->out_prod : &front.page->in_cons) += 0x12345;
		if (i < 2) {
			ck_assert_int_eq(i ? vcon_back_read(&back, seen, 1) : vcon_back_write(&back, "x", 1),
					 -XEN_EBADMSG);
		} else if (i < 4) {
			ck_assert_int_eq(i & 1 ? vcon_back_read(&back, seen, 1) : vcon_back_room(&back), -XEN_EBADMSG);
		} else {
			/* It is found as the device closes. */
			put(BACK, "online", "0");
			put(BACK, "state", "5");
		}
		run();
		ck_assert_str_eq(get(BACK, "state"), "6");
		ck_assert(!back.open && !back.map.addr && !back.port && back_changes == 2);
		ck_assert_uint_eq(dom0.logged, i < 4);
		start_over();
	}
	for (int i = 0; i < 2; i++) {
		connect();
		*(i ? &front.page->in_prod : &front.page->out_cons) += 0x12345;
		ck_assert_int_eq(i ? vcon_front_read(&front, got, 1) : vcon_front_write(&front, "x", 1), -XEN_EBADMSG);
		ck_assert(!front.usable && guest.logged == 1);
		run();
		states("6", "6");
		ck_assert_ptr_null(front.page);
		start_over();
	}
	connect();
}
END_TEST

/* A write of dom0's is refused, a page is not mapped, memory is short: the device closes, and can be had again. */
START_TEST(failures)
{
	/* Of the states InitWait and Connected. */
	refuse_write = 2;
	back_begin();
	front_begin();
	run();
	ck_assert_uint_eq(dom0.logged, 1);
	ck_assert(!back.open && back_changes == 2);
	start_over();
	dom0.fail_map = 1;
	back_begin();
	front_begin();
	run();
	states("6", "6");
	start_over();
	guest.fail_alloc = 1;
	back_begin();
	front_begin();
	run();
	states("6", "6");
	ck_assert_uint_eq(guest.logged, 1);
	put(FRONT, "state", "1");
	run();
	states("4", "4");
	works();
}
END_TEST

/* The back end keeps the page: the front end keeps it, too, until that one lets go. */
START_TEST(a_page_that_is_kept)
{
	connect();
	vcon_front_part(&front);
	ck_assert_int_eq(vcon_front_close(&front), -XEN_EBUSY);
	ck_assert_ptr_nonnull(front.page);
	run();
	ck_assert_ptr_null(front.page);
	/* A state of someone else's is not taken for ours. */
	put(FRONT, "state", "3");
	put(BACK, "state", "4");
	run();
	ck_assert(!front.usable);
}
END_TEST

CHECK_MAIN("vcon", set_up, tear_down, connects_through_the_store, as_linux, the_front_end_parts_and_returns, removal,
	removed_by_force, part_from_ready, death_and_return, flood, lies, indices_that_make_no_sense, failures,
	a_page_that_is_kept)
