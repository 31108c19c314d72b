/* panic: as dom0, make the hypervisor crash by debug key C.
 *
 * What is tested, by panic_test.py from what the hypervisor then prints: that an exception of its own
 * is told with the functions that led there, and ends the machine. Reaching the end is the failure. */
#include "examples/pv/hypercall.h"
#include "protocol/sysctl.h"
#include "tests/guest/lib/test.h"

const char test_name[] = "panic";

void test_main(void)
{
	static char keys[] = "C";
	static struct xen_sysctl op = { .cmd = XEN_SYSCTL_debug_keys,
					.interface_version = XEN_SYSCTL_INTERFACE_VERSION };

	op.u.debug_keys = (struct xen_sysctl_debug_keys){ .keys = (uint64_t)keys, .nr_keys = 1 };
	long rc = hypercall3(__HYPERVISOR_sysctl, (unsigned long)&op, 0, 0);
	CHECK(0, "the hypervisor has survived debug key C: %ld", rc);
}
