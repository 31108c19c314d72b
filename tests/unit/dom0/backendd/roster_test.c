/* Which devices there are, their processes and their ends, on disks. The world is in roster_world.h. */
#include "dom0/backendd/image.h"
#include "tests/unit/dom0/backendd/roster_world.h"

#define ERROR	"/local/domain/0/error/user-backend/vbd/1/51/error"
#define MARK	((uint64_t)1 << 32 | 51)

START_TEST(process_has_what_it_needs)
{
	bool writable = _i;
	char line[1024];

	device_make(writable ? "w" : "r");
	UNTIL(said(1)[0]);
	snprintf(line, sizeof line, "fds ff blocked 0 path " VBD " sectors 2048 of 512 rings 4 uid %u read-only %d "
		 "disk 1048576 access %d limits 0 0 0 nr 1\n", DEVICES_UID, !writable, writable ? O_RDWR : O_RDONLY);
	ck_assert_str_eq(said(1), line);
	ck_assert_uint_eq(fake_doors.domid, 1);
	ck_assert_ptr_null(roster.devices->next);
	settle();
	ck_assert_str_eq(said(2), "");
}
END_TEST

START_TEST(wishes_of_the_toolstack)
{
	put(VBD "/wanted-sector-size", "4096");
	put(VBD "/bytes-per-second", "9007199254740992");
	put(VBD "/operations-per-second", "100");
	put(VBD "/burst-ms", "250");
	image_make((1 << 20) + 512);
	served();
	ck_assert_ptr_nonnull(strstr(said(1), " sectors 2048 of 4096 "));
	ck_assert_ptr_nonnull(strstr(said(1), " limits 9007199254740992 100 250 "));
}
END_TEST

START_TEST(half_made)
{
	put(VBD "/params", image);
	settle();
	ck_assert_ptr_null(roster.devices);
	served();
}
END_TEST

START_TEST(names_that_are_no_devices)
{
	put(DEVICES_DIR "/vbd/32752/51/frontend", "/local/domain/32752/device/vbd/51");
	put(DEVICES_DIR "/vbd/1/4294967296/frontend", "/local/domain/1/device/vbd/4294967296");
	put(DEVICES_DIR "/vkbd/1/0/frontend", "/local/domain/1/device/vkbd/0");
	settle();
	ck_assert_ptr_null(roster.devices);
}
END_TEST

START_TEST(the_end)
{
	served();
	ck_assert_int_eq(access(records, F_OK), 0);
	put(VBD "/online", "0");
	process_exit(0);
	UNTIL(!roster.devices);
	ck_assert(!is_there(VBD));
	ck_assert(access(records, F_OK) < 0);
	settle();
	/* The number can be used again, with new records. */
	device_make("w");
	UNTIL(said(2)[0]);
	ck_assert_ptr_nonnull(strstr(said(2), " nr 1\n"));
}
END_TEST

/* Who waits for the directory to go may then do with the image what he likes. */
START_TEST(the_end_waits_for_io)
{
	struct image i;

	served();
	put(VBD "/online", "0");
	process_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)roster.devices->pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(image_open(&i, image, true, 0, MARK), 0);
	ck_assert(!i.busy);
	settle();
	ck_assert(is_there(VBD));
	ck_assert_int_eq(roster.devices->pid, 0);
	close(i.fd);
	UNTIL(!roster.devices);
	ck_assert(!is_there(VBD));
}
END_TEST

/* The directory was removed and made again: the process saw the first go, and the second is another device's. */
START_TEST(made_again)
{
	served();
	ck_assert_int_eq(store_rm(toolstack, STORE_NO_TX, VBD), 0);
	device_make("r");
	process_exit(0);
	UNTIL(said(2)[0]);
	ck_assert_ptr_nonnull(strstr(said(2), "read-only 1"));
	ck_assert(is_there(VBD));
}
END_TEST

START_TEST(successors)
{
	pid_t first = served()->pid;

	roster.devices->pages = 7;
	kill(first, SIGKILL);
	UNTIL(said(2)[0]);
	ck_assert_ptr_nonnull(strstr(said(2), " nr 2\n"));
	ck_assert_int_ne(roster.devices->pid, first);
	ck_assert_uint_eq(roster.devices->pages, 0);	/* went with the first */
	process_exit(1);
	UNTIL(said(3)[0]);
	ck_assert_ptr_nonnull(strstr(said(3), "fds ff "));
	ck_assert_ptr_nonnull(strstr(said(3), " nr 3\n"));
	ck_assert(is_there(VBD "/params"));
}
END_TEST

/* backendd itself begins anew: the records are still there. */
START_TEST(records_outlive_backendd)
{
	int fd = open(records, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, "\5", 1), 1);
	close(fd);
	served();
	ck_assert_ptr_nonnull(strstr(said(1), " nr 6\n"));
}
END_TEST

START_TEST(io_of_a_dead_process_is_waited_for)
{
	struct image i;

	ck_assert_int_eq(image_open(&i, image, true, 0, MARK), 0);
	device_make("w");
	UNTIL(roster.devices && roster.devices->retry.armed);
	settle();
	ck_assert_int_eq(roster.devices->pid, 0);
	ck_assert(!roster.devices->refused);
	close(i.fd);
	UNTIL(said(1)[0]);
}
END_TEST

/* The process of @d has died, so long after its start that this was soon, or not; the device hears of it. */
static void died(struct device *d, bool soon)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_PID, (id_t)d->pid, &info, WEXITED | WNOWAIT), 0);
	d->started_ns = soon ? loop_now_ns() : 0;
	d->ends.ready(&d->ends, EPOLLIN);
	ck_assert_int_eq(d->pid, 0);
	ck_assert(d->retry.armed);
}

START_TEST(deaths_at_once_slow_the_next_start)
{
	uint64_t delay_ns = 2000000;
	struct device *d;

	setenv("ROLE", "die", 1);
	device_make("w");
	UNTIL(roster.devices && roster.devices->pid);
	d = roster.devices;
	for (uint32_t deaths = 1; deaths <= 12; deaths++) {
		delay_ns *= deaths < 10 ? 2 : 1;
		died(d, true);
		ck_assert_uint_ge(d->retry.deadline_ns, d->started_ns + delay_ns);
		loop_timer_arm(&loop, &d->retry, 0);
		UNTIL(d->pid);
	}
	/* One that lived is followed at once. */
	died(d, false);
	ck_assert_uint_le(d->retry.deadline_ns, loop_now_ns());
	setenv("ROLE", "serve", 1);
	UNTIL(said(1)[0]);
}
END_TEST

START_TEST(a_process_that_asks_for_more)
{
	char params[64];
	pid_t first;

	setenv("ROLE", "hostile", 1);
	device_make("w");
	UNTIL(roster.devices && roster.devices->pid);
	first = roster.devices->pid;
	setenv("ROLE", "serve", 1);
	UNTIL(said(2)[0]);
	ck_assert_int_ne(roster.devices->pid, first);
	ck_assert_int_eq(store_read_buf(toolstack, STORE_NO_TX, VBD "/params", params, sizeof params), 0);
	ck_assert_str_eq(params, image);
}
END_TEST

/* ---- devices that cannot be served ---- */

/* A device that is made now is refused with @error, and forgotten when it is offline. */
static void refused(const char *error)
{
	char text[512];

	if (!is_there(VBD "/frontend"))
		device_make("w");
	UNTIL(is_there(ERROR));
	ck_assert_int_eq(store_read_buf(toolstack, STORE_NO_TX, ERROR, text, sizeof text), 0);
	ck_assert_str_eq(text, error);
	ck_assert_int_eq(roster.devices->pid, 0);
	settle();
	put(VBD "/online", "0");
	UNTIL(!roster.devices);
	ck_assert(!is_there(VBD));
	ck_assert(access(records, F_OK) < 0);
	ck_assert_str_eq(said(1), "");
	ck_assert(!is_there(ERROR));
}

static void wish_refused(const char *node, const char *value)
{
	char *path = mem_printf(VBD "/%s", node), *error = mem_printf("%s: Invalid argument", node);

	put(path, value);
	device_make("w");
	refused(error);
	free(path);
	free(error);
}

START_TEST(refusals)
{
	char *error = mem_printf("%s: is empty", image), params[600];

	image_make(0);
	refused(error);
	free(error);
	image_make(511);
	error = mem_printf("%s: is empty", image);
	refused(error);
	free(error);
	unlink(image);
	error = mem_printf("%s: No such file or directory", image);
	refused(error);
	free(error);
	ck_assert_int_eq(mkfifo(image, 0600), 0);
	error = mem_printf("%s: is neither a file nor a block device", image);
	refused(error);
	free(error);
	unlink(image);
	put(VBD "/frontend", "/local/domain/1/device/vbd/51");
	refused("params or mode: No such file or directory");
	image_make(1 << 20);
	wish_refused("wanted-sector-size", "1024");
	wish_refused("wanted-sector-size", "8192");
	wish_refused("bytes-per-second", "9007199254740993");
	wish_refused("bytes-per-second", "-1");
	wish_refused("operations-per-second", "many");
	wish_refused("secure-discard", "2");
	wish_refused("burst-ms", "4294967296");
	/* A name is not cut to that of another file. */
	image_make(1 << 20);
	memset(params, '/', sizeof params - 1);
	params[sizeof params - 1] = '\0';
	memcpy(params + 511 - strlen(image), image, strlen(image));
	device_make("w");
	put(VBD "/params", params);
	params[256] = '\0';
	error = mem_printf("%s: Not a directory", params);
	refused(error);
	free(error);
}
END_TEST

START_TEST(no_doors)
{
	int before = dup(0), after;

	close(before);
	fake_doors.no_gntdev = true;
	char *error = mem_printf("%s: No such file or directory", self);

	refused(error);
	fake_doors = (struct fake_doors){ .no_evtchn = true };
	refused(error);
	free(error);
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
}
END_TEST

/* The directory goes while nobody serves the device: no event comes afterwards. */
START_TEST(gone_without_a_process)
{
	struct image i;

	ck_assert_int_eq(image_open(&i, image, true, 0, MARK), 0);
	device_make("w");
	UNTIL(roster.devices && roster.devices->retry.armed);
	ck_assert_int_eq(store_rm(toolstack, STORE_NO_TX, VBD), 0);
	UNTIL(!roster.devices);
	ck_assert(!is_there(ERROR));
	ck_assert(access(records, F_OK) < 0);
	close(i.fd);
	served();
}
END_TEST

START_TEST(offline_without_a_process)
{
	struct image i;

	ck_assert_int_eq(image_open(&i, image, true, 0, MARK), 0);
	device_make("w");
	UNTIL(roster.devices && roster.devices->retry.armed);
	put(VBD "/online", "0");
	settle();
	ck_assert_ptr_nonnull(roster.devices);	/* who comes next tells the guest */
	unlink(image);
	UNTIL(!roster.devices);
	ck_assert(!is_there(VBD));
	close(i.fd);
}
END_TEST

#define OTHERS	"/local/domain/0/error/user-backend/vbd/1/52/error"

/* backendd refused it, and ended; now the image is there. */
START_TEST(an_error_that_no_longer_holds)
{
	put(ERROR, "is empty");
	put(OTHERS, "is empty");
	served();
	UNTIL(!is_there(ERROR));
	ck_assert(is_there(OTHERS));
}
END_TEST

START_TEST(an_error_goes_with_its_device)
{
	unlink(image);
	device_make("w");
	UNTIL(is_there(ERROR));
	ck_assert_int_eq(store_rm(toolstack, STORE_NO_TX, VBD), 0);
	UNTIL(!roster.devices);
	ck_assert(!is_there(ERROR));
	/* And with one that went while there was no backendd, of which there is a file. */
	ck_assert(roster.cleared);
	roster.cleared = false;
	put(OTHERS, "is empty");
	file_write("vbd-1-52", "", 0);
	put(DEVICES_DIR "/vbd", "");
	UNTIL(!is_there(OTHERS));
}
END_TEST

START_TEST(each_has_an_id_of_its_own)
{
	served();
	put(DEVICES_DIR "/vbd/1/52/params", image);
	put(DEVICES_DIR "/vbd/1/52/mode", "r");
	put(DEVICES_DIR "/vbd/1/52/frontend", "/local/domain/1/device/vbd/52");
	UNTIL(said(2)[0]);
	ck_assert_uint_eq(roster.devices->number, 52);
	ck_assert_uint_eq(roster.devices->uid, DEVICES_UID + 1);
	ck_assert_uint_eq(roster.devices->next->uid, DEVICES_UID);
}
END_TEST

static TCase *tests(void)
{
	TCase *c = CHECK_CASE(setup, teardown, wishes_of_the_toolstack, half_made, names_that_are_no_devices, the_end,
			      the_end_waits_for_io, made_again, successors,
			      records_outlive_backendd, io_of_a_dead_process_is_waited_for,
			      deaths_at_once_slow_the_next_start, a_process_that_asks_for_more, refusals, no_doors,
			      gone_without_a_process, offline_without_a_process, an_error_that_no_longer_holds,
			      an_error_goes_with_its_device, each_has_an_id_of_its_own);

	tcase_add_loop_test(c, process_has_what_it_needs, 0, 2);
	return c;
}

int main(void)
{
	return roster_main("roster", tests);
}
