/* A host in shared memory: hypervisor, store, kernel back ends, as far as creating a guest needs them.
 *
 * It takes the place of dom0/lib's doors at link time. The world is shared with child processes, so that a
 * test can kill a creation at any call and look at what is left. Every call counts; one of them can be
 * made to fail or to end the process. Loop devices and bridges are faked as well. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "protocol/arch_x86.h"
#include "protocol/domctl.h"
#include "protocol/xen.h"

enum {
	FAKE_DOMAINS = 4,
	FAKE_NODES = 400,
	FAKE_PATH = 160,
	FAKE_VALUE = 600,
	FAKE_PAGES = 16384, /* of a domain's arena: 64 MiB */
};

struct fake_node {
	char path[FAKE_PATH]; /* empty: free */
	char value[FAKE_VALUE];
	char perms[24];
};

struct fake_domain {
	uint16_t id; /* 0: free */
	uint8_t handle[16];
	uint32_t flags; /* XEN_DOMINF_* */
	uint32_t max_vcpus, ports, address_size;
	uint64_t max_kib, pages, map_bytes, pinned_mfn;
	uint64_t
		first_mfn; /* of FAKE_PAGES frames: the last is shared_info, before it grants */
	bool has_context, introduced;
	struct vcpu_guest_context context;
	uint16_t weight, cap;
	uint32_t nmis;                   /* received, one bit for each virtual CPU */
	uint64_t hard_affinity[2], soft; /* CPUs 0..63 of virtual CPUs 0 and 1; of the last one set */
};

struct fake_world {
	struct fake_domain domains[FAKE_DOMAINS];
	struct fake_node nodes[FAKE_NODES], saved[FAKE_NODES]; /* saved: before the transaction */
	bool in_transaction;
	unsigned int conflicts; /* commits still to fail with -EAGAIN */
	uint32_t last_id;
	int mapped;     /* frames of domains mapped now */
	int disks_open; /* targets of disks held by the test process */
	int loops_made; /* loop devices that it asked for */
	int bridged;    /* interfaces put onto bridges */
	uint64_t dom0_max_kib; /* its limit, if it was set */
	long balloon_pages;    /* each look at a domain lets it come so much closer to its target */
	bool no_large_extents, no_console, no_backends;
	const char *backend_error; /* what back ends say of a new device; or NULL */
	bool keeps_disks; /* guests do not let go of a disk whose back end is closing */
	unsigned int closing_looks; /* calls before the directory of a user back end that is closed goes */
	uint32_t ends_with; /* XEN_DOMINF_* of a guest from its start on; dying: it is gone; 0: it runs */
	bool obeys; /* guests that are asked to shut down are gone at once */
	long calls;         /* made so far */
	long fail_at;       /* the call that fails with -EIO; 0: none */
	long kill_at;       /* the call that ends the process */
	const char *failed; /* name of the call that failed */
	const char *always_fails; /* name of calls that all fail; or NULL */
	const char *stops_at;     /* name of calls that stop the process (SIGSTOP); or NULL */
	uint64_t free_pages;
};

extern struct fake_world *world; /* mapped by fake_world_reset() */
struct store;
extern struct store *const fake_store;

/* An empty world: dom0 with id 0, "/", "/local/domain/0". */
void fake_world_reset(void);

/* 0: go on. Every faked call asks first. */
int fake_call(const char *name);

/* A guest with 96 MiB, one virtual CPU and a name, in slot @id - 1. */
void fake_domain_add(uint16_t id, const char *name, uint32_t flags);

/* What the kernel does when a process ends: its mappings, descriptors and transaction go. */
void fake_process_ended(void);

/* All that can be seen of the world, as text to compare; malloc()ed. */
char *fake_world_text(void);

struct fake_domain *fake_domain_find(uint16_t id);
/* What the hypervisor tells of it. */
void fake_domain_describe(const struct fake_domain *d, struct xen_domctl_getdomaininfo *info);
void fake_dom0_describe(struct xen_domctl_getdomaininfo *info);
/* Frame @mfn of any domain, or NULL. */
void *fake_frame(uint64_t mfn);
const struct fake_node *fake_node_find(const char *path);
/* Nodes at or below @path. */
int fake_node_count(const char *path);
