/* A disk on a file, by threads that wait for each operation: where there is no io_uring.
 *
 * The threads are there before the sandbox is entered, which is theirs, too, and end with the process. */
#pragma once
#include <pthread.h>
#include "dom0/blkback/disk.h"

#define DISK_THREADS 8u

struct requests {
	struct blk_io_request *first, *last;
};

struct disk_threads {
	struct disk disk;
	int file;
	pthread_t thread[DISK_THREADS];
	unsigned int threads;
	pthread_mutex_t lock;		/* of all below */
	pthread_cond_t come;		/* something for a thread */
	struct requests asked, ended;	/* in their order */
	bool closing;
};

/* Make @d on @file, which stays open as long. -EAGAIN, -ENOMEM, -EMFILE: no threads, or no descriptor. */
int disk_threads_open(struct disk_threads *d, int file) MUST_CHECK;
