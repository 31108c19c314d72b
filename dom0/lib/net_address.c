/* The contract is in net_address.h. */
#include "dom0/lib/net_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t ipv4_prefix[12] = { [10] = 0xff, [11] = 0xff };

void net_address_from_ipv4(uint8_t bytes[16], const uint8_t ipv4[4])
{
	memcpy(bytes, ipv4_prefix, sizeof ipv4_prefix);
	memcpy(bytes + sizeof ipv4_prefix, ipv4, 4);
}

bool net_address_is_ipv4(const struct net_address *a)
{
	return memcmp(a->bytes, ipv4_prefix, sizeof ipv4_prefix) == 0;
}

/* Not of nobody, of this host alone, of a group or of all. */
static bool is_a_hosts(const struct net_address *a)
{
	static const uint8_t zero[16];
	const uint8_t *v4 = a->bytes + sizeof ipv4_prefix;

	if (net_address_is_ipv4(a))
		return v4[0] != 0 && v4[0] != 127 && v4[0] < 224;
	/* The first ninety-six bits as zero: none, this host, and what once embedded IPv4. */
	return a->bytes[0] != 0xff && memcmp(a->bytes, zero, sizeof ipv4_prefix) != 0;
}

static int address_parse(struct net_address *a, const char *text)
{
	uint8_t v4[4];

	if (inet_pton(AF_INET, text, v4) == 1) {
		net_address_from_ipv4(a->bytes, v4);
		return 0;
	}
	return inet_pton(AF_INET6, text, a->bytes) == 1 && !net_address_is_ipv4(a) ? 0 : -EINVAL;
}

/* A number of at most three digits, no more than @most; -EINVAL. */
static int bits_parse(const char *text, unsigned int most)
{
	unsigned int n = 0;

	if (!*text || strlen(text) > 3)
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (unsigned int)(*text - '0');
	return *text || n == 0 || n > most ? -EINVAL : (int)n;
}

int net_address_parse(struct net_address *a, const char *text)
{
	struct net_address parsed = { .bits = 128 };
	size_t n = strcspn(text, "/");
	char address[INET6_ADDRSTRLEN];
	bool v4;
	int bits;

	if (n >= sizeof address)
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	if (address_parse(&parsed, address) || !is_a_hosts(&parsed))
		return -EINVAL;
	if (text[n]) {
		v4 = net_address_is_ipv4(&parsed);
		bits = bits_parse(text + n + 1, v4 ? 32 : 128);
		if (bits < 0)
			return bits;
		parsed.bits = (uint8_t)(bits + (v4 ? 96 : 0));
	}
	*a = parsed;
	return 0;
}

int net_addresses_parse(struct net_address list[NET_ADDRESSES_MAX], uint32_t *count, const char *text)
{
	char word[NET_ADDRESS_TEXT];
	uint32_t n = 0;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = strcspn(text, " ");

		if (length >= sizeof word)
			return -EINVAL;
		if (n == NET_ADDRESSES_MAX)
			return -E2BIG;
		memcpy(word, text, length);
		word[length] = '\0';
		if (net_address_parse(&list[n++], word))
			return -EINVAL;
		text += length;
	}
	*count = n;
	return 0;
}

void net_address_format(const struct net_address *a, char text[NET_ADDRESS_TEXT])
{
	bool v4 = net_address_is_ipv4(a);
	size_t n;

	inet_ntop(v4 ? AF_INET : AF_INET6, a->bytes + (v4 ? sizeof ipv4_prefix : 0), text, NET_ADDRESS_TEXT);
	n = strlen(text);
	if (a->bits < 128)
		snprintf(text + n, NET_ADDRESS_TEXT - n, "/%u", a->bits - (v4 ? 96u : 0u));
}

bool net_address_covers(const struct net_address *a, const uint8_t bytes[16])
{
	unsigned int whole = a->bits / 8, rest = a->bits % 8;

	return memcmp(a->bytes, bytes, whole) == 0 &&
	       (rest == 0 || (uint8_t)(a->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}
