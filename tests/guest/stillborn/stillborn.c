/* stillborn: a kernel whose first instruction is its last. It has no handlers yet, so the hypervisor must
 * end it, say why, and go on with the others. */
#include "tests/guest/lib/test.h"

const char test_name[] = "stillborn";

void guest_entry(void);

__attribute__((naked)) void guest_entry(void)
{
	__asm__ volatile("ud2");
}

void test_main(void)
{
}
