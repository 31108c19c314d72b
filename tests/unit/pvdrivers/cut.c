/* Stores to watched pages: each faults, is counted, and is let through with the processor's trap flag set, whose trap
 * closes the pages again. */
#include "tests/unit/pvdrivers/cut.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

static struct {
	uint8_t *at;
	size_t bytes;
} range[8];
static unsigned int ranges;
static sigjmp_buf out;
static volatile uint64_t left;		/* stores until the cut; 0: no run */

static void protect(int prot)
{
	for (unsigned int i = 0; i < ranges; i++)
		if (mprotect(range[i].at, range[i].bytes, prot))
			abort();
}

static bool watched(const uint8_t *at)
{
	for (unsigned int i = 0; i < ranges; i++)
		if (at >= range[i].at && at < range[i].at + range[i].bytes)
			return true;
	return false;
}

static void count(void)
{
	if (--left == 0)
		siglongjmp(out, 1);
}

static void on_store(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	if (!left || !watched(info->si_addr)) {
		signal(sig, SIG_DFL);
		return;
	}
	count();
	protect(PROT_READ | PROT_WRITE);
	c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void after_store(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)sig, (void)info;
	c->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	protect(PROT_READ);
}

void cut_watch(void *pages, size_t bytes)
{
	if (ranges == sizeof range / sizeof range[0])
		abort();
	range[ranges].at = pages;
	range[ranges++].bytes = bytes;
}

void cut_forget(void)
{
	ranges = 0;
}

void cut_point(void)
{
	if (left)
		count();
}

bool cut_run(void (*fn)(void), uint64_t nth)
{
	struct sigaction store = { .sa_sigaction = on_store, .sa_flags = SA_SIGINFO };
	struct sigaction step = { .sa_sigaction = after_store, .sa_flags = SA_SIGINFO };
	struct sigaction old_store, old_step;
	volatile bool whole = false;

	sigaction(SIGSEGV, &store, &old_store);
	sigaction(SIGTRAP, &step, &old_step);
	left = nth;
	if (sigsetjmp(out, 1) == 0) {
		protect(PROT_READ);
		fn();
		whole = true;
	}
	left = 0;
	protect(PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &old_store, NULL);
	sigaction(SIGTRAP, &old_step, NULL);
	return whole;
}
