/* The contract is in frames.h. */
#include "tests/unit/dom0/netback/frames.h"

#include <string.h>

uint8_t frame[70000];
size_t frame_size;

void frame_add(const void *bytes, size_t size)
{
	memcpy(frame + frame_size, bytes, size);
	frame_size += size;
}

void frame_begin(uint16_t type, unsigned int tags)
{
	frame_size = 0;
	FRAME_ADD(0x52, 0x54, 0, 1, 2, 3, GUEST_MAC);
	for (unsigned int i = 0; i < tags; i++)
		FRAME_ADD((uint8_t)(i ? 0x81 : 0x88), (uint8_t)(i ? 0 : 0xa8), 0, 7);
	FRAME_ADD((uint8_t)(type >> 8), (uint8_t)type);
}

void frame_fill(size_t size)
{
	for (size_t i = 0; i < size; i++)
		frame[frame_size++] = (uint8_t)(i * 3 + 1);
}

static size_t zeros(size_t size)
{
	size_t at = frame_size;

	memset(frame + at, 0, size);
	frame_size += size;
	return at;
}

size_t frame_ipv4(uint8_t protocol, uint8_t host, uint8_t options)
{
	size_t at = frame_size;

	FRAME_ADD((uint8_t)(0x45 + options / 4), 0, 0, 100, 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, host, 10, 0, 0, 9);
	zeros(options);
	return at;
}

size_t frame_ipv6(uint8_t next, uint8_t host)
{
	size_t at = frame_size;

	FRAME_ADD(0x60, 0, 0, 0, 0, 100, next, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host,
		  0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
	return at;
}

size_t frame_tcp(uint8_t options)
{
	size_t at = zeros(20u + options);

	frame[at + 1] = 80;
	frame[at + 12] = (uint8_t)((20 + options) / 4 << 4);
	return at;
}

size_t frame_udp(void)
{
	return zeros(8);
}
