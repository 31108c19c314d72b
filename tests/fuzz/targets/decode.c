/* The two instruction decoders of hv/pv, and what decoded writes compute.
 *
 * The input is up to 16 bytes of code, then the values of memory, flags and registers. A decoder
 * must never look at a byte it does not count, must refuse an instruction that is cut short, and
 * must count at most 15. For instructions that write page tables the processor itself is the
 * oracle: the same instruction, but for its address, which becomes (%rdi), is run in a page of our
 * own on the same values; length, operand, immediate, result and flags must agree. */
#include "tests/fuzz/targets/target.h"

#include <sys/mman.h>
#include "hv/pv/pt_decode.h"
#include "hv/pv/state.h"

#define F_CF 0x1u
#define F_ZF 0x40u
#define F_LOGIC 0x8c5u		/* CF PF ZF SF OF; AF is undefined after and, or, xor */
#define F_ALL 0x8d5u
#define RSP 4
#define RDI 7

struct machine {
	uint64_t gpr[16];	/* by number; rsp is the stub's own */
	uint64_t flags, memory;
};

/* ---- the instruction as the processor gets it ---- */

struct code {
	uint8_t *at;
	size_t n;
};

static void emit(struct code *c, const void *bytes, size_t n)
{
	memcpy(c->at + c->n, bytes, n);
	c->n += n;
}

static bool is_prefix(uint8_t b)
{
	return b == 0x66 || b == 0x67 || b == 0xf0 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x26 ||
	       b == 0x64 || b == 0x65;
}

/* Bytes of SIB and displacement behind ModRM. Spec: SDM 2A, tables 2-2 and 2-3. */
static size_t address_bytes(const uint8_t *modrm)
{
	uint8_t mod = modrm[0] >> 6, rm = modrm[0] & 7;
	size_t n = rm == 4;

	if (mod == 0)
		return rm == 5 || (rm == 4 && (modrm[1] & 7) == 5) ? n + 4 : n;
	return n + (mod == 1 ? 1 : 4);
}

/* Emit the instruction with (%rdi) for its address; returns the length of the original. */
static size_t rewrite(struct code *c, const uint8_t *insn, const struct pt_insn *i)
{
	const uint8_t *at = insn;
	bool wide = false;

	for (; is_prefix(*at); at++)
		wide = wide || *at == 0x66;
	if (wide)
		emit(c, "\x66", 1);
	if ((*at & 0xf0) == 0x40)
		emit(c, (uint8_t[]){ *at++ & 0xfc }, 1);
	if (*at == 0x0f)
		emit(c, at++, 1);
	emit(c, at++, 1);
	emit(c, (uint8_t[]){ (uint8_t)((*at & 0x38) | RDI) }, 1);
	at += 1 + address_bytes(at);
	HOLDS(at <= insn + i->length && (i->has_imm || at == insn + i->length));
	emit(c, at, (size_t)(insn + i->length - at));
	return (size_t)(at - insn);
}

/* mov between register @r and its slot of struct machine at (%rdi). */
static void emit_slot(struct code *c, unsigned int r, bool load)
{
	emit(c, (uint8_t[]){ r & 8 ? 0x4c : 0x48, load ? 0x8b : 0x89, (uint8_t)(0x47 | (r & 7) << 3),
			(uint8_t)(8 * r) }, 4);
}

static void processor_run(uint8_t *page, const uint8_t *insn, const struct pt_insn *i,
	struct machine *m)
{
	struct code c = { page, 0 };
	void (*run)(struct machine *);

	m->gpr[RDI] = (uint64_t)(uintptr_t)&m->memory;
	emit(&c, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57\x57", 11);	/* push what is kept */
	emit(&c, "\xff\xb7\x80\0\0\0\x9d", 7);			/* push flags; popf */
	for (unsigned int r = 0; r < 16; r++)
		if (r != RSP && r != RDI)
			emit_slot(&c, r, true);
	emit_slot(&c, RDI, true);
	(void)rewrite(&c, insn, i);
	emit(&c, "\x9c\x57\x48\x8b\x7c\x24\x10", 7);	/* pushf; push %rdi; mov 16(%rsp),%rdi */
	for (unsigned int r = 0; r < 16; r++)
		if (r != RSP && r != RDI)
			emit_slot(&c, r, false);
	emit(&c, "\x8f\x47\x38\x8f\x87\x80\0\0\0\x5f", 10);	/* pop rdi's slot, flags; pop %rdi */
	emit(&c, "\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3", 11);
	memcpy(&run, &page, sizeof run);
	run(m);
}

/* ---- the same by hv/pv: as pt_write.c applies what was decoded ---- */

static void ours_run(const struct pt_insn *i, struct machine *m)
{
	uint64_t *gpr = &m->gpr[i->reg], scratch = 0, rax = m->gpr[0], source = i->has_imm ? 0 : *gpr;
	uint64_t rotated = i->high_byte ? source >> 8 | source << 56 : source;

	m->memory = pt_execute(i, m->memory, i->has_imm ? &scratch : &rotated, &rax, &m->flags);
	if (i->op == PT_CMPXCHG)
		m->gpr[0] = rax;
	if (i->op == PT_XCHG)
		*gpr = i->high_byte ? rotated << 8 | rotated >> 56 : rotated;
}

static uint32_t flags_of(enum pt_op op)
{
	return op == PT_AND || op == PT_OR || op == PT_XOR ? F_LOGIC
	       : op >= PT_BTS				   ? F_CF | F_ZF
							   : F_ALL;
}

static void execute_check(const uint8_t *insn, const struct pt_insn *i, struct input *in)
{
	static uint8_t *page;
	static struct machine ours, cpu;
	uint64_t mask = i->width == 8 ? ~0ull : (1ull << 8 * i->width) - 1;

	if (!page)
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HOLDS(page != MAP_FAILED);
	cpu.memory = take(in, 8) & mask;
	cpu.flags = take(in, 2) & F_ALL;
	for (unsigned int r = 0; r < 16; r++)
		cpu.gpr[r] = take(in, 8);
	if (!i->has_imm && !i->high_byte && (i->reg == RSP || (i->reg == RDI && i->op >= PT_BTS)))
		return;		/* the stub needs rsp; rdi would name a bit far away */
	if (!i->has_imm && i->op >= PT_BTS)	/* a register names a bit of any word: stay in ours */
		cpu.gpr[i->reg] &= 8u * i->width - 1;
	cpu.gpr[RDI] = (uint64_t)(uintptr_t)&cpu.memory;
	ours = cpu;
	processor_run(page, insn, i, &cpu);
	ours_run(i, &ours);
	HOLDS(ours.memory == cpu.memory && (ours.memory & ~mask) == 0);
	HOLDS(((ours.flags ^ cpu.flags) & flags_of(i->op)) == 0);
	HOLDS(memcmp(ours.gpr, cpu.gpr, sizeof ours.gpr) == 0);
}

/* ---- the decoders ---- */

/* The same bytes in a block that ends with them. */
static uint8_t *exact(const uint8_t *bytes, size_t n)
{
	uint8_t *p = malloc(n + !n);

	HOLDS(p);
	memcpy(p, bytes, n);
	return p;
}

static bool pt_same(const struct pt_insn *a, const struct pt_insn *b)
{
	return a->op == b->op && a->length == b->length && a->width == b->width &&
	       a->has_imm == b->has_imm && a->high_byte == b->high_byte && a->reg == b->reg &&
	       a->imm == b->imm;
}

static void table_check(const uint8_t *bytes, size_t n, struct input *operands)
{
	struct pt_insn i, again;

	memset(&i, 0x5a, sizeof i);
	memset(&again, 0x5a, sizeof again);
	if (!pt_decode(bytes, n, &i)) {
		HOLDS(memcmp(&i, &again, sizeof i) == 0);
		return;
	}
	HOLDS(i.length >= 2 && i.length <= 15 && i.length <= n);
	HOLDS(i.width == 1 || i.width == 2 || i.width == 4 || i.width == 8);
	HOLDS(i.reg < 16 && i.op <= PT_BTC && (i.op < PT_BTS || i.width > 1));
	HOLDS(!i.high_byte || (i.width == 1 && i.reg < 4 && !i.has_imm));
	uint8_t *cut = exact(bytes, i.length);

	HOLDS(pt_decode(cut, i.length, &again) && pt_same(&i, &again));
	for (size_t k = 0; k < i.length; k++)
		HOLDS(!pt_decode(cut, k, &again));
	free(cut);
	execute_check(bytes, &i, operands);
}

static bool insn_same(const struct pv_insn *a, const struct pv_insn *b)
{
	return a->kind == b->kind && a->length == b->length && a->size == b->size &&
	       a->reg == b->reg && a->gpr == b->gpr && a->port == b->port && a->rep == b->rep &&
	       a->port_is_dx == b->port_is_dx && a->address32 == b->address32;
}

static void privileged_check(const uint8_t *bytes, size_t n)
{
	struct pv_insn i, again;

	memset(&i, 0x5a, sizeof i);
	memset(&again, 0x5a, sizeof again);
	if (!pv_decode(bytes, n, &i)) {
		HOLDS(memcmp(&i, &again, sizeof i) == 0);
		return;
	}
	HOLDS(i.length >= 1 && i.length <= 15 && i.length <= n && i.kind != INSN_OTHER);
	HOLDS(i.reg < 16 && i.gpr < 16);
	if (i.kind >= INSN_IN && i.kind <= INSN_OUTS)
		HOLDS(i.size == 1 || i.size == 2 || i.size == 4);
	uint8_t *cut = exact(bytes, i.length);

	HOLDS(pv_decode(cut, i.length, &again) && insn_same(&i, &again));
	for (size_t k = 0; k < i.length; k++)
		HOLDS(!pv_decode(cut, k, &again));
	free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	size_t n = 16;
	const uint8_t *bytes = take_bytes(&in, &n);
	uint8_t *copy = exact(bytes, n);

	table_check(copy, n, &in);
	privileged_check(copy, n);
	free(copy);
	return 0;
}
