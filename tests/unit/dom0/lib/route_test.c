/* Routes of a real kernel, in a network namespace of the test's own, with two links that end nowhere. */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "dom0/lib/route.h"
#include "dom0/lib/tun.h"
#include "dom0/lib/interface.h"
#include "tests/unit/check_main.h"

static uint32_t up, guest;	/* interfaces: the way out, 10.9.0.1/24, and a guest's */

static void setup(void)
{
	static const struct interface_setting plain;
	int fd;

	ck_assert_int_eq(unshare(CLONE_NEWNET | CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)), 0);
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	/* What it shows is this namespace's, but what may be written depends on who mounted it. */
	ck_assert_int_eq(mount("proc", "/proc", "proc", 0, NULL), 0);
	ck_assert_int_eq(tun_open("up", 1, true, &fd) | tun_open("vif1.0", 1, true, &fd), 0);
	ck_assert_int_eq(interface_set("up", &plain) | interface_set("vif1.0", &plain), 0);
	ck_assert_int_eq(system("echo 0 >/proc/sys/net/ipv6/conf/up/accept_dad && busybox ip link set lo up && "
		"busybox ip addr add 10.9.0.1/24 dev up && "
		"busybox ip addr add 2001:db8:9::1/64 dev up && busybox ip route add default via 10.9.0.254"), 0);
	up = if_nametoindex("up");
	guest = if_nametoindex("vif1.0");
}

static const struct net_address *address(const char *text)
{
	static struct net_address a;

	ck_assert_int_eq(net_address_parse(&a, text), 0);
	return &a;
}

static uint32_t leaves_by(const char *text)
{
	uint32_t index = 12345;

	ck_assert_int_eq(route_find(address(text), &index), 0);
	return index;
}

START_TEST(found)
{
	uint32_t index = 7;

	ck_assert_uint_eq(leaves_by("10.9.0.5"), up);
	ck_assert_uint_eq(leaves_by("192.0.2.1"), up);
	ck_assert_uint_eq(leaves_by("2001:db8:9::5"), up);
	ck_assert_uint_eq(leaves_by("2001:db8:8::5"), 0);
	ck_assert_int_eq(route_find(address("10.9.0.1"), &index), -EADDRINUSE);
	ck_assert_int_eq(route_find(address("2001:db8:9::1"), &index), -EADDRINUSE);
	ck_assert_uint_eq(index, 7);
}
END_TEST

START_TEST(added)
{
	static const char *const all[] = { "10.9.0.5", "192.0.2.77/28", "2001:db8:9::5", "2001:db8:7:1::1/48" };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		ck_assert_int_eq(route_add(address(all[i]), guest), 0);
		ck_assert_int_eq(route_add(address(all[i]), guest), -EEXIST);
		ck_assert_uint_eq(leaves_by(all[i]), guest);
	}
	ck_assert_uint_eq(leaves_by("10.9.0.6"), up);
	ck_assert_uint_eq(leaves_by("192.0.2.79"), guest);
	ck_assert_uint_eq(leaves_by("192.0.2.80"), up);
	ck_assert_uint_eq(leaves_by("2001:db8:7:ffff::1"), guest);
	/* They go with the interface. */
	ck_assert_int_eq(interface_remove("vif1.0"), 0);
	ck_assert_uint_eq(leaves_by("10.9.0.5"), up);
}
END_TEST

/* What the kernel shows of one interface by @command. */
static bool shows(const char *command)
{
	return system(command) == 0;
}

START_TEST(proxies)
{
	for (int twice = 0; twice < 2; twice++) {
		ck_assert_int_eq(route_proxy(address("10.9.0.5"), up, true), 0);
		ck_assert_int_eq(route_proxy(address("2001:db8:9::5"), up, true), 0);
	}
	ck_assert(shows("grep -q '^10.9.0.5 .* 0xc .* up$' /proc/net/arp"));
	for (int twice = 0; twice < 2; twice++) {
		ck_assert_int_eq(route_proxy(address("10.9.0.5"), up, false), 0);
		ck_assert_int_eq(route_proxy(address("2001:db8:9::5"), up, false), 0);
	}
	ck_assert(!shows("grep -q '^10.9.0.5 ' /proc/net/arp"));
	ck_assert_int_eq(route_proxy(address("10.9.0.5"), 999, true), -ENODEV);
}
END_TEST

START_TEST(served)
{
	for (int twice = 0; twice < 2; twice++)
		ck_assert_int_eq(route_serve("vif1.0", twice), 0);
	ck_assert(shows("grep -q 1 /proc/sys/net/ipv4/conf/vif1.0/proxy_arp && "
			"grep -q 1 /proc/sys/net/ipv4/conf/vif1.0/forwarding && "
			"grep -q '^0$' /proc/sys/net/ipv4/neigh/vif1.0/proxy_delay && "
			"grep -q 1 /proc/sys/net/ipv6/conf/vif1.0/proxy_ndp && "
			"grep -q '^fe800000000000000000000000000001 .* vif1.0$' /proc/net/if_inet6"));
	ck_assert_int_eq(route_serve("vif1.0", true), 0);
	ck_assert_int_eq(route_serve("none", false), -ENOENT);
}
END_TEST

CHECK_MAIN("route", setup, NULL, found, added, proxies, served)
