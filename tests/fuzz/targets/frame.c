/* Frames of a network interface of a guest's: what dom0's netback finds in them, lets pass, and fills in.
 *
 * The input's first byte says what is left to be done and what the guest takes, ten more are a header of the kernel's,
 * and the rest is the frame. Properties: whatever is found lies in it; a frame that a guest with addresses may send is from it,
 * by the bytes at their places; the kernel's header is one that the kernel takes; a checksum that was filled in is right. */
#include "tests/fuzz/targets/target.h"

#include "dom0/netback/frame.h"
#include "dom0/netback/guard.h"
#include "dom0/netback/vnet.h"

#define MAC "00:16:3e:12:34:56"

static const uint8_t mac[6] = { 0x00, 0x16, 0x3e, 0x12, 0x34, 0x56 };

static bool is_zero(const uint8_t *bytes, size_t n)
{
	while (n > 0 && bytes[n - 1] == 0)
		n--;
	return n == 0;
}

/* Whose address a frame of ours may bear: 10.0.0.5, 2001:db8::5, the link's own, or none. */
static bool is_source(const uint8_t *b, size_t size)
{
	static const uint8_t v4[4] = { 10, 0, 0, 5 }, v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 5 },
			     link[16] = { 0xfe, 0x80, [8] = 2, 0x16, 0x3e, 0xff, 0xfe, 0x12, 0x34, 0x56 };

	if (b[12] == 8 && b[13] == 0)
		return size >= 34 && (!memcmp(b + 26, v4, 4) || is_zero(b + 26, 4));
	if (b[12] == 8 && b[13] == 6)
		return size >= 42 && !memcmp(b + 22, mac, 6) && (!memcmp(b + 28, v4, 4) || is_zero(b + 28, 4));
	return b[12] == 0x86 && b[13] == 0xdd && size >= 54 &&
	       (!memcmp(b + 22, v6, 16) || !memcmp(b + 22, link, 16) || is_zero(b + 22, 16));
}

static void guard(const uint8_t *bytes, size_t size)
{
	static struct guard any, own;

	if (!own.count)
		HOLDS(guard_set(&any, MAC, "") == 0 && guard_set(&own, MAC, "10.0.0.5 2001:db8::5") == 0);
	HOLDS(!guard_passes(&any, bytes, size) || !memcmp(bytes + 6, mac, 6));
	if (guard_passes(&own, bytes, size))
		HOLDS(guard_passes(&any, bytes, size) && is_source(bytes, size));
}

static void parse(const uint8_t *bytes, size_t size)
{
	struct frame f;

	frame_parse(&f, bytes, size);
	HOLDS(f.l3 >= FRAME_HEADER && f.l3 <= size && f.l4 <= size);
	HOLDS(!f.ip || size - f.l3 >= (f.type == FRAME_IPV4 ? 20 : 40));
	HOLDS(!f.protocol || (f.ip && f.whole && f.l4 > f.l3));
}

static void from_guest(const uint8_t *bytes, size_t size, uint8_t how)
{
	struct net_offload o = {
		.csum_blank = how & 1, .csum_valid = how & 3,
		.gso = how & 4 ? NET_GSO_TCPV4 : how & 8 ? NET_GSO_TCPV6 : NET_GSO_NONE, .gso_bytes = 1448,
	};
	struct virtio_net_hdr h;

	if (!o.csum_blank)
		o.gso = NET_GSO_NONE;
	if (vnet_header(&h, bytes, size, &o))
		return;
	HOLDS((h.flags == VIRTIO_NET_HDR_F_NEEDS_CSUM) == o.csum_blank);
	if (o.csum_blank)
		HOLDS(h.csum_start + h.csum_offset + 2u <= size && (h.csum_offset == 16 || h.csum_offset == 6));
	HOLDS((h.gso_type != VIRTIO_NET_HDR_GSO_NONE) == (o.gso != NET_GSO_NONE));
	if (o.gso)
		HOLDS(h.hdr_len <= size && h.hdr_len >= h.csum_start + 20u && h.gso_size == 1448 && h.csum_offset == 16);
}

/* The sum of all from @at on. */
static uint16_t sum_of(const uint8_t *bytes, size_t size, size_t at)
{
	uint64_t sum = 0;

	for (size_t i = at; i < size; i++)
		sum += (i - at) % 2 ? bytes[i] : (uint64_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void to_guest(uint8_t *bytes, size_t size, uint8_t takes, const struct virtio_net_hdr *h)
{
	struct net_guest g = { takes & 1, takes & 2, true, takes & 4, takes & 8, true, false };
	uint16_t before = h->csum_start <= size ? sum_of(bytes, size, h->csum_start) : 0;
	struct net_offload o;

	if (vnet_offload(&o, h, bytes, size, &g))
		return;
	HOLDS(!o.csum_blank || (o.csum_valid && (g.csum_ipv4 || g.csum_ipv6)));
	HOLDS(o.gso == NET_GSO_NONE || (o.csum_blank && o.gso_bytes));
	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && !o.csum_blank) {
		uint16_t place = frame_u16(bytes + h->csum_start + h->csum_offset);

		/* What stood there, and is in the sum of before, makes that of now all ones. */
		HOLDS(place != 0 && h->csum_start + h->csum_offset + 2u <= size);
		HOLDS(place == (before == 0xffff ? 0xffff : (uint16_t)~before));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr h;
	uint8_t *copy;

	if (size < 1 + sizeof h + FRAME_HEADER || size > NET_PACKET_MAX)
		return 0;
	memcpy(&h, data + 1, sizeof h);
	size -= 1 + sizeof h;
	/* A block of just the frame. */
	copy = memcpy(malloc(size), data + 1 + sizeof h, size);
	guard(copy, size);
	parse(copy, size);
	from_guest(copy, size, data[0] & 15);
	to_guest(copy, size, data[0] >> 4, &h);
	free(copy);
	return 0;
}
