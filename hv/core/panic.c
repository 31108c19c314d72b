/* The end: stop the other CPUs, say what happened and where, reboot or halt.
 *
 * Rules: takes no lock (whoever holds one has been stopped) and allocates nothing. The first CPU to
 * panic speaks, later ones halt; a fault while it speaks ends the report, not the machine's reboot.
 * Registers are those of the trap, or of panic()'s own frame, whose caller-saved ones mean little. */
#include "hv/base/atomic.h"
#include "hv/base/string.h"
#include "hv/core/log.h"
#include "hv/core/panic.h"
#include "hv/cpu/upcall.h"

#define CALLS_MAX 20

static uint32_t speaker;	/* the CPU that panicked first, plus one */
static unsigned attempts;	/* of the speaker to say it */
static void (*panic_console)(const char *text, size_t n);
static bool panic_reboots;

void panic_init(void (*console)(const char *text, size_t n), bool reboot)
{
	panic_console = console;
	panic_reboots = reboot;
}

static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void say(const char *fmt, ...)
{
	char line[320];
	va_list ap;
	va_start(ap, fmt);
	size_t n = format_string_v(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	log_last_words(line, n);
	if (panic_console)
		panic_console(line, n);
}

static void say_regs(const struct cpu_regs *r)
{
	say("  rip %lx:%016lx  rsp %lx:%016lx  rflags %lx", r->cs, r->rip, r->ss, r->rsp, r->rflags);
	say("  rax %016lx  rbx %016lx  rcx %016lx", r->rax, r->rbx, r->rcx);
	say("  rdx %016lx  rsi %016lx  rdi %016lx", r->rdx, r->rsi, r->rdi);
	say("  rbp %016lx  r8  %016lx  r9  %016lx", r->rbp, r->r8, r->r9);
	say("  r10 %016lx  r11 %016lx  r12 %016lx", r->r10, r->r11, r->r12);
	say("  r13 %016lx  r14 %016lx  r15 %016lx", r->r13, r->r14, r->r15);
}

static void say_calls(const struct cpu_regs *r, const struct cpu_view *v)
{
	struct backtrace_entry call[CALLS_MAX];
	unsigned n = backtrace_walk(&v->code, r->rip, v->stack, v->stack_end, call, CALLS_MAX);
	say("  calls, innermost first (?: a guess):");
	for (unsigned i = 0; i < n; i++)
		say("  %c %016lx %s+0x%lx", call[i].is_guess ? '?' : ' ', call[i].at, call[i].place.name,
		    call[i].place.offset);
}

static void report(const struct cpu_regs *r, bool is_trap)
{
	const struct cpu_context *ctx = cpu_context_current();
	struct cpu_view v;
	unsigned domid, vcpu;
	bool has_guest = ctx && upcall_context_owner(ctx, &domid, &vcpu);
	cpu_view(r->rsp, &v);
	if (has_guest)
		say("  for domain %u, vCPU %u", domid, vcpu);
	else
		say("  for no domain");
	if (is_trap)
		say("  vector %u  error code %x", r->vector, r->error_code);
	say("  cr0 %lx  cr2 %016lx  cr3 %lx  cr4 %lx", v.cr0, v.cr2, v.cr3, v.cr4);
	say_regs(r);
	say_calls(r, &v);
	if (has_guest) {
		say("  domain %u, vCPU %u was at:", domid, vcpu);
		say_regs(&ctx->regs);
	}
}

NORETURN static void die(const char *why, const struct cpu_regs *r, bool is_trap)
{
	uint32_t none = 0, self = cpu_id() + 1;
	if (!ATOMIC_CAS(&speaker, &none, self) && none != self)
		cpu_halt_forever();
	if (attempts++ > 1)
		cpu_stop_machine(panic_reboots);
	cpu_stop_others();
	say("\n(hv) PANIC on CPU %u: %s%s", self - 1, why, attempts > 1 ? ", while saying the above" : "");
	if (r && attempts == 1)
		report(r, is_trap);
	if (panic_reboots) {
		say("(hv) rebooting in %u s", PANIC_REBOOT_S);
		cpu_delay_ns(PANIC_REBOOT_S * 1000000000ull);
	} else {
		say("(hv) halted, as the option noreboot says");
	}
	cpu_stop_machine(panic_reboots);
}

void panic(const char *fmt, ...)
{
	char why[256];
	struct cpu_regs here;
	va_list ap;
	bool shown = cpu_regs_here(&here);
	va_start(ap, fmt);
	format_string_v(why, sizeof why, fmt, ap);
	va_end(ap);
	die(why, shown ? &here : NULL, false);
}

void give_up(const char *fmt, ...)
{
	char why[256];
	va_list ap;
	va_start(ap, fmt);
	format_string_v(why, sizeof why, fmt, ap);
	va_end(ap);
	die(why, NULL, false);
}

void upcall_panic(const char *why, const struct cpu_regs *trap)
{
	if (!trap)
		panic("%s", why);
	die(why, trap, true);
}
