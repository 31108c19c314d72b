/* Where things are on this host. Tests have places of their own. */
#pragma once

struct places {
	const char *kernel_cache;        /* unpacked kernels */
	const char *kept;                /* configurations of the guests there are */
	const char *sysfs;               /* "/sys" */
	const char *meminfo;             /* "/proc/meminfo" */
	unsigned int backend_timeout_ms; /* how long a back end may take with a new device */
	const char *console_socket;      /* consoled's */
	unsigned int console_timeout_ms; /* how long a console may take to be there */
	unsigned int detach_timeout_ms;  /* how long a guest may take to stop using a disk */
};
