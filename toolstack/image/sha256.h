/* SHA-256 (FIPS 180-4). Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_TEXT = 65 };

void sha256(const void *bytes, size_t size, uint8_t digest[SHA256_SIZE]);
/* The digest as lower-case hexadecimal text. */
void sha256_text(const void *bytes, size_t size, char out[SHA256_TEXT]);
