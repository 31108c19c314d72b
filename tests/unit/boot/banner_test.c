/* The banner: what stands in the log for two scripted processors and a memory map. */
#include <stdlib.h>
#include <string.h>
#include "hv/boot/banner.h"
#include "hv/core/flaws.h"
#include "hv/core/log.h"
#include "hv/cpu/host/host.h"
#include "tests/unit/check_main.h"

static char text[8192];

static void leaf(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	host_cpuid_set(number, 0, (uint32_t[4]){ a, b, c, d });
}

/* The log since the start, with the times cut out. */
static void log_take(void)
{
	uint64_t pos = 0;
	size_t n = sizeof text - 1;
	log_read(&pos, text, &n);
	text[n] = 0;
	char *out = text;
	for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		char *said = strstr(line, "] ");
		ck_assert(said && said < end && end - line <= 80);
		memmove(out, said + 2, (size_t)(end + 1 - said - 2));
		out += end + 1 - said - 2;
	}
	*out = 0;
}

START_TEST(server)
{
	host_reset(1, 16);
	log_clear();
	leaf(0, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69);
	leaf(1, 0x306c1, 0, 1u << 26 | 1u << 17, 0);
	leaf(7, 0, 1u << 20 | 1u << 7 | 1, 0, 0);
	leaf(0x80000000u, 0x80000008u, 0, 0, 0);
	leaf(0x80000001u, 0, 0, 0, 1u << 20);
	leaf(0x80000002u, 0x20202020, 0x656d6f53, 0x6f725020, 0x73736563);	/* "    Some Process" */
	leaf(0x80000003u, 0x0000726f, 0, 0, 0);
	leaf(0x80000007u, 0, 0, 0, 1u << 8);
	cpu_features.uses_smep = true;
	cpu_features.is_tcg = true;
	banner_cpu();
	log_take();
	ck_assert_str_eq(text,
		"CPU: Some Processor\nCPU: family 6, model 60, stepping 1\nTSC: 1000 MHz, trusted: invariant\n"
		"SMAP: off, the emulator faults far returns in ring 3\n"
		"PCID: off, every change of tables flushes the TLB\nFSGSBASE: off, guest kernels set bases by hypercall\n"
		"ERMS: not shown to guests, the emulator copies by bytes then\n"
		"CPU: on: NX SMEP XSAVE; missing: none\nCPU: FPU state of 832 bytes, XCR0 0x7\n"
		"Meltdown: affected, not mitigated: run only trusted guests\n"
		"L1TF: affected, mitigated: absent entries name no RAM\n"
		"MDS: affected, not mitigated: run only trusted guests\n"
		"Spectre v2: affected, not mitigated: run only trusted guests\nRSB: affected, mitigated: SMEP\n");
	ck_assert_uint_eq(flaws.state[FLAW_MELTDOWN], FLAW_OPEN);
}
END_TEST

/* No leaf 7, no extended leaves: nothing is taken from what such leaves answer. */
START_TEST(plain)
{
	host_reset(1, 16);
	log_clear();
	leaf(0, 1, 0x68747541, 0x444d4163, 0x69746e65);
	leaf(1, 0x60fb1, 0, 0, 0);
	leaf(7, 0, ~0u, ~0u, ~0u);
	leaf(0x80000000u, 0, 0, 0, 0);
	leaf(0x80000001u, ~0u, ~0u, ~0u, ~0u);
	leaf(0x80000007u, ~0u, ~0u, ~0u, ~0u);
	banner_cpu();
	log_take();
	ck_assert_str_eq(text,
		"CPU: \nCPU: family 15, model 107, stepping 1\nTSC: 1000 MHz, trusted: option tsc=stable\n"
		"CPU: on:; missing: NX SMEP SMAP XSAVE PCID FSGSBASE\nCPU: FPU state of 832 bytes, XCR0 0x7\n"
		"Meltdown: not affected\nL1TF: not affected\nMDS: not affected\n"
		"Spectre v2: affected, not mitigated: run only trusted guests\n"
		"RSB: affected, not mitigated: run only trusted guests\n");
}
END_TEST

START_TEST(memory)
{
	static struct machine m;
	host_reset(1, 16);
	log_clear();
	ck_assert_int_eq(machine_range_add(&m, 0, 640 << 10, RANGE_RAM), 0);
	ck_assert_int_eq(machine_range_add(&m, 0xf0000, 0x10000, RANGE_RESERVED), 0);
	ck_assert_int_eq(machine_range_add(&m, 1 << 20, 127 << 20, RANGE_RAM), 0);
	ck_assert_int_eq(machine_range_add(&m, 0xfee00000, 0x100000, RANGE_RESERVED), 0);
	banner_memory(&m);
	log_take();
	ck_assert_str_eq(text, "memory: 127 MiB of RAM in 2 ranges of 4, up to 0x8000000\n");
}
END_TEST

CHECK_MAIN("banner", NULL, NULL, server, plain, memory)
