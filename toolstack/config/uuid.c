/* UUIDs as text: 8-4-4-4-12 hexadecimal digits. Contract: guest_cfg.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "toolstack/config/guest_cfg.h"

static bool dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static int nibble(char ch)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = ch ? strchr(digits, ch) : NULL;
	int value = at ? (int)(at - digits) : -EINVAL;

	return value > 15 ? value - 6 : value;
}

int uuid_parse(uint8_t uuid[16], const char *text)
{
	uint8_t bytes[16];

	if (strlen(text) != UUID_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < 16; i++) {
		int high, low;

		if (dash_before(i) && *text++ != '-')
			return -EINVAL;
		high = nibble(*text++);
		low = high < 0 ? high : nibble(*text++);
		if (low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(uuid, bytes, sizeof(bytes));
	return 0;
}

void uuid_format(const uint8_t uuid[16], char out[UUID_TEXT])
{
	for (size_t i = 0; i < 16; i++) {
		if (dash_before(i))
			*out++ = '-';
		snprintf(out, 3, "%02x", uuid[i]);
		out += 2;
	}
}
