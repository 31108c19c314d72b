/* Which guests there are, with which consoles: the store says who came, the hypervisor who is gone. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/consoled/guest.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/doors.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/store_client.h"
#include "dom0/lib/store_loop.h"

struct secondary;

struct roster {
	struct loop *loop;
	struct store *store;
	struct doors *doors;
	int log_dir, dev_dir;
	struct guest *guests;		/* consoles, of any number */
	struct secondary *secondaries;	/* devices that are consoles, if the guest connects them */
	struct store_loop store_loop;
};

void roster_open(struct roster *r, struct loop *loop, struct store *store, struct doors *doors,
		 int log_dir, int dev_dir);
/* Watch for domains coming and going; the first events find those that are there. */
int roster_watch(struct roster *r) MUST_CHECK;
/* Port @port fired; or perhaps any did. */
void roster_event(struct roster *r, uint32_t port);
void roster_event_all(struct roster *r);
/* Take store events that are here already, and follow the connection if it was made anew. True: something was done, look
 * again before a wait. */
bool roster_follow(struct roster *r);
/* Console @number of domain @domid, if there is one, or NULL. @r: a struct roster. */
struct guest *roster_find(void *r, uint16_t domid, uint32_t number);

/* For secondary.c: attach the console at @ring, of a domain whose first console is there, and publish its pty in @tty. */
int roster_attach(struct roster *r, const struct guest_ring *ring, const char *tty) MUST_CHECK;
void roster_detach(struct roster *r, struct guest *g);
