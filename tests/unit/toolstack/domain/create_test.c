/* Creating a guest: what is there afterwards, and that nothing is there after any failure or death.
 *
 * The hypervisor, the store and the devices are fakes (fake_world.h); kernel cache, image loading, the
 * transaction and the reaper are the real ones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/grant_table.h"
#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_kernel.h"
#include "toolstack/domain/create.h"
#include "toolstack/domain/marker.h"

static char dir[64], cache_dir[96], keep_dir[96], kernel_path[96];
static struct create_options options;
static struct guest_cfg guest;
static struct host host;
static struct why why;

static void make_path(const char *fmt, unsigned int a, unsigned int b)
{
	char path[256], command[300];
	int at = snprintf(path, sizeof(path), "%s/sys/", dir);

	snprintf(path + at, sizeof(path) - (size_t)at, fmt, a, b);
	snprintf(command, sizeof(command), "mkdir -p %s", path);
	ck_assert_int_eq(system(command), 0);
}

/* sysfs shows every device a back end may make in these tests. */
static void make_sysfs(void)
{
	for (unsigned int id = 1; id <= 3; id++) {
		make_path("bus/xen-backend/devices/vbd-%u-%u/physical_device", id, 51712);
		make_path("bus/xen-backend/devices/vbd-%u-%u/physical_device", id, 51728);
		make_path("class/net/vif%u.%u", id, 0);
		make_path("class/net/vif%u.%u", id, 1);
	}
}

static void make_guest(const char *more)
{
	char text[1024];
	struct cfg_text t = {0};
	static struct guest_warnings w;

	snprintf(text, sizeof(text),
		"name='g'\nkernel='%s'\ncmdline='hello'\nmemory=16\nvcpus=2\nmaxvcpus=3\n"
		"uuid='01234567-89ab-cdef-0123-456789abcdef'\n%s",
		kernel_path, more);
	ck_assert_int_eq(cfg_text_parse(&t, "t", text, strlen(text), &why), 0);
	ck_assert_msg(guest_cfg_parse(&guest, &t, &w, &why) == 0, "%s", why.what);
	cfg_text_free(&t);
}

#define DEVICES                                                                                    \
	"disk=['phy:/dev/x,xvda,w','file:/img,xvdb,r']\n"                                          \
	"vif=['mac=00:16:3e:00:00:01,bridge=br0','ip=10.0.0.2']\n"

static void setup(void)
{
	strcpy(dir, "/tmp/bothy-create-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(cache_dir, sizeof(cache_dir), "%s/cache", dir);
	snprintf(keep_dir, sizeof(keep_dir), "%s/keep", dir);
	snprintf(kernel_path, sizeof(kernel_path), "%s/kernel", dir);
	test_kernel_write(kernel_path);
	make_sysfs();
	static char sysfs[96];
	snprintf(sysfs, sizeof(sysfs), "%s/sys", dir);
	options = (struct create_options){
		.cache_dir = cache_dir, .keep_dir = keep_dir, .sysfs = sysfs, .timeout_ms = 30};
	fake_world_reset();
	memset(&host, 0, sizeof(host));
	host.store = fake_store;
	make_guest(DEVICES);
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static int create(uint16_t *domid)
{
	const char *warning = NULL;

	memset(&why, 0, sizeof(why));
	return guest_create(&host, &guest, &options, domid, &warning, &why);
}

static const char *value_of(const char *path)
{
	const struct fake_node *n = fake_node_find(path);

	return n ? n->value : "(none)";
}

static const char *perms_of(const char *path)
{
	const struct fake_node *n = fake_node_find(path);

	return n ? n->perms : "(none)";
}

static int domains(void)
{
	int n = 0;

	for (int i = 0; i < FAKE_DOMAINS; i++)
		n += world->domains[i].id != 0;
	return n;
}

static int kept_files(void)
{
	char command[128];
	FILE *f;
	int n = -1;

	snprintf(command, sizeof(command), "ls %s 2>/dev/null | wc -l", keep_dir);
	f = popen(command, "r");
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	pclose(f);
	return n;
}

static void forget_kept(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/01234567-89ab-cdef-0123-456789abcdef.cfg", keep_dir);
	unlink(path);
}

/* Nothing of any guest is left, wherever a guest leaves things. */
static void assert_nothing_left(const char *when, long call)
{
	ck_assert_msg(domains() == 0, "%s %ld (%s): a domain is left", when, call, world->failed);
	ck_assert_msg(world->mapped == 0, "%s %ld: %d frames mapped", when, call, world->mapped);
	ck_assert_msg(world->loops_open == 0, "%s %ld: loop devices", when, call);
	ck_assert_msg(fake_node_count("/local/domain") ==
			      3 + fake_node_count("/local/domain/0/backend") +
				      fake_node_count("/local/domain/0/error"),
		"%s %ld (%s): store nodes", when, call, world->failed);
	ck_assert_msg(
		fake_node_count("/local/domain/0/backend") <= 3, "%s %ld: back ends", when, call);
	ck_assert_msg(fake_node_count("/vm") <= 1 && fake_node_count("/bothy") <= 3,
		"%s %ld: /vm, /bothy", when, call);
}

START_TEST(hypervisor_side)
{
	uint16_t domid = 0;
	struct fake_domain *d;
	const struct start_info *start = NULL;
	const struct grant_entry_v1 *grants;
	const struct shared_info *shared;
	unsigned long long store_mfn;

	ck_assert_msg(create(&domid) == 0, "%s", why.what);
	d = fake_domain_find(domid);
	ck_assert_ptr_nonnull(d);
	ck_assert(!(d->flags & XEN_DOMINF_paused) && d->has_context && d->introduced);
	ck_assert_uint_eq(d->pages, 16 * 256);
	ck_assert_uint_eq(d->address_size, 64);
	ck_assert_uint_eq(d->max_vcpus, 3);
	ck_assert_uint_eq(d->map_bytes, 16 << 20);
	ck_assert_int_eq(world->mapped, 0);
	ck_assert_uint_eq(d->context.user_regs.rip, 0xffffffff80100000);
	ck_assert_uint_eq(d->context.ctrlreg[3], d->pinned_mfn << 12);
	start = fake_frame(d->first_mfn + ((d->context.user_regs.rsi - 0xffffffff80000000) >> 12));
	ck_assert_int_eq(memcmp(start->magic, "xen-3.0", 7), 0);
	ck_assert_uint_eq(start->nr_pages, 16 * 256);
	ck_assert_str_eq((const char *)start->cmd_line, "hello");
	ck_assert_uint_eq(start->store_evtchn, 1);
	ck_assert_uint_eq(start->console.domU.evtchn, 2);
	ck_assert_uint_eq(start->shared_info, (d->first_mfn + FAKE_PAGES - 1) << 12);
	ck_assert_str_eq((const char *)fake_frame(d->first_mfn + (TEST_KERNEL_PADDR >> 12)),
		TEST_KERNEL_TEXT);
	grants = fake_frame(d->first_mfn + FAKE_PAGES - 2);
	ck_assert_uint_eq(grants[0].frame, start->console.domU.mfn);
	ck_assert_uint_eq(grants[1].frame, start->store_mfn);
	ck_assert_uint_eq(grants[0].flags, GTF_permit_access);
	ck_assert_uint_eq(grants[0].domid, 0);
	ck_assert_uint_eq(grants[2].flags, 0);
	shared = fake_frame(d->first_mfn + FAKE_PAGES - 1);
	ck_assert_uint_eq(shared->vcpu_info[0].evtchn_upcall_mask, 1);
	ck_assert_int_eq(sscanf(value_of("/local/domain/1/store/ring-ref"), "%llu", &store_mfn), 1);
	ck_assert_uint_eq(store_mfn, start->store_mfn);
}
END_TEST

static const struct {
	const char *path, *value, *perms;
} tree[] = {
	{"/local/domain/1", "", "n0 r1"},
	{"/local/domain/1/name", "g", "n0 r1"},
	{"/local/domain/1/domid", "1", "n0 r1"},
	{"/local/domain/1/vm", "/vm/01234567-89ab-cdef-0123-456789abcdef", "n0 r1"},
	{"/local/domain/1/memory/target", "16384", "n0 r1"},
	{"/local/domain/1/memory/static-max", "16384", "n0 r1"},
	{"/local/domain/1/memory/videoram", "-1", "n0 r1"},
	{"/local/domain/1/cpu/0/availability", "online", "n0 r1"},
	{"/local/domain/1/cpu/1/availability", "online", "n0 r1"},
	{"/local/domain/1/cpu/2/availability", "offline", "n0 r1"},
	{"/local/domain/1/store/port", "1", "n0 r1"},
	{"/local/domain/1/console/port", "2", "n0 r1"},
	{"/local/domain/1/console/type", "xenconsoled", "n0 r1"},
	{"/local/domain/1/console/tty", "/dev/pts/1", "n0 r1"},
	{"/local/domain/1/control/shutdown", "", "n1"},
	{"/local/domain/1/control/sysrq", "", "n1"},
	{"/local/domain/1/control/feature-suspend", "", "n1"},
	{"/local/domain/1/control", "", "n0 r1"},
	{"/local/domain/1/control/platform-feature-xs_reset_watches", "1", "n0 r1"},
	{"/local/domain/1/device", "", "n0 r1"},
	{"/local/domain/1/device/suspend/event-channel", "", "n1"},
	{"/local/domain/1/data", "", "n1"},
	{"/local/domain/1/drivers", "", "n1"},
	{"/local/domain/1/attr", "", "n1"},
	{"/local/domain/1/error", "", "n1"},
	{"/local/domain/1/feature", "", "n1"},
	{"/local/domain/1/device/vbd/51712", "", "n1 r0"},
	{"/local/domain/1/device/vbd/51712/backend", "/local/domain/0/backend/vbd/1/51712",
		"n1 r0"},
	{"/local/domain/1/device/vbd/51712/backend-id", "0", "n1 r0"},
	{"/local/domain/1/device/vbd/51712/state", "1", "n1 r0"},
	{"/local/domain/1/device/vbd/51712/virtual-device", "51712", "n1 r0"},
	{"/local/domain/1/device/vbd/51712/device-type", "disk", "n1 r0"},
	{"/local/domain/0/backend/vbd/1/51712", "", "n0 r1"},
	{"/local/domain/0/backend/vbd/1/51712/frontend", "/local/domain/1/device/vbd/51712",
		"n0 r1"},
	{"/local/domain/0/backend/vbd/1/51712/frontend-id", "1", "n0 r1"},
	{"/local/domain/0/backend/vbd/1/51712/online", "1", "n0 r1"},
	{"/local/domain/0/backend/vbd/1/51712/physical-device", "fe:10", "n0 r1"},
	{"/local/domain/0/backend/vbd/1/51712/mode", "w", "n0 r1"},
	{"/local/domain/0/backend/vbd/1/51728/physical-device", "7:2", "n0 r1"},
	{"/local/domain/0/backend/vbd/1/51728/mode", "r", "n0 r1"},
	{"/local/domain/0/backend/vbd/1/51728/params", "/img", "n0 r1"},
	{"/local/domain/1/device/vif/0/mac", "00:16:3e:00:00:01", "n1 r0"},
	{"/local/domain/1/device/vif/0/handle", "0", "n1 r0"},
	{"/local/domain/0/backend/vif/1/0/mac", "00:16:3e:00:00:01", "n0 r1"},
	{"/local/domain/0/backend/vif/1/0/handle", "0", "n0 r1"},
	{"/local/domain/0/backend/vif/1/0/bridge", "br0", "n0 r1"},
	{"/local/domain/0/backend/vif/1/0/script", "vif-bridge", "n0 r1"},
	{"/local/domain/0/backend/vif/1/0/hotplug-status", "connected", "n0 r1"},
	{"/local/domain/0/backend/vif/1/1/ip", "10.0.0.2", "n0 r1"},
	{"/vm/01234567-89ab-cdef-0123-456789abcdef/name", "g", "n0 r1"},
	{"/bothy", "", "n0"},
	{"/bothy/domain/1", "", "n0"},
	{"/bothy/domain/1/name", "g", "n0"},
	{"/bothy/domain/1/on_poweroff", "destroy", "n0"},
	{"/bothy/domain/1/on_reboot", "restart", "n0"},
	{"/bothy/domain/1/on_crash", "destroy", "n0"},
};

START_TEST(store_side)
{
	uint16_t domid = 0;

	world->conflicts = 2; /* a transaction that must be done again does no harm */
	ck_assert_msg(create(&domid) == 0, "%s", why.what);
	for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
		ck_assert_msg(strcmp(value_of(tree[i].path), tree[i].value) == 0, "%s = \"%s\"",
			tree[i].path, value_of(tree[i].path));
		ck_assert_msg(strcmp(perms_of(tree[i].path), tree[i].perms) == 0, "%s: %s",
			tree[i].path, perms_of(tree[i].path));
	}
	ck_assert_int_eq(fake_node_count("/bothy/creating"), 1);
	ck_assert_int_eq(world->loops_open, 0);
	ck_assert_int_eq(world->bridged, 2);
	ck_assert_int_eq(strncmp(value_of("/local/domain/1/device/vif/1/mac"), "00:16:3e:", 9), 0);
}
END_TEST

/* Only the guest's own nodes are the guest's: no other has an owner or writer but dom0. */
START_TEST(guest_may_write_only_its_own)
{
	static const char *const own[] = {"/local/domain/1/control/shutdown",
		"/local/domain/1/control/sysrq", "/local/domain/1/control/feature-",
		"/local/domain/1/device/vbd/", "/local/domain/1/device/vif/",
		"/local/domain/1/device/suspend/event-channel", "/local/domain/1/data",
		"/local/domain/1/drivers", "/local/domain/1/attr", "/local/domain/1/error",
		"/local/domain/1/feature"};
	uint16_t domid = 0;

	ck_assert_int_eq(create(&domid), 0);
	for (int i = 0; i < FAKE_NODES; i++) {
		const struct fake_node *n = &world->nodes[i];
		bool allowed = false;

		for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
			allowed |= strncmp(n->path, own[k], strlen(own[k])) == 0;
		if (n->path[0] && !allowed)
			ck_assert_msg((n->perms[0] == 'n' || n->perms[0] == 'r') &&
					      n->perms[1] == '0' && !strpbrk(n->perms, "wb"),
				"%s: %s", n->path, n->perms);
	}
}
END_TEST

START_TEST(kept_configuration_is_complete)
{
	uint16_t domid = 0;
	struct cfg_text t = {0};
	static struct guest_cfg again;
	static struct guest_warnings w;
	static char text[8192];
	FILE *f;
	size_t n;

	ck_assert_int_eq(create(&domid), 0);
	f = fopen(value_of("/bothy/domain/1/config"), "r");
	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	ck_assert_int_eq(cfg_text_parse(&t, "kept", text, n, &why), 0);
	ck_assert_int_eq(guest_cfg_parse(&again, &t, &w, &why), 0);
	ck_assert(again.uuid_given && again.vifs[1].mac_given);
	ck_assert_mem_eq(again.uuid, guest.uuid, 16);
	ck_assert_str_eq(again.kernel, kernel_path);
	cfg_text_free(&t);
}
END_TEST

START_TEST(options_change_the_guest)
{
	uint16_t domid = 0;

	world->no_large_extents = true;
	options.paused = true;
	make_guest("cpu_weight=512\ncap=50\ncpus='0-1'\nmaxmem=32\n");
	ck_assert_msg(create(&domid) == 0, "%s", why.what);
	ck_assert(fake_domain_find(domid)->flags & XEN_DOMINF_paused);
	ck_assert_uint_eq(fake_domain_find(domid)->weight, 512);
	ck_assert_uint_eq(fake_domain_find(domid)->cap, 50);
	ck_assert_uint_eq(fake_domain_find(domid)->pages, 16 * 256);
	ck_assert_uint_eq(fake_domain_find(domid)->map_bytes, 32 << 20);
	ck_assert_int_eq(fake_node_count("/local/domain/0/backend"), 0);
}
END_TEST

static const struct {
	const char *more;
	int code;
	const char *what;
} refused[] = {
	{"disk=['phy:/missing,xvda,w']", -ENOENT, "disk /missing: No such file or directory"},
	{"vif=['bridge=none']", -ENODEV, "no bridge \"none\""},
	{"kernel='/nonexistent'", -ENOENT, "/nonexistent: No such file or directory"},
	{"ramdisk='/nonexistent'", -ENOENT, "/nonexistent: No such file or directory"},
	{"cpus='4-5'", -EINVAL, "cpus: Invalid argument"},
	{"memory=100", -ENOMEM, "memory: Cannot allocate memory"},
};

START_TEST(refusals_leave_nothing)
{
	uint16_t domid = 0;

	make_guest(refused[_i].more);
	ck_assert_int_eq(create(&domid), refused[_i].code);
	ck_assert_str_eq(why.what, refused[_i].what);
	ck_assert_uint_eq(domid, 0);
	assert_nothing_left("refused", _i);
	ck_assert_int_eq(kept_files(), 0);
}
END_TEST

START_TEST(silent_back_end_times_out)
{
	uint16_t domid = 0;

	world->no_backends = true;
	ck_assert_int_eq(create(&domid), -ETIMEDOUT);
	ck_assert_str_eq(why.what, "disk xvda: the back end did not answer in 0 s");
	ck_assert_str_eq(why.hint, "modprobe xen-blkback");
	assert_nothing_left("timeout", 0);
}
END_TEST

START_TEST(taken_things_are_refused)
{
	uint16_t first = 0, second = 0;

	ck_assert_int_eq(create(&first), 0);
	ck_assert_int_eq(create(&second), -EEXIST);
	ck_assert_str_eq(why.what, "vif: MAC address 00:16:3e:00:00:01 is in use by another guest");
	make_guest("");
	ck_assert_int_eq(create(&second), -EEXIST);
	ck_assert_str_eq(why.what, "the UUID is taken by domain 1");
	make_guest("uuid='11111111-89ab-cdef-0123-456789abcdef'\n");
	ck_assert_int_eq(create(&second), -EEXIST);
	ck_assert_str_eq(why.what, "the name is taken by domain 1");
	make_guest("name='h'\nuuid='11111111-89ab-cdef-0123-456789abcdef'\ndisk=['phy:/dev/"
		   "x,xvda,r']\n");
	ck_assert_int_eq(create(&second), -EBUSY);
	ck_assert_str_eq(why.what, "disk /dev/x: in use by domain 1");
	make_guest("name='h'\nuuid='11111111-89ab-cdef-0123-456789abcdef'\ndisk=['phy:/"
		   "img,xvda,r']\n");
	ck_assert_msg(create(&second) == 0, "%s", why.what);
	ck_assert_uint_eq(second, 2);
	ck_assert_int_eq(domains(), 2);
}
END_TEST

/* A dying domain keeps its name until it is gone; its successor may have it already. */
START_TEST(dying_domain_may_be_followed)
{
	uint16_t first = 0, second = 0;

	make_guest("");
	ck_assert_int_eq(create(&first), 0);
	fake_domain_find(first)->flags = XEN_DOMINF_dying;
	ck_assert_msg(create(&second) == 0, "%s", why.what);
	ck_assert_str_eq(value_of("/local/domain/2/name"), "g");
}
END_TEST

/* The heart of the transaction: let each call fail in turn. Calls made by the undo itself are not failed:
 * a second fault is for the mark and leftovers_remove(). */
START_TEST(any_failure_leaves_nothing)
{
	long calls;
	uint16_t domid = 0;

	ck_assert_int_eq(
		create(&domid), 0); /* how many calls does it take? (the cache is warm then) */
	calls = world->calls;
	for (long at = 1; at <= calls; at++) {
		fake_world_reset();
		forget_kept();
		world->fail_at = at;
		domid = 0;
		if (create(&domid) == 0)
			continue; /* a call whose failure is survived, such as a look at an error node */
		ck_assert_uint_eq(domid, 0);
		ck_assert_msg(why.what[0], "call %ld (%s): no reason given", at, world->failed);
		assert_nothing_left("failure at", at);
		ck_assert_int_eq(kept_files(), 0);
		/* and the same guest can be created now */
		world->fail_at = 0;
		ck_assert_msg(create(&domid) == 0, "after failure at %ld: %s", at, why.what);
	}
	ck_assert_int_gt(calls, 150);
}
END_TEST

static int create_in_child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		uint16_t domid = 0;

		_exit(create(&domid) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

/* Killed at each call in turn: what is left is either a whole guest, or removed by the next run. */
START_TEST(any_death_leaves_nothing_for_long)
{
	uint16_t domid = 0;
	long calls;

	ck_assert_int_eq(create(&domid), 0);
	calls = world->calls;
	for (long at = 1 + _i; at <= calls; at += 4) {
		fake_world_reset();
		world->kill_at = at;
		ck_assert_int_eq(create_in_child(), 99);
		world->kill_at = 0;
		world->mapped = 0; /* mappings and descriptors go with the process */
		world->loops_open = 0;
		if (world->in_transaction) /* and so does an open transaction */
			memcpy(world->nodes, world->saved, sizeof(world->nodes));
		world->in_transaction = false;
		ck_assert_int_ge(leftovers_remove(&host), 0);
		if (domains() == 1) {
			ck_assert_msg(
				fake_domain_find((uint16_t)world->last_id)->has_context &&
					fake_domain_find((uint16_t)world->last_id)->introduced,
				"killed at %ld: half a domain", at);
			continue;
		}
		assert_nothing_left("killed at", at);
	}
}
END_TEST

/* A failure whose undo fails as well keeps its mark, and so is removed by the next run. */
START_TEST(failed_undo_is_made_good)
{
	world->no_backends = true;
	world->always_fails = "destroy";
	ck_assert_int_eq(create_in_child(), 1);
	ck_assert_int_eq(domains(), 1);
	world->always_fails = NULL;
	ck_assert_int_eq(leftovers_remove(&host), 1);
	assert_nothing_left("failed undo", 0);
	ck_assert_int_eq(leftovers_remove(&host), 0);
}
END_TEST

START_TEST(living_creations_are_left_alone)
{
	uint16_t domid = 0;
	char path[128];

	make_guest("");
	ck_assert_int_eq(marker_set(&host, &guest, &why), 0);
	ck_assert_int_eq(leftovers_remove(&host), 0);
	snprintf(path, sizeof(path), "/bothy/creating/%s", "01234567-89ab-cdef-0123-456789abcdef");
	ck_assert_ptr_nonnull(fake_node_find(path));
	ck_assert_int_eq(create(&domid), -EEXIST);
	ck_assert_ptr_nonnull(strstr(why.what, "is being created"));
	ck_assert_ptr_nonnull(fake_node_find(path));
	ck_assert_int_eq(marker_clear(&host, guest.uuid), 0);
	ck_assert_int_eq(create(&domid), 0);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, teardown, hypervisor_side, store_side,
			      guest_may_write_only_its_own, kept_configuration_is_complete,
			      options_change_the_guest, silent_back_end_times_out,
			      taken_things_are_refused, dying_domain_may_be_followed,
			      any_failure_leaves_nothing, failed_undo_is_made_good,
			      living_creations_are_left_alone);
	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, refusals_leave_nothing, 0, (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_loop_test(c, any_death_leaves_nothing_for_long, 0, 4);
	return check_run("create", c);
}
