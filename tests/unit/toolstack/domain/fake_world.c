/* The fake world's state and its hypervisor. Contract: fake_world.h; the doors' own: dom0/lib. */
#include "tests/unit/toolstack/domain/fake_world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dom0/lib/domctl.h"
#include "dom0/lib/memctl.h"
#include "dom0/lib/privcmd.h"

struct fake_world *world;
static char *arena; /* FAKE_DOMAINS * FAKE_PAGES frames */

enum { FIRST_MFN = 0x1000, GRANT_FRAME = FAKE_PAGES - 2, SHARED_FRAME = FAKE_PAGES - 1 };

static void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void fake_world_reset(void)
{
	if (!world) {
		world = share(sizeof(*world));
		arena = share((size_t)FAKE_DOMAINS * FAKE_PAGES * 4096);
	}
	memset(world, 0, sizeof(*world));
	world->free_pages = 131072;
	strcpy(world->nodes[0].path, "/");
	strcpy(world->nodes[0].perms, "r0");
	strcpy(world->nodes[1].path, "/local");
	strcpy(world->nodes[2].path, "/local/domain");
	strcpy(world->nodes[3].path, "/local/domain/0");
	strcpy(world->nodes[4].path, "/local/domain/0/name");
	strcpy(world->nodes[4].value, "Domain-0");
	for (int i = 1; i < 5; i++)
		strcpy(world->nodes[i].perms, "r0");
}

int fake_call(const char *name)
{
	world->calls++;
	if (world->calls == world->kill_at)
		_exit(99);
	if (world->stops_at && strcmp(name, world->stops_at) == 0)
		raise(SIGSTOP);
	if (world->calls != world->fail_at &&
		!(world->always_fails && strcmp(name, world->always_fails) == 0))
		return 0;
	world->failed = name;
	return -EIO;
}

void fake_domain_add(uint16_t id, const char *name, uint32_t flags)
{
	struct fake_domain *d = &world->domains[id - 1];
	char *path = world->nodes[10 + id].path;

	*d = (struct fake_domain){.id = id,
		.flags = flags,
		.pages = 96 * 256,
		.max_kib = 98304,
		.max_vcpus = 1,
		.has_context = true,
		.handle = {0xab}};
	snprintf(path, FAKE_PATH, "/local/domain/%u/name", id);
	strcpy(world->nodes[10 + id].value, name);
}

void fake_process_ended(void)
{
	world->mapped = 0;
	world->disks_open = 0;
	if (world->in_transaction)
		memcpy(world->nodes, world->saved, sizeof(world->nodes));
	world->in_transaction = false;
}

struct fake_domain *fake_domain_find(uint16_t id)
{
	for (int i = 0; i < FAKE_DOMAINS; i++)
		if (id && world->domains[i].id == id)
			return &world->domains[i];
	return NULL;
}

void *fake_frame(uint64_t mfn)
{
	if (mfn < FIRST_MFN || mfn >= FIRST_MFN + FAKE_DOMAINS * FAKE_PAGES)
		return NULL;
	return arena + (mfn - FIRST_MFN) * 4096;
}

int privcmd_open(struct privcmd *p)
{
	memset(p, 0, sizeof(*p));
	return fake_call("privcmd_open");
}

void privcmd_close(struct privcmd *p)
{
	(void)p;
}

static bool owns(const struct fake_domain *d, uint64_t mfn)
{
	return mfn >= d->first_mfn && mfn < d->first_mfn + FAKE_PAGES;
}

int privcmd_map_frames(
	struct privcmd *p, uint16_t domid, const uint64_t *mfn, uint32_t count, int prot, void **va)
{
	struct fake_domain *d = fake_domain_find(domid);
	int rc = fake_call("map_frames");

	(void)p;
	(void)prot;
	if (rc < 0)
		return rc;
	if (!d)
		return -ESRCH;
	for (uint32_t i = 0; i < count; i++)
		if (!owns(d, mfn[i]) || mfn[i] != mfn[0] + i || d->pinned_mfn)
			return -EINVAL;
	world->mapped += (int)count;
	*va = fake_frame(mfn[0]);
	return 0;
}

void privcmd_unmap_frames(void *va, uint32_t count)
{
	(void)va;
	world->mapped -= (int)count;
}

int privcmd_map_resource(struct privcmd *p, uint16_t domid, uint32_t type, uint32_t id,
	uint32_t first, uint32_t count, void **va)
{
	struct fake_domain *d = fake_domain_find(domid);
	uint64_t mfn;

	if (!d || type != XENMEM_resource_grant_table || id != 0 || first != 0 || count != 1)
		return -EINVAL;
	mfn = d->first_mfn + GRANT_FRAME;
	return privcmd_map_frames(p, domid, &mfn, 1, PROT_READ | PROT_WRITE, va);
}

int domctl_create(struct privcmd *p, uint16_t *domid, const struct xen_domctl_createdomain *args)
{
	int rc = fake_call("create");

	(void)p;
	if (rc < 0)
		return rc;
	for (int i = 0; i < FAKE_DOMAINS; i++) {
		struct fake_domain *d = &world->domains[i];

		if (d->id)
			continue;
		memset(d, 0, sizeof(*d));
		d->id = *domid = (uint16_t)++world->last_id;
		d->flags = XEN_DOMINF_paused;
		d->first_mfn = FIRST_MFN + (uint64_t)i * FAKE_PAGES;
		d->max_vcpus = args->max_vcpus;
		memcpy(d->handle, args->handle, 16);
		return madvise(fake_frame(d->first_mfn), (size_t)FAKE_PAGES * 4096, MADV_REMOVE);
	}
	return -ENOMEM;
}

int domctl_destroy(struct privcmd *p, uint16_t domid)
{
	struct fake_domain *d = fake_domain_find(domid);

	(void)p;
	if (!d)
		return -ESRCH;
	if (world->mapped)
		return -EBUSY; /* stricter than life: nothing of ours may be mapped by now */
	d->id = 0;
	return 0;
}

int domctl_destroy_wait(struct privcmd *p, uint16_t domid, unsigned int tries)
{
	int rc = fake_call("destroy");

	(void)tries;
	return rc < 0 ? rc : domctl_destroy(p, domid);
}

static int on_domain(const char *name, uint16_t domid, struct fake_domain **d)
{
	int rc = fake_call(name);

	*d = fake_domain_find(domid);
	return rc < 0 ? rc : *d ? 0 : -ESRCH;
}

int domctl_pause(struct privcmd *p, uint16_t domid)
{
	struct fake_domain *d;
	int rc = on_domain("pause", domid, &d);

	(void)p;
	if (rc == 0)
		d->flags |= XEN_DOMINF_paused;
	return rc;
}

int domctl_unpause(struct privcmd *p, uint16_t domid)
{
	struct fake_domain *d;
	int rc = on_domain("unpause", domid, &d);

	(void)p;
	if (rc == 0)
		d->flags = (d->flags & ~XEN_DOMINF_paused) | world->ends_with;
	if (rc == 0 && world->ends_with & XEN_DOMINF_dying)
		d->id = 0;
	return rc;
}

void fake_domain_describe(const struct fake_domain *d, struct xen_domctl_getdomaininfo *info)
{
	memset(info, 0, sizeof(*info));
	info->domain = d->id;
	info->flags = d->flags;
	info->tot_pages = d->pages;
	info->cpu_time = d->flags & XEN_DOMINF_paused ? 0 : 20000000;
	info->max_pages = d->max_kib / 4;
	info->shared_info_frame = d->first_mfn + SHARED_FRAME;
	info->nr_online_vcpus = d->has_context;
	info->max_vcpu_id = d->max_vcpus - 1;
	memcpy(info->handle, d->handle, 16);
}

/* What a balloon driver does between two looks. */
static void balloon(struct fake_domain *d)
{
	char path[64];
	const struct fake_node *node;
	uint64_t target;

	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", d->id);
	node = fake_node_find(path);
	if (!node)
		return;
	target = strtoull(node->value, NULL, 10) / 4;
	for (long i = 0; i < world->balloon_pages && d->pages != target; i++)
		d->pages += d->pages < target ? 1 : (uint64_t)-1;
}

int domctl_info(struct privcmd *p, uint16_t domid, struct xen_domctl_getdomaininfo *info)
{
	struct fake_domain *d;
	int rc = on_domain("info", domid, &d);

	(void)p;
	if (rc == -ESRCH && domid == 0) {
		fake_dom0_describe(info);
		return 0;
	}
	if (rc == 0) {
		balloon(d);
		fake_domain_describe(d, info);
	}
	return rc;
}

int domctl_send_nmi(struct privcmd *p, uint16_t domid, uint32_t vcpu)
{
	struct fake_domain *d;
	int rc = on_domain("send_nmi", domid, &d);

	(void)p;
	if (rc == 0)
		d->nmis |= 1u << vcpu;
	return rc;
}

int domctl_max_vcpus(struct privcmd *p, uint16_t domid, uint32_t max)
{
	struct fake_domain *d;
	int rc = on_domain("max_vcpus", domid, &d);

	(void)p;
	return rc < 0 ? rc : max == d->max_vcpus ? 0 : -EINVAL;
}

int domctl_max_mem(struct privcmd *p, uint16_t domid, uint64_t max_kib)
{
	struct fake_domain *d;
	int rc = on_domain("max_mem", domid, &d);

	(void)p;
	if (rc == -ESRCH && domid == 0) {
		world->dom0_max_kib = max_kib;
		return 0;
	}
	if (rc == 0)
		d->max_kib = max_kib;
	return rc;
}

int domctl_set_address_size(struct privcmd *p, uint16_t domid, uint32_t width)
{
	struct fake_domain *d;
	int rc = on_domain("set_address_size", domid, &d);

	(void)p;
	if (rc == 0)
		d->address_size = width;
	return rc;
}

int domctl_settscinfo(struct privcmd *p, uint16_t domid, uint32_t mode)
{
	struct fake_domain *d;
	int rc = on_domain("settscinfo", domid, &d);

	(void)p;
	(void)mode;
	return rc < 0 ? rc : -ENOSYS; /* not every hypervisor has it */
}

int domctl_sched_set(struct privcmd *p, uint16_t domid, uint16_t weight, uint16_t cap)
{
	struct fake_domain *d;
	int rc = on_domain("sched_set", domid, &d);

	(void)p;
	if (rc == 0) {
		d->weight = weight;
		d->cap = cap;
	}
	return rc;
}

int domctl_sched_get(struct privcmd *p, uint16_t domid, uint16_t *weight, uint16_t *cap)
{
	struct fake_domain *d;
	int rc = on_domain("sched_get", domid, &d);

	(void)p;
	if (rc == -ESRCH && domid != 0)
		return rc;
	*weight = d && d->weight ? d->weight : 256;
	*cap = d ? d->cap : 0;
	return rc == -ESRCH ? 0 : rc;
}

int domctl_setvcpuaffinity(struct privcmd *p, uint16_t domid, uint32_t vcpu, const uint8_t *hard,
	const uint8_t *soft, uint32_t bits)
{
	struct fake_domain *d;
	int rc = on_domain("setvcpuaffinity", domid, &d);

	(void)p;
	(void)bits;
	if (rc == 0 && vcpu >= d->max_vcpus)
		rc = -ESRCH;
	if (rc == 0 && hard && !(hard[0] & 3))
		rc = -EINVAL;
	if (rc < 0)
		return rc;
	if (hard && vcpu < 2)
		memcpy(&d->hard_affinity[vcpu], hard, sizeof(d->hard_affinity[vcpu]));
	if (soft)
		memcpy(&d->soft, soft, sizeof(d->soft));
	return 0;
}

int domctl_getvcpuaffinity(struct privcmd *p, uint16_t domid, uint32_t vcpu, uint8_t *hard,
	uint8_t *soft, uint32_t bits)
{
	(void)p;
	(void)domid;
	(void)vcpu;
	memset(hard, 0xff, bits / 8);
	memset(soft, 0xff, bits / 8);
	return fake_call("getvcpuaffinity");
}

int domctl_getvcpuinfo(
	struct privcmd *p, uint16_t domid, uint32_t vcpu, struct xen_domctl_getvcpuinfo *i)
{
	(void)p;
	(void)domid;
	memset(i, 0, sizeof(*i));
	i->vcpu = vcpu;
	return fake_call("getvcpuinfo");
}

int domctl_setvcpucontext(
	struct privcmd *p, uint16_t domid, uint32_t vcpu, const struct vcpu_guest_context *ctxt)
{
	struct fake_domain *d;
	int rc = on_domain("setvcpucontext", domid, &d);

	(void)p;
	if (rc < 0)
		return rc;
	if (vcpu != 0 || !d->pinned_mfn || world->mapped)
		return -EINVAL;
	d->context = *ctxt;
	d->has_context = true;
	return 0;
}

int memctl_populate(struct privcmd *p, uint16_t domid, const uint64_t *pfn, uint64_t *mfn,
	uint32_t count, unsigned int order, uint32_t *done)
{
	struct fake_domain *d;
	int rc = on_domain("populate", domid, &d);

	(void)p;
	*done = 0;
	if (rc < 0)
		return rc;
	if (order && world->no_large_extents)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t first = pfn[i];

		if ((d->pages + (1u << order)) * 4 > d->max_kib ||
			first + (1u << order) > GRANT_FRAME)
			return -ENOMEM;
		mfn[i] = d->first_mfn + first;
		d->pages += 1u << order;
		++*done;
	}
	return 0;
}

int memctl_set_memory_map(
	struct privcmd *p, uint16_t domid, const struct mem_range *range, uint32_t count)
{
	struct fake_domain *d;
	int rc = on_domain("set_memory_map", domid, &d);

	(void)p;
	if (rc == 0 && count == 1)
		d->map_bytes = range->size;
	return rc;
}

int memctl_pin_l4(struct privcmd *p, uint16_t domid, uint64_t mfn)
{
	struct fake_domain *d;
	int rc = on_domain("pin_l4", domid, &d);

	(void)p;
	if (rc < 0)
		return rc;
	if (world->mapped || !owns(d, mfn))
		return -EINVAL;
	d->pinned_mfn = mfn;
	return 0;
}

int evtchn_alloc_unbound(struct privcmd *p, uint16_t domid, uint16_t remote, uint32_t *port)
{
	struct fake_domain *d;
	int rc = on_domain("alloc_unbound", domid, &d);

	(void)p;
	if (rc == 0 && remote == 0)
		*port = ++d->ports;
	return rc;
}
