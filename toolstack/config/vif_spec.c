/* Network interface specifications of xl.cfg.
 *
 * Keys of Xen's that make no sense for a PV interface on a Linux bridge (model, type ...) are reported
 * as ignored, so that old files still work; values that would change who talks to whom are errors.
 * Neighbours: guest_cfg.c calls us once per entry; device_vif.c acts on the result.
 */
#include "toolstack/config/vif_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "toolstack/config/field.h"

int mac_parse(uint8_t mac[6], const char *text)
{
	uint8_t bytes[6], all = 0;

	for (size_t i = 0; i < 6; i++, text += 2) {
		int high, low;

		if (i > 0 && *text != ':' && *text != '-')
			return -EINVAL;
		text += i > 0;
		high = field_hex_digit(text[0]);
		low = high < 0 ? -1 : field_hex_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
		all |= bytes[i];
	}
	if (*text != '\0' || all == 0 || bytes[0] & 1)
		return -EINVAL;
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

void mac_format(const uint8_t mac[6], char out[MAC_TEXT])
{
	snprintf(out, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		mac[4], mac[5]);
}

static int set_mac(struct vif_spec *v, const char *text, struct why *why)
{
	if (mac_parse(v->mac, text) < 0) {
		why_set(why, -EINVAL, "\"%.40s\" is not a usable MAC address", text);
		why_hint(why, "six hex bytes, not multicast: 00:16:3e:12:34:56");
		return -EINVAL;
	}
	v->mac_given = true;
	return 0;
}

/* A name the kernel takes for an interface. */
static int set_ifname(char out[16], const char *what, const char *text, struct why *why)
{
	if (text[0] == '\0' || strcspn(text, "/ \t:%") != strlen(text) || text[0] == '.')
		return why_set(why, -EINVAL, "%s: \"%.40s\" is not an interface name", what, text);
	return field_copy(out, 16, what, text, why);
}

static int set_backend(const char *text, struct why *why)
{
	static const char *const ours[] = {"kernel", "0", "Domain-0", NULL};

	if (field_is_one_of(text, ours))
		return 0;
	return why_set(why, -ENOTSUP, "backend \"%.32s\" is not supported", text);
}

static void note_ignored(char *ignored, size_t size, const char *key)
{
	size_t used = strlen(ignored);

	if (used < size)
		snprintf(ignored + used, size - used, "%s%s", used ? "," : "", key);
}

/* Returns -ENOENT for a key we do not know. */
static int set_key(struct vif_spec *v, const char *key, const char *text, struct why *why)
{
	if (strcmp(key, "mac") == 0)
		return set_mac(v, text, why);
	if (strcmp(key, "bridge") == 0)
		return set_ifname(v->bridge, key, text, why);
	if (strcmp(key, "vifname") == 0)
		return set_ifname(v->ifname, key, text, why);
	if (strcmp(key, "script") == 0)
		return field_copy(v->script, sizeof(v->script), key, text, why);
	if (strcmp(key, "ip") == 0)
		return field_copy(v->ip, sizeof(v->ip), key, text, why);
	if (strcmp(key, "backend") == 0)
		return set_backend(text, why);
	return -ENOENT;
}

int vif_spec_parse(
	struct vif_spec *v, const char *text, char *ignored, size_t ignored_size, struct why *why)
{
	struct vif_spec spec = {.bridge = VIF_BRIDGE_DEFAULT, .script = VIF_SCRIPT_DEFAULT};

	while (*text) {
		char word[256];
		char *equals;
		int rc = field_next(&text, word, sizeof(word), why);

		if (rc < 0)
			return rc;
		if (word[0] == '\0')
			continue;
		equals = strchr(word, '=');
		if (!equals)
			return why_set(why, -EINVAL, "expected key=value, got \"%.40s\"", word);
		*equals = '\0';
		rc = set_key(&spec, word, equals + 1, why);
		if (rc == -ENOENT)
			note_ignored(ignored, ignored_size, word);
		else if (rc < 0)
			return rc;
	}
	*v = spec;
	return 0;
}

int vif_spec_format(const struct vif_spec *v, char *out, size_t size)
{
	char mac[MAC_TEXT] = "";
	int length;

	if (v->mac_given)
		mac_format(v->mac, mac);
	length = snprintf(out, size, "%s%s%sbridge=%s,script=%s%s%s%s%s",
		v->mac_given ? "mac=" : "", mac, v->mac_given ? "," : "", v->bridge, v->script,
		v->ip[0] ? ",ip=" : "", v->ip, v->ifname[0] ? ",vifname=" : "", v->ifname);
	return length < 0 || (size_t)length >= size ? -ENOSPC : 0;
}
