/* Network interface specifications of xl.cfg.
 *
 * Keys of Xen's that make no sense for a PV interface (model, type ...) are reported as ignored, so that
 * old files still work; values that would change who talks to whom are errors, and so are keys that what
 * serves the interface would not heed.
 * Neighbours: guest_cfg.c calls us once per entry; guest_tree.c writes the result for the back end, vif_rate.c
 * has rates.
 */
#include "toolstack/config/vif_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "toolstack/config/field.h"
#include "toolstack/config/vif_rate.h"

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

static int set_backend(struct vif_spec *v, const char *text, struct why *why)
{
	static const char *const user[] = {"user", "0", "Domain-0", NULL};

	v->kernel_backend = strcmp(text, "kernel") == 0;
	if (v->kernel_backend || field_is_one_of(text, user))
		return 0;
	why_set(why, -ENOTSUP, "backend \"%.32s\" is not supported", text);
	why_hint(why, "user or kernel");
	return -ENOTSUP;
}

static const char *const modes[] = {"bridged", "routed", "nat", NULL};

const char *vif_mode_name(enum vif_mode mode)
{
	return modes[mode];
}

static int set_mode(struct vif_spec *v, const char *text, struct why *why)
{
	unsigned int i = 0;

	while (modes[i] && strcmp(modes[i], text) != 0)
		i++;
	if (!modes[i]) {
		why_set(why, -EINVAL, "unknown mode \"%.32s\"", text);
		why_hint(why, "bridged, routed or nat");
		return -EINVAL;
	}
	v->mode = (enum vif_mode)i;
	return 0;
}

static int set_ip(struct vif_spec *v, const char *text, struct why *why)
{
	struct net_address list[NET_ADDRESSES_MAX];
	char address[NET_ADDRESS_TEXT];
	uint32_t count = 0;
	int rc = net_addresses_parse(list, &count, text);

	if (rc == -E2BIG)
		return why_set(why, -EINVAL, "ip: more than %u addresses", NET_ADDRESSES_MAX);
	if (rc < 0) {
		why_set(why, -EINVAL, "ip: \"%.80s\" is no list of addresses of hosts", text);
		why_hint(why, "with blanks between, and the length of a prefix for all in it: 10.0.0.5 "
			      "2001:db8:1::/64");
		return -EINVAL;
	}
	v->ip[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		net_address_format(&list[i], address);
		strcat(strcat(v->ip, i ? " " : ""), address);
	}
	return 0;
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
		return set_ip(v, text, why);
	if (strcmp(key, "backend") == 0)
		return set_backend(v, text, why);
	if (strcmp(key, "mode") == 0)
		return set_mode(v, text, why);
	if (strcmp(key, "rate") == 0)
		return vif_rate_parse(v, text, why);
	return -ENOENT;
}

/* What does not go together, and what is there if nothing was said. */
static int settle(struct vif_spec *v, struct why *why)
{
	const char *mode = vif_mode_name(v->mode);

	if (v->mode == VIF_BRIDGED) {
		if (!v->bridge[0])
			strcpy(v->bridge, VIF_BRIDGE_DEFAULT);
		return 0;
	}
	if (v->bridge[0])
		return why_set(why, -EINVAL, "mode=%s has no bridge", mode);
	if (v->kernel_backend) {
		why_set(why, -ENOTSUP, "mode=%s is not what dom0's kernel does", mode);
		why_hint(why, "leave out backend=kernel");
		return -ENOTSUP;
	}
	if (!v->ip[0]) {
		why_set(why, -EINVAL, "mode=%s without an address", mode);
		why_hint(why, "add ip=");
		return -EINVAL;
	}
	if (v->mode == VIF_NAT && strchr(v->ip, ':'))
		return why_set(why, -ENOTSUP, "mode=nat is for addresses of IPv4 only");
	return 0;
}

int vif_spec_parse(
	struct vif_spec *v, const char *text, char *ignored, size_t ignored_size, struct why *why)
{
	struct vif_spec spec = {.script = VIF_SCRIPT_DEFAULT};
	int rc;

	while (*text) {
		char word[NET_ADDRESSES_MAX * NET_ADDRESS_TEXT + 8];
		char *equals;

		rc = field_next(&text, word, sizeof(word), why);

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
	rc = settle(&spec, why);
	if (rc == 0)
		*v = spec;
	return rc;
}

int vif_spec_format(const struct vif_spec *v, char *out, size_t size)
{
	char mac[MAC_TEXT] = "", rate[64] = "";
	int length;

	if (v->mac_given)
		mac_format(v->mac, mac);
	if (v->rate_bytes)
		vif_rate_format(v, rate);
	length = snprintf(out, size, "%s%s%s%s%s,script=%s%s%s%s%s%s%s%s", v->mac_given ? "mac=" : "", mac,
		v->mac_given ? "," : "", v->mode == VIF_BRIDGED ? "bridge=" : "mode=",
		v->mode == VIF_BRIDGED ? v->bridge : vif_mode_name(v->mode), v->script,
		v->kernel_backend ? ",backend=kernel" : "", v->ip[0] ? ",ip=" : "", v->ip,
		v->rate_bytes ? ",rate=" : "", rate, v->ifname[0] ? ",vifname=" : "", v->ifname);
	return length < 0 || (size_t)length >= size ? -ENOSPC : 0;
}
