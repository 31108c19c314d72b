/* Routes and proxies by rtnetlink, settings by /proc/sys, translation by iptables as dom0's start does it. */
#include "dom0/lib/route.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "dom0/lib/netlink.h"

#define IPTABLES "/usr/sbin/iptables"

/* @a's bytes and their number, as the kernel has them. */
static const uint8_t *raw(const struct net_address *a, uint32_t *size)
{
	bool v4 = net_address_is_ipv4(a);

	*size = v4 ? 4 : 16;
	return a->bytes + (v4 ? 12 : 0);
}

static uint8_t family(const struct net_address *a)
{
	return net_address_is_ipv4(a) ? AF_INET : AF_INET6;
}

int route_find(const struct net_address *a, uint32_t *index)
{
	struct rtmsg m = { .rtm_family = family(a), .rtm_dst_len = net_address_is_ipv4(a) ? 32 : 128 };
	uint32_t size, found = 0;
	const uint8_t *bytes = raw(a, &size);
	struct netlink n;
	int err;

	netlink_begin(&n, RTM_GETROUTE, 0, &m, sizeof m);
	netlink_add(&n, RTA_DST, bytes, size);
	err = netlink_ask(&n, &m, sizeof m, RTA_OIF, &found);
	if (!err && m.rtm_type == RTN_LOCAL)
		return -EADDRINUSE;
	if (err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EAFNOSUPPORT)
		err = 0;
	if (!err)
		*index = found;
	return err;
}

int route_add(const struct net_address *a, uint32_t index)
{
	struct rtmsg m = {
		.rtm_family = family(a), .rtm_dst_len = (uint8_t)(a->bits - (net_address_is_ipv4(a) ? 96 : 0)),
		.rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST,
		.rtm_scope = net_address_is_ipv4(a) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
	};
	struct net_address net = *a;
	uint32_t size;
	struct netlink n;

	/* The kernel takes no bits beyond the prefix. */
	for (unsigned int bit = a->bits; bit < 128; bit++)
		net.bytes[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	netlink_begin(&n, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof m);
	netlink_add(&n, RTA_DST, raw(&net, &size), net_address_is_ipv4(a) ? 4 : 16);
	netlink_add(&n, RTA_OIF, &index, sizeof index);
	return netlink_do(&n);
}

int route_proxy(const struct net_address *a, uint32_t index, bool on)
{
	struct ndmsg m = { .ndm_family = family(a), .ndm_ifindex = (int)index, .ndm_flags = NTF_PROXY };
	uint32_t size;
	const uint8_t *bytes = raw(a, &size);
	struct netlink n;
	int err;

	netlink_begin(&n, on ? RTM_NEWNEIGH : RTM_DELNEIGH, on ? NLM_F_CREATE | NLM_F_REPLACE : 0, &m, sizeof m);
	netlink_add(&n, NDA_DST, bytes, size);
	err = netlink_do(&n);
	return !on && err == -ENOENT ? 0 : err;
}

/* ---- settings ---- */

static int setting_write(const char *directory, const char *name, const char *node, const char *value)
{
	char path[96];
	int fd, err = 0;

	snprintf(path, sizeof path, "/proc/sys/net/%s/%s/%s", directory, name, node);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int address_add(const char *name)
{
	static const uint8_t router[16] = { 0xfe, 0x80, [15] = 1 };
	struct ifaddrmsg m = { .ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_flags = IFA_F_NODAD,
			       .ifa_scope = RT_SCOPE_LINK, .ifa_index = if_nametoindex(name) };
	struct netlink n;

	netlink_begin(&n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof m);
	netlink_add(&n, IFA_LOCAL, router, sizeof router);
	return netlink_do(&n);
}

int route_serve(const char *name, bool ipv6)
{
	int err = setting_write("ipv4/conf", name, "forwarding", "1");

	if (!err)
		err = setting_write("ipv4/conf", name, "proxy_arp", "1");
	/* Else it would answer after a random delay. */
	if (!err)
		err = setting_write("ipv4/neigh", name, "proxy_delay", "0");
	if (err || !ipv6)
		return err;
	err = setting_write("ipv6/conf", name, "forwarding", "1");
	if (!err)
		err = setting_write("ipv6/conf", name, "proxy_ndp", "1");
	if (!err)
		err = setting_write("ipv6/neigh", name, "proxy_delay", "0");
	return err ? err : address_add(name);
}

/* ---- translation ---- */

/* Run it, in silence; its exit status, or -Exxx. */
static int iptables(const char *what, const char *from, const char *name)
{
	const char *const argv[] = {
		"iptables", "-w", "5", "-t", "nat", what, "POSTROUTING", "-s", from, "!", "-o", name, "-j", "MASQUERADE", NULL,
	};
	int status = 0, null;
	pid_t pid = fork();

	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		if (null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2)
			execv(IPTABLES, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

int route_masquerade(const struct net_address *a, const char *name, bool on)
{
	char from[NET_ADDRESS_TEXT];
	int status;

	net_address_format(a, from);
	status = iptables("-C", from, name);
	if (status < 0 || (status == 0) == on)
		return status < 0 ? status : 0;
	status = iptables(on ? "-A" : "-D", from, name);
	return status < 0 ? status : status == 127 ? -ENOENT : status ? -EIO : 0;
}
