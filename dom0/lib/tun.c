/* The contract is in tun.h. */
#include "dom0/lib/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int queue_open(const char *name, int flags)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), err;
	struct ifreq r = { .ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags) };

	if (fd < 0)
		return -errno;
	memcpy(r.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, TUNSETIFF, &r) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int tun_open(const char *name, unsigned int queues, bool fresh, int fd[])
{
	int several = queues > 1 ? IFF_MULTI_QUEUE : 0, err = 0;
	unsigned int n = 0;

	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	for (; n < queues && !err; n += !err) {
		fd[n] = queue_open(name, several | (fresh && n == 0 ? IFF_TUN_EXCL : 0));
		err = fd[n] < 0 ? fd[n] : 0;
	}
	/* Until here it goes with its last queue. */
	if (!err && ioctl(fd[0], TUNSETPERSIST, 1) < 0)
		err = -errno;
	for (unsigned int i = 0; i < n && err; i++)
		close(fd[i]);
	return err;
}
