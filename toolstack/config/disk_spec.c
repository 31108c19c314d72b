/* Disk specifications of xl.cfg.
 *
 * Both syntaxes are comma lists; which of the two it is shows at the first field: a known prefix with a
 * colon is the old one. In the new one, fields without `=` fill target, format, vdev, access in this
 * order, except for the flag words (ro, cdrom ...); `target=` swallows the rest, commas included.
 * Neighbours: guest_cfg.c calls us once per entry; device_disk.c acts on the result.
 */
#include "toolstack/config/disk_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dom0/lib/nbd_uri.h"
#include "toolstack/config/field.h"

enum { BURST_MS = 1000 }; /* unless it says so */

struct parse {
	struct disk_spec disk;
	int position; /* next of target, format, vdev, access */
	bool mode_known;
	struct why *why;
};

static const char *const old_prefixes[] = {
	"phy:",
	"file:",
	"raw:",
	"aio:",
	"tap:aio:",
	"tap2:aio:",
	"tap:raw:",
	"tap2:raw:",
};

/* Disk letters after the prefix: a..z, aa.., as a number from 0; *rest is what follows. */
static int vdev_letters(const char *text, const char **rest)
{
	int nr = 0;

	if (*text < 'a' || *text > 'z')
		return -EINVAL;
	for (; *text >= 'a' && *text <= 'z'; text++) {
		nr = nr * 26 + (*text - 'a') + 1;
		if (nr > 1 << 20)
			return -EINVAL;
	}
	*rest = text;
	return nr - 1;
}

static int vdev_partition(const char *text)
{
	int nr = 0;

	if (*text == '\0')
		return 0;
	if (*text < '1' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		nr = nr * 10 + (*text - '0');
		if (nr > 255)
			return -EINVAL;
	}
	return *text ? -EINVAL : nr;
}

static int vdev_xvd(int disk, int part, uint32_t *nr)
{
	if (disk < 16 && part < 16)
		*nr = 202U << 8 | (unsigned)disk << 4 | (unsigned)part;
	else
		*nr = 1U << 28 | (unsigned)disk << 8 | (unsigned)part;
	return 0;
}

static int vdev_sd(int disk, int part, uint32_t *nr)
{
	if (disk > 15 || part > 15)
		return -EINVAL;
	*nr = 8U << 8 | (unsigned)disk << 4 | (unsigned)part;
	return 0;
}

static int vdev_hd(int disk, int part, uint32_t *nr)
{
	if (disk > 3 || part > 63)
		return -EINVAL;
	*nr = (disk < 2 ? 3U : 22U) << 8 | (unsigned)(disk & 1) << 6 | (unsigned)part;
	return 0;
}

int disk_vdev_number(const char *name, uint32_t *nr)
{
	const char *rest = NULL;
	int disk, part;

	if (strncmp(name, "xvd", 3) == 0)
		disk = vdev_letters(name + 3, &rest);
	else if (strncmp(name, "sd", 2) == 0 || strncmp(name, "hd", 2) == 0)
		disk = vdev_letters(name + 2, &rest);
	else
		return -EINVAL;
	part = disk < 0 ? disk : vdev_partition(rest);
	if (part < 0)
		return -EINVAL;
	if (name[0] == 'x')
		return vdev_xvd(disk, part, nr);
	return name[0] == 's' ? vdev_sd(disk, part, nr) : vdev_hd(disk, part, nr);
}

static int set_target(struct parse *p, const char *text)
{
	struct nbd_uri uri;
	const char *what = "";

	if (nbd_uri_is(text)) {
		if (nbd_uri_parse(&uri, text, &what) < 0)
			return why_set(p->why, -EINVAL, "target \"%.80s\": %s", text, what);
		return field_copy(p->disk.target, sizeof(p->disk.target), "target", text, p->why);
	}
	if (text[0] != '/') {
		why_set(p->why, -EINVAL, "target \"%.80s\" is not an absolute path", text);
		return -EINVAL;
	}
	return field_copy(p->disk.target, sizeof(p->disk.target), "target", text, p->why);
}

static int set_format(struct parse *p, const char *text)
{
	if (text[0] == '\0' || strcmp(text, "raw") == 0)
		return 0;
	why_set(p->why, -ENOTSUP, "format \"%.32s\" is not supported", text);
	why_hint(p->why, "only raw images, or target=nbd+exec:qemu-nbd -f %.32s IMAGE", text);
	return -ENOTSUP;
}

static int set_vdev(struct parse *p, const char *text)
{
	char name[24];
	char *colon;
	int rc = field_copy(name, sizeof(name), "vdev", text, p->why);

	if (rc < 0)
		return rc;
	colon = strchr(name, ':');
	if (colon) {
		*colon = '\0';
		if (strcmp(colon + 1, "cdrom") != 0 && strcmp(colon + 1, "disk") != 0)
			return why_set(p->why, -EINVAL, "unknown device type \"%s\"", colon + 1);
		p->disk.cdrom = strcmp(colon + 1, "cdrom") == 0;
	}
	rc = disk_vdev_number(name, &p->disk.vdev_nr);
	if (rc < 0) {
		why_set(p->why, rc, "unknown virtual device \"%s\"", name);
		why_hint(p->why, "for example xvda, xvdb1, sda");
		return rc;
	}
	return field_copy(p->disk.vdev, sizeof(p->disk.vdev), "vdev", name, p->why);
}

static int set_access(struct parse *p, const char *text)
{
	static const char *const write[] = {"w", "rw", "w!", NULL};
	static const char *const read[] = {"r", "ro", NULL};

	p->mode_known = true;
	if (field_is_one_of(text, write))
		p->disk.writable = true;
	else if (field_is_one_of(text, read))
		p->disk.writable = false;
	else
		return why_set(p->why, -EINVAL, "unknown access \"%.32s\", expected r or w", text);
	return 0;
}

static int set_devtype(struct parse *p, const char *text)
{
	if (strcmp(text, "cdrom") != 0 && strcmp(text, "disk") != 0)
		return why_set(p->why, -EINVAL, "unknown devtype \"%.32s\"", text);
	p->disk.cdrom = strcmp(text, "cdrom") == 0;
	return 0;
}

static int set_backendtype(struct parse *p, const char *text)
{
	static const char *const known[] = {"phy", "qdisk", "tap", NULL};

	if (field_is_one_of(text, known))
		return 0;
	return why_set(p->why, -EINVAL, "unknown backendtype \"%.32s\"", text);
}

static int set_backend(struct parse *p, const char *text)
{
	static const char *const user[] = {"user", "0", "Domain-0", NULL};

	p->disk.kernel_backend = strcmp(text, "kernel") == 0;
	if (p->disk.kernel_backend || field_is_one_of(text, user))
		return 0;
	why_set(p->why, -ENOTSUP, "backend \"%.32s\" is not supported", text);
	why_hint(p->why, "user or kernel");
	return -ENOTSUP;
}

/* A number from 1 to @most; k, m and g behind it are units of 1024. */
static int set_number(struct parse *p, const char *name, const char *text, uint64_t most, uint64_t *out)
{
	static const char units[] = "kmg";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
	uint64_t number = 0;
	bool good = digits > 0 && digits <= 18 && (!text[digits] || (unit && !text[digits + 1]));

	for (size_t i = 0; good && i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	for (const char *u = units; good && unit && u <= unit; u++) {
		good = number <= most;
		number *= 1024;
	}
	if (!good || number == 0 || number > most)
		return why_set(p->why, -EINVAL, "%s \"%.32s\" is not from 1 to %llu", name, text,
			(unsigned long long)most);
	*out = number;
	return 0;
}

static int set_sector_size(struct parse *p, const char *text)
{
	if (strcmp(text, "512") != 0 && strcmp(text, "4096") != 0)
		return why_set(p->why, -EINVAL, "sector-size \"%.32s\" is neither 512 nor 4096", text);
	p->disk.sector_bytes = text[0] == '5' ? 512 : 4096;
	return 0;
}

static int set_secure_discard(struct parse *p, const char *text)
{
	if (strcmp(text, "overwrite") != 0)
		return why_set(p->why, -EINVAL, "secure-discard \"%.32s\" is not overwrite", text);
	p->disk.secure_discard = true;
	return 0;
}

static int set_bytes(struct parse *p, const char *text)
{
	return set_number(p, "bytes-per-second", text, 1ULL << 50, &p->disk.bytes_per_second);
}

static int set_operations(struct parse *p, const char *text)
{
	return set_number(p, "operations-per-second", text, 1ULL << 30, &p->disk.operations_per_second);
}

static int set_burst(struct parse *p, const char *text)
{
	uint64_t ms;
	int rc = set_number(p, "burst", text, 3600000, &ms);

	if (rc == 0)
		p->disk.burst_ms = (uint32_t)ms;
	return rc;
}

static const struct {
	const char *name;
	int (*set)(struct parse *p, const char *text);
} keys[] = {
	{"target", set_target},
	{"format", set_format},
	{"vdev", set_vdev},
	{"access", set_access},
	{"devtype", set_devtype},
	{"backendtype", set_backendtype},
	{"backend", set_backend},
	{"sector-size", set_sector_size},
	{"secure-discard", set_secure_discard},
	{"bytes-per-second", set_bytes},
	{"operations-per-second", set_operations},
	{"burst", set_burst},
};

static int set_key(struct parse *p, const char *name, const char *text)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].set(p, text);
	why_set(p->why, -EINVAL, "unknown disk key \"%.32s\"", name);
	why_hint(p->why, "known: target format vdev access devtype backendtype backend sector-size "
			"secure-discard bytes-per-second operations-per-second burst");
	return -EINVAL;
}

/* Words that stand for themselves; returns -ENOENT when @word is none. */
static int set_flag(struct parse *p, const char *word)
{
	static const char *const access[] = {"ro", "rw", "r", "w", "w!", NULL};
	static const char *const ignored[] = {"discard", "no-discard", "direct-io-safe", NULL};

	if (strcmp(word, "cdrom") == 0 || strcmp(word, "devtype=cdrom") == 0)
		return set_devtype(p, "cdrom");
	if (field_is_one_of(word, ignored))
		return 0;
	if (p->position > 0 && field_is_one_of(word, access)) {
		p->position = 4;
		return set_access(p, word);
	}
	return -ENOENT;
}

static int set_positional(struct parse *p, const char *word)
{
	int rc = set_flag(p, word);

	if (rc != -ENOENT)
		return rc;
	if (p->position == 4)
		return why_set(p->why, -EINVAL, "unexpected \"%.32s\"", word);
	return keys[p->position++].set(p, word);
}

static int parse_new(struct parse *p, const char *text)
{
	while (*text) {
		char word[512];
		char *equals;
		int rc;

		if (strncmp(text, "target=", 7) == 0)
			return set_target(p, text + 7);
		rc = field_next(&text, word, sizeof(word), p->why);
		if (rc < 0)
			return rc;
		equals = strchr(word, '=');
		if (equals && word[0] != '/' && !nbd_uri_is(word)) {
			*equals = '\0';
			rc = set_key(p, word, equals + 1);
		} else {
			rc = set_positional(p, word);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* prefix:target,vdev,mode */
static int parse_old(struct parse *p, const char *text)
{
	static int (*const setters[])(struct parse * p, const char *text) = {
		set_target,
		set_vdev,
		set_access,
	};

	for (size_t i = 0; i < 3; i++) {
		char word[512];
		int rc;

		if (*text == '\0' && i < 2)
			return why_set(p->why, -EINVAL, "expected %s",
				i ? "a virtual device, such as xvda" : "a path");
		rc = *text ? field_next(&text, word, sizeof(word), p->why) : -ENOENT;
		if (rc == 0)
			rc = setters[i](p, word);
		if (rc < 0 && rc != -ENOENT)
			return rc;
	}
	return *text ? why_set(p->why, -EINVAL, "unexpected \"%.32s\"", text) : 0;
}

/* What only a process of dom0's does. */
static int check_user(struct parse *p)
{
	struct disk_spec *d = &p->disk;
	bool limited = d->bytes_per_second || d->operations_per_second;

	if (d->burst_ms && !limited)
		return why_set(p->why, -EINVAL, "burst without bytes-per-second or operations-per-second");
	if ((d->sector_bytes || d->secure_discard || limited) && d->kernel_backend)
		return why_set(p->why, -EINVAL, "%s needs backend=user",
			d->sector_bytes ? "sector-size" : d->secure_discard ? "secure-discard" : "a limit");
	if (nbd_uri_is(d->target) && d->kernel_backend)
		return why_set(p->why, -EINVAL, "an NBD target needs backend=user");
	if (limited && !d->burst_ms)
		d->burst_ms = BURST_MS;
	return 0;
}

static int check(struct parse *p)
{
	if (p->disk.target[0] == '\0')
		return why_set(p->why, -EINVAL, "no target given");
	if (p->disk.vdev[0] == '\0') {
		why_set(p->why, -EINVAL, "no virtual device given");
		why_hint(p->why, "add vdev=xvda");
		return -EINVAL;
	}
	if (!p->mode_known)
		p->disk.writable = !p->disk.cdrom;
	if (p->disk.cdrom && p->disk.writable)
		return why_set(p->why, -EINVAL, "a cdrom cannot be writable");
	return check_user(p);
}

int disk_spec_parse(struct disk_spec *d, const char *text, struct why *why)
{
	struct parse p = {.why = why};
	int rc = -ENOENT;

	for (size_t i = 0; rc == -ENOENT && i < sizeof(old_prefixes) / sizeof(old_prefixes[0]);
		i++) {
		size_t length = strlen(old_prefixes[i]);

		if (strncmp(text, old_prefixes[i], length) == 0)
			rc = parse_old(&p, text + length);
	}
	if (rc == -ENOENT)
		rc = parse_new(&p, text);
	if (rc == 0)
		rc = check(&p);
	if (rc == 0)
		*d = p.disk;
	return rc;
}

int disk_spec_format(const struct disk_spec *d, char *out, size_t size)
{
	char limits[160] = "", sector[32] = "";
	int length, at = 0;

	if (d->sector_bytes)
		snprintf(sector, sizeof(sector), ",sector-size=%u", d->sector_bytes);
	if (d->bytes_per_second)
		at = snprintf(limits, sizeof(limits), ",bytes-per-second=%llu",
			(unsigned long long)d->bytes_per_second);
	if (d->operations_per_second)
		at += snprintf(limits + at, sizeof(limits) - (size_t)at, ",operations-per-second=%llu",
			(unsigned long long)d->operations_per_second);
	if (d->burst_ms)
		snprintf(limits + at, sizeof(limits) - (size_t)at, ",burst=%u", d->burst_ms);
	length = snprintf(out, size, "format=raw,vdev=%s,access=%s%s%s%s%s%s,target=%s", d->vdev,
		d->writable ? "rw" : "ro", d->cdrom ? ",devtype=cdrom" : "",
		d->kernel_backend ? ",backend=kernel" : "", sector,
		d->secure_discard ? ",secure-discard=overwrite" : "", limits, d->target);
	return length < 0 || (size_t)length >= size ? -ENOSPC : 0;
}
