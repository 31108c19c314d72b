/* IN, OUT, INS and OUTS of guests.
 *
 * Who may: the guest kernel after set_iopl(1) or higher; guest user mode with iopl 3, or where its
 * kernel's I/O bitmap has the port's bits clear. A port that the domain itself may not touch
 * (ports.c) reads all ones and swallows writes, as an empty bus would. String forms move one element
 * per trap: rip stays on the instruction while the count runs.
 * Spec: SDM 1 chapter 18 (Input/Output). */
#include "hv/mem/guest_copy.h"
#include "hv/pv/state.h"

bool (*pv_port_hook)(struct vcpu *v, uint16_t port, unsigned size, bool write, uint32_t *value);

static bool port_privilege(struct vcpu *v, uint16_t port, unsigned size)
{
	if (v->pv->iopl >= (v->ctx.kernel_mode ? 1 : 3))
		return true;
	if ((uint32_t)port + size > v->pv->iobitmap_ports)
		return false;
	uint8_t bits[2] = { 0xff, 0xff };
	gva_t at = gva_add(v->pv->iobitmap, port / 8);
	size_t n = (port % 8) + size > 8 ? 2 : 1;
	bool kernel = v->ctx.kernel_mode;	/* the bitmap is in kernel memory */
	cpu_context_set_mode(&v->ctx, true);
	bool bad = guest_read(bits, at, n) != 0;
	cpu_context_set_mode(&v->ctx, kernel);
	if (bad)
		return false;
	unsigned mask = ((1u << size) - 1) << (port % 8);
	return !(((unsigned)bits[1] << 8 | bits[0]) & mask);
}

static uint32_t port_read(struct vcpu *v, uint16_t port, unsigned size)
{
	uint32_t value = size == 4 ? ~0u : (1u << (8 * size)) - 1;
	if (pv_port_hook && pv_port_hook(v, port, size, false, &value))
		return value;
	return pv_port_allowed(v->domain, port, size) ? cpu_port_in(port, size) : value;
}

static void port_write(struct vcpu *v, uint16_t port, unsigned size, uint32_t value)
{
	if (pv_port_hook && pv_port_hook(v, port, size, true, &value))
		return;
	if (pv_port_allowed(v->domain, port, size))
		cpu_port_out(port, size, value);
}

/* Store the low @size bytes of @value in *reg as the CPU does: 4 bytes clear the upper half. */
static void register_set(uint64_t *reg, unsigned size, uint32_t value)
{
	uint64_t mask = size == 4 ? ~0ull : (1ull << (8 * size)) - 1;
	*reg = (*reg & ~mask) | value;
}

/* One element of INS or OUTS; false: memory fault, reported at the guest's address. */
static bool string_element(struct vcpu *v, const struct pv_insn *i, uint16_t port)
{
	struct cpu_regs *r = &v->ctx.regs;
	uint64_t *index = i->kind == INSN_INS ? &r->rdi : &r->rsi;
	uint32_t value = 0;
	if (i->kind == INSN_INS) {
		value = port_read(v, port, i->size);
		if (guest_write(gva(*index), &value, i->size))
			return false;
	} else {
		if (guest_read(&value, gva(*index), i->size))
			return false;
		port_write(v, port, i->size, value);
	}
	*index += r->rflags & RFLAGS_DF ? 0 - (uint64_t)i->size : i->size;
	return true;
}

static bool emulate_string(struct vcpu *v, const struct pv_insn *i, uint16_t port)
{
	struct cpu_regs *r = &v->ctx.regs;
	if (i->address32)
		return false;
	if (i->rep && r->rcx == 0) {
		r->rip += i->length;
		return true;
	}
	if (!string_element(v, i, port)) {
		uint64_t address = i->kind == INSN_INS ? r->rdi : r->rsi;
		pv_inject_page_fault(v, address, i->kind == INSN_INS ? 2 : 0);
		return true;
	}
	if (!i->rep || --r->rcx == 0)
		r->rip += i->length;
	return true;
}

bool pv_emulate_port(struct vcpu *v, const struct pv_insn *i)
{
	struct cpu_regs *r = &v->ctx.regs;
	uint16_t port = i->port_is_dx ? (uint16_t)r->rdx : i->port;
	if (!port_privilege(v, port, i->size))
		return false;
	if (i->kind == INSN_INS || i->kind == INSN_OUTS)
		return emulate_string(v, i, port);
	if (i->kind == INSN_IN)
		register_set(&r->rax, i->size, port_read(v, port, i->size));
	else
		port_write(v, port, i->size, (uint32_t)r->rax & (i->size == 4 ? ~0u : (1u << (8 * i->size)) - 1));
	r->rip += i->length;
	return true;
}
