/* Dropping privileges: every daemon opens what it needs, enters its sandbox, then serves.
 *
 * Own uid, a root directory of its own, no_new_privs, no capabilities, and a seccomp list of
 * system calls by name; anything else ends the process. There is no way to run a daemon of dom0
 * without. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>
#include "dom0/lib/attr.h"

/* Fixed ids of dom0's appliance; dom0/init's passwd file names them the same. */
enum {
	BOTHY_GID = 900,		/* may talk to the store's socket */
	XENSTORED_UID = 901,
	CONSOLED_UID = 902,
	DOMAIND_UID = 903,
	DEVICES_UID = 100000,	/* and up: one for each process that serves a device */
};

struct sandbox {
	uid_t uid;		/* 0: keep (plain host mode, when not started by root) */
	const char *root;	/* new root directory; NULL: keep */
	const char *calls;	/* names of further system calls, separated by spaces; sendto() is allowed without an address */
	const unsigned int *requests;	/* of ioctl(), which is allowed with just these, ended by 0; NULL: none */
};

/* Enter it, with all threads. Failure ends the process with a message: there is nothing to go on with. What every
 * daemon needs (memory, poll, read, write, close, time, exit) is on the list already; names the
 * running kernel's architecture lacks are skipped. */
void sandbox_enter(const struct sandbox *s);
