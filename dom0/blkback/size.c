/* The contract is in size.h. */
#include "dom0/blkback/size.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

int size_open(struct size *s, int file, uint32_t sector_bytes, uint64_t sectors)
{
	static const struct timespec period = { SIZE_LOOK_MS / 1000, SIZE_LOOK_MS % 1000 * 1000000 };

	*s = (struct size){ .file = file, .sector_bytes = sector_bytes, .sectors = sectors };
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->timer < 0 || timerfd_settime(s->timer, 0, &(struct itimerspec){ period, period }, NULL) < 0)
		return -errno;
	return 0;
}

void size_close(struct size *s)
{
	close(s->timer);
}

bool size_look(struct size *s)
{
	off_t bytes = lseek(s->file, 0, SEEK_END);
	uint64_t times, sectors;

	(void)!read(s->timer, &times, sizeof times);
	sectors = bytes < 0 ? 0 : (uint64_t)bytes / s->sector_bytes * (s->sector_bytes / 512);
	if (!sectors || sectors == s->sectors)
		return false;
	s->sectors = sectors;
	return true;
}
