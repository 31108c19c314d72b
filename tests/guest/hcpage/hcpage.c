/* hcpage: the hypercall page.
 *
 * What is tested: a kernel that carries the note HYPERCALL_PAGE finds at that address, before its
 * first instruction, one entry of 32 bytes per hypercall. Old kernels and small guests use it.
 *
 * How it is shown: entries are called with arguments in the ABI's registers; the results must be
 * those of `syscall`, and all registers but the arguments' and rax must survive. */
#include "examples/pv/hypercall.h"
#include "protocol/version.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"

const char test_name[] = "hcpage";

extern uint8_t hypercall_page[PAGE_SIZE];

static long page_call(unsigned nr, unsigned long a, unsigned long b, unsigned long c)
{
	register unsigned long r10 __asm__("r10") = 0;
	register unsigned long r8 __asm__("r8") = 0;
	long rax;

	__asm__ volatile("call *%[entry]"
			 : "=a"(rax), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
			 : [entry] "b"(hypercall_page + 32 * nr)
			 : "memory", "cc");
	return rax;
}

/* rcx and r11 are saved by the page. */
static void registers_kept(void)
{
	uint64_t rcx = 0x1111, r11 = 0x2222, rbp_kept, rax;

	__asm__ volatile("mov %[rcx], %%rcx; mov %[r11], %%r11; mov %%rbp, %%r14\n\t"
			 "call *%[entry]\n\t"
			 "mov %%rcx, %[rcx]; mov %%r11, %[r11]; xor %%rbp, %%r14; mov %%r14, %[rbp]"
			 : [rcx] "+m"(rcx), [r11] "+m"(r11), [rbp] "=m"(rbp_kept), "=a"(rax)
			 : [entry] "b"(hypercall_page + 32 * __HYPERVISOR_xen_version),
			   "D"(XENVER_version), "S"(0)
			 : "rcx", "rdx", "r8", "r9", "r10", "r11", "r14", "memory", "cc");
	CHECK_EQ(rcx, 0x1111);
	CHECK_EQ(r11, 0x2222);
	CHECK_EQ(rbp_kept, 0);
	CHECK_EQ(rax, xen_version(XENVER_version, 0));
}

void test_main(void)
{
	struct xen_feature_info features = { .submap_idx = 0 }, same = { .submap_idx = 0 };

	CHECK_EQ(page_call(__HYPERVISOR_xen_version, XENVER_version, 0, 0),
		 xen_version(XENVER_version, 0));
	CHECK_EQ(page_call(__HYPERVISOR_xen_version, XENVER_get_features, (unsigned long)&features,
			   0), 0);
	xen_version(XENVER_get_features, &same);
	CHECK_EQ(features.submap, same.submap);
	CHECK_EQ(page_call(47, 1, 2, 3), -38);
	CHECK_EQ(page_call(__HYPERVISOR_update_va_mapping, 0x10000, 0, 0),
		 update_va_mapping((void *)0x10000, 0, 0));
	registers_kept();
}
