/* What the usual vif-bridge script does, by ioctl. The interface gets fe:ff:ff:ff:ff:ff: a bridge takes
 * the lowest address of its ports, and must not change it when guests come and go.
 * Spec: netdevice(7); Linux include/uapi/linux/sockios.h.
 */
#include "toolstack/device/bridge.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SIOCBRADDIF
#define SIOCBRADDIF                                                                                \
	0x89a2 /* musl names it only in <linux/sockios.h>, which clashes with <net/if.h> */
#endif

static void request_name(struct ifreq *r, const char *name)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
}

static int set_flags(int sock, const char *name, short set, short clear)
{
	struct ifreq r;

	request_name(&r, name);
	if (ioctl(sock, SIOCGIFFLAGS, &r) < 0)
		return -errno;
	r.ifr_flags = (short)((r.ifr_flags & ~clear) | set);
	return ioctl(sock, SIOCSIFFLAGS, &r) < 0 ? -errno : 0;
}

static int set_address(int sock, const char *name)
{
	static const unsigned char address[6] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct ifreq r;

	request_name(&r, name);
	r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(r.ifr_hwaddr.sa_data, address, sizeof(address));
	return ioctl(sock, SIOCSIFHWADDR, &r) < 0 ? -errno : 0;
}

static int rename_interface(int sock, const char *name, const char *wanted)
{
	struct ifreq r;

	request_name(&r, name);
	snprintf(r.ifr_newname, sizeof(r.ifr_newname), "%s", wanted);
	return ioctl(sock, SIOCSIFNAME, &r) < 0 ? -errno : 0;
}

static int add_to_bridge(int sock, const char *bridge, const char *name)
{
	struct ifreq r;

	request_name(&r, bridge);
	r.ifr_ifindex = (int)if_nametoindex(name);
	if (r.ifr_ifindex == 0)
		return -ENODEV;
	return ioctl(sock, SIOCBRADDIF, &r) < 0 && errno != EBUSY ? -errno : 0;
}

static int attach(int sock, const char *bridge, const char *ifname, const char *wanted)
{
	const char *name = wanted[0] ? wanted : ifname;
	int rc = 0;

	if (wanted[0]) {
		rc = set_flags(sock, ifname, 0, IFF_UP);
		if (rc == 0)
			rc = rename_interface(sock, ifname, wanted);
	}
	if (rc == 0)
		rc = set_address(sock, name);
	if (rc == 0)
		rc = add_to_bridge(sock, bridge, name);
	if (rc == 0)
		rc = set_flags(sock, name, IFF_UP, 0);
	return rc;
}

int bridge_attach(const char *bridge, const char *ifname, const char *wanted, struct why *why)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = sock < 0 ? -errno : attach(sock, bridge, ifname, wanted);

	if (sock >= 0)
		close(sock);
	if (rc < 0)
		why_set(why, rc, "putting %s onto bridge %s: %s", ifname, bridge, strerror(-rc));
	return rc;
}

int bridge_check(const char *bridge, struct why *why)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/sys/class/net/%.15s/bridge", bridge);
	if (stat(path, &st) == 0)
		return 0;
	why_set(why, -ENODEV, "no bridge \"%s\" on this host", bridge);
	why_hint(why, "ip link add %s type bridge && ip link set %s up", bridge, bridge);
	return -ENODEV;
}
