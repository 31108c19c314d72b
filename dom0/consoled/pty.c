/* A pseudo-terminal for a guest's console.
 *
 * Opened by directory descriptor, since our root directory is another by then; the slave by
 * TIOCGPTPEER, which needs no path. */
#include "dom0/consoled/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int raw_mode(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return -errno;
	cfmakeraw(&t);
	return tcsetattr(fd, TCSANOW, &t) < 0 ? -errno : 0;
}

static int slave_open(struct pty *p)
{
	if (unlockpt(p->master) < 0 || ptsname_r(p->master, p->name, sizeof p->name) != 0)
		return -errno;
	p->slave = ioctl(p->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->slave < 0)
		return -errno;
	return raw_mode(p->slave);
}

int pty_open(struct pty *p, int dev_fd)
{
	int err;

	p->slave = -1;
	p->master = openat(dev_fd, "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (p->master < 0)
		return -errno;
	err = slave_open(p);
	if (err)
		pty_close(p);
	return err;
}

void pty_close(struct pty *p)
{
	if (p->slave >= 0)
		close(p->slave);
	if (p->master >= 0)
		close(p->master);
	p->master = p->slave = -1;
}
