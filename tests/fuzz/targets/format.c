/* The hypervisor's formatter against the C library's.
 *
 * The input chooses flags, width, precision, conversion and value of up to four conversions between
 * plain text, and how much room there is. Where both define the result, it must be the same, cut
 * at the room; never a byte is written past it. */
#include "tests/fuzz/targets/target.h"

#include "hv/base/string.h"

#define TEXT 512

/* Our functions share their names with none of C's. */
int snprintf(char *restrict s, size_t n, const char *restrict format, ...);

struct conversion {
	char format[64];
	char kind;
	bool wide;
	uint64_t value;
	char text[24];
};

/* Flags that the kind of conversion gives a meaning to. */
static void conversion_take(struct conversion *c, struct input *in)
{
	static const char kinds[] = "diuxXcsp%";
	unsigned int flags = (unsigned int)take(in, 1), width = (unsigned int)take(in, 1) % 40;
	int precision = (int)take(in, 1) % 32 - 12;
	char number[16] = "", digits[16] = "";
	bool is_number;

	c->kind = kinds[take(in, 1) % (sizeof kinds - 1)];
	is_number = strchr("diuxX", c->kind);
	c->wide = is_number && (flags & 4);
	c->value = take(in, 8);
	for (size_t i = 0; i < sizeof c->text; i++)
		c->text[i] = i + 1 < sizeof c->text ? (char)(take(in, 1) & 0x7f) : 0;
	if (width && c->kind != '%' && c->kind != 'p')
		snprintf(number, sizeof number, "%u", width);
	/* C has no digits for a zero of precision 0; ours has one. */
	if (precision >= is_number && (is_number || c->kind == 's'))
		snprintf(digits, sizeof digits, ".%d", precision);
	snprintf(c->format, sizeof c->format, "%s%%%s%s%s%s%s%c", flags & 8 ? "a:" : "",
		flags & 1 && *number ? "-" : "", flags & 2 && is_number ? "0" : "", number, digits,
		c->wide ? "l" : "", c->kind);
}

/* Both formatters on one conversion, with room for @room bytes. */
static void conversion_check(const struct conversion *c, size_t room)
{
	char want[TEXT], *got = malloc(room);
	const void *p = (const void *)(uintptr_t)(c->value | 1);
	size_t n = 0;

	HOLDS(got);
#define BOTH(...) \
	do { \
		snprintf(want, sizeof want, c->format, __VA_ARGS__); \
		n = format_string(got, room, c->format, __VA_ARGS__); \
	} while (0)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	if (c->kind == 's')
		BOTH(c->text);
	else if (c->kind == 'p')
		BOTH(p);
	else if (c->wide)
		BOTH(c->value);
	else
		BOTH((uint32_t)c->value);
#pragma GCC diagnostic pop
#undef BOTH
	HOLDS(n < room && got[n] == 0);
	want[room - 1 < TEXT ? room - 1 : TEXT - 1] = 0;
	if (c->kind == 'c' && (uint8_t)c->value == 0)
		HOLDS(memcmp(got, want, n) == 0);	/* a NUL in the middle */
	else
		HOLDS(strcmp(got, want) == 0 && n == strlen(want));
	free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct conversion c;

	for (unsigned int i = 0; i < 4 && input_left(&in); i++) {
		size_t room = 1 + take(&in, 1) % 128;

		conversion_take(&c, &in);
		conversion_check(&c, room);
	}
	return 0;
}
