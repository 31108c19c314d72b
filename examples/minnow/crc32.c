/* A byte at a time, by a table that is made at first use. */
#include "examples/minnow/crc32.h"

#define POLYNOMIAL 0xedb88320u

static uint32_t table[256];

static void table_make(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[i] = crc;
	}
}

uint32_t crc32_add(uint32_t crc, const void *at, size_t size)
{
	const uint8_t *p = at;

	if (!table[1])
		table_make();
	crc = ~crc;
	for (size_t i = 0; i < size; i++)
		crc = crc >> 8 ^ table[(uint8_t)crc ^ p[i]];
	return ~crc;
}
