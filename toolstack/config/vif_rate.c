/* Numbers with units, and what becomes of them. */
#include "toolstack/config/vif_rate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { INTERVAL_US = 50000, INTERVAL_MAX_US = 1000000000 };
#define RATE_MAX (1ull << 40) /* also of an interval: what netback takes */

/* A decimal number at *text, which is advanced behind it. Returns 0, -EINVAL. */
static int number(const char **text, uint64_t most, uint64_t *out)
{
	uint64_t n = 0;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		n = n * 10 + (uint64_t)(**text - '0');
		if (n > most)
			return -EINVAL;
	}
	*out = n;
	return 0;
}

static int bytes_parse(const char **text, uint64_t *bytes)
{
	static const char prefixes[] = "KMG";
	const char *prefix;
	uint64_t n;

	if (number(text, RATE_MAX * 8, &n) < 0)
		return -EINVAL;
	prefix = **text ? strchr(prefixes, **text) : NULL;
	if (prefix)
		(*text)++;
	for (; prefix && prefix >= prefixes; prefix--)
		if (__builtin_mul_overflow(n, 1000, &n))
			return -EINVAL;
	if (**text != 'B' && **text != 'b')
		return -EINVAL;
	*bytes = **text == 'b' ? n / 8 : n;
	(*text)++;
	return *bytes > RATE_MAX ? -EINVAL : 0;
}

static int interval_parse(const char *text, uint64_t *us)
{
	if (number(&text, INTERVAL_MAX_US, us) < 0)
		return -EINVAL;
	if (strcmp(text, "s") == 0)
		*us *= 1000000;
	else if (strcmp(text, "ms") == 0)
		*us *= 1000;
	else if (*text && strcmp(text, "us") != 0)
		return -EINVAL;
	return *us > INTERVAL_MAX_US ? -EINVAL : 0;
}

uint64_t vif_rate_part(const struct vif_spec *v)
{
	return v->rate_bytes / 1000000 * v->rate_us + v->rate_bytes % 1000000 * v->rate_us / 1000000;
}

int vif_rate_parse(struct vif_spec *v, const char *text, struct why *why)
{
	struct vif_spec spec = {0};
	const char *at = text;
	uint64_t us = INTERVAL_US;
	int rc = bytes_parse(&at, &spec.rate_bytes);

	if (rc == 0)
		rc = strncmp(at, "/s", 2) == 0 ? 0 : -EINVAL;
	if (rc == 0 && at[2] == '@')
		rc = interval_parse(at + 3, &us);
	else if (rc == 0)
		rc = at[2] ? -EINVAL : 0;
	spec.rate_us = (uint32_t)us;
	if (rc == 0 && vif_rate_part(&spec) > RATE_MAX)
		rc = -EINVAL;
	if (rc < 0) {
		why_set(why, rc, "rate \"%.40s\" is not understood", text);
		why_hint(why, "10MB/s, 100Mb/s, or 1GB/s@20ms, at most 1099GB, in a second and in what is behind @");
		return rc;
	}
	if (vif_rate_part(&spec) == 0)
		return why_set(why, -EINVAL, "rate \"%.40s\" is less than a byte in an interval", text);
	v->rate_bytes = spec.rate_bytes;
	v->rate_us = spec.rate_us;
	return 0;
}

void vif_rate_format(const struct vif_spec *v, char out[64])
{
	snprintf(out, 64, "%lluB/s@%uus", (unsigned long long)v->rate_bytes, v->rate_us);
}
