/* Who talks to the example's network: frames of Ethernet, IPv4 and TCP, made and read by hand. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_ADDRESS	0x0a000001u	/* 10.0.0.1 */
#define OUR_ADDRESS	0x0a000002u
#define PEER_PORT	40000u

/* Of TCP. */
#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

struct segment {
	uint32_t seq, ack;
	uint16_t window, port;		/* port: the peer's */
	uint8_t flags;
	const uint8_t *data;
	size_t bytes;
};

/* Make a frame at @f; return its bytes. */
size_t arp_request(uint8_t *f);
size_t ping(uint8_t *f, const void *data, size_t bytes);
/* To port 7. @whole: with its check sum, else with that of the pseudo header only. */
size_t tcp(uint8_t *f, const struct segment *s, bool whole);
/* Read a frame that was sent to us. False: it is not that, or a check sum is wrong. */
bool arp_reply_read(const uint8_t *f, size_t bytes);
bool pong_read(const uint8_t *f, size_t bytes, const void *data, size_t data_bytes);
bool tcp_read(const uint8_t *f, size_t bytes, struct segment *s);
