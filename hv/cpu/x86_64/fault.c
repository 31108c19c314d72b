/* Traps: from guests to the upcalls, from the hypervisor itself to fixups or the end.
 *
 * A fixup names an instruction that may fault (guest copies, MSR access, segment loads) and where
 * to go on then; the table is in .fixups, filled by FIXUP() and copy.S. Any other fault in
 * hypervisor mode is our bug: print and stop. NMI and #MC from the hypervisor only print.
 * Neighbours: entry.S calls us; hv/cpu/upcall.h is what we call. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/cpu/upcall.h"
#include "hv/cpu/x86_64/internal.h"

struct fixup { uint64_t at, go_on; };
extern const struct fixup fixups_start[], fixups_end[];
extern char image_start[], image_end[];

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
	case VECTOR_STOP:
		cpu_halt_forever();
	case VECTOR_SPURIOUS:
		break;
	default:
		upcall_irq(vector);
		apic_eoi();	/* after a level line was masked there: it would interrupt again at once */
	}
}

struct cpu_context *cpu_guest_trap(struct cpu_context *ctx)
{
	unsigned vector = ctx->regs.vector;
	if (vector >= 32 && vector != 0x80)
		interrupt(vector);
	else if (vector == VECTOR_NMI)
		early_print("(hv) NMI on CPU %u in guest mode\n", cpu_id());
	else if (vector == VECTOR_MC)
		upcall_panic("machine check in guest mode");
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

static void print_stack(uint64_t rsp)
{
	bool main = (rsp & (STACK_SIZE - 1)) >= STACK_MAIN;
	uint64_t top = main ? (rsp | (STACK_SIZE - 1)) + 1 - PERCPU_SIZE : (rsp | (PAGE_SIZE - 1)) + 1;
	unsigned printed = 0;
	early_print("  calls:");
	for (uint64_t at = rsp & ~7ull; at < top && printed < 24; at += 8) {
		uint64_t v = *(const uint64_t *)at;
		if (v >= (uint64_t)image_start && v < (uint64_t)image_end) {
			early_print(" %lx", (unsigned long)v);
			printed++;
		}
	}
	early_print("\n");
}

static void print_regs(const struct cpu_regs *f)
{
	early_print("  vector %u error %x rip %lx:%lx rflags %lx rsp %lx:%lx cr2 %lx cr3 %lx\n", f->vector,
		    f->error_code, f->cs, f->rip, f->rflags, f->ss, f->rsp, cr2_read(), cr3_read());
	early_print("  rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", f->rax, f->rbx, f->rcx,
		    f->rdx, f->rsi, f->rdi, f->rbp);
	early_print("  r8 %lx r9 %lx r10 %lx r11 %lx r12 %lx r13 %lx r14 %lx r15 %lx\n", f->r8, f->r9, f->r10,
		    f->r11, f->r12, f->r13, f->r14, f->r15);
}

void cpu_hv_trap(struct cpu_regs *f)
{
	if (f->vector >= 32) {
		interrupt(f->vector);
		return;
	}
	if (f->vector == VECTOR_NMI) {
		early_print("(hv) NMI on CPU %u\n", cpu_id());
		return;
	}
	if (f->vector == VECTOR_DB) {	/* a guest's watchpoint on memory that we copied */
		dr6_write(DR6_INITIAL);
		return;
	}
	if (f->vector != VECTOR_MC && f->vector != VECTOR_DF && fixup_apply(f))
		return;
	early_print("\n(hv) fault in the hypervisor on CPU %u\n", cpu_id());
	print_regs(f);
	print_stack(f->rsp);
	upcall_panic("fault in hypervisor mode");
}

void cpu_print_state(void)
{
	uint64_t rsp;
	struct cpu_context *ctx = percpu()->current;
	__asm__ volatile ("mov %%rsp, %0" : "=r" (rsp));
	print_stack(rsp);
	if (ctx && !ctx->is_idle) {
		early_print("  guest:\n");
		print_regs(&ctx->regs);
	}
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
