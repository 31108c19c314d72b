/* `bothy create` with configurations that are wrong, alone or beside the guests that run: the exact lines, the exit
 * status, and that the world is as it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/sched.h"
#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "toolstack/cli.h"

static char *before;

static void setup(void)
{
	test_host_make();
	test_host_settle();
	before = test_host_text();
}

static void teardown(void)
{
	free(before);
	test_host_remove();
}

/* "@" stands for the directory here too. */
static void write_config(const char *text)
{
	char bytes[2048];
	size_t at = 0;

	for (; *text; text++)
		at += (size_t)snprintf(bytes + at, sizeof(bytes) - at, *text == '@' ? "%s" : "%.1s",
			*text == '@' ? host_files.dir : text);
	write_file(host_files.config, bytes, at);
}

#define BASE    "name='g'\nkernel='@/kernel'\nmemory=16\n"
#define MIB     "\n  hint: in MiB, such as memory = 256\n"
#define AT      "bothy: create: @/guest.cfg:"
#define NAME_64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *text;
	int code;
	const char *lines;
} wrong[] = {
	/* syntax */
	{"name 'g'\n", 3, AT "1: expected \"=\" after the key\n"},
	{"name='g'\n\nkernel=\n", 3, AT "3: value missing\n"},
	{"name=g\n", 3, AT "1: cannot read this value\n  hint: put quotes around text\n"},
	{"name='g\nkernel='/k'\n", 3, AT "1: string has no closing quote\n"},
	{BASE "disk=[\n'phy:/a,xvda,w',\n", 3, AT "4: list has no closing \"]\"\n"},
	{BASE "disk=['phy:/a,xvda,w' 'x']\n", 3, AT "4: expected \",\" or \"]\" in list\n"},
	{BASE "[section]\n", 3, AT "4: expected `key = value`\n"},
	/* what is missing or of the wrong kind */
	{"kernel='@/kernel'\n", 3,
		"bothy: create: @/guest.cfg: name: missing\n  hint: add name = \"guest1\"\n"},
	{"name='g'\n", 3,
		"bothy: create: @/guest.cfg: kernel: missing\n"
		"  hint: add kernel = \"/boot/vmlinuz\"\n"},
	{"", 3, "bothy: create: @/guest.cfg: name: missing\n  hint: add name = \"guest1\"\n"},
	{BASE "vcpus='many'\n", 3, AT "4: vcpus: expected a number, got \"many\"\n"},
	{BASE "vcpus=[1]\n", 3, AT "4: vcpus: expected a number, got a list\n"},
	{BASE "ramdisk=['/r']\n", 3, AT "4: ramdisk: expected a string, got a list\n"},
	{BASE "disk='phy:/a,xvda,w'\n", 3, AT "4: disk: expected a list, got \"phy:/a,xvda,w\"\n"},
	{BASE "memory=0\n", 3, AT "4: memory: 0 is out of range (16 to 1048576)" MIB},
	{BASE "memory=-1\n", 3, AT "4: memory: -1 is out of range (16 to 1048576)" MIB},
	{BASE "memory=99999999\n", 3, AT "4: memory: 99999999 is out of range (16 to 1048576)" MIB},
	{BASE "memory='1G'\n", 3, AT "4: memory: expected a number, got \"1G\"" MIB},
	{BASE "vcpus=0\n", 3, AT "4: vcpus: 0 is out of range (1 to 32)\n"},
	{BASE "vcpus=33\n", 3, AT "4: vcpus: 33 is out of range (1 to 32)\n"},
	{BASE "name='7'\n", 3,
		AT "4: name: \"7\" would be taken for a domain id\n  hint: add a letter\n"},
	{BASE "name='Domain-0'\n", 3, AT "4: name: \"Domain-0\" cannot be a name\n"},
	{BASE "name='" NAME_64 "'\n", 3, AT "4: name: text is too long (at most 63 bytes)\n"},
	{BASE "type='hvm'\n", 3,
		AT "4: type: expected \"pv\", got \"hvm\"\n"
		   "  hint: only paravirtualized guests run here\n"},
	/* disks and interfaces */
	{BASE "disk=['format=qcow2,vdev=xvda,target=/a']\n", 3,
		AT "4: disk: format \"qcow2\" is not supported\n"
		   "  hint: only raw images, or target=nbd+exec:qemu-nbd -f qcow2 IMAGE\n"},
	{BASE "disk=['phy:/missing,xvda,w']\n", 3,
		"bothy: create: disk /missing: No such file or directory\n"},
	{BASE "disk=['phy:/,xvda,w']\n", 3,
		"bothy: create: disk /: neither a block device nor a file\n"},
	{BASE "disk=['vdev=xvda,backend=user,target=/missing']\n", 3,
		"bothy: create: disk /missing: No such file or directory\n"},
	{BASE "disk=['vdev=xvda,backend=user,target=/']\n", 3,
		"bothy: create: disk /: neither a block device nor a file\n"},
	{BASE "disk=['vdev=xvda,backend=driver,target=/a']\n", 3,
		AT "4: disk: backend \"driver\" is not supported\n  hint: user or kernel\n"},
	{BASE "disk=['file:/a,xvda,w',\n'vdev=xvda,backend=user,target=/b']\n", 3,
		AT "4: disk: xvda is given twice\n"},
	{BASE "disk=['file:/a,xvda,r',\n'vdev=xvdb,backend=user,target=/a']\n", 3,
		AT "4: disk: xvda and xvdb are both /a, and one of them is writable\n"},
	{BASE "disk=['phy:/a,xvda,w','phy:/b,xvda,w']\n", 3, AT "4: disk: xvda is given twice\n"},
	{BASE "disk=['file:/a,xvda,w',\n'file:/a,xvdb,r']\n", 3,
		AT "4: disk: xvda and xvdb are both /a, and one of them is writable\n"},
	{BASE "disk=['file:@/kernel,xvda,r','file:@/link,xvdb,w']\n", 3,
		"bothy: create: disk: xvda and xvdb are both @/link, and one of them is "
		"writable\n"},
	{BASE "vif=['bridge=none']\n", 3, "bothy: create: vif: no bridge \"none\" on this host\n"},
	{BASE "vif=['mac=00:16:3e:00:00:01','mac=00:16:3E:00:00:01']\n", 3,
		AT "4: vif: entries 0 and 1 have the same MAC\n"},
	{BASE "vif=['mac=01:00:00:00:00:00']\n", 3,
		AT "4: vif: \"01:00:00:00:00:00\" is not a usable MAC address\n"
		   "  hint: six hex bytes, not multicast: 00:16:3e:12:34:56\n"},
	{BASE "cpus='4-5'\n", 3,
		"bothy: create: cpus: Invalid argument\n"
		"  hint: at least one CPU of the set must exist: bothy info nr_cpus\n"},
	/* more than there is */
	{BASE "memory=600\n", 1,
		"bothy: create: memory: 600 MiB wanted, 512 MiB free\n"
		"  hint: bothy list shows who has how much\n"},
	{BASE "memory=100\n", 1, /* taken by others since: the fake world has 64 MiB a domain */
		"bothy: create: memory: Cannot allocate memory\n"
		"  hint: bothy info shows free_memory\n"},
};

START_TEST(refused_alone)
{
	char link[96];

	snprintf(link, sizeof(link), "%s/link", host_files.dir);
	ck_assert_int_eq(symlink("kernel", link), 0);
	write_config(wrong[_i].text);
	assert_failed(run("create %s", host_files.config), wrong[_i].code, wrong[_i].lines, before);
}
END_TEST

#define GUEST                                                                                      \
	"name='g'\nkernel='@/kernel'\nmemory=16\nuuid='01234567-89ab-cdef-0123-456789abcdef'\n"    \
	"disk=['/dev/x,,xvda,w,backend=kernel','/img,,xvdb,r,backend=kernel','@/kernel,,xvdc,r,backend=kernel',"                     \
	"'vdev=xvdy,backend=user,target=/u','/r,raw,xvdz,r,backend=user']\n"                       \
	"vif=['mac=00:16:3e:00:00:01']\n"
#define SHARE "\n  hint: only disks that nobody writes can be shared: give it as read-only to all\n"

static const struct {
	const char *text; /* beside GUEST */
	const char *lines;
} taken[] = {
	{GUEST, "bothy: create: name: \"g\" is taken by domain 1\n"
		"  hint: bothy destroy 1, or choose another name\n"},
	{GUEST "name='h'\n", "bothy: create: uuid: \"01234567-89ab-cdef-0123-456789abcdef\" is "
			     "taken by domain 1\n"
			     "  hint: bothy destroy 1, or choose another uuid\n"},
	{BASE "name='h'\nvif=['','mac=00:16:3E:00:00:01']\n",
		"bothy: create: vif: MAC address 00:16:3e:00:00:01 is in use by domain 1\n"},
	{BASE "name='h'\ndisk=['phy:/dev/x,xvda,w']\n",
		"bothy: create: disk /dev/x: in use by domain 1" SHARE},
	{BASE "name='h'\ndisk=['phy:/dev/x,xvda,r']\n",
		"bothy: create: disk /dev/x: in use by domain 1" SHARE},
	{BASE "name='h'\ndisk=['file:/img,xvda,w']\n",
		"bothy: create: disk /img: in use by domain 1" SHARE},
	{BASE "name='h'\ndisk=['file:@/./kernel,xvda,w']\n",
		"bothy: create: disk @/./kernel: in use by domain 1" SHARE},
	/* the other kind's, and two of dom0's processes */
	{BASE "name='h'\ndisk=['file:/u,xvda,r']\n",
		"bothy: create: disk /u: in use by domain 1" SHARE},
	{BASE "name='h'\ndisk=['file:/r,xvda,w']\n",
		"bothy: create: disk /r: in use by domain 1" SHARE},
	{BASE "name='h'\ndisk=['vdev=xvda,backend=user,target=/img']\n",
		"bothy: create: disk /img: in use by domain 1" SHARE},
	{BASE "name='h'\ndisk=['/dev/other-name,raw,xvda,r,backend=user']\n",
		"bothy: create: disk /dev/other-name: in use by domain 1" SHARE},
	{BASE "name='h'\ndisk=['/u,raw,xvda,r,backend=user']\n",
		"bothy: create: disk /u: in use by domain 1" SHARE},
};

static void start_guest(void)
{
	write_config(GUEST);
	ck_assert_msg(run("create -q %s", host_files.config) == 0, "%s", err_text);
	free(before);
	before = test_host_text();
}

START_TEST(refused_beside_another)
{
	start_guest();
	write_config(taken[_i].text);
	assert_failed(run("create %s", host_files.config), EXIT_FAILED, taken[_i].lines, before);
}
END_TEST

static uint32_t ended(uint32_t reason)
{
	return XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
}

/* It is told once, and left to domaind, who knows what is to follow. */
START_TEST(crash_at_once)
{
	write_config(GUEST);
	world->ends_with = ended(SHUTDOWN_crash);
	ck_assert_int_eq(run("create %s", host_files.config), EXIT_FAILED);
	ck_assert_str_eq(err_text, "bothy: create: g (domain 1) crashed as soon as it ran\n"
				   "  hint: bothy dmesg shows the reason\n");
	ck_assert_str_eq(out_text, "");
	ck_assert(fake_domain_find(1) && fake_node_find("/bothy/domain/1/on_crash"));
}
END_TEST

START_TEST(end_at_once)
{
	write_config(GUEST);
	world->ends_with = ended(SHUTDOWN_poweroff);
	ck_assert_int_eq(run("create %s", host_files.config), EXIT_DONE);
	ck_assert_str_eq(err_text, "bothy: create: warning: g (domain 1) has ended already: poweroff\n");
	ck_assert_str_eq(out_text, "g is domain 1\n");
}
END_TEST

/* It was reaped before anyone looked: how it ended is not known here, but it did not just start. */
START_TEST(gone_at_once)
{
	write_config(GUEST);
	world->ends_with = XEN_DOMINF_dying;
	ck_assert_int_eq(run("create %s", host_files.config), EXIT_FAILED);
	ck_assert_str_eq(err_text, "bothy: create: g (domain 1) ended as soon as it ran\n"
				   "  hint: /var/log/bothy/domaind.log and bothy dmesg say why\n");
	ck_assert_str_eq(out_text, "");
}
END_TEST

START_TEST(paused_has_not_ended)
{
	write_config(GUEST);
	world->ends_with = ended(SHUTDOWN_crash);
	ck_assert_int_eq(run("create -p %s", host_files.config), EXIT_DONE);
	ck_assert_str_eq(err_text, "");
}
END_TEST

START_TEST(what_nobody_writes_is_shared)
{
	start_guest();
	write_config(BASE "name='h'\ndisk=['file:/img,xvda,r','file:/r,xvdb,r',"
			  "'/r,raw,xvdc,r,backend=user','/img,raw,xvdd,r,backend=user']\n");
	ck_assert_msg(run("create -q %s", host_files.config) == 0, "%s", err_text);
}
END_TEST

START_TEST(silent_back_end)
{
	world->no_backends = true;
	write_config(BASE "disk=['/dev/x,raw,xvda,w,backend=kernel']\n");
	assert_failed(run("create %s", host_files.config), EXIT_TIMEOUT,
		"bothy: create: disk xvda: the back end did not answer in 0 s\n"
		"  hint: modprobe xen-blkback\n",
		before);
}
END_TEST

START_TEST(silent_backendd)
{
	world->no_backends = true;
	write_config(BASE "disk=['vdev=xvda,backend=user,target=/u']\n");
	assert_failed(run("create %s", host_files.config), EXIT_TIMEOUT,
		"bothy: create: disk xvda: the back end did not answer in 0 s\n"
		"  hint: is backendd running?\n",
		before);
}
END_TEST

/* Its words are told, and do not stay. */
START_TEST(failing_back_ends)
{
	static const struct {
		const char *disk, *errors;
	} kinds[] = {
		{"/u,,xvda,w,backend=kernel", "/local/domain/0/error/backend/vbd"},
		{"vdev=xvda,backend=user,target=/u", "/local/domain/0/error/user-backend/vbd"},
	};
	char text[256];

	world->backend_error = "2 opening\n\033[2J /u";
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), BASE "disk=['%s']\n", kinds[i].disk);
		write_config(text);
		ck_assert_int_eq(run("create %s", host_files.config), EXIT_FAILED);
		ck_assert_str_eq(err_text,
			"bothy: create: disk xvda: the back end says: 2 opening??[2J /u\n");
		ck_assert_int_eq(fake_node_count(kinds[i].errors), 1);
		ck_assert_ptr_null(fake_domain_find((uint16_t)world->last_id));
	}
}
END_TEST

/* ---- files that are no configuration ---- */

START_TEST(unreadable)
{
	static const char binary[] = "name='g'\nkernel='\0\0\0'\n";
	static char big[(1 << 20) + 1];

	assert_failed(run("create %s", host_files.config), EXIT_CONFIG,
		"bothy: create: @/guest.cfg: No such file or directory\n", before);
	assert_failed(run("create %s", host_files.dir), EXIT_CONFIG,
		"bothy: create: @: Is a directory\n", before);
	write_file(host_files.config, binary, sizeof(binary) - 1);
	assert_failed(run("create %s", host_files.config), EXIT_CONFIG,
		AT "2: NUL byte: this is not a text file\n", before);
	memset(big, '\n', sizeof(big));
	write_file(host_files.config, big, sizeof(big));
	assert_failed(run("create %s", host_files.config), EXIT_CONFIG,
		AT "1: file too big (at most 1 MiB)\n", before);
	assert_failed(run("create /dev/zero"), EXIT_CONFIG,
		"bothy: create: /dev/zero:1: file too big (at most 1 MiB)\n", before);
	memset(big, ',', sizeof(big));
	for (int i = 0; i < 5000; i++)
		memcpy(big + i * 4, i ? ",1\n " : "x=[1", 4);
	write_file(host_files.config, big, 20000);
	assert_failed(run("create %s", host_files.config), EXIT_CONFIG,
		AT "4095: too many values (at most 4096)\n", before);
	write_config(BASE);
	assert_failed(run("create %s memory=x", host_files.config), EXIT_CONFIG,
		"bothy: create: command line:1: memory: expected a number, got \"x\"" MIB, before);
	assert_failed(run("create %s memory=", host_files.config), EXIT_CONFIG,
		"bothy: create: command line:1: value missing\n", before);
}
END_TEST

START_TEST(unknown_keys_warn)
{
	write_config(BASE "memroy=32\nfoo=1\nnic=2\nvfb=['x']\n");
	ck_assert_int_eq(run("create -n %s", host_files.config), EXIT_DONE);
	ck_assert_ptr_nonnull(strstr(
		err_text, "guest.cfg:4: memroy: unknown key, ignored; did you mean \"memory\"?\n"));
	ck_assert_ptr_nonnull(strstr(err_text, "guest.cfg:5: foo: unknown key, ignored\n"));
	ck_assert_ptr_nonnull(strstr(err_text, "guest.cfg:7: vfb: has no effect here, ignored\n"));
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, teardown, what_nobody_writes_is_shared, silent_back_end,
			      silent_backendd, failing_back_ends,
			      crash_at_once, end_at_once, gone_at_once, paused_has_not_ended,
			      unreadable, unknown_keys_warn);
	tcase_add_loop_test(c, refused_alone, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_loop_test(c, refused_beside_another, 0, (int)(sizeof(taken) / sizeof(taken[0])));
	return check_run("refusals", c);
}
