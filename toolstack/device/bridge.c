/* What the usual vif-bridge script does. The interface gets fe:ff:ff:ff:ff:ff: a bridge takes
 * the lowest address of its ports, and must not change it when guests come and go.
 * Spec: netdevice(7), rtnetlink(7).
 */
#include "toolstack/device/bridge.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dom0/lib/interface.h"

/* Which must be down for that. */
static int rename_interface(const char *name, const char *wanted)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;
	struct ifreq down = {0}, renamed = {0};

	if (sock < 0)
		return -errno;
	snprintf(down.ifr_name, sizeof(down.ifr_name), "%s", name);
	snprintf(renamed.ifr_name, sizeof(renamed.ifr_name), "%s", name);
	snprintf(renamed.ifr_newname, sizeof(renamed.ifr_newname), "%s", wanted);
	if (ioctl(sock, SIOCGIFFLAGS, &down) < 0)
		rc = -errno;
	down.ifr_flags = (short)(down.ifr_flags & ~IFF_UP);
	if (rc == 0 && (ioctl(sock, SIOCSIFFLAGS, &down) < 0 || ioctl(sock, SIOCSIFNAME, &renamed) < 0))
		rc = -errno;
	close(sock);
	return rc;
}

int bridge_attach(const char *bridge, const char *ifname, const char *wanted, struct why *why)
{
	static const uint8_t mac[6] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
	const struct interface_setting setting = {.mac = mac, .bridge = bridge};
	int rc = wanted[0] ? rename_interface(ifname, wanted) : 0;

	if (rc == 0)
		rc = interface_set(wanted[0] ? wanted : ifname, &setting);
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
