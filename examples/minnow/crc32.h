/* CRC-32 as gzip and the program crc32 have it. Pure. Spec: RFC 1952, section 8. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The sum of what @crc is the sum of, 0 being nothing's, and @size bytes at @at after it. */
uint32_t crc32_add(uint32_t crc, const void *at, size_t size);
