/* Tap devices and interfaces of a real kernel, in a network namespace of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
#include "dom0/lib/interface.h"
#include "dom0/lib/netlink.h"
#include "dom0/lib/tun.h"
#include "tests/unit/check_main.h"

static const struct interface_setting up;

/* In a user namespace, too, where the test is nobody: there it may make interfaces. /sys shows those of this namespace only
 * when it is mounted there. */
static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET | CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)), 0);
	ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("sysfs", "/sys", "sysfs", 0, NULL), 0);
}

/* What /sys says of an interface; "": there is no such. */
static const char *shown(const char *name, const char *what)
{
	static char text[64];
	char path[96];
	FILE *f;

	snprintf(path, sizeof path, "/sys/class/net/%s/%s", name, what);
	text[0] = '\0';
	f = fopen(path, "re");
	if (f) {
		(void)!fgets(text, sizeof text, f);
		fclose(f);
	}
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static bool is_there(const char *name)
{
	return if_nametoindex(name) != 0;
}

START_TEST(made_and_removed)
{
	int fd[3];

	ck_assert_int_eq(tun_open("tap-a", 1, true, fd), 0);
	ck_assert_int_eq(fcntl(fd[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(fcntl(fd[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_str_eq(shown("tap-a", "tun_flags"), "0x5802");	/* IFF_TAP, _NO_PI, _VNET_HDR, _PERSIST */
	ck_assert_int_eq(tun_open("tap-a", 1, true, fd + 1), -EBUSY);
	ck_assert_int_eq(tun_open("tap-a", 1, false, fd + 1), -EBUSY);
	close(fd[0]);
	ck_assert(is_there("tap-a"));
	ck_assert_int_eq(tun_open("tap-a", 1, true, fd), -EBUSY);
	ck_assert_int_eq(tun_open("tap-a", 1, false, fd), 0);
	ck_assert_int_eq(interface_remove("tap-a"), 0);
	ck_assert(!is_there("tap-a"));
	ck_assert_int_eq(interface_remove("tap-a"), -ENODEV);
	close(fd[0]);
}
END_TEST

START_TEST(queues)
{
	int fd[8];

	ck_assert_int_eq(tun_open("tap-a", 4, true, fd), 0);
	ck_assert_int_eq(tun_open("tap-a", 2, true, fd + 4), -EBUSY);
	ck_assert_int_eq(tun_open("tap-a", 1, false, fd + 4), -EINVAL);
	/* Who ends and who follows may have it at once. */
	ck_assert_int_eq(tun_open("tap-a", 4, false, fd + 4), 0);
	for (int i = 0; i < 8; i++)
		close(fd[i]);
	ck_assert_int_eq(tun_open("tap-b", 1, true, fd), 0);
	ck_assert_int_eq(tun_open("tap-b", 2, false, fd + 1), -EINVAL);
	close(fd[0]);
}
END_TEST

START_TEST(refused)
{
	int fd[2], before = dup(0), after;

	close(before);
	ck_assert_int_eq(tun_open("a-name-too-long-", 1, true, fd), -ENAMETOOLONG);
	ck_assert_int_eq(tun_open("a/b", 1, true, fd), -EINVAL);
	ck_assert_int_eq(tun_open("lo", 2, false, fd), -EINVAL);
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
	ck_assert(is_there("lo"));
}
END_TEST

static void bridge_make(void)
{
	ck_assert_int_eq(system("busybox ip link add br-a type bridge && busybox ip link set br-a up"), 0);
}

/* What the kernel says of IFLA_GSO_MAX_SIZE, which /sys does not show. */
static uint32_t gso_bytes(const char *name)
{
	struct ifinfomsg info = { .ifi_index = (int)if_nametoindex(name) };
	uint32_t bytes = 1;
	struct netlink n;

	netlink_begin(&n, RTM_GETLINK, 0, &info, sizeof info);
	ck_assert_int_eq(netlink_ask(&n, &info, sizeof info, IFLA_GSO_MAX_SIZE, &bytes), 0);
	return bytes;
}

START_TEST(set)
{
	static const uint8_t mac[6] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct interface_setting s = { .mac = mac, .bridge = "br-a", .queue_packets = 77, .gso_bytes = 65535 };
	int fd;

	bridge_make();
	ck_assert_int_eq(tun_open("tap-a", 1, true, &fd), 0);
	ck_assert_int_eq(interface_set("tap-a", &s), 0);
	ck_assert_str_eq(shown("tap-a", "address"), "fe:ff:ff:ff:ff:ff");
	ck_assert_str_eq(shown("tap-a", "tx_queue_len"), "77");
	ck_assert_str_eq(shown("tap-a", "flags"), "0x1303");
	ck_assert_str_eq(shown("tap-a", "carrier"), "1");
	ck_assert_str_eq(shown("tap-a", "brport/state"), "3");
	ck_assert_uint_eq(gso_bytes("tap-a"), 65535);
	/* Again, and with nothing but up. */
	ck_assert_int_eq(interface_set("tap-a", &s), 0);
	ck_assert_int_eq(system("busybox ip link set tap-a down"), 0);
	ck_assert_int_eq(interface_set("tap-a", &up), 0);
	ck_assert_str_eq(shown("tap-a", "flags"), "0x1303");
	ck_assert_str_eq(shown("tap-a", "tx_queue_len"), "77");
	close(fd);
}
END_TEST

START_TEST(not_set)
{
	struct interface_setting s = { .bridge = "lo" };
	int fd;

	ck_assert_int_eq(interface_set("tap-a", &up), -ENODEV);
	ck_assert_int_eq(tun_open("tap-a", 1, true, &fd), 0);
	ck_assert_int_eq(interface_set("tap-a", &s), -EOPNOTSUPP);
	s.bridge = "br-a";
	ck_assert_int_eq(interface_set("tap-a", &s), -ENODEV);
	ck_assert_int_eq(interface_remove("lo"), -EOPNOTSUPP);
	close(fd);
}
END_TEST

/* A packet for the device waits in it while no process has it: whoever holds a descriptor keeps it. */
START_TEST(packets_wait)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(0x0a090902) };
	int fd, kept, s = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t data[2000];
	ssize_t n, all = 0;

	ck_assert_int_eq(tun_open("tap-a", 1, true, &fd), 0);
	kept = dup(fd);
	close(fd);
	ck_assert_int_eq(interface_set("tap-a", &up), 0);
	ck_assert_int_eq(system("busybox ip addr add 10.9.9.1/24 dev tap-a && "
		"busybox arp -s 10.9.9.2 00:16:3e:00:00:01"), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sendto(s, data, 777, 0, (struct sockaddr *)&to, sizeof to), 777);
	while ((n = read(kept, data, sizeof data)) > 0)
		all += n == (ssize_t)sizeof(struct virtio_net_hdr) + 14 + 20 + 8 + 777;
	ck_assert_int_eq(n < 0 ? errno : 0, EAGAIN);
	ck_assert_int_eq(all, 3);
	close(kept);
}
END_TEST

CHECK_MAIN("tun", setup, NULL, made_and_removed, queues, refused, set, not_set, packets_wait)
