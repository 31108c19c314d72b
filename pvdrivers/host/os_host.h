/* The port for a host process: domains that share its memory.
 *
 * A host_machine holds what domains have in common: the table of grants, ports, the store. Each
 * domain of it is a struct pv_os. Everything is deterministic: events and watches wait in one queue
 * until host_run(). A host_domain can die at any moment, even amid one of its functions: its
 * maps, ports, watches and memory go, what others see stays. For tests, fuzzers and benchmarks. */
#pragma once
#include "pvdrivers/os.h"

#define HOST_GRANTS	4096u
#define HOST_PORTS	64u
#define HOST_NODES	128u
#define HOST_WATCHES	32u

struct host_block;
struct host_domain;

struct host_grant {
	void *page;			/* NULL: free */
	domid_t owner, peer;
	bool readonly;
	uint32_t maps;			/* by the peer, at this moment */
};

struct host_map {
	grant_ref_t ref;		/* of host_grant */
	struct host_domain *by;		/* NULL: free */
	void *held;			/* mapped writable or not: the page itself */
};

struct host_port {
	struct host_domain *owner;	/* NULL: free */
	domid_t peer;
	uint32_t remote;		/* 0: not bound */
	bool pending;
	pv_callback *fn;
	void *arg;
};

struct host_node {
	char path[PV_PATH_MAX], value[PV_PATH_MAX];	/* path "": free */
};

struct host_watch {
	struct host_domain *owner;	/* NULL: free */
	char path[PV_PATH_MAX];
	bool pending;
	pv_callback *fn;
	void *arg;
};

struct host_machine {
	struct host_grant grant[HOST_GRANTS];	/* of all domains; 0 is none */
	struct host_map map[HOST_GRANTS];
	uint32_t grants_end, maps_end;		/* none from this one on was ever used */
	struct host_port port[HOST_PORTS];	/* of all domains; 0 is none */
	struct host_node node[HOST_NODES];
	struct host_watch watch[HOST_WATCHES];
	uint64_t now_ns;		/* the time: it passes as the user sets it */
};

struct host_domain {
	struct pv_os os;
	struct host_machine *machine;
	domid_t id;
	struct host_block *blocks;	/* memory, until it is freed or the domain dies */
	/* What this port has done; pages that a death unmapped are counted, too. */
	uint64_t notified, mapped, unmapped, logged;
	char last_log[PV_PATH_MAX];
	uint32_t fail_alloc, fail_map;	/* fail the nth call from now on, once; 0: none */
};

/* Make @m, which is zeroed or was in use, as new: in a time that goes by what was used of it. */
void host_machine_reset(struct host_machine *m);
/* Make domain @id of @machine. */
void host_domain_init(struct host_domain *d, struct host_machine *machine, domid_t id);
/* The domain's process ends: what it held is let go. It can be made anew at once. */
void host_domain_die(struct host_domain *d);
/* Call the callbacks of one pending event or watch, in the order of their numbers. False: none. */
bool host_run_one(struct host_machine *machine);
/* Run until nothing is pending. */
void host_run(struct host_machine *machine);
/* Remove @path and what is below it. */
void host_store_remove(struct host_machine *machine, const char *path);
/* Say how many maps, ports, watches and blocks of memory @d holds. */
uint32_t host_domain_holds(const struct host_domain *d);
