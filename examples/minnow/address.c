/* Five numbers. */
#include "examples/minnow/address.h"

/* Take a number of at most @most from *text on; false: there is none. */
static bool number(const char **text, uint32_t most, uint32_t *value)
{
	const char *first = *text;

	*value = 0;
	for (; **text >= '0' && **text <= '9' && *value <= most; (*text)++)
		*value = *value * 10 + (uint32_t)(**text - '0');
	return *text != first && *value <= most;
}

bool address_parse(const char *text, uint32_t *address, uint32_t *mask)
{
	uint32_t all = 0, part, bits;

	for (int i = 0; i < 4; i++) {
		if (!number(&text, 255, &part) || *text++ != (i < 3 ? '.' : '/'))
			return false;
		all = all << 8 | part;
	}
	if (!number(&text, 32, &bits) || (*text && *text != ' '))
		return false;
	*address = all;
	*mask = bits ? UINT32_MAX << (32 - bits) : 0;
	return true;
}
