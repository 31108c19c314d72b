/* Disks in both syntaxes, device numbers, and CPU sets' ranges. */
#include <errno.h>
#include <string.h>

#include "tests/unit/check_main.h"
#include "toolstack/config/cpu_set.h"
#include "toolstack/config/disk_spec.h"
#include "toolstack/config/vif_spec.h"

static const struct {
	const char *text, *target, *vdev;
	int writable, cdrom;
} good[] = {
	{"phy:/dev/vg/x,xvda,w", "/dev/vg/x", "xvda", 1, 0},
	{"phy:/dev/x,xvda1,r", "/dev/x", "xvda1", 0, 0},
	{"file:/a b.img,hdc:cdrom,r", "/a b.img", "hdc", 0, 1},
	{"tap:aio:/i,sda,w!", "/i", "sda", 1, 0},
	{"file:/i,xvda", "/i", "xvda", 1, 0},
	{"/i,raw,xvda,rw", "/i", "xvda", 1, 0},
	{"/i,,xvda", "/i", "xvda", 1, 0},
	{"/i,raw,xvda,ro", "/i", "xvda", 0, 0},
	{"/a=b.img,raw,xvda", "/a=b.img", "xvda", 1, 0},
	{"format=raw, vdev=xvda, access=rw, target=/path", "/path", "xvda", 1, 0},
	{"vdev=xvda,access=r,backendtype=phy,target=/a,b=,c", "/a,b=,c", "xvda", 0, 0},
	{"/i,raw,hdc,devtype=cdrom", "/i", "hdc", 0, 1},
	{"/i,raw,xvda,rw,discard,direct-io-safe,backend=kernel", "/i", "xvda", 1, 0},
};

START_TEST(both_syntaxes)
{
	struct disk_spec d, again;
	struct why w = {0};
	char text[700];

	ck_assert_msg(disk_spec_parse(&d, good[_i].text, &w) == 0, "%s: %s", good[_i].text, w.what);
	ck_assert_str_eq(d.target, good[_i].target);
	ck_assert_str_eq(d.vdev, good[_i].vdev);
	ck_assert_int_eq(d.writable, good[_i].writable);
	ck_assert_int_eq(d.cdrom, good[_i].cdrom);
	ck_assert_int_eq(d.kernel_backend, strstr(good[_i].text, "backend=kernel") != NULL);
	ck_assert_int_eq(disk_spec_format(&d, text, sizeof(text)), 0);
	ck_assert_int_eq(disk_spec_parse(&again, text, &w), 0);
	ck_assert_mem_eq(&d, &again, sizeof(d));
	ck_assert_int_eq(disk_spec_format(&d, text, 10), -ENOSPC);
}
END_TEST

/* Who serves it, and that it is kept. */
START_TEST(back_ends)
{
	static const struct {
		const char *text, *written;
	} all[] = {
		{"/i,raw,xvda,rw,backend=user", "format=raw,vdev=xvda,access=rw,target=/i"},
		{"backend=user,vdev=hdc,devtype=cdrom,target=/i,backend=kernel",
			"format=raw,vdev=hdc,access=ro,devtype=cdrom,target=/i,backend=kernel"},
		{"backend=kernel,vdev=xvda,backend=0,target=/i", "format=raw,vdev=xvda,access=rw,target=/i"},
		{"/i,raw,xvda,rw,backend=kernel", "format=raw,vdev=xvda,access=rw,backend=kernel,target=/i"},
		{"phy:/i,xvda,w", "format=raw,vdev=xvda,access=rw,target=/i"},
		{"backend=user,vdev=xvda,sector-size=4096,bytes-per-second=10m,operations-per-second=500,target=/i",
			"format=raw,vdev=xvda,access=rw,sector-size=4096,"
			"bytes-per-second=10485760,operations-per-second=500,burst=1000,target=/i"},
		{"vdev=xvda,secure-discard=overwrite,backend=user,target=/i",
			"format=raw,vdev=xvda,access=rw,secure-discard=overwrite,target=/i"},
		{"nbd+unix:///?socket=/run/s,,xvda,backend=user",
			"format=raw,vdev=xvda,access=rw,target=nbd+unix:///?socket=/run/s"},
		{"vdev=xvda,backend=user,target=nbd+exec:qemu-nbd -f qcow2 /a,b",
			"format=raw,vdev=xvda,access=rw,target=nbd+exec:qemu-nbd -f qcow2 /a,b"},
		{"vdev=xvda,sector-size=512,burst=20,operations-per-second=2k,backend=user,target=/i",
			"format=raw,vdev=xvda,access=rw,sector-size=512,operations-per-second=2048,"
			"burst=20,target=/i"},
		{"vdev=xvda,bytes-per-second=1048576g,burst=3600000,operations-per-second=1048576k,backend=user,target=/i",
			"format=raw,vdev=xvda,access=rw,bytes-per-second=1125899906842624,"
			"operations-per-second=1073741824,burst=3600000,target=/i"},
	};
	struct disk_spec d, again;
	struct why w = {0};
	char text[DISK_SPEC_TEXT];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ck_assert_int_eq(disk_spec_parse(&d, all[i].text, &w), 0);
		ck_assert_int_eq(disk_spec_format(&d, text, sizeof(text)), 0);
		ck_assert_str_eq(text, all[i].written);
		ck_assert_int_eq(disk_spec_parse(&again, text, &w), 0);
		ck_assert_mem_eq(&d, &again, sizeof(d));
	}
	/* The longest fits where guest_format.c writes it. */
	memset(d.target + 1, 'x', sizeof(d.target) - 2);
	d.target[sizeof(d.target) - 1] = '\0';
	memset(d.vdev, 'x', sizeof(d.vdev) - 1);
	d.cdrom = d.secure_discard = true;
	d.sector_bytes = d.burst_ms = UINT32_MAX;
	d.bytes_per_second = d.operations_per_second = UINT64_MAX;
	ck_assert_int_eq(disk_spec_format(&d, text, sizeof(text)), 0);
}
END_TEST

static const struct {
	const char *text, *what;
} bad[] = {
	{"", "no target given"},
	{"phy:", "expected a path"},
	{"phy:/a", "expected a virtual device, such as xvda"},
	{"phy:/a,xvda,w,more", "unexpected \"more\""},
	{"phy:relative,xvda,w", "target \"relative\" is not an absolute path"},
	{"phy:/a,xvda,x", "unknown access \"x\", expected r or w"},
	{"phy:/a,nvme0,w", "unknown virtual device \"nvme0\""},
	{"phy:/a,hdc:cdrom,w", "a cdrom cannot be writable"},
	{"phy:/a,hdc:tape,w", "unknown device type \"tape\""},
	{"/a,qcow2,xvda,rw", "format \"qcow2\" is not supported"},
	{"/a,raw", "no virtual device given"},
	{"/a,raw,xvda,rw,zzz", "unexpected \"zzz\""},
	{"vdev=xvda,colour=red,target=/a", "unknown disk key \"colour\""},
	{"vdev=xvda,backend=driver,target=/a", "backend \"driver\" is not supported"},
	{"vdev=xvda,backend=users,target=/a", "backend \"users\" is not supported"},
	{"vdev=xvda,backend=,target=/a", "backend \"\" is not supported"},
	{"vdev=xvda,backend=kernel,secure-discard=overwrite,target=/a", "secure-discard needs backend=user"},
	{"vdev=xvda,secure-discard=yes,backend=user,target=/a", "secure-discard \"yes\" is not overwrite"},
	{"vdev=xvda,backend=kernel,target=nbd://192.0.2.1", "an NBD target needs backend=user"},
	{"nbd:nbd://192.0.2.1,xvda,w", "target \"nbd:nbd://192.0.2.1\": expected nbd://, nbd+unix:// or nbd+exec:"},
	{"nbd://192.0.2.1,raw,xvda,w,backend=kernel", "an NBD target needs backend=user"},
	{"vdev=xvda,backend=user,target=nbd://server",
		"target \"nbd://server\": expected an address: names are not looked up"},
	{"vdev=xvda,sector-size=4096,backend=kernel,target=/a", "sector-size needs backend=user"},
	{"vdev=xvda,operations-per-second=1,backend=kernel,target=/a", "a limit needs backend=user"},
	{"vdev=xvda,backend=user,burst=1,target=/a", "burst without bytes-per-second or operations-per-second"},
	{"vdev=xvda,backend=user,sector-size=1024,target=/a", "sector-size \"1024\" is neither 512 nor 4096"},
	{"vdev=xvda,backend=user,sector-size=,target=/a", "sector-size \"\" is neither 512 nor 4096"},
	{"vdev=xvda,bytes-per-second=0,target=/a", "bytes-per-second \"0\" is not from 1 to 1125899906842624"},
	{"vdev=xvda,bytes-per-second=1048577g,target=/a",
		"bytes-per-second \"1048577g\" is not from 1 to 1125899906842624"},
	{"vdev=xvda,bytes-per-second=999999999999999999g,target=/a",
		"bytes-per-second \"999999999999999999g\" is not from 1 to 1125899906842624"},
	{"vdev=xvda,operations-per-second=1t,target=/a",
		"operations-per-second \"1t\" is not from 1 to 1073741824"},
	{"vdev=xvda,operations-per-second=1kk,target=/a",
		"operations-per-second \"1kk\" is not from 1 to 1073741824"},
	{"vdev=xvda,operations-per-second=-1,target=/a",
		"operations-per-second \"-1\" is not from 1 to 1073741824"},
	{"vdev=xvda,burst=,target=/a", "burst \"\" is not from 1 to 3600000"},
	{"vdev=xvda,backend,target=/a", "target \"backend\" is not an absolute path"},
	{"phy:/a,xvda,w,backend=user", "unexpected \"backend=user\""},
	{"vdev=xvda,target=rel", "target \"rel\" is not an absolute path"},
	{"vdev=xvdaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,target=/a", "vdev is too long (at most 23 bytes)"},
};

START_TEST(errors)
{
	struct disk_spec d;
	struct why w = {0};

	ck_assert_int_lt(disk_spec_parse(&d, bad[_i].text, &w), 0);
	ck_assert_str_eq(w.what, bad[_i].what);
}
END_TEST

START_TEST(device_numbers)
{
	static const struct {
		const char *name;
		uint32_t nr;
	} all[] = {{"xvda", 51712}, {"xvda1", 51713}, {"xvdb", 51728}, {"xvdp15", 51967},
		{"xvdq", 268439552}, {"xvda16", 268435472}, {"xvdaa", 268442112}, {"sda", 2048},
		{"sdp15", 2303}, {"hda", 768}, {"hdb2", 834}, {"hdc", 5632}, {"hdd63", 5759}};
	static const char *const none[] = {"", "xvd", "xvdA", "xvda0", "xvda256", "xvda1x", "sdq",
		"sda16", "hde", "hda64", "vda", "xvdzzzzzz", "xvd1", "xvda01"};
	uint32_t nr = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ck_assert_int_eq(disk_vdev_number(all[i].name, &nr), 0);
		ck_assert_msg(nr == all[i].nr, "%s: %u", all[i].name, nr);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_msg(disk_vdev_number(none[i], &nr) == -EINVAL, "%s", none[i]);
}
END_TEST

START_TEST(interfaces)
{
	struct vif_spec v, again;
	char ignored[64] = "", text[512];
	struct why w = {0};

	ck_assert_int_eq(vif_spec_parse(&v,
				 "mac=00:16:3E:aa:bb:cc, bridge=br0,script=/x/y,ip=10.0.0.1,"
				 "vifname=eth-a,type=vif,",
				 ignored, sizeof(ignored), &w),
		0);
	ck_assert_str_eq(v.bridge, "br0");
	ck_assert_str_eq(v.script, "/x/y");
	ck_assert_str_eq(ignored, "type");
	ck_assert_uint_eq(v.mac[5], 0xcc);
	ck_assert_int_eq(vif_spec_format(&v, text, sizeof(text)), 0);
	ck_assert_int_eq(vif_spec_parse(&again, text, ignored, sizeof(ignored), &w), 0);
	ck_assert_mem_eq(&v, &again, sizeof(v));
	ck_assert_int_eq(vif_spec_parse(&v, "", ignored, sizeof(ignored), &w), 0);
	ck_assert(!v.mac_given);
	ck_assert_int_lt(vif_spec_parse(&v, "mac=01:00:5e:00:00:01", ignored, 64, &w), 0);
	ck_assert_int_lt(vif_spec_parse(&v, "mac=00:00:00:00:00:00", ignored, 64, &w), 0);
	ck_assert_int_lt(vif_spec_parse(&v, "bridge=a/b", ignored, 64, &w), 0);
	ck_assert_int_lt(vif_spec_parse(&v, "bridge=sixteen-bytes-xx", ignored, 64, &w), 0);
	ck_assert_int_lt(vif_spec_parse(&v, "bridge", ignored, 64, &w), 0);
	ck_assert_int_lt(vif_spec_parse(&v, "backend=netvm", ignored, 64, &w), 0);
}
END_TEST

START_TEST(cpu_sets)
{
	struct cpu_set s;
	struct why w = {0};
	char text[64];

	ck_assert_int_eq(cpu_set_parse(&s, "0-5,^2-3,8", &w), 0);
	ck_assert_int_eq(cpu_set_format(&s, 16, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "0-1,4-5,8");
	ck_assert_int_eq(cpu_set_parse(&s, "all", &w), 0);
	ck_assert_int_eq(cpu_set_format(&s, 2, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "all");
	ck_assert_int_eq(cpu_set_parse(&s, "0-5,^2-3,8", &w), 0);
	ck_assert_int_eq(cpu_set_format(&s, 16, text, 6), -ENOSPC);
	ck_assert_int_eq(cpu_set_parse(&s, "256", &w), -EINVAL);
	ck_assert_int_eq(cpu_set_parse(&s, "3-1", &w), -EINVAL);
	ck_assert_int_eq(cpu_set_parse(&s, "", &w), -EINVAL);
	ck_assert_int_eq(cpu_set_parse(&s, "1-", &w), -EINVAL);
	ck_assert_int_eq(cpu_set_parse(&s, "99999999999999999999", &w), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, back_ends, device_numbers, interfaces, cpu_sets);
	tcase_add_loop_test(c, both_syntaxes, 0, (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(c, errors, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	return check_run("specs", c);
}
