/* Two operations at once: each on its vCPU's own CPU, switched at locks, flushes, atomics and guest accesses as a seed
 * says. Replays from the seed.
 * Rule: a CPU in the middle of an operation moves only when it is its turn; the others come by when somebody waits
 * for them (world_busy), on a stack of their own: whoever waits may hold, or have a ticket for, what they need. */
#include "hv/cpu/host/fiber.h"
#include "hv/cpu/host/host.h"
#include "hv/dom/vcpu.h"
#include "tests/fuzz/fuzz_world.h"

struct half { const struct act *a; struct outcome *o; };
enum { OTHERS = 2 };		/* the fiber of the CPUs that are neither */
struct turns { uint64_t random; unsigned left; uint8_t rarity; };

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s * 0x2545f4914f6cdd1dull >> 32;
}

static unsigned choose(struct fibers *s, unsigned self, enum host_point why)
{
	struct turns *t = s->ctx;
	if (why >= POINT_RELAX)
		return (self + 1) % 3;
	if (self == OTHERS || t->left == 0 || next_random(&t->random) % t->rarity)
		return self;
	t->left--;
	return 1 - self;
}

static void half_run(void *arg)
{
	struct half *h = arg;
	world_act(h->a, NULL, NULL, h->o);
	(void)return_try();
	world_busy &= ~(1ull << cpu_id());
}

static void others_run(void *arg)
{
	const struct fibers *f = arg;
	uint64_t own = 1ull << cpu_id();
	while (f->live & 3) {
		world_come_by();
		world_busy |= own;
		(void)return_try();
		world_busy &= ~own;
		cpu_relax();
	}
}

bool world_can_pair(const struct act *a, const struct act *b)
{
	return (a->slot != b->slot || a->vcpu != b->vcpu) && !world_is_harness(a->kind) && !world_is_harness(b->kind);
}

/* How often they are switched: seldom enough that one gets deep, often enough that they meet. */
static const uint8_t rarities[] = { 3, 8, 20, 60 };

const char *world_run_pair(const struct act *a, struct outcome *oa, const struct act *b, struct outcome *ob, uint8_t seed)
{
	struct half half[2] = { { a, oa }, { b, ob } };
	struct turns turns = { .random = seed * 0x9e3779b97f4a7c15ull + 1, .left = 1 + seed % 5,
			       .rarity = rarities[seed >> 6] };
	unsigned cpu[2] = { world_cpu[a->slot][a->vcpu], world_cpu[b->slot][b->vcpu] };
	struct fibers f = { .n = 3, .choose = choose, .ctx = &turns, .first = seed & 1, .points_max = 10000000 };
	*oa = *ob = (struct outcome){ .ran = false };
	for (unsigned i = 0; i < 2; i++) {
		f.fiber[i].fn = half_run;
		f.fiber[i].arg = &half[i];
		f.fiber[i].cpu = cpu[i];
	}
	f.fiber[OTHERS].fn = others_run;
	f.fiber[OTHERS].arg = &f;
	while (f.fiber[OTHERS].cpu == cpu[0] || f.fiber[OTHERS].cpu == cpu[1])
		f.fiber[OTHERS].cpu++;
	world_busy = 1ull << cpu[0] | 1ull << cpu[1];
	host_hook_relax = NULL;
	enum fibers_end end = fibers_run(&f);
	host_hook_relax = world_come_by;
	world_busy = 0;
	if (end != FIBERS_DONE)
		return end == FIBERS_STUCK ? "I16: two operations wait for each other" : "I16: two operations never end";
	world_settle();
	return NULL;
}
