/* A guest with a console ring, and what consoled has of it: a loop, directories, a hypervisor that counts. */
#pragma once
#include "dom0/consoled/guest.h"

struct console_world {
	_Alignas(4096) unsigned char page[4096];
	struct loop loop;
	struct guest *g;		/* domain 3, "one" */
	int dev_dir, log_dir, notified, bound, mapped;
	char dir[48];
};
extern struct console_world *cw;

/* Set it up, with the guest attached; let go of all, which must be all there was. */
void world_begin(void);
void world_end(void);
void world_attach(void);
struct xencons_interface *world_ring(void);
/* The guest prints, and its port fires. */
void world_print(const char *text);
/* What is in the guest's log. */
const char *world_log(void);
/* Run the loop until nothing is to be done. */
void world_run(void);
/* What goes through a pty is passed on by a thread of the kernel's, in pieces: wait until some can be read at @fd. */
void world_wait(int fd);
/* Read @bytes that come there. */
void world_read(int fd, char *to, size_t bytes);
/* Open the guest's pty; it does not block. */
int world_tty(void);
