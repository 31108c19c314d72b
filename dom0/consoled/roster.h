/* Which guests there are: the store says who came, the hypervisor who is gone. */
#pragma once
#include <stdint.h>
#include "dom0/consoled/guest.h"
#include "dom0/lib/attr.h"
#include "dom0/lib/doors.h"
#include "dom0/lib/loop.h"
#include "dom0/lib/store_client.h"
#include "dom0/lib/store_loop.h"

struct roster {
	struct loop *loop;
	struct store *store;
	struct doors *doors;
	int log_dir, dev_dir;
	struct guest *guests;
	struct store_loop store_loop;
};

void roster_open(struct roster *r, struct loop *loop, struct store *store, struct doors *doors,
		 int log_dir, int dev_dir);
/* Watch for domains coming and going; the first events find those that are there. */
int roster_start(struct roster *r) MUST_CHECK;
/* Port @port fired; or perhaps any did. */
void roster_event(struct roster *r, uint32_t port);
void roster_event_all(struct roster *r);
/* Take store events that are here already, and follow the connection if it was made anew. */
void roster_follow(struct roster *r);
/* The guest whose console there is of domain @domid, or NULL. @r: a struct roster. */
struct guest *roster_find(void *r, uint16_t domid);
