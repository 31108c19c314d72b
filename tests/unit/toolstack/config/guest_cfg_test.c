/* xl.cfg's keys: meaning, defaults, bounds, and that a configuration survives being written back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check_main.h"
#include "toolstack/config/guest_cfg.h"

static struct guest_cfg guest;
static struct guest_warnings warnings;
static struct why why;

static int read_cfg(const char *text)
{
	struct cfg_text t = {0};
	int rc;

	memset(&why, 0, sizeof(why));
	memset(&guest, 0xee, sizeof(guest));
	rc = cfg_text_parse(&t, "guest.cfg", text, strlen(text), &why);
	if (rc == 0)
		rc = guest_cfg_parse(&guest, &t, &warnings, &why);
	cfg_text_free(&t);
	return rc;
}

#define BASE "name = 'g'\nkernel = '/k'\n"

START_TEST(defaults)
{
	ck_assert_int_eq(read_cfg(BASE), 0);
	ck_assert_str_eq(guest.name, "g");
	ck_assert_uint_eq(guest.memory_mib, 128);
	ck_assert_uint_eq(guest.maxmem_mib, 128);
	ck_assert_uint_eq(guest.vcpus, 1);
	ck_assert_uint_eq(guest.maxvcpus, 1);
	ck_assert_str_eq(guest.cmdline, "");
	ck_assert(!guest.uuid_given && !guest.pinned);
	ck_assert_int_eq(guest.on_poweroff, ACTION_DESTROY);
	ck_assert_int_eq(guest.on_reboot, ACTION_RESTART);
	ck_assert_int_eq(guest.on_crash, ACTION_DESTROY);
	ck_assert_uint_eq(warnings.count, 0);
}
END_TEST

START_TEST(everything)
{
	ck_assert_int_eq(
		read_cfg(BASE
			"uuid = '01234567-89ab-CDEF-0123-456789abcdef'\n"
			"ramdisk = '/r'\nroot = '/dev/xvda1 ro'\nextra = 'quiet'\n"
			"memory = \"256\"\nmaxmem = 512\nvcpus = '2'\nmaxvcpus = 4\n"
			"disk = ['phy:/dev/x,xvda,w', 'format=raw,vdev=xvdb,access=ro,target=/i']\n"
			"vif = ['mac=00:16:3e:00:00:01,bridge=br1', '']\n"
			"on_poweroff = 'preserve'\non_reboot='destroy'\n"
			"on_crash='coredump-restart'\ncpu_weight=512\ncap=50\n"
			"cpus = ['0-3,^1', '2']\ntype='pv'\n"),
		0);
	ck_assert_str_eq(guest.cmdline, "root=/dev/xvda1 ro quiet");
	ck_assert_uint_eq(guest.uuid[15], 0xef);
	ck_assert_uint_eq(guest.uuid[6], 0xcd);
	ck_assert_uint_eq(guest.memory_mib, 256);
	ck_assert_uint_eq(guest.vcpus, 2);
	ck_assert_uint_eq(guest.disk_count, 2);
	ck_assert_uint_eq(guest.vif_count, 2);
	ck_assert_str_eq(guest.vifs[1].bridge, VIF_BRIDGE_DEFAULT);
	ck_assert_int_eq(guest.on_crash, ACTION_RESTART);
	ck_assert_uint_eq(guest.cpus[0].bits[0], 0x0d);
	ck_assert_uint_eq(guest.cpus[1].bits[0], 0x04);
	ck_assert_uint_eq(guest.cpus[31].bits[0], 0x04);
	ck_assert_uint_eq(warnings.count, 1);
	ck_assert_str_eq(warnings.text[0],
		"guest.cfg:15: on_crash: no core is written; taken as \"restart\"");
}
END_TEST

START_TEST(cmdline_beats_root_and_extra)
{
	ck_assert_int_eq(read_cfg(BASE "cmdline='a b'\nroot='/r'\nextra='e'\n"), 0);
	ck_assert_str_eq(guest.cmdline, "a b");
}
END_TEST

START_TEST(unknown_keys_warn)
{
	ck_assert_int_eq(read_cfg(BASE "colour = 'red'\nvfb=['x']\nvif=['model=e1000,devid=1']\n"
				       "memroy = 3\n"),
		0);
	ck_assert_uint_eq(warnings.count, 4);
	ck_assert_str_eq(warnings.text[0], "guest.cfg:3: colour: unknown key, ignored");
	ck_assert_str_eq(warnings.text[2], "guest.cfg:5: vif: model,devid: ignored");
	ck_assert_str_eq(warnings.text[3],
		"guest.cfg:6: memroy: unknown key, ignored; did you mean \"memory\"?");
}
END_TEST

static const struct {
	const char *text, *where, *what;
} wrong[] = {
	{BASE "memory = 'abc'\n", "guest.cfg:3: memory", "expected a number, got \"abc\""},
	{BASE "memory = '12x'\n", "guest.cfg:3: memory", "expected a number, got \"12x\""},
	{BASE "memory = -1\n", "guest.cfg:3: memory", "-1 is out of range (16 to 1048576)"},
	{BASE "memory = ['1']\n", "guest.cfg:3: memory", "expected a number, got a list"},
	{BASE "memory = 99999999999999999999999\n", "guest.cfg:3: memory",
		"99999999999999999999999 is out of range (16 to 1048576)"},
	{BASE "memory = 4\n", "guest.cfg:3: memory", "4 is out of range (16 to 1048576)"},
	{BASE "vcpus = 33\n", "guest.cfg:3: vcpus", "33 is out of range (1 to 32)"},
	{BASE "vcpus = 3\nmaxvcpus = 2\n", "guest.cfg:4: maxvcpus", "2 is less than vcpus (3)"},
	{BASE "memory = 64\nmaxmem = 32\n", "guest.cfg:4: maxmem", "32 is less than memory (64)"},
	{"kernel='/k'\n", "", "name: missing"},
	{"name='g'\n", "", "kernel: missing"},
	{"name='g'\nkernel=''\n", "guest.cfg:2: kernel", "is empty"},
	{"name='12'\n", "guest.cfg:1: name", "\"12\" would be taken for a domain id"},
	{"name='a b'\n", "guest.cfg:1: name", "\"a b\" has a blank, a slash or a control byte"},
	{"name='../x'\n", "guest.cfg:1: name", "\"../x\" has a blank, a slash or a control byte"},
	{"name=''\n", "guest.cfg:1: name", "\"\" cannot be a name"},
	{"name='Domain-0'\n", "guest.cfg:1: name", "\"Domain-0\" cannot be a name"},
	{"name='a\\xffb'\n", "guest.cfg:1: name", "\"a?b\" has a blank, a slash or a control byte"},
	{BASE "uuid='1234'\n", "guest.cfg:3: uuid", "expected a UUID, got \"1234\""},
	{BASE "on_crash='explode'\n", "guest.cfg:3: on_crash",
		"expected an action, got \"explode\""},
	{BASE "type='hvm'\n", "guest.cfg:3: type", "expected \"pv\", got \"hvm\""},
	{BASE "bootloader='pygrub'\n", "guest.cfg:3: bootloader",
		"boot loaders that read the guest's disk are not run"},
	{BASE "disk='x'\n", "guest.cfg:3: disk", "expected a list, got \"x\""},
	{BASE "disk=[1]\n", "guest.cfg:3: disk", "expected a disk as a string, got \"1\""},
	{BASE "disk=['phy:/a,xvda,w','file:/b,xvda,w']\n", "guest.cfg:3: disk",
		"xvda is given twice"},
	{BASE "disk=['phy:/a,xvda,r','file:/a,xvdb,w']\n", "guest.cfg:3: disk",
		"xvda and xvdb are both /a, and one of them is writable"},
	{BASE "vif=['mac=00:16:3e:0:0:1']\n", "guest.cfg:3: vif",
		"\"00:16:3e:0:0:1\" is not a usable MAC address"},
	{BASE "vif=['mac=00:16:3e:00:00:01','mac=00-16-3E-00-00-01']\n", "guest.cfg:3: vif",
		"entries 0 and 1 have the same MAC"},
	{BASE "channel='name=a,connection=pty'\n", "guest.cfg:3: channel", "expected a list, got \"name=a,connection=pty\""},
	{BASE "channel=[['name=a']]\n", "guest.cfg:3: channel", "expected a channel as a string, got a list"},
	{BASE "channel=['']\n", "guest.cfg:3: channel", "name is missing"},
	{BASE "channel=['connection=pty']\n", "guest.cfg:3: channel", "name is missing"},
	{BASE "channel=['name=a']\n", "guest.cfg:3: channel", "connection is missing"},
	{BASE "channel=['name=,connection=pty']\n", "guest.cfg:3: channel", "name: is empty"},
	{BASE "channel=['name=a b,connection=pty']\n", "guest.cfg:3: channel",
		"name: has a blank, a quote, \"=\" or a byte that is no ASCII"},
	{BASE "channel=['name=a=b,connection=pty']\n", "guest.cfg:3: channel",
		"name: has a blank, a quote, \"=\" or a byte that is no ASCII"},
	{BASE "channel=['name=a,connection=socket,path=/x']\n", "guest.cfg:3: channel",
		"connection \"socket\" is not supported"},
	{BASE "channel=['name=a,connection=pty,path=/x']\n", "guest.cfg:3: channel", "unknown key \"path\""},
	{BASE "channel=['name=a,connection=pty,backend=2']\n", "guest.cfg:3: channel", "backend \"2\" is not supported"},
	{BASE "channel=['pty']\n", "guest.cfg:3: channel", "\"pty\" is not KEY=VALUE"},
	{BASE "channel=['name=a,connection=pty','connection=pty,name=a']\n", "guest.cfg:3: channel",
		"two channels are named a"},
	{BASE "cpus='nodes:1'\n", "guest.cfg:3: cpus",
		"\"nodes:1\" is not a CPU, a range or \"all\""},
	{BASE "cpus='0,^0'\n", "guest.cfg:3: cpus", "no CPU is left in the set"},
	{BASE "cpus=[]\n", "guest.cfg:3: cpus", "expected 1 to 32 sets of CPUs"},
};

START_TEST(errors)
{
	ck_assert_int_lt(read_cfg(wrong[_i].text), 0);
	ck_assert_str_eq(why.where, wrong[_i].where);
	ck_assert_str_eq(why.what, wrong[_i].what);
}
END_TEST

/* As many as Linux has room for. */
START_TEST(so_many_channels)
{
	char text[1024] = BASE "channel=[";

	for (int i = 0; i < 16; i++) {
		snprintf(text + strlen(text), 64, "%s'name=c%d,connection=pty'", i ? "," : "", i);
		strcat(text, "]\n");
		ck_assert_int_eq(read_cfg(text), i < 15 ? 0 : -EINVAL);
		text[strlen(text) - 2] = '\0';
	}
	ck_assert_str_eq(why.what, "too many entries (at most 15)");
}
END_TEST

START_TEST(long_channels_are_refused)
{
	char text[400] = BASE "channel=['connection=pty,name=";

	memset(text + strlen(text), 'x', 63);
	strcat(text, "']\n");
	ck_assert_int_eq(read_cfg(text), 0);
	ck_assert_uint_eq(strlen(guest.channels[0].name), 63);
	strcpy(text + strlen(text) - 3, "x']\n");
	ck_assert_int_eq(read_cfg(text), -EINVAL);
	ck_assert_str_eq(why.what, "name is too long (at most 63 bytes)");
}
END_TEST

START_TEST(long_values_are_refused)
{
	char text[3000] = BASE "extra='";

	memset(text + strlen(text), 'x', 1100);
	strcat(text, "'\n");
	ck_assert_int_eq(read_cfg(text), -EINVAL);
	ck_assert_str_eq(why.where, "guest.cfg:3: extra");
}
END_TEST

/* What `bothy create` keeps for a restart must mean the same. */
START_TEST(written_back_it_is_the_same)
{
	struct guest_cfg first;
	char *text = NULL;

	ck_assert_int_eq(
		read_cfg(BASE "uuid = '01234567-89ab-cdef-0123-456789abcdef'\n"
			      "cmdline = 'say=\"x\\\\y\" \\t\\x7f'\nvcpus=2\nmaxvcpus=3\n"
			      "disk = ['phy:/dev/x,xvda,w', 'vdev=hdc,cdrom,target=/a,b=c']\n"
			      "vif = ['mac=00:16:3e:00:00:01,ip=10.0.0.1 fe80::1,vifname=g.0']\n"
			      "channel = ['name=org.x,connection=pty', ' connection = pty , name = y ']\n"
			      "on_poweroff='rename-restart'\ncap=7\ncpus='1-255'\n"),
		0);
	first = guest;
	ck_assert_int_eq(guest_cfg_format(&first, &text), 0);
	ck_assert_int_eq(read_cfg(text), 0);
	ck_assert_uint_eq(warnings.count, 0);
	ck_assert_str_eq(first.cmdline, guest.cmdline);
	ck_assert_str_eq(first.disks[1].target, "/a,b=c");
	ck_assert_str_eq(guest.disks[1].target, "/a,b=c");
	ck_assert(guest.disks[1].cdrom && !guest.disks[1].writable);
	ck_assert_mem_eq(first.disks, guest.disks, sizeof(guest.disks));
	ck_assert_mem_eq(first.vifs, guest.vifs, sizeof(guest.vifs));
	ck_assert_uint_eq(guest.channel_count, 2);
	ck_assert_str_eq(guest.channels[0].name, "org.x");
	ck_assert_str_eq(guest.channels[1].name, "y");
	ck_assert_mem_eq(first.uuid, guest.uuid, 16);
	ck_assert_mem_eq(first.cpus, guest.cpus, sizeof(guest.cpus[0]) * 3);
	ck_assert_int_eq(guest.on_poweroff, ACTION_RENAME_RESTART);
	ck_assert_uint_eq(guest.cap, 7);
	free(text);
}
END_TEST

START_TEST(fuzz_values)
{
	static const char *const names[] = {"name", "uuid", "memory", "disk", "vif", "cpus",
		"on_crash", "vcpus", "extra", "channel"};
	static const char alphabet[] = "xvdahs0123456789:,=-^/ rwphyfilemacbridgetarget.[]'";

	srand((unsigned int)_i + 1);
	for (int round = 0; round < 3000; round++) {
		char text[256] = BASE;
		size_t at = strlen(text), length = (size_t)rand() % 60;

		at += (size_t)snprintf(text + at, 64, "%s = [\"", names[(size_t)rand() % 10]);
		while (length--)
			text[at++] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		strcpy(text + at, "\"]\n");
		if (rand() % 2) { /* as a plain string */
			*strchr(text, '[') = ' ';
			*strrchr(text, ']') = ' ';
		}
		if (read_cfg(text) < 0)
			ck_assert(why.what[0] && why.where[0]);
	}
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, defaults, everything, cmdline_beats_root_and_extra,
			      unknown_keys_warn, so_many_channels, long_channels_are_refused, long_values_are_refused,
			      written_back_it_is_the_same);
	tcase_add_loop_test(c, errors, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_loop_test(c, fuzz_values, 0, 4);
	return check_run("guest_cfg", c);
}
