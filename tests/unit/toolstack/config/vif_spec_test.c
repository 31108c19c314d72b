/* Network interfaces of a configuration: back ends, modes, addresses, rates; what does not go together. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/check_main.h"
#include "toolstack/config/vif_spec.h"

static struct vif_spec vif;
static struct why why;

static int parse(const char *text)
{
	char ignored[64] = "";

	why = (struct why){0};
	return vif_spec_parse(&vif, text, ignored, sizeof(ignored), &why);
}

/* It is taken, and written such that it is taken as the same. */
static void taken(const char *text)
{
	char ignored[64] = "", again[1024];
	struct vif_spec second;

	ck_assert_msg(parse(text) == 0, "%s: %s", text, why.what);
	ck_assert_int_eq(vif_spec_format(&vif, again, sizeof(again)), 0);
	ck_assert_msg(vif_spec_parse(&second, again, ignored, sizeof(ignored), &why) == 0, "%s", again);
	ck_assert_str_eq(ignored, "");
	ck_assert_mem_eq(&vif, &second, sizeof(vif));
}

static void refused(const char *text, const char *message)
{
	ck_assert_msg(parse(text) < 0, "%s was taken", text);
	ck_assert_str_eq(why.what, message);
}

START_TEST(back_ends)
{
	taken("");
	ck_assert(!vif.kernel_backend && vif.mode == VIF_BRIDGED);
	ck_assert_str_eq(vif.bridge, VIF_BRIDGE_DEFAULT);
	taken("backend=user");
	ck_assert(!vif.kernel_backend);
	taken("backend=kernel");
	ck_assert(vif.kernel_backend);
	taken("backend=0");
	ck_assert(!vif.kernel_backend);
	refused("backend=netvm", "backend \"netvm\" is not supported");
	ck_assert_str_eq(why.hint, "user or kernel");
}
END_TEST

START_TEST(modes)
{
	taken("mode=bridged,bridge=br1");
	ck_assert(vif.mode == VIF_BRIDGED);
	ck_assert_str_eq(vif.bridge, "br1");
	taken("ip=10.0.0.5,mode=routed,backend=user");
	ck_assert(vif.mode == VIF_ROUTED);
	ck_assert_str_eq(vif.bridge, "");
	taken("mode=nat,backend=user,ip=10.0.0.5 10.1.0.0/16,vifname=web0");
	ck_assert(vif.mode == VIF_NAT);
	refused("mode=tunnel", "unknown mode \"tunnel\"");
	taken("mode=routed,backend=user,ip=2001:db8::5");
	refused("mode=nat,backend=user,ip=10.0.0.5 2001:db8::5",
		"mode=nat is for addresses of IPv4 only");
	refused("mode=nat,backend=user", "mode=nat without an address");
	refused("mode=routed,backend=kernel,ip=10.0.0.5", "mode=routed is not what dom0's kernel does");
	refused("bridge=xenbr0,mode=routed,ip=10.0.0.5,backend=user", "mode=routed has no bridge");
}
END_TEST

START_TEST(addresses)
{
	taken("ip=10.0.0.5");
	ck_assert_str_eq(vif.ip, "10.0.0.5");
	taken("ip=  10.0.0.5/32   2001:DB8:0::5  10.1.0.0/16 ");
	ck_assert_str_eq(vif.ip, "10.0.0.5 2001:db8::5 10.1.0.0/16");
	taken("ip=");
	ck_assert_str_eq(vif.ip, "");
	refused("ip=10.0.0.5 10.0.0.300", "ip: \"10.0.0.5 10.0.0.300\" is no list of addresses of hosts");
	refused("ip=dhcp", "ip: \"dhcp\" is no list of addresses of hosts");
	refused("ip=224.0.0.1", "ip: \"224.0.0.1\" is no list of addresses of hosts");
	refused("ip=1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9",
		"ip: more than 8 addresses");
	/* As many as there may be, as long as they get. */
	taken("ip=2001:db8:1111:1111:1111:1111:1111:1110/127 2001:db8:1111:1111:1111:1111:1111:1112/127 "
	      "2001:db8:1111:1111:1111:1111:1111:1114/127 2001:db8:1111:1111:1111:1111:1111:1116/127 "
	      "2001:db8:1111:1111:1111:1111:1111:1118/127 2001:db8:1111:1111:1111:1111:1111:111a/127 "
	      "2001:db8:1111:1111:1111:1111:1111:111c/127 2001:db8:1111:1111:1111:1111:1111:111e/127");
}
END_TEST

START_TEST(rates)
{
	static const struct {
		const char *text;
		uint64_t bytes, part;
		uint32_t us;
	} good[] = {
		{"rate=10MB/s", 10000000, 500000, 50000}, {"rate=1Gb/s@20ms", 125000000, 2500000, 20000},
		{"rate=250KB/s", 250000, 12500, 50000}, {"rate=1MB/s@20ms", 1000000, 20000, 20000},
		{"rate=100B/s", 100, 5, 50000}, {"rate=8000b/s@1s", 1000, 1000, 1000000},
		{"rate=1GB/s@1000us", 1000000000, 1000000, 1000}, {"rate=1KB/s@5000", 1000, 5, 5000},
		{"rate=1099GB/s@1s", 1099000000000, 1099000000000, 1000000},
		{"rate=1099MB/s@1000s", 1099000000, 1099000000000, 1000000000},
	};
	static const char *const bad[] = {
		"10", "10MB", "10M/s", "10mb/s", "MB/s", "-1MB/s", "10 MB/s", "10MB/s@", "10MB/s@ms", "10MB/s@20m",
		"10MB/s@20ms@20ms", "10MB/s@-20ms", "10TB/s", "1100GB/s", "10MB/m", "10MB/s@1001s", "1100MB/s@1000s", "1099GB/s@1001ms",
		"10MB/s@99999999999999999999s", "99999999999999999999B/s", "10MB/sx", "18446744073709551615GB/s",
	};
	char text[64], message[128];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		taken(good[i].text);
		ck_assert(vif.rate_bytes == good[i].bytes && vif.rate_us == good[i].us);
		ck_assert_uint_eq(vif_rate_part(&vif), good[i].part);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "rate=%s", bad[i]);
		snprintf(message, sizeof(message), "rate \"%s\" is not understood", bad[i]);
		refused(text, message);
	}
	refused("rate=0MB/s", "rate \"0MB/s\" is less than a byte in an interval");
	refused("rate=1KB/s@999", "rate \"1KB/s@999\" is less than a byte in an interval");
	refused("rate=7b/s", "rate \"7b/s\" is less than a byte in an interval");
}
END_TEST

CHECK_MAIN("vif_spec", NULL, NULL, back_ends, modes, addresses, rates)
