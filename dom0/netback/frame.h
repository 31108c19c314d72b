/* Where things are in an Ethernet frame, whose bytes are hostile. Pure. Spec: IEEE 802.3, 802.1Q; RFC 791, 8200. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER	14u
#define FRAME_IPV4	0x0800u
#define FRAME_ARP	0x0806u
#define FRAME_IPV6	0x86ddu

struct frame {
	uint16_t type;		/* of what it carries, behind tags of VLANs */
	bool tagged;		/* there are such tags */
	bool ip;		/* a header of type's version of IP is there, whole */
	uint8_t protocol;	/* of what IP carries behind extension headers: IPPROTO_*; 0: none that can be told */
	bool whole;		/* IP carries all of that, not a fragment */
	size_t l3, l4;		/* where the header of what it carries begins; of what IP carries, if that can be told */
};

/* Look at @size bytes, >= FRAME_HEADER. */
void frame_parse(struct frame *f, const uint8_t *bytes, size_t size);

/* A number of two bytes, most significant first. */
static inline uint16_t frame_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}
