/* Creating a guest: what is there afterwards. (What is not, after a failure or death: leftovers_test.c.)
 *
 * The hypervisor, the store and the devices are fakes (fake_world.h); kernel cache, image loading, the
 * transaction and the reaper are the real ones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/lib/reap.h"
#include "protocol/grant_table.h"
#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "tests/unit/toolstack/domain/test_kernel.h"
#include "toolstack/domain/create.h"

static struct create_options options;
static struct guest_cfg guest;
static struct host host;
static struct why why;

static void make_guest(const char *more)
{
	char text[1024];
	struct cfg_text t = {0};
	static struct guest_warnings w;

	snprintf(text, sizeof(text),
		"name='g'\nkernel='%s'\ncmdline='hello'\nmemory=16\nvcpus=2\nmaxvcpus=3\n"
		"uuid='01234567-89ab-cdef-0123-456789abcdef'\n%s",
		host_files.kernel, more);
	ck_assert_int_eq(cfg_text_parse(&t, "t", text, strlen(text), &why), 0);
	ck_assert_msg(guest_cfg_parse(&guest, &t, &w, &why) == 0, "%s", why.what);
	cfg_text_free(&t);
}

#define DEVICES                                                                                    \
	"disk=['/dev/x,,xvda,w,backend=kernel','/img,,xvdb,r,backend=kernel','vdev=xvdz,target=/z']\n"          \
	"vif=['mac=00:16:3e:00:00:01,bridge=br0,backend=kernel','ip=10.0.0.2,backend=kernel']\n"               \
	"channel=['connection=pty,name=org.x','connection=pty,name=y']\n"

static void setup(void)
{
	test_host_make();
	options = (struct create_options){.places = &host_files.places};
	memset(&host, 0, sizeof(host));
	host.store = fake_store;
	make_guest(DEVICES);
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
	{"/local/domain/1/device/console/1/backend", "/local/domain/0/user-backend/console/1/1", "n1 r0"},
	{"/local/domain/1/device/console/1/backend-id", "0", "n1 r0"},
	{"/local/domain/1/device/console/1/state", "1", "n1 r0"},
	{"/local/domain/1/device/console/1/name", "org.x", "n1 r0"},
	{"/local/domain/1/device/console/1/type", "xenconsoled", "n1 r0"},
	{"/local/domain/1/device/console/1/output", "pty", "n1 r0"},
	{"/local/domain/1/device/console/2/name", "y", "n1 r0"},
	{"/local/domain/0/user-backend/console/1/1/frontend", "/local/domain/1/device/console/1", "n0 r1"},
	{"/local/domain/0/user-backend/console/1/1/online", "1", "n0 r1"},
	{"/local/domain/0/user-backend/console/1/1/state", "2", "n0 r1"}, /* consoled has seen it */
	{"/local/domain/0/user-backend/console/1/1/connection", "pty", "n0 r1"},
	{"/local/domain/0/user-backend/console/1/1/tty", "", "n0 r1"},
	{"/local/domain/0/user-backend/console/1/2/name", "y", "n0 r1"},
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
	ck_assert_int_eq(world->disks_open, 0);
	ck_assert_int_eq(world->bridged, 2);
	ck_assert_int_eq(strncmp(value_of("/local/domain/1/device/vif/1/mac"), "00:16:3e:", 9), 0);
}
END_TEST

/* Interfaces that processes of dom0's serve, one by a bridge and one by routes; nobody waits for Linux's driver. */
START_TEST(user_interfaces)
{
	static const struct {
		const char *path, *value;
	} nodes[] = {
		{"/local/domain/1/device/vif/0/backend", "/local/domain/0/user-backend/vif/1/0"},
		{"/local/domain/0/user-backend/vif/1/0/frontend", "/local/domain/1/device/vif/0"},
		{"/local/domain/0/user-backend/vif/1/0/state", "2"},
		{"/local/domain/0/user-backend/vif/1/0/online", "1"},
		{"/local/domain/0/user-backend/vif/1/0/mode", "bridged"},
		{"/local/domain/0/user-backend/vif/1/0/bridge", "br0"},
		{"/local/domain/0/user-backend/vif/1/0/queues", "3"},
		{"/local/domain/0/user-backend/vif/1/0/rate", "500000,50000"},
		{"/local/domain/0/user-backend/vif/1/1/mode", "nat"},
		{"/local/domain/0/user-backend/vif/1/1/ip", "10.0.0.5 10.1.0.0/16"},
		{"/local/domain/0/user-backend/vif/1/1/vifname", "web1"},
	};
	uint16_t domid = 0;

	make_guest("disk=['/dev/y,raw,xvda']\n"
		   "vif=['backend=user,bridge=br0,rate=10MB/s','backend=user,mode=nat,ip=10.0.0.5 "
		   "10.1.0.0/16,vifname=web1']\n");
	ck_assert_msg(create(&domid) == 0, "%s", why.what);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		ck_assert_msg(strcmp(value_of(nodes[i].path), nodes[i].value) == 0, "%s = \"%s\"",
			nodes[i].path, value_of(nodes[i].path));
		ck_assert_str_eq(perms_of(nodes[i].path),
			strstr(nodes[i].path, "/device/") ? "n1 r0" : "n0 r1");
	}
	ck_assert_int_eq(fake_node_count("/local/domain/0/user-backend/vif/1/0"), 11);
	ck_assert_int_eq(fake_node_count("/local/domain/0/user-backend/vif/1/1"), 11);
	ck_assert_int_eq(fake_node_count("/local/domain/0/backend/vif"), 0);
	ck_assert_int_eq(world->bridged, 0);
	world->closing_looks = 30;
	ck_assert_int_eq(domain_reap(&host.hv, host.store, domid), 0);
	ck_assert_uint_eq(world->closing_looks, 0);
	ck_assert_int_eq(fake_node_count("/local/domain/0/user-backend/vif"), 1);
}
END_TEST

/* What a process that serves a disk is told of it. */
START_TEST(user_disk_settings)
{
	static const struct {
		const char *path, *value;
	} nodes[] = {
		{"/local/domain/0/user-backend/vbd/1/51712/wanted-sector-size", "4096"},
		{"/local/domain/0/user-backend/vbd/1/51712/bytes-per-second", "1048576"},
		{"/local/domain/0/user-backend/vbd/1/51712/operations-per-second", "100"},
		{"/local/domain/0/user-backend/vbd/1/51712/burst-ms", "1000"},
		{"/local/domain/0/user-backend/vbd/1/51712/secure-discard", "1"},
	};
	uint16_t domid = 0;

	make_guest("disk=['vdev=xvda,backend=user,sector-size=4096,secure-discard=overwrite,bytes-per-second=1m,operations-per-second=100,"
		   "target=/img']\n");
	ck_assert_msg(create(&domid) == 0, "%s", why.what);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		ck_assert_str_eq(value_of(nodes[i].path), nodes[i].value);
		ck_assert_str_eq(perms_of(nodes[i].path), "n0 r1");
	}
}
END_TEST

START_TEST(user_disk_of_another_size)
{
	uint16_t domid = 0;

	make_guest("disk=['vdev=xvda,backend=user,sector-size=4096,target=/odd']\n");
	ck_assert_int_eq(create(&domid), -EINVAL);
	ck_assert_str_eq(why.what, "no multiple of 4096");
	ck_assert_int_eq(world->disks_open, 0);
}
END_TEST

/* Disks that processes of dom0's serve: out of the sight of Linux's drivers, and without what only they ask for. */
START_TEST(user_disks)
{
	static const struct {
		const char *path, *value;
	} nodes[] = {
		{"/local/domain/1/device/vbd/51712/backend", "/local/domain/0/user-backend/vbd/1/51712"},
		{"/local/domain/1/device/vbd/51712/virtual-device", "51712"},
		{"/local/domain/0/user-backend/vbd/1/51712", ""},
		{"/local/domain/0/user-backend/vbd/1/51712/frontend", "/local/domain/1/device/vbd/51712"},
		{"/local/domain/0/user-backend/vbd/1/51712/frontend-id", "1"},
		{"/local/domain/0/user-backend/vbd/1/51712/online", "1"},
		{"/local/domain/0/user-backend/vbd/1/51712/state", "2"},
		{"/local/domain/0/user-backend/vbd/1/51712/params", "/img"},
		{"/local/domain/0/user-backend/vbd/1/51712/mode", "w"},
		{"/local/domain/0/user-backend/vbd/1/51712/device-type", "disk"},
		{"/local/domain/0/user-backend/vbd/1/51712/dev", "xvda"},
		{"/local/domain/0/user-backend/vbd/1/51712/removable", "0"},
		{"/local/domain/0/user-backend/vbd/1/5632/params", "/dev/y"},
		{"/local/domain/0/user-backend/vbd/1/5632/mode", "r"},
		{"/local/domain/0/user-backend/vbd/1/5632/device-type", "cdrom"},
		{"/local/domain/0/user-backend/vbd/1/5632/removable", "1"},
	};
	uint16_t domid = 0;

	make_guest("disk=['vdev=xvda,backend=user,target=/img','/dev/y,raw,hdc,cdrom,backend=user',"
		   "'vdev=xvdb,backend=user,target=nbd://192.0.2.1/e']\n");
	ck_assert_msg(create(&domid) == 0, "%s", why.what);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		ck_assert_msg(strcmp(value_of(nodes[i].path), nodes[i].value) == 0, "%s = \"%s\"",
			nodes[i].path, value_of(nodes[i].path));
		ck_assert_str_eq(perms_of(nodes[i].path),
			strstr(nodes[i].path, "/device/") ? "n1 r0" : "n0 r1");
	}
	ck_assert_int_eq(fake_node_count("/local/domain/0/user-backend/vbd/1/51712"), 10);
	ck_assert_str_eq(value_of("/local/domain/0/user-backend/vbd/1/51728/params"), "nbd://192.0.2.1/e");
	ck_assert_int_eq(fake_node_count("/local/domain/0/user-backend/vbd/1/5632"), 10);
	ck_assert_int_eq(fake_node_count("/local/domain/0/backend"), 0);
	ck_assert_int_eq(world->loops_made, 0);
	ck_assert_int_eq(world->disks_open, 0);
	world->closing_looks = 30; /* they take their time */
	ck_assert_int_eq(domain_reap(&host.hv, host.store, domid), 0);
	ck_assert_uint_eq(world->closing_looks, 0);
	ck_assert_int_eq(fake_node_count("/local/domain/0/user-backend/vbd"), 1);
	ck_assert_int_eq(fake_node_count("/local/domain/1"), 0);
}
END_TEST

/* Another reaper has closed the disk already, and backendd removes it at any of our calls (the fake store refuses to have
 * it anew). */
START_TEST(user_disks_go_while_they_are_reaped)
{
	make_guest("disk=['vdev=xvda,backend=user,target=/u']\n");
	for (unsigned int calls = 0; calls < 20; calls++) {
		uint16_t domid = 0;
		char online[64];

		ck_assert_msg(create(&domid) == 0, "%s", why.what);
		snprintf(online, sizeof(online), "/local/domain/0/user-backend/vbd/%u/51712/online", domid);
		world->closing_looks = calls;
		ck_assert_int_eq(store_write(fake_store, STORE_NO_TX, online, "0"), 0);
		ck_assert_int_eq(domain_reap(&host.hv, host.store, domid), 0);
		ck_assert_uint_eq(world->closing_looks, 0);
		ck_assert_int_eq(fake_node_count("/local/domain/0/user-backend/vbd"), 1);
	}
}
END_TEST

/* Only the guest's own nodes are the guest's: no other has an owner or writer but dom0. */
START_TEST(guest_may_write_only_its_own)
{
	static const char *const own[] = {"/local/domain/1/control/shutdown",
		"/local/domain/1/control/sysrq", "/local/domain/1/control/feature-",
		"/local/domain/1/device/vbd/", "/local/domain/1/device/vif/",
		"/local/domain/1/device/console/",
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
	ck_assert_str_eq(again.kernel, host_files.kernel);
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

CHECK_MAIN("create", setup, test_host_remove, hypervisor_side, store_side, user_disks, user_interfaces, user_disk_settings,
	   user_disk_of_another_size, user_disks_go_while_they_are_reaped,
	   guest_may_write_only_its_own, kept_configuration_is_complete,
	   options_change_the_guest, dying_domain_may_be_followed)
