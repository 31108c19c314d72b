/* Hypercalls of a small PV kernel, issued by `syscall` straight from its text.
 * Each returns what the hypervisor left in rax: >= 0, or -errno (protocol/errno.h). */
#pragma once
#include <stdint.h>
#include "protocol/hypercall.h"

static inline long hypercall5(unsigned long nr, unsigned long a, unsigned long b, unsigned long c,
			      unsigned long d, unsigned long e)
{
	register unsigned long r10 __asm__("r10") = d;
	register unsigned long r8 __asm__("r8") = e;
	long rax = (long)nr;

	__asm__ volatile("syscall"
			 : "+a"(rax), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
			 :
			 : "rcx", "r11", "r9", "memory", "cc");
	return rax;
}

static inline long hypercall4(unsigned long nr, unsigned long a, unsigned long b, unsigned long c,
			      unsigned long d)
{
	return hypercall5(nr, a, b, c, d, 0);
}

static inline long hypercall3(unsigned long nr, unsigned long a, unsigned long b, unsigned long c)
{
	return hypercall5(nr, a, b, c, 0, 0);
}

static inline long hypercall2(unsigned long nr, unsigned long a, const void *arg)
{
	return hypercall5(nr, a, (unsigned long)arg, 0, 0, 0);
}

static inline long sched_op(unsigned cmd, const void *arg)
{
	return hypercall2(__HYPERVISOR_sched_op, cmd, arg);
}

static inline long vcpu_op(unsigned cmd, unsigned vcpu, const void *arg)
{
	return hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpu, (unsigned long)arg);
}

static inline long event_channel_op(unsigned cmd, void *arg)
{
	return hypercall2(__HYPERVISOR_event_channel_op, cmd, arg);
}

static inline long memory_op(unsigned cmd, void *arg)
{
	return hypercall2(__HYPERVISOR_memory_op, cmd, arg);
}

static inline long grant_table_op(unsigned cmd, void *ops, unsigned count)
{
	return hypercall3(__HYPERVISOR_grant_table_op, cmd, (unsigned long)ops, count);
}

static inline long callback_op(unsigned cmd, void *arg)
{
	return hypercall2(__HYPERVISOR_callback_op, cmd, arg);
}

static inline long xen_version(unsigned cmd, void *arg)
{
	return hypercall2(__HYPERVISOR_xen_version, cmd, arg);
}

static inline long update_va_mapping(const void *va, uint64_t pte, unsigned long flags)
{
	return hypercall3(__HYPERVISOR_update_va_mapping, (unsigned long)va, pte, flags);
}

/* Terminate the domain with @reason (SHUTDOWN_*). */
_Noreturn void guest_shutdown(unsigned reason);
