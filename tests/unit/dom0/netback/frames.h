/* Frames for the tests of netback, made piece by piece. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define GUEST_MAC	0x00, 0x16, 0x3e, 0x12, 0x34, 0x56
#define GUEST_MAC_TEXT	"00:16:3e:12:34:56"

extern uint8_t frame[70000];
extern size_t frame_size;

/* A frame from the guest's address that carries @type, @tags tags of VLANs before it. */
void frame_begin(uint16_t type, unsigned int tags);
/* Add bytes. */
void frame_add(const void *bytes, size_t size);
#define FRAME_ADD(...) frame_add((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
/* Add @size bytes that count up. */
void frame_fill(size_t size);
/* Add a header of IPv4 from 10.0.0.@host to 10.0.0.9, @options bytes longer; where it begins. */
size_t frame_ipv4(uint8_t protocol, uint8_t host, uint8_t options);
/* Add a header of IPv6 from 2001:db8::@host to 2001:db8::9. */
size_t frame_ipv6(uint8_t next, uint8_t host);
/* Add a header of TCP, @options bytes longer, or of UDP. */
size_t frame_tcp(uint8_t options);
size_t frame_udp(void);
