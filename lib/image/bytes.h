/* Bytes of hostile files: bounded, unaligned little-endian reads, and the four memory functions
 * every environment has (the hypervisor has no <string.h>). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* Does [offset, offset + n) lie inside @size bytes? */
static inline bool bytes_fit(uint64_t size, uint64_t offset, uint64_t n)
{
	return offset <= size && n <= size - offset;
}
static inline uint16_t read_le16(const void *p)
{
	const uint8_t *b = p;
	return (uint16_t)(b[0] | b[1] << 8);
}
static inline uint32_t read_le32(const void *p)
{
	const uint8_t *b = p;
	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}
static inline uint64_t read_le64(const void *p)
{
	const uint8_t *b = p;
	return read_le32(b) | (uint64_t)read_le32(b + 4) << 32;
}
