/* The page of stubs that older kernels and small guests call into: one entry of 32 bytes per
 * hypercall number. `syscall` destroys rcx and r11, so a stub keeps them. The stub of iret lays
 * the three registers where its frame begins and does not come back. */
#include "hv/base/string.h"
#include "hv/call/call.h"
#include "protocol/hypercall.h"

#define STUB_BYTES 32u

static const uint8_t stub[] = {
	0x51,				/* push %rcx */
	0x41, 0x53,			/* push %r11 */
	0xb8, 0, 0, 0, 0,		/* mov $NR, %eax */
	0x0f, 0x05,			/* syscall */
	0x41, 0x5b,			/* pop %r11 */
	0x59,				/* pop %rcx */
	0xc3,				/* ret */
};
#define STUB_NR 4			/* where NR stands */
static const uint8_t stub_iret[] = {
	0x51,				/* push %rcx */
	0x41, 0x53,			/* push %r11 */
	0x50,				/* push %rax */
	0xb8, __HYPERVISOR_iret, 0, 0, 0,
	0x0f, 0x05,			/* syscall */
};

void hypercall_page_fill(void *page)
{
	uint8_t *at = page;
	memset(page, 0xcc, PAGE_SIZE);	/* int3 between the stubs */
	for (unsigned nr = 0; nr < PAGE_SIZE / STUB_BYTES; nr++, at += STUB_BYTES) {
		if (nr == __HYPERVISOR_iret) {
			memcpy(at, stub_iret, sizeof stub_iret);
			continue;
		}
		memcpy(at, stub, sizeof stub);
		at[STUB_NR] = (uint8_t)nr;
	}
}
