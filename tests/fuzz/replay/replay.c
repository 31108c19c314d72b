/* Replays a list hosted, in the form that the replay kernel (tests/guest/replay) can repeat on the real machine, prints
 * each operation (behind #) and what came of it (trace.h), and writes the list for the kernel.
 *
 *     replay [--binary FILE] [--dump N] LIST
 *     replay [--binary FILE] [--dump N] [--text FILE] --seed N COUNT	the list that the generator makes of the seed
 *
 * A list is made replayable first: operations run whole and alone; what only the harness can do is dropped; so are bits
 * flipped in frame numbers, since numbers differ between machines, and names of frames that only the modelled one
 * has; entry 511 of tables is left to the kernel; translations are flushed before each access, since how long stale
 * ones live is the machine's own. Exit status: 0; 1 if something is broken; 2: usage. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "hv/cpu/host/host.h"
#include "hv/mem/table.h"
#include "tests/fuzz/generate.h"
#include "tests/fuzz/text.h"
#include "tests/fuzz/replay/trace.h"
#include "tests/guest/replay/replay.h"

#define FRAMES 2048u	/* more than a list can use up: memory of the real machine is larger still */

static struct oplist kept;		/* as carried out */
static unsigned dump_at = ~0u;
static bool broken;

/* --- doors of trace.c --- */

void trace_print(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
}

struct trace_frame trace_frame_of(unsigned slot, uint64_t m)
{
	struct frame *f = frame_of(mfn(m));
	struct trace_frame t = { 0, false };
	if (!f || !world_slot[slot].d || frame_owner(f) != world_slot[slot].d->id)
		return t;
	enum frame_type type = frame_type_now(f);
	t.level = type >= FT_L1 ? (unsigned)(type - FT_L1) + 1 : 0;
	t.pinned = frame_is_pinned(f);
	return t;
}

uint64_t trace_pfn_of(uint64_t m)
{
	return m2p_get(mfn(m)).n;
}

/* --- making a list replayable --- */

/* RAW names the window by its address, which tables map here. */
static bool kind_replays(unsigned kind)
{
	return (op_flags[kind][0] != 'H' && kind != OP_RAW) || kind == OP_REVIVE;
}

static void frame_tame(uint8_t *f)
{
	uint8_t other = FRAME_SPECIAL(0, SPECIAL_HV);
	if (FRAME_IS_SPECIAL(*f) && ((*f & 15) == SPECIAL_ZERO || (*f & 15) == SPECIAL_RELEASED))
		*f = other;
}

static bool flips_address(unsigned flip)
{
	unsigned bit = flip <= 64 ? flip - 1 : flip - 65;
	return flip >= 1 && flip <= 128 && bit >= 12 && bit < 52;
}

/* Index 511 becomes 272. */
static void index_tame(uint8_t *i)
{
	if ((*i & 0x87) == 0x87)
		*i = (uint8_t)(*i - 1);
}

static void op_tame(struct op *o)
{
	unsigned at = 0;
	o->cut = o->fail = o->with = 0;
	for (const char *p = op_operands[o->kind]; *p; at += *p == 'e' ? 3 : *p == 'v' ? 2 : 1, p++) {
		if (*p == 'f' || *p == 'e')
			frame_tame(&o->arg[at]);
		if (*p == 'e' && flips_address(o->arg[at + 2]))
			o->arg[at + 2] = 0;
		if (*p == 'i')
			index_tame(&o->arg[at]);
	}
}

/* --- carrying out --- */

/* Frame 0 is memory only on the modelled machine. An entry for an absent frame names it. */
static bool names_frame_zero(const struct act *a)
{
	if ((a->val & PTE_PRESENT) && !(a->val & PTE_ADDR))
		return true;
	for (unsigned i = 0; i < a->count; i++)
		if ((a->list[i] & PTE_PRESENT) && !(a->list[i] & PTE_ADDR))
			return true;
	return false;
}

static void run(struct op o)
{
	static struct act a;
	static struct outcome out;
	struct op mark = o;
	unsigned i = (unsigned)kept.count;
	char line[OP_TEXT_MAX];
	world_resolve(&o, &a);
	if (names_frame_zero(&a))
		return;
	op_to_text(&o, line);
	printf("# %u %s\n", i, line);
	world_run(&a, &o, NULL, NULL, &out);
	trace_outcome(i, &a, &out);
	const char *what = world_check();
	if (what) {
		printf("broken after %u: %s\n", i, what);
		broken = true;
	}
	trace_state(i, i == dump_at);
	mark.cut = out.ran || out.crashed ? 0 : REPLAY_SKIP;
	oplist_add(&kept, &mark);
}

/* So that a list that was made replayable before stays as it is. */
static bool just_flushed(uint8_t actor)
{
	const struct op *last = kept.count ? &kept.op[kept.count - 1] : NULL;
	return last && last->kind == OP_FLUSH && last->actor == actor && last->arg[0] == 0;
}

static void offer(struct op o)
{
	op_canonical(&o);
	op_tame(&o);
	if (!kind_replays(o.kind))
		return;
	if ((o.kind == OP_LOAD || o.kind == OP_STORE) && !just_flushed(o.actor))
		run((struct op){ .kind = OP_FLUSH, .actor = o.actor });
	run(o);
}

/* The hypervisor's slots of an L4 hold entries on a real machine, and stay in a frame that is none any more. */
static void hv_slots_fill(void)
{
	static uint64_t slots[HV_L4_COUNT];
	for (unsigned i = 0; i < HV_L4_COUNT; i++)
		slots[i] = i < 4 ? pte_make(mfn(world_hv_frame), PTE_PRESENT | PTE_WRITE) : 0;
	for (unsigned s = 0; s < world_config.slots; s++)
		memcpy((uint64_t *)host_frame(mfn(world_slot[s].home)) + HV_L4_FIRST, slots, sizeof slots);
	table_hv_slots = slots;
}

static void start(struct world_config *c)
{
	c->frames = FRAMES;
	c->entries = 512;
	c->slice = 512;
	c->count_limit = 1ull << 40;
	kept.config = *c;
	world_start(c);
	hv_slots_fill();
}

static int replay_file(const char *path)
{
	struct oplist l = { 0 };
	if (oplist_read(path, &l))
		return 2;
	start(&l.config);
	for (size_t i = 0; i < l.count && !broken; i++)
		offer(l.op[i]);
	oplist_free(&l);
	return 0;
}

static int replay_seed(uint64_t seed, unsigned count)
{
	static struct generator g;
	struct world_config c = world_default;
	generate_start(&g, seed, &c);
	start(&c);
	kept.seed = seed;
	while (kept.count < count && !broken) {
		struct op o;
		generate_next(&g, &o);
		if (o.kind != OP_DESTROY || kept.count > count * 3 / 4)
			offer(o);
	}
	return 0;
}

static int binary_write(const char *path)
{
	struct replay_list head = { .magic = REPLAY_MAGIC, .count = (uint32_t)kept.count, .slots = kept.config.slots,
				    .frame_max = kept.config.frame_max, .dump_at = dump_at };
	FILE *f = fopen(path, "wbe");
	if (!f || fwrite(&head, sizeof head, 1, f) != 1 || fwrite(kept.op, sizeof *kept.op, kept.count, f) != kept.count ||
	    fclose(f)) {
		fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		return 2;
	}
	return 0;
}

static int text_write(const char *path)
{
	FILE *f = fopen(path, "we");
	if (!f)
		return 2;
	for (size_t i = 0; i < kept.count; i++)
		kept.op[i].cut = 0;
	oplist_write(f, &kept, NULL);
	return fclose(f) ? 2 : 0;
}

int main(int argc, char **argv)
{
	const char *binary = NULL, *text = NULL;
	int rc = 2, at = 1;
	for (; at + 1 < argc && !strncmp(argv[at], "--", 2) && strcmp(argv[at], "--seed"); at += 2) {
		if (!strcmp(argv[at], "--binary"))
			binary = argv[at + 1];
		else if (!strcmp(argv[at], "--text"))
			text = argv[at + 1];
		else if (!strcmp(argv[at], "--dump"))
			dump_at = (unsigned)strtoul(argv[at + 1], NULL, 10);
		else
			break;
	}
	if (at + 3 == argc && !strcmp(argv[at], "--seed"))
		rc = replay_seed(strtoull(argv[at + 1], NULL, 10), (unsigned)strtoul(argv[at + 2], NULL, 10));
	else if (at + 1 == argc && argv[at][0] != '-')
		rc = replay_file(argv[at]);
	else
		fprintf(stderr, "usage: replay [--binary FILE] [--text FILE] [--dump N] LIST | --seed N COUNT\n");
	if (!rc && binary)
		rc = binary_write(binary);
	if (!rc && text)
		rc = text_write(text);
	return rc ? rc : broken;
}
