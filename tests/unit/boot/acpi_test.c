/* ACPI tables: a small set that is read in full, each kind of damage, and mutation under ASan. */
#include <stdlib.h>
#include <string.h>
#include "hv/boot/acpi.h"
#include "tests/unit/check_main.h"
#include "tests/unit/lib/elf_make.h"

#define SIZE 0x100000u
#define RSDP 0xf0010u
#define RSDT 0x2000u
#define XSDT 0x2100u
#define MADT 0x2200u
#define FADT 0x2400u
#define DSDT 0x2600u
#define MCFG 0x2800u
static uint8_t *m;
static struct acpi_info out;

static void put(unsigned at, uint64_t v, unsigned n) { make_le(m + at, v, n); }
static void seal(unsigned at, unsigned checksum_at, unsigned n)
{
	uint8_t sum = 0;
	m[at + checksum_at] = 0;
	for (unsigned i = 0; i < n; i++)
		sum = (uint8_t)(sum + m[at + i]);
	m[at + checksum_at] = (uint8_t)-sum;
}
static void table(unsigned at, const char *signature, unsigned length)
{
	memcpy(m + at, signature, 4);
	put(at + 4, length, 4);
	seal(at, 9, length);
}

static void tables_make(int xsdt)
{
	static const uint8_t s5[] = {
		0x08, '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00};
	static const uint8_t madt[] = {0, 8, 0, 0, 1, 0, 0, 0, 0, 8, 1, 4, 1, 0, 0, 0, 0, 8, 2, 6,
		0, 0, 0, 0, 1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0, 2, 10, 0, 9, 9, 0, 0, 0,
		0x0f, 0, 9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0};
	memset(m, 0, SIZE);
	memcpy(m + RSDP, "RSD PTR ", 8);
	m[RSDP + 15] = xsdt ? 2 : 0;
	put(RSDP + 16, RSDT, 4), put(RSDP + 24, XSDT, 8);
	seal(RSDP, 8, 20);
	put(RSDT + 36, MADT, 4), put(RSDT + 40, FADT, 4), put(RSDT + 44, MCFG, 4),
		table(RSDT, "RSDT", 48);
	put(XSDT + 36, MADT, 8), put(XSDT + 44, FADT, 8), put(XSDT + 52, MCFG, 8),
		table(XSDT, "XSDT", 60);
	memcpy(m + MADT + 44, madt, sizeof madt), table(MADT, "APIC", 44 + sizeof madt);
	put(FADT + 40, DSDT, 4), put(FADT + 64, 0x604, 4), put(FADT + 112, 1 << 10, 4);
	m[FADT + 116] = 1, put(FADT + 120, 0xcf9, 8), m[FADT + 128] = 0x0f;
	m[FADT + 184] = 1, put(FADT + 188, 0x708, 8);	/* PM1b by generic address */
	table(FADT, "FACP", 244);
	memcpy(m + DSDT + 50, s5, sizeof s5), table(DSDT, "DSDT", 80);
	put(MCFG + 44, 0xb0000000, 8), m[MCFG + 55] = 255, table(MCFG, "MCFG", 60);
}

static void parse(uint64_t hint)
{
	struct phys p = { m, SIZE };
	acpi_parse(&p, hint, &out);
}

static void all_read(void)
{
	ck_assert_uint_eq(out.rsdp, RSDP);
	ck_assert_uint_eq(
		out.cpu_count, 3); /* the third local APIC is disabled, the x2APIC one is not */
	ck_assert_uint_eq(out.apic_id[1], 4);
	ck_assert_uint_eq(out.apic_id[2], 0x100);
	ck_assert_uint_eq(out.ioapic_count, 1);
	ck_assert_uint_eq(out.ioapic[0].base.a, 0xfec00000);
	ck_assert_uint_eq(out.ioapic[0].first_gsi, 24);
	ck_assert_uint_eq(out.override_count, 1);
	ck_assert(out.override[0].isa == 9 && out.override[0].active_low && out.override[0].level);
	ck_assert_uint_eq(out.ecam_base, 0xb0000000);
	ck_assert_uint_eq(out.pm1a_control, 0x604);
	ck_assert_uint_eq(out.pm1b_control, 0x708);
	ck_assert_uint_eq(out.s5_a, 5 << 10 | 1 << 13);
	ck_assert_uint_eq(out.s5_b, 1 << 10 | 1 << 13);
	ck_assert(out.has_reset && out.reset_port == 0xcf9 && out.reset_value == 0x0f);
}

START_TEST(by_both_roots)
{
	for (int xsdt = 0; xsdt < 2; xsdt++) {
		tables_make(xsdt);
		parse(0);
		all_read();
		parse(RSDP);
		all_read();
		parse(0x12345);		/* a wrong hint: scanned for */
		all_read();
	}
}
END_TEST

START_TEST(in_the_ebda)
{
	tables_make(1);
	memmove(m + 0x9fc20, m + RSDP, 36), memset(m + RSDP, 0, 36);
	put(0x40e, 0x9fc0, 2);
	parse(0);
	ck_assert_uint_eq(out.rsdp, 0x9fc20);
	ck_assert_uint_eq(out.cpu_count, 3);
}
END_TEST

START_TEST(bad_tables_are_absent)
{
	tables_make(1);
	m[MADT + 50]++;			/* checksum */
	parse(0);
	ck_assert_uint_eq(out.cpu_count, 0);
	ck_assert_uint_eq(out.pm1a_control, 0x604);
	tables_make(1);
	put(FADT + 4, SIZE, 4);		/* longer than memory */
	parse(0);
	ck_assert_uint_eq(out.pm1a_control, 0);
	ck_assert_uint_eq(out.cpu_count, 3);
	tables_make(1);
	m[RSDP]++;
	parse(0);
	ck_assert_uint_eq(out.rsdp, 0);
}
END_TEST

START_TEST(mutated)
{
	uint32_t seed = 123;
	for (unsigned round = 0; round < 3000; round++) {
		if (round % 50 == 0)
			tables_make(round % 100 == 0);
		static const unsigned bases[] = { RSDT, XSDT, MADT, FADT, DSDT, MCFG };
		unsigned base = bases[make_random(&seed) % 6], at = base + make_random(&seed) % 256;
		uint8_t saved = m[at];
		m[at] = (uint8_t)make_random(&seed);
		uint32_t length;
		memcpy(&length, m + base + 4, 4);
		if (length < 0x200)	/* past the checksum, into the parsers */
			seal(base, 9, length);
		parse(0);
		ck_assert(out.cpu_count <= MAX_CPUS && out.ioapic_count <= ACPI_IOAPICS &&
			  out.override_count <= ACPI_OVERRIDES);
		m[at] = saved;
	}
}
END_TEST

int main(void)
{
	m = malloc(SIZE);
	int failed = check_run("acpi", CHECK_CASE(NULL, NULL, by_both_roots, in_the_ebda, bad_tables_are_absent, mutated));
	free(m);
	return failed;
}
