/* A pseudo-terminal for a guest's console: we hold the master, `bothy console` opens the other
 * end. */
#pragma once
#include "dom0/lib/attr.h"

struct pty {
	int master, slave;	/* the slave is held so that a console may come and go */
	char name[32];		/* "/dev/pts/N" */
};

/* Open one in raw mode, non-blocking. @dev_fd: the directory /dev, opened while we could. */
int pty_open(struct pty *p, int dev_fd) MUST_CHECK;
void pty_close(struct pty *p);
