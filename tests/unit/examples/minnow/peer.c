/* Spec: RFC 826, 791, 792, 9293. */
#include "tests/unit/examples/minnow/peer.h"

#include <string.h>

#define ETHERNET 14u
#define IP (ETHERNET + 20u)

static const uint8_t ours[6] = { 0x00, 0x16, 0x3e, 0xab, 0xcd, 0xef }, peers[6] = { 2, 0, 0, 0, 0, 1 };

static void put16(uint8_t *at, uint32_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static void put32(uint8_t *at, uint32_t n)
{
	put16(at, n >> 16);
	put16(at + 2, n);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* The sum of the Internet, of @bytes after what @sum is of; 0xffff if there is a right check sum in it. */
static uint32_t sum16(uint32_t sum, const uint8_t *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void ethernet(uint8_t *f, const uint8_t *to, uint32_t type)
{
	memcpy(f, to, 6);
	memcpy(f + 6, peers, 6);
	put16(f + 12, type);
}

static size_t ip(uint8_t *f, uint8_t protocol, size_t bytes)
{
	uint8_t *h = f + ETHERNET;

	ethernet(f, ours, 0x0800);
	memset(h, 0, 20);
	h[0] = 0x45;
	put16(h + 2, (uint32_t)(20 + bytes));
	h[8] = 64;
	h[9] = protocol;
	put32(h + 12, PEER_ADDRESS);
	put32(h + 16, OUR_ADDRESS);
	put16(h + 10, ~sum16(0, h, 20));
	return IP + bytes;
}

/* The bytes behind the header of a right packet to the peer, or 0. */
static size_t ip_read(const uint8_t *f, size_t bytes, uint8_t protocol)
{
	const uint8_t *h = f + ETHERNET;

	if (bytes < IP || memcmp(f, peers, 6) != 0 || memcmp(f + 6, ours, 6) != 0 || get16(f + 12) != 0x0800 ||
	    h[0] != 0x45 || h[9] != protocol || get32(h + 12) != OUR_ADDRESS || get32(h + 16) != PEER_ADDRESS ||
	    sum16(0, h, 20) != 0xffff || get16(h + 2) < 20 || get16(h + 2) + ETHERNET > bytes)
		return 0;
	return get16(h + 2) - 20;
}

size_t arp_request(uint8_t *f)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	uint8_t *a = f + ETHERNET;

	ethernet(f, all, 0x0806);
	memcpy(a, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(a + 8, peers, 6);
	put32(a + 14, PEER_ADDRESS);
	memset(a + 18, 0, 6);
	put32(a + 24, OUR_ADDRESS);
	return ETHERNET + 28;
}

bool arp_reply_read(const uint8_t *f, size_t bytes)
{
	const uint8_t *a = f + ETHERNET;

	return bytes >= ETHERNET + 28 && memcmp(f, peers, 6) == 0 && get16(f + 12) == 0x0806 &&
	       memcmp(a, "\0\1\x08\0\6\4\0\2", 8) == 0 && memcmp(a + 8, ours, 6) == 0 && get32(a + 14) == OUR_ADDRESS;
}

size_t ping(uint8_t *f, const void *data, size_t bytes)
{
	uint8_t *m = f + IP;

	memcpy(m, "\x08\0\0\0\x12\x34\0\1", 8);
	memcpy(m + 8, data, bytes);
	put16(m + 2, ~sum16(0, m, 8 + bytes));
	return ip(f, 1, 8 + bytes);
}

bool pong_read(const uint8_t *f, size_t bytes, const void *data, size_t data_bytes)
{
	const uint8_t *m = f + IP;
	size_t n = ip_read(f, bytes, 1);

	return n == 8 + data_bytes && m[0] == 0 && memcmp(m + 4, "\x12\x34\0\1", 4) == 0 &&
	       memcmp(m + 8, data, data_bytes) == 0 && sum16(0, m, n) == 0xffff;
}

/* The sum of the pseudo header of a segment of @bytes. */
static uint32_t pseudo(size_t bytes)
{
	uint8_t h[12] = { 0 };

	put32(h, PEER_ADDRESS);
	put32(h + 4, OUR_ADDRESS);
	h[9] = 6;
	put16(h + 10, (uint32_t)bytes);
	return sum16(0, h, sizeof h);
}

size_t tcp(uint8_t *f, const struct segment *s, bool whole)
{
	uint8_t *t = f + IP;
	size_t header = s->flags & SYN ? 24 : 20, bytes = header + s->bytes;

	memset(t, 0, header);
	put16(t, s->port);
	put16(t + 2, 7);
	put32(t + 4, s->seq);
	put32(t + 8, s->ack);
	t[12] = (uint8_t)(header / 4 << 4);
	t[13] = s->flags;
	put16(t + 14, s->window);
	/* Segments may be as long as ours. */
	if (s->flags & SYN)
		memcpy(t + 20, "\2\4\5\xb4", 4);
	if (s->bytes)
		memcpy(t + header, s->data, s->bytes);
	put16(t + 16, whole ? ~sum16(pseudo(bytes), t, bytes) : pseudo(bytes));
	return ip(f, 6, bytes);
}

bool tcp_read(const uint8_t *f, size_t bytes, struct segment *s)
{
	const uint8_t *t = f + IP;
	size_t n = ip_read(f, bytes, 6), header = n < 20 ? 0 : (size_t)(t[12] >> 4) * 4;

	if (header < 20 || header > n || get16(t) != 7 || sum16(pseudo(n), t, n) != 0xffff)
		return false;
	*s = (struct segment){
		.seq = get32(t + 4), .ack = get32(t + 8), .window = (uint16_t)get16(t + 14), .port = (uint16_t)get16(t + 2),
		.flags = t[13], .data = t + header, .bytes = n - header,
	};
	return true;
}
