/* ACPI tables: RSDP, then XSDT or RSDT, then MADT (processors, IO-APICs, overrides), FADT (power
 * and reset registers), MCFG (PCI configuration window), and the DSDT's package \_S5.
 *
 * No AML is interpreted: \_S5 is a constant package of four small integers in practice, found by
 * its name. Every table is checked (length inside readable memory, checksum zero) before a field
 * is read; a bad table is as if absent. dom0 interprets the tables in full; these few facts are
 * what we need before and without it. */
#include "hv/base/string.h"
#include "hv/boot/acpi.h"

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[26];
} PACKED;
static_assert(sizeof(struct acpi_header) == 36, "ACPI 5.2.6");

static uint64_t read_le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static bool sum_is_zero(const uint8_t *p, uint64_t n)
{
	uint8_t sum = 0;
	while (n--)
		sum = (uint8_t)(sum + *p++);
	return sum == 0;
}

/* ---- root pointer ---- */

static bool rsdp_is_good(const struct phys *p, uint64_t at)
{
	const uint8_t *r = phys_at(p, at, 20);
	return r && memcmp(r, "RSD PTR ", 8) == 0 && sum_is_zero(r, 20);
}

static uint64_t rsdp_scan(const struct phys *p, uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end; at += 16)
		if (rsdp_is_good(p, at))
			return at;
	return 0;
}

static uint64_t rsdp_find(const struct phys *p, uint64_t hint)
{
	if (hint && rsdp_is_good(p, hint))
		return hint;
	const uint8_t *segment = phys_at(p, 0x40e, 2);	/* of the extended BIOS data area */
	uint64_t ebda = segment ? read_le(segment, 2) << 4 : 0;
	uint64_t found = ebda ? rsdp_scan(p, ebda, ebda + 1024) : 0;
	return found ? found : rsdp_scan(p, 0xe0000, 0x100000);
}

/* ---- tables ---- */

static const struct acpi_header *table_at(const struct phys *p, uint64_t at)
{
	const struct acpi_header *h = phys_at(p, at, sizeof *h);

	if (!h || h->length < sizeof *h || !phys_at(p, at, h->length) ||
	    !sum_is_zero((const uint8_t *)h, h->length))
		return NULL;
	return h;
}

static const struct acpi_header *table_find(
	const struct phys *p, uint64_t rsdp, const char signature[4])
{
	const uint8_t *r = phys_at(p, rsdp, 36);
	bool has_xsdt = r && r[15] >= 2 && read_le(r + 24, 8) != 0;
	unsigned size = has_xsdt ? 8 : 4;

	r = phys_at(p, rsdp, 20);
	const struct acpi_header *root =
		r ? table_at(p, read_le(r + (has_xsdt ? 24 : 16), size)) : NULL;
	if (!root)
		return NULL;
	const uint8_t *entry = (const uint8_t *)(root + 1);
	for (uint32_t n = (root->length - (uint32_t)sizeof *root) / size; n > 0;
		n--, entry += size) {
		const struct acpi_header *t = table_at(p, read_le(entry, size));
		if (t && memcmp(t->signature, signature, 4) == 0)
			return t;
	}
	return NULL;
}

/* ---- MADT ---- */

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9 };

static void cpu_add(struct acpi_info *out, uint64_t apic_id, uint64_t flags)
{
	if ((flags & 1) == 0 || out->cpu_count == MAX_CPUS)
		return;
	for (unsigned i = 0; i < out->cpu_count; i++)
		if (out->apic_id[i] == apic_id)
			return;
	out->apic_id[out->cpu_count++] = (uint32_t)apic_id;
}

/* Flags: bits 0-1 polarity (3 = active low), bits 2-3 trigger (3 = level); 0 = as the bus, ISA:
 * high, edge. */
static void override_add(struct acpi_info *out, const uint8_t *e)
{
	uint64_t flags = read_le(e + 8, 2);

	if (out->override_count == ACPI_OVERRIDES || e[2] != 0)
		return;
	out->override[out->override_count++] = (struct irq_override){.isa = e[3],
		.gsi = (uint32_t)read_le(e + 4, 4),
		.active_low = (flags & 3) == 3,
		.level = (flags >> 2 & 3) == 3};
}

static void madt_entry(struct acpi_info *out, const uint8_t *e, unsigned length)
{
	if (e[0] == MADT_LAPIC && length >= 8)
		cpu_add(out, e[3], read_le(e + 4, 4));
	else if (e[0] == MADT_X2APIC && length >= 16)
		cpu_add(out, read_le(e + 4, 4), read_le(e + 8, 4));
	else if (e[0] == MADT_OVERRIDE && length >= 10)
		override_add(out, e);
	else if (e[0] == MADT_IOAPIC && length >= 12 && out->ioapic_count < ACPI_IOAPICS)
		out->ioapic[out->ioapic_count++] = (struct irq_ioapic){.id = e[2],
			.base = maddr(read_le(e + 4, 4)),
			.first_gsi = (uint32_t)read_le(e + 8, 4)};
}

static void madt_parse(const struct acpi_header *t, struct acpi_info *out)
{
	const uint8_t *at = (const uint8_t *)t + 44, *end = (const uint8_t *)t + t->length;

	while (end - at >= 2 && t->length >= 44) {
		unsigned length = at[1];
		if (length < 2 || length > end - at)
			return;
		madt_entry(out, at, length);
		at += length;
	}
}

/* ---- FADT and DSDT ---- */

/* One small integer of AML: zero, one, or a byte. Returns its length, 0 if it is something else. */
static unsigned aml_small(const uint8_t *p, uint64_t left, uint8_t *value)
{
	if (left >= 1 && p[0] <= 1) {
		*value = p[0];
		return 1;
	}
	if (left >= 2 && p[0] == 0x0a) {
		*value = p[1];
		return 2;
	}
	return 0;
}

/* At the byte behind the name _S5_: package, its length, element count, then SLP_TYPa and
 * SLP_TYPb. */
static bool s5_parse(const uint8_t *p, uint64_t left, struct acpi_info *out)
{
	uint8_t a, b;

	if (left < 4 || p[0] != 0x12)
		return false;
	unsigned skip = 2 + (p[1] >> 6) + 1;	/* opcode, length of 1 to 4 bytes, count */
	if (left < skip)
		return false;
	unsigned n = aml_small(p + skip, left - skip, &a);
	if (n == 0 || aml_small(p + skip + n, left - skip - n, &b) == 0)
		return false;
	out->s5_a = (uint16_t)((a & 7) << 10 | 1 << 13);
	out->s5_b = (uint16_t)((b & 7) << 10 | 1 << 13);
	return true;
}

static void dsdt_parse(const struct phys *p, uint64_t at, struct acpi_info *out)
{
	const struct acpi_header *t = table_at(p, at);
	if (!t)
		return;
	const uint8_t *b = (const uint8_t *)t;
	for (uint64_t i = sizeof *t; i + 4 < t->length; i++)
		if (memcmp(b + i, "_S5_", 4) == 0 && s5_parse(b + i + 4, t->length - i - 4, out))
			return;
}

/* A port from the 64-bit generic address at @offset if it is one in I/O space, else the old
 * field. */
static uint16_t fadt_port(const struct acpi_header *t, unsigned offset, unsigned old_offset)
{
	const uint8_t *b = (const uint8_t *)t;

	if (t->length >= offset + 12 && b[offset] == 1 && read_le(b + offset + 4, 8) != 0)
		return (uint16_t)read_le(b + offset + 4, 8);
	return t->length >= old_offset + 4 ? (uint16_t)read_le(b + old_offset, 4) : 0;
}

static void fadt_parse(const struct phys *p, const struct acpi_header *t, struct acpi_info *out)
{
	const uint8_t *b = (const uint8_t *)t;

	out->pm1a_control = fadt_port(t, 172, 64);
	out->pm1b_control = fadt_port(t, 184, 68);
	if (t->length >= 129 && (read_le(b + 112, 4) >> 10 & 1) && b[116] == 1) {
		out->has_reset = true;
		out->reset_port = (uint16_t)read_le(b + 120, 8);
		out->reset_value = b[128];
	}
	uint64_t dsdt = t->length >= 148 ? read_le(b + 140, 8) : 0;
	if (dsdt == 0 && t->length >= 44)
		dsdt = read_le(b + 40, 4);
	dsdt_parse(p, dsdt, out);
}

static void mcfg_parse(const struct acpi_header *t, struct acpi_info *out)
{
	const uint8_t *b = (const uint8_t *)t;

	for (unsigned at = 44; at + 16 <= t->length; at += 16)
		if (read_le(b + at + 8, 2) == 0 && b[at + 10] == 0) { /* segment 0, from bus 0 on */
			out->ecam_base = read_le(b + at, 8);
			return;
		}
}

void acpi_parse(const struct phys *p, uint64_t rsdp, struct acpi_info *out)
{
	*out = (struct acpi_info){ .rsdp = rsdp_find(p, rsdp) };
	if (!out->rsdp)
		return;
	const struct acpi_header *t = table_find(p, out->rsdp, "APIC");
	if (t)
		madt_parse(t, out);
	if ((t = table_find(p, out->rsdp, "FACP")))
		fadt_parse(p, t, out);
	if ((t = table_find(p, out->rsdp, "MCFG")))
		mcfg_parse(t, out);
}
