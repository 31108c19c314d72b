/* Traps: from guests to the upcalls, from the hypervisor itself to fixups or the end.
 *
 * A fixup names an instruction that may fault (guest copies, MSR access, segment loads) and where
 * to go on then; the table is in .fixups, filled by FIXUP() and copy.S. Any other fault in
 * hypervisor mode is our bug: print and stop. An NMI only prints, unless another CPU stops the machine by it.
 * Neighbours: entry.S calls us; hv/cpu/upcall.h is what we call. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/cpu/upcall.h"
#include "hv/cpu/x86_64/internal.h"
#include "hv/cpu/x86_64/stack.h"

struct fixup { uint64_t at, go_on; };
extern const struct fixup fixups_start[], fixups_end[];
extern const uint8_t image_start[], load_end[], symbols_start[], symbols_end[];

#define VECTOR_DB 1
#define VECTOR_NMI 2
#define VECTOR_DF 8
#define VECTOR_MC 18
#define DR6_INITIAL 0xffff0ff0u

bool fixup_apply(struct cpu_regs *f)
{
	for (const struct fixup *x = fixups_start; x < fixups_end; x++) {
		if (x->at == f->rip) {
			f->rip = x->go_on;
			return true;
		}
	}
	return false;
}

void early_print(const char *fmt, ...)
{
	char line[200];
	va_list ap;
	va_start(ap, fmt);
	size_t n = format_string_v(line, sizeof line, fmt, ap);
	va_end(ap);
	uart_write(line, n);
}

static void interrupt(unsigned vector)
{
	switch (vector) {
	case VECTOR_TIMER:
		apic_eoi();
		upcall_timer();
		break;
	case VECTOR_KICK:
		apic_eoi();
		cpu_poll();
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		upcall_irq(vector);
		apic_eoi();	/* after a level line was masked there: it would interrupt again at once */
	}
}

static void nmi(const char *where)
{
	cpu_halt_if_stopped();
	early_print("(hv) NMI on CPU %u%s\n", cpu_id(), where);
}

struct cpu_context *cpu_guest_trap(struct cpu_context *ctx)
{
	unsigned vector = ctx->regs.vector;
	if (vector >= 32 && vector != 0x80)
		interrupt(vector);
	else if (vector == VECTOR_NMI)
		nmi(" in guest mode");
	else if (vector == VECTOR_MC)
		upcall_panic("machine check in guest mode", NULL);
	else
		upcall_trap(ctx);
	return upcall_return();
}

struct cpu_context *cpu_guest_syscall(struct cpu_context *ctx)
{
	upcall_syscall(ctx);
	return upcall_return();
}

struct cpu_context *cpu_guest_iret_fault(struct cpu_context *ctx)
{
	upcall_iret_fault(ctx);
	return upcall_return();
}

struct cpu_context *cpu_guest_ist(const struct cpu_regs *frame)
{
	struct cpu_context *ctx = percpu()->current;
	ctx->regs = *frame;
	if ((frame->cs & 3) == 0) {	/* #DB within #DB: where the guest was is lost */
		ctx->regs.rip = ctx->regs.rsp = 0;
		ctx->regs.cs = FLAT_CS64;
		ctx->regs.ss = FLAT_DS;
		ctx->regs.rflags = RFLAGS_IF | RFLAGS_FIXED;
	}
	if (frame->vector == VECTOR_DB) {
		ctx->dr6 = dr6_read();
		dr6_write(DR6_INITIAL);
	}
	return ctx;
}

static NORETURN void panic_at(const struct cpu_regs *f)
{
	static const char names[] = "#DE#DBNMI#BP#OF#BR#UD#NM#DF 9 #TS#NP#SS#GP#PF 15#MF#AC#MC#XM";
	char why[64];
	unsigned n = f->vector;
	format_string(why, sizeof why, "exception %u%s%.3s in hypervisor mode", n, n < 20 ? ", " : "",
		      n < 20 ? names + 3 * n : "");
	upcall_panic(why, f);
}

void cpu_hv_trap(struct cpu_regs *f)
{
	if (f->vector >= 32) {
		interrupt(f->vector);
		return;
	}
	if (f->vector == VECTOR_NMI) {
		nmi("");
		return;
	}
	if (f->vector == VECTOR_DB) {	/* a guest's watchpoint on memory that we copied */
		dr6_write(DR6_INITIAL);
		return;
	}
	if (f->vector != VECTOR_MC && f->vector != VECTOR_DF && fixup_apply(f))
		return;
	panic_at(f);
}

void cpu_view(uint64_t rsp, struct cpu_view *out)
{
	uint64_t from, to;
	stack_bounds(percpu_area(cpu_id()), rsp, &from, &to);
	*out = (struct cpu_view){
		cr0_read(), cr2_read(), cr3_read(), cr4_read(), (const uint64_t *)from, (const uint64_t *)to,
		{ (uint64_t)image_start, (uint64_t)(load_end - image_start), symbols_start,
		  (size_t)(symbols_end - symbols_start) } };
}

uint64_t cpu_fault_address(void)
{
	return cr2_read();
}

/* --- MSRs with fixup --- */

int cpu_msr_read(uint32_t msr, uint64_t *value)
{
	uint32_t lo, hi, failed;
	__asm__ volatile ("1:\trdmsr\n\txorl %2, %2\n2:\n"
			  "\t.pushsection .fixups, \"a\"\n\t.quad 1b, 3f\n\t.popsection\n"
			  "\t.subsection 1\n3:\tmovl $1, %2\n\txorl %%eax, %%eax\n\txorl %%edx, %%edx\n\tjmp 2b\n\t.previous"
			  : "=a" (lo), "=d" (hi), "=&r" (failed) : "c" (msr));
	if (failed)
		return -EIO;
	*value = (uint64_t)hi << 32 | lo;
	return 0;
}

int cpu_msr_write(uint32_t msr, uint64_t value)
{
	uint32_t failed;
	__asm__ volatile ("1:\twrmsr\n\txorl %0, %0\n2:\n"
			  "\t.pushsection .fixups, \"a\"\n\t.quad 1b, 3f\n\t.popsection\n"
			  "\t.subsection 1\n3:\tmovl $1, %0\n\tjmp 2b\n\t.previous"
			  : "=&r" (failed)
			  : "c" (msr), "a" ((uint32_t)value), "d" ((uint32_t)(value >> 32)) : "memory");
	return failed ? -EIO : 0;
}
