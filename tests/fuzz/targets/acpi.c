/* ACPI tables: whatever is in them, only facts of the promised shape come out.
 *
 * Checksums would stop nearly every input at the door. So the input is a list of tables, each a
 * kind, a length and its bytes; the target puts them into machine memory with a root pointer, a
 * root table and right checksums, except where the input says otherwise. Properties: counts keep
 * their bounds, no processor counts twice, S5 values have SLP_EN and nothing but SLP_TYP; an FADT
 * that names the DSDT is pointed at the input's one. */
#include "tests/fuzz/targets/target.h"

#include "hv/boot/acpi.h"

#define MEMORY 16384u
#define RSDP 0x40u
#define ROOT 0x80u
#define TABLES_MAX 12u
#define FIRST 0x200u

static uint8_t *memory;

static void put(uint32_t at, uint64_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		memory[at + i] = (uint8_t)(v >> 8 * i);
}

/* Make the @n bytes at @at add up to zero by the one at @where. */
static void checksum_fix(uint32_t at, uint32_t n, uint32_t where)
{
	uint8_t sum = 0;

	memory[where] = 0;
	for (uint32_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + memory[at + i]);
	memory[where] = (uint8_t)-sum;
}

/* One table of the input at @at. Returns the first byte behind it, or 0: no room. */
static uint32_t table_put(struct input *in, uint32_t at, uint32_t *dsdt)
{
	static const char names[8][5] = { "APIC", "FACP", "MCFG", "DSDT", "APIC", "FACP", "SSDT",
		"HPET" };
	unsigned int kind = (unsigned int)take(in, 1);
	size_t n = take(in, 2) % 1024;
	const uint8_t *bytes = take_bytes(in, &n);
	uint32_t length = 36 + (uint32_t)n;

	if (at + length > MEMORY)
		return 0;
	memcpy(memory + at, names[kind & 7], 4);
	put(at + 4, kind & 0x40 ? take(in, 4) : length, 4);
	memcpy(memory + at + 36, bytes, n);
	if ((kind & 7) == 3)
		*dsdt = at;
	if ((kind & 7) == 1 && *dsdt && n >= 112 && !(kind & 0x20)) {
		put(at + 40, *dsdt, 4);
		put(at + 140, kind & 0x10 ? *dsdt : 0, 8);
	}
	if (!(kind & 0x80))
		checksum_fix(at, length, at + 9);
	return at + length;
}

static void root_put(const uint32_t *table, unsigned int count, bool wide, struct input *in)
{
	unsigned int size = wide ? 8 : 4;
	uint32_t length = 36 + count * size;

	memcpy(memory + ROOT, wide ? "XSDT" : "RSDT", 4);
	put(ROOT + 4, length, 4);
	for (unsigned int i = 0; i < count; i++)
		put(ROOT + 36 + i * size, table[i], size);
	checksum_fix(ROOT, length, ROOT + 9);
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = wide ? 2 : (uint8_t)take(in, 1) % 2;
	put(RSDP + 16, ROOT, 4);
	put(RSDP + 24, wide ? ROOT : 0, 8);
	checksum_fix(RSDP, 20, RSDP + 8);
}

static bool s5_is_good(uint16_t s5)
{
	return (s5 & ~(7u << 10)) == 1u << 13;
}

static void info_check(const struct acpi_info *a)
{
	HOLDS(a->cpu_count <= MAX_CPUS);
	for (unsigned int i = 0; i < a->cpu_count; i++)
		for (unsigned int k = 0; k < i; k++)
			HOLDS(a->apic_id[i] != a->apic_id[k]);
	HOLDS(a->ioapic_count <= ACPI_IOAPICS && a->override_count <= ACPI_OVERRIDES);
	HOLDS((!a->s5_a && !a->s5_b) || (s5_is_good(a->s5_a) && s5_is_good(a->s5_b)));
	HOLDS(a->has_reset || (!a->reset_port && !a->reset_value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint32_t table[TABLES_MAX], at = FIRST, dsdt = 0;
	unsigned int count = 0, flags = (unsigned int)take(&in, 1);
	struct acpi_info info;

	memory = calloc(1, MEMORY);
	HOLDS(memory);
	while (count < TABLES_MAX && input_left(&in) && at) {
		table[count++] = at;
		at = table_put(&in, at, &dsdt);
	}
	root_put(table, count, flags & 1, &in);
	if (flags & 2)
		put((uint32_t)(flags >> 2) * 8, take(&in, 8), 8);
	/* The memory's end cuts the last table where the input ended. */
	struct phys p = { realloc(memory, at ? at : MEMORY), at ? at : MEMORY };

	HOLDS(p.base);
	memset(&info, 0x5a, sizeof info);
	acpi_parse(&p, flags & 0x80 ? 0 : RSDP, &info);
	HOLDS(info.rsdp == 0 || info.rsdp == RSDP);
	info_check(&info);
	free((void *)(uintptr_t)p.base);
	return 0;
}
