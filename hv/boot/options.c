/* Options of the hypervisor's command line.
 *
 * One row of the table is one option: name, parser, and what it does. A word is NAME, NAME=VALUE
 * or, for boolean options, no-NAME. A parser sees the value, "" when there is none. What cannot
 * be understood is reported to @warn and ignored: a typo must not keep a machine from booting. */
#include "hv/base/string.h"
#include "hv/boot/options.h"

#define WORD_SIZE 128

struct option {
	const char *name;
	bool (*parse)(struct boot_options *o, const char *value);	/* false: malformed */
	const char *doc;
};

bool parse_number(const char *s, uint64_t *out)
{
	unsigned base = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10;
	uint64_t n = 0;

	s += base == 16 ? 2 : 0;
	if (*s == 0)
		return false;
	for (; *s; s++) {
		unsigned digit = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0')
				 : (*s | 0x20) >= 'a' && (*s | 0x20) <= 'f'
					 ? (unsigned)((*s | 0x20) - 'a') + 10
					 : 99;
		if (digit >= base || n > (~0ull - digit) / base)
			return false;
		n = n * base + digit;
	}
	*out = n;
	return true;
}

bool parse_size(const char *s, uint64_t *bytes)
{
	static const char suffixes[] = "BKMGT";
	char digits[32];
	size_t n = strnlen(s, sizeof digits);
	uint64_t value;
	unsigned shift = 10;

	if (n == 0 || n == sizeof digits)
		return false;
	for (unsigned i = 0; i < 5; i++)
		if ((s[n - 1] & ~0x20) == suffixes[i] &&
			!(i == 0 && s[0] == '0' && (s[1] | 0x20) == 'x')) {
			shift = 10 * i;
			n--;
			break;
		}
	memcpy(digits, s, n);
	digits[n] = 0;
	if (!parse_number(digits, &value) || value > ~0ull >> shift)
		return false;
	*bytes = value << shift;
	return true;
}

static bool is_one_of(const char *s, const char *const *words, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(s, words[i]) == 0)
			return true;
	return false;
}

static bool parse_bool(const char *value, bool *out)
{
	static const char *const yes[] = { "", "yes", "on", "true", "enable", "1" };
	static const char *const no[] = { "no", "off", "false", "disable", "0" };

	*out = is_one_of(value, yes, 6);
	return *out || is_one_of(value, no, 5);
}

/* The next item of a list separated by @by; advances *s past it. False at the end. */
static bool item_next(const char **s, char by, char *item, size_t room)
{
	size_t n = 0;

	if (!*s)
		return false;
	for (; **s && **s != by; (*s)++)
		if (n + 1 < room)
			item[n++] = **s;
	item[n] = 0;
	*s = **s ? *s + 1 : NULL;
	return true;
}

static bool parse_console(struct boot_options *o, const char *value)
{
	char item[WORD_SIZE];
	bool ok = true;

	o->console_serial = false;
	while (item_next(&value, ',', item, sizeof item)) {
		if (strncmp(item, "com1", 4) == 0 || strncmp(item, "com2", 4) == 0) {
			o->console_serial = true;
			o->console_com = item[3] == '2';
		} else if (strcmp(item, "vga") != 0 && strcmp(item, "none") != 0) {
			ok = false;
		}
	}
	return ok;
}

/* BAUD[/CLOCK][,FRAME[,PORT[,IRQ]]]; BAUD may be "auto". FRAME must be 8n1: the driver has no
 * other. */
static bool parse_com(struct serial_options *s, const char *value)
{
	char item[WORD_SIZE];
	uint64_t n;

	for (unsigned i = 0; item_next(&value, ',', item, sizeof item); i++) {
		char *slash = strchr(item, '/');
		if (i == 0 && slash)
			*slash = 0;
		if (item[0] == 0)
			continue;
		if (i == 0 && strcmp(item, "auto") == 0)
			s->baud = 0;
		else if (i == 0 && parse_number(item, &n) && n >= 50 && n <= 115200)
			s->baud = (unsigned)n;
		else if (i == 2 && parse_number(item, &n) && n >= 0x100 && n <= 0xfff8)
			s->port = (uint16_t)n;
		else if (i == 3 && parse_number(item, &n) && n < 16)
			s->irq = (uint8_t)n;
		else if (i != 1 || strcmp(item, "8n1") != 0)
			return false;
	}
	s->is_set = true;
	return true;
}

static bool parse_com1(struct boot_options *o, const char *value)
{
	return parse_com(&o->com[0], value);
}
static bool parse_com2(struct boot_options *o, const char *value)
{
	return parse_com(&o->com[1], value);
}

static bool parse_dom0_mem(struct boot_options *o, const char *value)
{
	char item[WORD_SIZE];

	while (item_next(&value, ',', item, sizeof item)) {
		const char *s = item;
		struct memory_size *m = &o->dom0_size;
		if (strncmp(s, "min:", 4) == 0)
			m = &o->dom0_min, s += 4;
		else if (strncmp(s, "max:", 4) == 0)
			m = &o->dom0_max, s += 4;
		bool is_negative = *s == '-';
		uint64_t bytes;
		if (!parse_size(s + is_negative, &bytes))
			return false;
		*m = (struct memory_size){
			.is_set = true, .is_negative = is_negative, .bytes = bytes};
	}
	return true;
}

/* N or MIN-MAX, of which the upper one counts. */
static bool parse_dom0_max_vcpus(struct boot_options *o, const char *value)
{
	const char *dash = strchr(value, '-');
	uint64_t n;

	if (!parse_number(dash ? dash + 1 : value, &n) || n == 0 || n > 8192)
		return false;
	o->dom0_max_vcpus = (unsigned)n;
	return true;
}

static bool parse_level(const char *value, enum log_level *level)
{
	static const struct { const char *name; enum log_level level;
	} names[] = {
		{"none", LOG_ERR},
		{"error", LOG_ERR},
		{"warning", LOG_WARN},
		{"info", LOG_INFO},
		{"debug", LOG_DEBUG},
		{"all", LOG_DEBUG},
	};
	const char *slash = strchr(
		value, '/'); /* LOWER/UPPER: limits lines between them; we have one threshold */

	value = slash ? slash + 1 : value;
	for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
		if (strcmp(value, names[i].name) == 0) {
			*level = names[i].level;
			return true;
		}
	return false;
}

static bool parse_loglvl(struct boot_options *o, const char *value)
{
	return parse_level(value, &o->host_log);
}
static bool parse_guest_loglvl(struct boot_options *o, const char *value)
{
	return parse_level(value, &o->guest_log);
}
static bool parse_noreboot(struct boot_options *o, const char *value)
{
	return parse_bool(value, &o->no_reboot);
}
static bool parse_nosmp(struct boot_options *o, const char *value)
{
	return parse_bool(value, &o->no_smp);
}
static bool parse_pin(struct boot_options *o, const char *value)
{
	return parse_bool(value, &o->dom0_vcpus_pin);
}

static bool parse_smp(struct boot_options *o, const char *value)
{
	bool on;
	if (!parse_bool(value, &on))
		return false;
	o->no_smp = !on;
	return true;
}

static bool parse_maxcpus(struct boot_options *o, const char *value)
{
	uint64_t n;
	if (!parse_number(value, &n) || n > 8192)
		return false;
	o->max_cpus = (unsigned)n;
	return true;
}

static bool parse_tsc(struct boot_options *o, const char *value)
{
	o->tsc_stable = strncmp(value, "stable", 6) == 0;	/* Xen: stable:socket */
	return o->tsc_stable || strcmp(value, "unstable") == 0;
}

static const struct option options[] = {
	{ "console", parse_console, "com1, com2, vga, none: where the log goes" },
	{ "com1", parse_com1, "BAUD[/CLOCK][,8n1[,PORT[,IRQ]]] of the first serial port" },
	{ "com2", parse_com2, "the same of the second" },
	{ "dom0_mem", parse_dom0_mem, "SIZE, min:SIZE, max:SIZE; -SIZE = all but that" },
	{ "dom0_max_vcpus", parse_dom0_max_vcpus, "N or MIN-MAX" },
	{ "dom0_vcpus_pin", parse_pin, "each vCPU of dom0 stays on the CPU of its number" },
	{ "loglvl", parse_loglvl, "none, error, warning, info, debug, all; LOWER/UPPER" },
	{ "guest_loglvl", parse_guest_loglvl, "the same for lines guests cause" },
	{ "noreboot", parse_noreboot, "halt where the machine would reboot" },
	{ "nosmp", parse_nosmp, "use the boot CPU only" },
	{ "smp", parse_smp, "smp=off: use the boot CPU only" },
	{ "maxcpus", parse_maxcpus, "use at most N CPUs" },
	{ "tsc", parse_tsc, "stable: trust the TSC to be equal on all CPUs and constant" },
};

void boot_options_default(struct boot_options *o)
{
	*o = (struct boot_options){
		.console_serial = true,
		.com = {{.port = 0x3f8, .irq = 4, .baud = 115200},
			{.port = 0x2f8, .irq = 3, .baud = 115200}},
		.host_log = LOG_INFO,
		.guest_log = LOG_WARN,
	};
}

static void word_parse(char *word, struct boot_options *o, void (*warn)(const char *, const char *))
{
	char *equals = strchr(word, '=');
	const char *name = word, *value = "";

	if (equals) {
		*equals = 0;
		value = equals + 1;
	} else if (strncmp(word, "no-", 3) == 0) {
		name = word + 3;
		value = "no";
	}
	for (unsigned i = 0; i < ARRAY_COUNT(options); i++)
		if (strcmp(options[i].name, name) == 0) {
			if (!options[i].parse(o, value))
				warn(name, options[i].doc);
			return;
		}
	warn(name, NULL);
}

void boot_options_parse(
	const char *text, struct boot_options *o, void (*warn)(const char *word, const char *why))
{
	char word[WORD_SIZE];

	while (*text) {
		size_t n = 0;
		bool quoted = false;
		for (; *text && (quoted || *text != ' '); text++) {
			if (*text == '"')
				quoted = !quoted;
			else if (n + 1 < sizeof word)
				word[n++] = *text;
		}
		word[n] = 0;
		if (n)
			word_parse(word, o, warn);
		while (*text == ' ')
			text++;
	}
}
