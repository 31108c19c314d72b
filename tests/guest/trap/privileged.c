/* Instructions that ring 3 may not execute and that a guest kernel executes all the same: the
 * hypervisor does them, or what they mean for a guest. */
#include "examples/pv/hypercall.h"
#include "protocol/cpuid.h"
#include "protocol/physdev.h"
#include "tests/guest/lib/mem.h"
#include "tests/guest/lib/test.h"
#include "tests/guest/lib/trap.h"
#include "tests/guest/trap/trap.h"

static long msr_read(uint32_t msr, uint64_t *value)
{
	uint32_t low = 0, high = 0;
	long vector = TRAP_OF("rdmsr", : "+a"(low), "+d"(high) : "c"(msr));

	*value = (uint64_t)high << 32 | low;
	return vector;
}

static long msr_write(uint32_t msr, uint64_t value)
{
	return TRAP_OF("wrmsr", : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void msrs(void)
{
	uint64_t value;

	CHECK_EQ(msr_write(0xc0000100, 0x123450), -1);
	CHECK_EQ(msr_read(0xc0000100, &value), -1);
	CHECK_EQ(value, 0x123450);
	CHECK_EQ(hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_FS, (void *)0x777000), 0);
	CHECK_EQ(msr_read(0xc0000100, &value), -1);
	CHECK_EQ(value, 0x777000);
	CHECK_EQ(msr_write(0xc0000101, (uint64_t)&msrs), -1);
	CHECK_EQ(msr_read(0xc0000101, &value), -1);
	CHECK_EQ(value, (uint64_t)&msrs);
	CHECK_EQ(msr_write(0xc0000102, 0x5000), -1);
	CHECK_EQ(msr_read(0xc0000102, &value), -1);
	CHECK_EQ(value, 0x5000);
	CHECK_EQ(msr_write(0xc0000100, 0x123456789abcdef0), 13);
	CHECK_EQ(msr_write(0xc0000101, 0x8000000000000000), 13);
	CHECK_EQ(msr_read(0x277, &value), -1);
	CHECK_EQ(value, 0x0000050100070406);
	CHECK_EQ(msr_read(0xc0000080, &value), -1);
	CHECK_EQ(value & 0x501, 0x501);
	CHECK_EQ(msr_read(0x12345678, &value), 13);
	CHECK_EQ(msr_write(0xc0000100, 0), -1);
	CHECK_EQ(msr_write(0xc0000101, 0), -1);
}

static void control_registers(void)
{
	uint64_t cr0, cr4, cr2, cr3;

	CHECK_EQ(TRAP_OF("mov %%cr0, %0", : "=r"(cr0)), -1);
	CHECK_EQ(cr0 & 0x80000001, 0x80000001);
	CHECK_EQ(TRAP_OF("mov %%cr4, %0", : "=r"(cr4)), -1);
	CHECK_EQ(cr4 & 0x20, 0x20);
	CHECK_EQ(TRAP_OF("mov %0, %%cr4", : : "r"(cr4)), -1);
	TRAP_OF("movb (%0), %%al", : : "r"(0x4321ul) : "rax");
	CHECK_EQ(TRAP_OF("mov %%cr2, %0", : "=r"(cr2)), -1);
	CHECK_EQ(cr2, 0x4321);
	CHECK_EQ(TRAP_OF("mov %%cr3, %0", : "=r"(cr3)), -1);
	CHECK_EQ(cr3 >> 12, l4_mfn());
	CHECK_EQ(hypercall2(__HYPERVISOR_fpu_taskswitch, 1, 0), 0);
	CHECK_EQ(TRAP_OF("mov %%cr0, %0", : "=r"(cr0)), -1);
	CHECK_EQ(cr0 & 8, 8);
	CHECK_EQ(TRAP_OF("fnop", : : : "memory"), 7);
	CHECK_EQ(hypercall2(__HYPERVISOR_fpu_taskswitch, 0, 0), 0);
	CHECK_EQ(TRAP_OF("fnop", : : : "memory"), -1);
	CHECK_EQ(TRAP_OF("wbinvd", : : : "memory"), -1);
}

static void cpuid(void)
{
	uint32_t a = XEN_CPUID_LEAF(0), b, c, d;

	CHECK_EQ(TRAP_OF(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid",
			 : "+a"(a), "=b"(b), "=c"(c), "=d"(d)), -1);
	CHECK_EQ(b, XEN_CPUID_SIGNATURE_EBX);
	CHECK_EQ(c, XEN_CPUID_SIGNATURE_ECX);
	CHECK_EQ(d, XEN_CPUID_SIGNATURE_EDX);
	CHECK(a >= XEN_CPUID_LEAF(2), "last leaf 0x%x", a);
	a = 1, c = 0;
	CHECK_EQ(TRAP_OF(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid",
			 : "+a"(a), "=b"(b), "+c"(c), "=d"(d)), -1);
	CHECK(c >> 31, "no hypervisor bit in leaf 1");
	CHECK((d & (1u << 3)) == 0, "PSE is offered");
	CHECK((d & (1u << 13)) == 0, "PGE is offered");
	CHECK((c & (1u << 17)) == 0, "PCID is offered");
	a = 7, c = 0;
	CHECK_EQ(TRAP_OF(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid",
			 : "+a"(a), "=b"(b), "+c"(c), "=d"(d)), -1);
	CHECK((b & (1u << 7 | 1u << 20)) == 0, "SMEP or SMAP is offered: 0x%x", b);
}

static void ports(void)
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	uint8_t value = 0;

	CHECK_EQ(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl), 0);
	/* The PIC is the hypervisor's, for every domain. */
	CHECK_EQ(TRAP_OF("inb $0x21, %0", : "=a"(value)), -1);
	CHECK_EQ(value, 0xff);
	CHECK_EQ(TRAP_OF("outb %0, $0x21", : : "a"((uint8_t)0xfb)), -1);
	if (!(start_info->flags & SIF_INITDOMAIN)) {
		CHECK_EQ(TRAP_OF("inb $0x71, %0", : "=a"(value)), -1);
		CHECK_EQ(value, 0xff);
		CHECK_EQ(TRAP_OF("outb %0, $0x80", : : "a"((uint8_t)0)), -1);
	}
}

void privileged_test(void)
{
	msrs();
	control_registers();
	cpuid();
	ports();
}
