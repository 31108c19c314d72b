/* Ethernet, then tags, then one of the two versions of IP. */
#include "dom0/netback/frame.h"

#include <netinet/in.h>

#define TAG_8021Q	0x8100u
#define TAG_8021AD	0x88a8u
#define TAG_BYTES	4u
#define IPV6_HEADER	40u
#define EXTENSIONS_MAX	8	/* of one packet */

static void ipv4_parse(struct frame *f, const uint8_t *ip, size_t size)
{
	size_t header = size < 20 ? 0 : (ip[0] & 15u) * 4;

	if (header < 20 || header > size || ip[0] >> 4 != 4)
		return;
	f->ip = true;
	/* Neither the place of this fragment, nor that more follow. */
	f->whole = (frame_u16(ip + 6) & 0x3fff) == 0;
	f->protocol = f->whole ? ip[9] : 0;
	f->l4 = f->l3 + header;
}

static bool is_extension(uint8_t type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_DSTOPTS || type == IPPROTO_FRAGMENT;
}

static void ipv6_parse(struct frame *f, const uint8_t *ip, size_t size)
{
	size_t at = IPV6_HEADER;
	uint8_t next;

	if (size < IPV6_HEADER || ip[0] >> 4 != 6)
		return;
	f->ip = f->whole = true;
	next = ip[6];
	for (int n = 0; is_extension(next); n++) {
		/* One that is cut, or too many. */
		if (n == EXTENSIONS_MAX || size - at < 8)
			return;
		if (next == IPPROTO_FRAGMENT) {
			f->whole = false;
			return;
		}
		next = ip[at];
		at += (ip[at + 1] + 1u) * 8;
		if (at > size)
			return;
	}
	f->protocol = next;
	f->l4 = f->l3 + at;
}

void frame_parse(struct frame *f, const uint8_t *bytes, size_t size)
{
	*f = (struct frame){ .type = frame_u16(bytes + 12), .l3 = FRAME_HEADER };
	while ((f->type == TAG_8021Q || f->type == TAG_8021AD) && size - f->l3 >= TAG_BYTES) {
		f->tagged = true;
		f->type = frame_u16(bytes + f->l3 + 2);
		f->l3 += TAG_BYTES;
	}
	if (f->type == FRAME_IPV4)
		ipv4_parse(f, bytes + f->l3, size - f->l3);
	else if (f->type == FRAME_IPV6)
		ipv6_parse(f, bytes + f->l3, size - f->l3);
}
