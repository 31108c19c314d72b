/* The devices of Xen in place of dom0/lib's doors, at link time: descriptors of /dev/null, and notes of what was asked. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct fake_doors {
	bool no_gntdev, no_evtchn;	/* these cannot be opened */
	uint16_t domid;			/* whose grants or events were asked for last */
	uint32_t first_ref, last_ref;	/* of the last reservation */
	uint32_t reserved;		/* pages, now */
	uint32_t at[1 << 15];	/* pages reserved together, by their place */
	uint32_t calls, fails_at;	/* reservations, and the one that fails */

	int tun_err, set_err;		/* of what is asked for interfaces */
	uint32_t tuns;			/* that were opened */
	uint32_t queues;		/* of the last, and whether it had to be new */
	bool fresh;
	char set[80];			/* the last setting: name, bridge, bytes of addresses and limits */
	char removed[80];		/* names, with a blank behind each */
	char routes[400];		/* what was asked of routes, each with a semicolon behind */
	int find_err, add_err, serve_err, masquerade_err, proxy_err;
	const char *uplink;		/* where packets leave; NULL: nowhere */
};

extern struct fake_doors fake_doors;
