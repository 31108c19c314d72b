/* An IPv4 address as it is written. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Read "A.B.C.D/BITS", which ends at a space or the string's end. Both in the host's byte order. False: it is none. */
bool address_parse(const char *text, uint32_t *address, uint32_t *mask);
