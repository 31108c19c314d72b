/* The two instruction decoders of hv/pv, and what decoded writes compute.
 *
 * The input is up to 16 bytes of code, then the operands' values. A decoder must never look at a
 * byte it does not count, must refuse an instruction that is cut short, and must count at most 15.
 * What pt_execute() says an instruction does is compared with the processor itself: the operation
 * is put together as machine code in a page of our own, with the memory operand at (%rdi) and the
 * source in %rcx, and is run on the same values. */
#include "tests/fuzz/targets/target.h"

#include <sys/mman.h>
#include "hv/pv/pt_decode.h"
#include "hv/pv/state.h"

#define F_CF 0x1u
#define F_ZF 0x40u
#define F_LOGIC 0x8c5u		/* CF PF ZF SF OF; AF is undefined after and, or, xor */
#define F_ALL 0x8d5u

struct operands {
	uint64_t memory, source, rax, flags;
};

/* ---- the processor as oracle ---- */

static uint8_t *code;

static void emit(size_t *at, const char *bytes, size_t n)
{
	memcpy(code + *at, bytes, n);
	*at += n;
}

/* Opcodes of a byte operand and of wider ones; 0F stands in front where @two. */
static const struct {
	bool two;
	uint8_t byte, wide;
} opcodes[] = {
	[PT_MOV] = { false, 0x88, 0x89 }, [PT_XCHG] = { false, 0x86, 0x87 },
	[PT_CMPXCHG] = { true, 0xb0, 0xb1 }, [PT_AND] = { false, 0x20, 0x21 },
	[PT_OR] = { false, 0x08, 0x09 }, [PT_XOR] = { false, 0x30, 0x31 },
	[PT_BTS] = { true, 0, 0xab }, [PT_BTR] = { true, 0, 0xb3 }, [PT_BTC] = { true, 0, 0xbb },
};

static void cpu_execute(enum pt_op op, unsigned int width, struct operands *o)
{
	char insn[5];
	size_t n = 0, at = 0;

	if (width == 2)
		insn[n++] = 0x66;
	if (width == 8)
		insn[n++] = 0x48;
	if (opcodes[op].two)
		insn[n++] = 0x0f;
	insn[n++] = (char)(width == 1 ? opcodes[op].byte : opcodes[op].wide);
	insn[n++] = 0x0f;			/* memory (%rdi), register %rcx */
	emit(&at, "\x48\x8b\x4f\x08", 4);	/* mov 8(%rdi),%rcx */
	emit(&at, "\x48\x8b\x47\x10", 4);	/* mov 16(%rdi),%rax */
	emit(&at, "\xff\x77\x18\x9d", 4);	/* push 24(%rdi); popf */
	emit(&at, insn, n);
	emit(&at, "\x9c\x8f\x47\x18", 4);	/* pushf; pop 24(%rdi) */
	emit(&at, "\x48\x89\x4f\x08", 4);	/* mov %rcx,8(%rdi) */
	emit(&at, "\x48\x89\x47\x10\xc3", 5);	/* mov %rax,16(%rdi); ret */
	void (*run)(struct operands *);

	memcpy(&run, &code, sizeof run);
	run(o);
}

static uint32_t flags_of(enum pt_op op)
{
	return op == PT_AND || op == PT_OR || op == PT_XOR ? F_LOGIC
	       : op >= PT_BTS				   ? F_CF | F_ZF
							   : F_ALL;
}

static void execute_check(const struct pt_insn *i, struct input *in)
{
	struct operands ours = { take(in, 8), take(in, 8), take(in, 8), take(in, 2) & F_ALL };
	uint64_t mask = i->width == 8 ? ~0ull : (1ull << 8 * i->width) - 1;
	const uint64_t keep = ours.source;
	struct operands cpu = ours;

	ours.memory &= mask;
	cpu.memory = ours.memory;
	if (i->has_imm)
		cpu.source = i->imm;
	if (i->op >= PT_BTS)	/* in memory a register names a bit of any word: stay in ours */
		cpu.source &= 8u * i->width - 1;
	cpu_execute(i->op, i->width, &cpu);
	ours.memory = pt_execute(i, ours.memory, &ours.source, &ours.rax, &ours.flags);
	HOLDS(ours.memory == cpu.memory);
	HOLDS((ours.memory & ~mask) == 0);
	HOLDS(((ours.flags ^ cpu.flags) & flags_of(i->op)) == 0);
	HOLDS(ours.rax == cpu.rax);
	HOLDS(ours.source == (i->op == PT_XCHG ? cpu.source : keep));
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
	execute_check(&i, operands);
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

	if (!code)
		code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	HOLDS(code != MAP_FAILED);
	table_check(copy, n, &in);
	privileged_check(copy, n);
	free(copy);
	return 0;
}
