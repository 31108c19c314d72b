/* Tools that believe a guest: XSA-25, XSA-55, XSA-57, XSA-160, XSA-175, XSA-178.
 *
 * The tools of dom0 are root on the machine that all guests share, and take input from guests in
 * two ways. One is what a guest is started from: its kernel, which its owner chose. XSA-25 was a
 * kernel that unpacked to more than there was memory, XSA-160 one that was never given back when
 * something failed, and XSA-55 a set of two dozen mistakes in the reader of ELF headers, each of
 * which let a header address memory that was the tool's own. The other is the store. In XSA-57
 * nodes about a guest's console were the guest's to write, its pty's name and log among them; in
 * XSA-175 and XSA-178 the tools went from a device's front end to its back end by the path that the
 * guest, or a driver domain, had written there, and removed, or opened as a file, what they found.
 *
 * Here a kernel is unpacked by a child process that has nothing but its memory (confine() in
 * toolstack/image/kernel_unpack.c), and loaded by bounds that are checked in pure code (lib/image,
 * lib/pvbuild). Of a guest's tree it owns what it must write and nothing that we read for a
 * decision (toolstack/domain/guest_tree.c); back ends are found by going through our own list of
 * them (dom0/lib/reap.c), never by a front end's word.
 *
 * The first test takes the tree that the toolstack has made for a guest, puts it into the real
 * store, and lets the guest try every node of it. The second lets it lie, and destroys it. The
 * third corrupts its kernel word by word.
 * Catches, seeded by hand: a guest's home made the guest's own, back ends removed by the front
 * end's path, a segment's bounds not checked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dom0/lib/reap.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dom0/xenstored/lab.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "tests/unit/toolstack/domain/test_kernel.h"
#include "toolstack/domain/create.h"

static struct guest_cfg config;
static struct create_options options;
static struct host host;
static struct why why;

/* %s: the directory of host_files. */
static void run_shell(const char *fmt)
{
	char command[400];

	snprintf(command, sizeof command, fmt, host_files.dir);
	ck_assert_int_eq(system(command), 0);
}

/* A configuration for @name with @disk and an interface; its kernel lies at host_files.kernel. */
static void configure(const char *name, const char *disk, const char *uuid)
{
	static struct guest_warnings warnings;
	struct cfg_text t = { 0 };
	char text[1024];

	snprintf(text, sizeof text, "name='%s'\nkernel='%s'\nmemory=16\nuuid='%s'\n"
		 "disk=['phy:%s,xvda,w']\nvif=['bridge=br0']\n", name, host_files.kernel, uuid, disk);
	ck_assert_int_eq(cfg_text_parse(&t, "t", text, strlen(text), &why), 0);
	ck_assert_msg(guest_cfg_parse(&config, &t, &warnings, &why) == 0, "%s", why.what);
	cfg_text_free(&t);
}

static void begin(void)
{
	test_host_make();
	options = (struct create_options){ .places = &host_files.places };
	memset(&host, 0, sizeof host);
	host.store = fake_store;
}

static void end(void)
{
	test_host_remove();
}

static int create(void)
{
	const char *warning = NULL;
	uint16_t domid = 0;

	memset(&why, 0, sizeof why);
	return guest_create(&host, &config, &options, &domid, &warning, &why);
}

static void create_two(void)
{
	configure("one", "/dev/x", "01234567-89ab-cdef-0123-456789abcdef");
	ck_assert_msg(create() == 0, "%s", why.what);
	configure("two", "/img", "11234567-89ab-cdef-0123-456789abcdef");
	ck_assert_msg(create() == 0, "%s", why.what);
}

/* --- XSA-57: whose nodes are whose --- */

/* A node as the toolstack made it, into the real store. "r0" is what the fake's root hands down, not the
 * toolstack's. */
static void node_copy(struct peer *dom0, const struct fake_node *n)
{
	static struct answer a;
	char body[FAKE_PATH + FAKE_VALUE];
	size_t len = strlen(n->path) + 1, value = strlen(n->value), perms = strlen(n->perms) + 1;

	memcpy(body, n->path, len);
	memcpy(body + len, n->value, value);
	ck_assert_ptr_null(ask(dom0, XS_WRITE, 0, body, len + value, &a));
	if (strcmp(n->perms, "r0") == 0)
		return;
	memcpy(body + len, n->perms, perms);
	for (size_t i = 0; i < perms; i++)
		if (body[len + i] == ' ')
			body[len + i] = '\0';
	ck_assert_ptr_null(ask(dom0, XS_SET_PERMS, 0, body, len + perms, &a));
}

/* What the guest decides and we may read as its opinion, no more; and its half of each device. */
static bool is_the_guests(const char *path)
{
	static const char *const own[] = { "control/shutdown", "control/sysrq", "control/feature-", "data", "drivers", "attr",
					   "error", "feature", "device/suspend/event-channel", "device/vbd/", "device/vif/" };
	static const char home[] = "/local/domain/1/";

	if (strncmp(path, home, sizeof home - 1) != 0)
		return false;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (strncmp(path + sizeof home - 1, own[i], strlen(own[i])) == 0)
			return true;
	return false;
}

START_TEST(nodes_of_the_console_and_others)
{
	static struct lab lab;
	static struct answer a;
	int tried = 0;

	begin();
	create_two();
	lab_open(&lab);
	struct peer *dom0 = peer_open(&lab, 0), *guest = peer_open(&lab, 1);
	for (int i = 0; i < FAKE_NODES; i++)
		if (world->nodes[i].path[0])
			node_copy(dom0, &world->nodes[i]);
	for (int i = 0; i < FAKE_NODES; i++) {
		const char *path = world->nodes[i].path;
		char body[FAKE_PATH + 16];
		size_t n = strlen(path) + 1;

		if (!path[0] || is_the_guests(path))
			continue;
		memcpy(body, path, n);
		memcpy(body + n, "/dev/sda", 8);
		ck_assert_msg(strcmp(error_of(ask(guest, XS_WRITE, 0, body, n + 8, &a)), "EACCES") == 0, "%s", path);
		ck_assert_msg(ask(guest, XS_RM, 0, body, n, &a) != NULL, "%s", path);
		memcpy(body + n, "n1", 3);
		ck_assert_msg(strcmp(error_of(ask(guest, XS_SET_PERMS, 0, body, n + 3, &a)), "EACCES") == 0, "%s", path);
		tried++;
	}
	ck_assert_int_gt(tried, 80);
	/* What stands where the exploit of XSA-57 wrote. */
	ck_assert_ptr_null(ASK(guest, XS_READ, 0, "console/tty", &a));
	ck_assert_str_eq(a.body, "/dev/pts/1");
	/* Not even read: what dom0 keeps for itself, and the other guest's. */
	ck_assert_str_eq(error_of(ASK(guest, XS_READ, 0, "/bothy/domain/1/config", &a)), "EACCES");
	ck_assert_str_eq(error_of(ASK(guest, XS_READ, 0, "/local/domain/2/name", &a)), "EACCES");
	ck_assert_str_eq(error_of(ASK(guest, XS_DIRECTORY, 0, "/local/domain/0/backend/vbd/2", &a)), "EACCES");
	peer_close(guest);
	peer_close(dom0);
	lab_close(&lab);
	end();
}
END_TEST

/* --- XSA-175, XSA-178: a front end lies about its back end --- */

static void lie(const char *path, const char *value)
{
	struct fake_node *n = (struct fake_node *)(uintptr_t)fake_node_find(path);

	ck_assert_ptr_nonnull(n);
	ck_assert_msg(strstr(n->perms, "n1"), "%s is the guest's", path);
	strcpy(n->value, value);
}

static int nodes_of_two(void)
{
	return fake_node_count("/local/domain/2") + fake_node_count("/local/domain/0/backend/vbd/2") +
	       fake_node_count("/local/domain/0/backend/vif/2") + fake_node_count("/bothy/domain/2");
}

START_TEST(path_of_a_back_end)
{
	static const char *const elsewhere[] = { "/local/domain/0/backend/vbd/2/51712", "/local/domain/0", "/",
						 "/local/domain/2", "../../2", "/bothy/domain/2", "" };

	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
		begin();
		create_two();
		int before = nodes_of_two();
		lie("/local/domain/1/device/vbd/51712/backend", elsewhere[i]);
		lie("/local/domain/1/device/vif/0/backend", elsewhere[i]);
		lie("/local/domain/1/device/vbd/51712/backend-id", "2");
		ck_assert_int_eq(domain_reap(&host.hv, fake_store, 1), 0);
		ck_assert_int_eq(nodes_of_two(), before);
		ck_assert_ptr_nonnull(fake_domain_find(2));
		/* And its own are gone, wherever it said they were. */
		ck_assert_int_eq(fake_node_count("/local/domain/1"), 0);
		ck_assert_int_eq(fake_node_count("/local/domain/0/backend/vbd/1"), 0);
		ck_assert_ptr_null(fake_domain_find(1));
		end();
	}
}
END_TEST

/* --- XSA-25, XSA-55, XSA-160: a kernel of its owner's making --- */

static void word_write(long at, uint64_t value)
{
	FILE *f = fopen(host_files.kernel, "r+");

	ck_assert(f && fseek(f, at, SEEK_SET) == 0 && fwrite(&value, sizeof value, 1, f) == 1 && fclose(f) == 0);
}

/* It starts (true), or there is a reason and nothing is left: no domain, no mapping of its memory, no node of its
 * own. */
static bool starts_or_leaves_nothing(void)
{
	if (create() == 0)
		return true;
	ck_assert_str_ne(why.what, "");
	ck_assert_int_eq(world->mapped, 0);
	ck_assert_int_eq(world->disks_open, 0);
	ck_assert_ptr_null(fake_domain_find(1));
	ck_assert_int_eq(fake_node_count("/local/domain/1"), 0);
	return false;
}

/* Every word of the headers and notes, by values that overflow, wrap, point elsewhere or just too far. */
START_TEST(kernel_word_by_word)
{
	static const uint64_t wild[] = { ~0ull, 1ull << 63, 0xffffffff, 0x100000, 0x2000, 0 };
	const size_t values = sizeof wild / sizeof wild[0];
	struct stat st;
	unsigned started = 0, tried = 0;
	char kept[160];

	begin();
	snprintf(kept, sizeof kept, "%s/01234567-89ab-cdef-0123-456789abcdef.cfg", host_files.places.kept);
	configure("one", "/dev/x", "01234567-89ab-cdef-0123-456789abcdef");
	ck_assert_int_eq(stat(host_files.kernel, &st), 0);
	for (long at = 0; at + 8 <= st.st_size - 64; at += 8)
		for (size_t i = 0; i < values; i++, tried++) {
			fake_world_reset();
			unlink(kept);
			test_kernel_write(host_files.kernel);
			word_write(at, wild[i]);
			started += starts_or_leaves_nothing();
		}
	ck_assert_uint_gt(started, 0);
	ck_assert_uint_lt(started, tried);
	end();
}
END_TEST

/* XSA-25: a kernel of some kilobytes that would be gigabytes. */
START_TEST(kernel_without_an_end)
{
	begin();
	configure("one", "/dev/x", "01234567-89ab-cdef-0123-456789abcdef");
	run_shell("head -c 600000000 /dev/zero | gzip -1 >%s/kernel");
	ck_assert_int_lt(create(), 0);
	ck_assert_msg(strstr(why.what, "kernel") != NULL, "%s", why.what);
	ck_assert_ptr_null(fake_domain_find(1));
	/* The cache has nothing of it either, nor what it was unpacked to. */
	run_shell("test $(du -sk %s/cache | cut -f1) -lt 1000");
	end();
}
END_TEST

CHECK_MAIN("toolstack_trust", NULL, NULL, nodes_of_the_console_and_others, path_of_a_back_end,
	   kernel_word_by_word, kernel_without_an_end)
