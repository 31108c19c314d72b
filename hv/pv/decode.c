/* The decoder for instructions that trap in ring 3: port accesses, MSRs, control and debug
 * registers and a handful of others.
 *
 * A pure function of at most 15 bytes, copied once from the guest: what is decoded is what is
 * executed. Anything unknown is not emulated. Spec: SDM 2A chapter 2, appendix A. */
#include "hv/base/string.h"
#include "hv/pv/state.h"

struct cursor { const uint8_t *p; size_t left, used; bool bad; };

static uint8_t next(struct cursor *c)
{
	if (c->left == 0 || c->used == 15) {
		c->bad = true;
		return 0;
	}
	c->left--;
	c->used++;
	return *c->p++;
}

/* ModRM of a register-to-register move: control or debug register and general register. */
static void modrm_regs(struct cursor *c, uint8_t rex, struct pv_insn *o)
{
	uint8_t m = next(c);
	if ((m >> 6) != 3)
		c->bad = true;
	o->reg = (uint8_t)((m >> 3 & 7) | (rex & 4 ? 8 : 0));
	o->gpr = (uint8_t)((m & 7) | (rex & 1 ? 8 : 0));
}

static void decode_0f(struct cursor *c, uint8_t rex, struct pv_insn *o)
{
	uint8_t op = next(c);
	switch (op) {
	case 0x01:
		o->kind = next(c) == 0xd1 ? INSN_XSETBV : INSN_OTHER;
		break;
	case 0x06: o->kind = INSN_CLTS; break;
	case 0x08: case 0x09: o->kind = INSN_WBINVD; break;
	case 0x20: o->kind = INSN_MOV_FROM_CR; modrm_regs(c, rex, o); break;
	case 0x21: o->kind = INSN_MOV_FROM_DR; modrm_regs(c, rex, o); break;
	case 0x22: o->kind = INSN_MOV_TO_CR; modrm_regs(c, rex, o); break;
	case 0x23: o->kind = INSN_MOV_TO_DR; modrm_regs(c, rex, o); break;
	case 0x30: o->kind = INSN_WRMSR; break;
	case 0x32: o->kind = INSN_RDMSR; break;
	case 0x33: o->kind = INSN_RDPMC; break;
	case 0xa2: o->kind = INSN_CPUID; break;
	default: break;
	}
}

static void decode_port(struct cursor *c, uint8_t op, bool word, struct pv_insn *o)
{
	o->size = !(op & 1) ? 1 : word ? 2 : 4;
	if (op <= 0x6f) {
		o->kind = op & 2 ? INSN_OUTS : INSN_INS;
		o->port_is_dx = true;
		return;
	}
	o->kind = op & 2 ? INSN_OUT : INSN_IN;
	o->port_is_dx = op & 8;
	if (!o->port_is_dx)
		o->port = next(c);
}

bool pv_decode(const uint8_t *bytes, size_t n, struct pv_insn *out)
{
	struct cursor c = { bytes, n, 0, false };
	struct pv_insn o = { .kind = INSN_OTHER };
	bool word = false;
	uint8_t rex = 0, op;
	for (;;) {
		op = next(&c);
		if (op == 0x66)
			word = true;
		else if (op == 0xf2 || op == 0xf3)
			o.rep = true;
		else if (op == 0x67)
			o.address32 = true;
		else if (op != 0x2e && op != 0x36 && op != 0x3e && op != 0x26 && op != 0x64 && op != 0x65 && op != 0xf0)
			break;
	}
	if ((op & 0xf0) == 0x40) {
		rex = op;
		op = next(&c);
	}
	if (op == 0x0f)
		decode_0f(&c, rex, &o);
	else if ((op >= 0x6c && op <= 0x6f) || (op >= 0xe4 && op <= 0xe7) || (op >= 0xec && op <= 0xef))
		decode_port(&c, op, word, &o);
	else if (op == 0xf4)
		o.kind = INSN_HLT;
	else if (op == 0xfa)
		o.kind = INSN_CLI;
	else if (op == 0xfb)
		o.kind = INSN_STI;
	if (c.bad || o.kind == INSN_OTHER)
		return false;
	o.length = (uint8_t)c.used;
	*out = o;
	return true;
}
