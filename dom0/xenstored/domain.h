/* Domains known to the store: introduced ones have a ring; dead ones are found out.
 *
 * What it takes from the hypervisor is behind struct ring_host and a function, so that tests play one. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/lib/ring_host.h"
#include "dom0/xenstored/ring.h"

struct store;
struct conn;

enum domain_life { DOMAIN_GONE, DOMAIN_RUNS, DOMAIN_SHUT_DOWN, DOMAIN_DYING };

struct domain {
	struct domain *next;
	uint16_t domid;
	bool shut_down;		/* seen, and told to watchers */
	bool broke;		/* its ring, ever: said in the log once, however often it starts anew */
	uint32_t remote_port, port;
	struct ring ring;
	struct conn *conn;	/* NULL once the domain broke its ring */
};

struct domains {
	const struct ring_host *host;
	enum domain_life (*life)(void *host_arg, uint16_t domid);
	struct domain *first;
};

/* Allow introductions into @s through @host; @life tells the state of a domain. */
void domains_open(struct store *s, const struct ring_host *host,
		  enum domain_life (*life)(void *host_arg, uint16_t domid));
void domains_close(struct store *s);
struct domain *domain_find(const struct store *s, uint16_t domid);

/* Connect @domid. Again with the same or another port: its event channel is bound anew.
 * -EINVAL: reserved id; -ENOSYS: no hypervisor; else why the ring or port was refused. */
int domain_introduce(struct store *s, uint16_t domid, uint32_t remote_port) MUST_CHECK;
/* Take over a predecessor's domain; @broken: it is not served. Nothing is served before
 * domains_start(). Of a domain that is there already only the port is noted. */
int domain_restore(struct store *s, uint16_t domid, uint32_t remote_port, bool broken) MUST_CHECK;
/* Forget a restored domain that its own record says has ended. */
void domain_forget(struct store *s, uint16_t domid);
/* Serve every domain once and fire its watches: after a restore (an event may have been on its way
 * when the predecessor was killed). */
void domains_start(struct store *s);
/* Forget @domid. -ENOENT: not introduced; -EINVAL: domain 0. */
int domain_release(struct store *s, uint16_t domid) MUST_CHECK;

/* Port @port fired. */
void domain_event(struct store *s, uint32_t port);
/* Some domain's state changed: look at all. Fires @releaseDomain if so. */
void domains_check(struct store *s);
