/* The frame around the verbs: finds the verb, reads options, prints failures in one place.
 *
 * Rules: results go to stdout, everything else to stderr; with --json stdout carries exactly one JSON
 * object whatever happens; colours only on a terminal that wants them.
 * Neighbours: verbs.c the table; verb_*.c one file each.
 */
#include "toolstack/cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "toolstack/nearest.h"

enum exit_code cli_usage(struct cli *c, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	why_set(&c->why, -1, "%s", text);
	why_hint(&c->why, "see: bothy help%s%s", c->verb ? " " : "", c->verb ? c->verb : "");
	return EXIT_USAGE;
}

bool cli_number(struct cli *c, const char *what, const char *text, unsigned long min,
	unsigned long max, unsigned long *number)
{
	bool digits = text[0] && text[strspn(text, "0123456789")] == '\0';
	unsigned long value = strtoul(text, NULL, 10);

	if (!digits || value < min || value > max) {
		cli_usage(c, "bad %s \"%.40s\": %lu to %lu", what, text, min, max);
		return false;
	}
	*number = value;
	return true;
}

static const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* Put what was probably meant in front of the hint. @dashes: "--" or nothing. */
static void hint_nearest(struct cli *c, const char *dashes, const struct nearest *n)
{
	if (n->best)
		why_hint(&c->why, "did you mean \"%s%s\"? see: bothy help%s%s", dashes, n->best,
			c->verb ? " " : "", c->verb ? c->verb : "");
}

enum exit_code cli_unknown_verb(struct cli *c, const char *name)
{
	struct nearest n = nearest_to(name);

	c->verb = NULL;
	for (const struct verb *v = verbs; v->name; v++)
		nearest_try(&n, v->name);
	cli_usage(c, "unknown verb \"%.40s\"", name);
	hint_nearest(c, "", &n);
	return EXIT_USAGE;
}

bool cli_operands_ok(struct cli *c, int count, char **operands, int min, int max)
{
	if (count >= min && count <= max)
		return true;
	if (count < 0)
		return false;
	if (count > max)
		cli_usage(c, "unexpected operand \"%.40s\"", operands[max]);
	else
		cli_usage(c, "operand missing: bothy %s %s", c->verb, verb_find(c->verb)->operands);
	return false;
}

static const struct cli_option *option_find(
	const struct cli_option *all, char letter, const char *name, size_t length)
{
	for (; all->flag || all->value; all++) {
		if (letter && all->letter == letter)
			return all;
		if (name && all->name && strlen(all->name) == length &&
			strncmp(all->name, name, length) == 0)
			return all;
	}
	return NULL;
}

static int option_unknown(struct cli *c, const struct cli_option *all, const char *arg)
{
	struct nearest n = nearest_to(arg + 2);

	nearest_try(&n, "json");
	nearest_try(&n, "help");
	for (; all->flag || all->value; all++)
		if (all->name)
			nearest_try(&n, all->name);
	cli_usage(c, "unknown option \"%.40s\"", arg);
	hint_nearest(c, "--", &n);
	return -1;
}

/* --name, --name=value or --name value; returns how many arguments were used, or -1. */
static int option_long(struct cli *c, const struct cli_option *all, char **argv)
{
	const char *name = argv[0] + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *o = option_find(all, 0, name, length);

	if (!o)
		return option_unknown(c, all, argv[0]);
	if (o->flag && equals) {
		cli_usage(c, "option \"--%s\" takes no value", o->name);
		return -1;
	}
	if (o->flag) {
		*o->flag = true;
		return 1;
	}
	*o->value = equals ? equals + 1 : argv[1];
	if (!*o->value) {
		cli_usage(c, "option \"%.40s\" needs a value", argv[0]);
		return -1;
	}
	return equals ? 1 : 2;
}

/* -abc or -f value or -fvalue; returns how many arguments were used, or -1. */
static int option_short(struct cli *c, const struct cli_option *all, char **argv)
{
	for (const char *letter = argv[0] + 1; *letter; letter++) {
		const struct cli_option *o = option_find(all, *letter, NULL, 0);

		if (!o) {
			cli_usage(c, "unknown option \"-%c\"", *letter);
			return -1;
		}
		if (o->flag) {
			*o->flag = true;
			continue;
		}
		*o->value = letter[1] ? letter + 1 : argv[1];
		if (!*o->value) {
			cli_usage(c, "option \"-%c\" needs a value", *letter);
			return -1;
		}
		return letter[1] ? 1 : 2;
	}
	return 1;
}

/* The common options; returns whether @arg was one. */
static bool option_common(struct cli *c, const char *arg)
{
	if (strcmp(arg, "--json") == 0)
		return true; /* cli_main() has seen it */
	if (strcmp(arg, "--help") != 0 && strcmp(arg, "-h") != 0)
		return false;
	(void)cli_help(c, verb_find(c->verb));
	c->done = true;
	return true;
}

int cli_options(struct cli *c, int argc, char **argv, const struct cli_option *options)
{
	int operands = 0, used;

	for (int i = 0; i < argc && !c->done; i += used) {
		used = 1;
		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				argv[operands++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0')
			argv[operands++] = argv[i];
		else if (option_common(c, argv[i]))
			continue;
		else if (argv[i][1] == '-')
			used = option_long(c, options, argv + i);
		else
			used = option_short(c, options, argv + i);
		if (used < 0)
			return -1;
	}
	return operands;
}

struct cJSON *cli_json_new(const char *kind)
{
	char schema[64];
	cJSON *root = cJSON_CreateObject();

	snprintf(schema, sizeof(schema), "bothy.%s/1", kind);
	if (root && !cJSON_AddStringToObject(root, "schema", schema)) {
		cJSON_Delete(root);
		return NULL;
	}
	return root;
}

bool cli_json_text(struct cJSON *o, const char *key, const char *text)
{
	return text ? cJSON_AddStringToObject(o, key, text) : cJSON_AddNullToObject(o, key);
}

enum exit_code cli_json(struct cli *c, struct cJSON *root)
{
	char *text = root ? cJSON_Print(root) : NULL;

	cJSON_Delete(root);
	if (!text) {
		why_set(&c->why, -1, "out of memory");
		return EXIT_FAILED;
	}
	text_utf8(text);
	fprintf(c->out, "%s\n", text);
	cJSON_free(text);
	return EXIT_DONE;
}

enum exit_code cli_done(struct cli *c, unsigned int domid)
{
	cJSON *root;

	if (!c->json)
		return EXIT_DONE;
	root = cli_json_new("done");
	cJSON_AddStringToObject(root, "verb", c->verb);
	cJSON_AddNumberToObject(root, "domid", domid);
	return cli_json(c, root);
}

void cli_warn(struct cli *c, const char *text)
{
	fprintf(c->err, "%sbothy: %s: warning:%s %s\n", c->colour ? "\033[33m" : "", c->verb,
		c->colour ? "\033[0m" : "", text);
}

static void print_why_json(struct cli *c, enum exit_code code)
{
	cJSON *root = cli_json_new("error");

	cJSON_AddStringToObject(root, "verb", c->verb ? c->verb : "");
	cJSON_AddNumberToObject(root, "exit", code);
	cJSON_AddStringToObject(root, "where", c->why.where);
	cJSON_AddStringToObject(root, "what", c->why.what);
	cJSON_AddStringToObject(root, "hint", c->why.hint);
	(void)cli_json(c, root);
}

static void print_why(struct cli *c)
{
	const char *red = c->colour ? "\033[31m" : "", *plain = c->colour ? "\033[0m" : "";

	fprintf(c->err, "%sbothy: %s%s%s%s%s%s\n", red, c->verb ? c->verb : "", c->verb ? ": " : "",
		plain, c->why.where, c->why.where[0] ? ": " : "", c->why.what);
	if (c->why.hint[0])
		fprintf(c->err, "  hint: %s\n", c->why.hint);
}

/* Options in front of the verb, as xl takes them; returns the verb's index or -1. --version is a verb. */
static int global_options(struct cli *c, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--version") == 0)
			break;
		if (strcmp(argv[i], "--json") == 0)
			continue;
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return argc; /* no verb: help */
		else if (argv[i][strspn(argv[i] + 1, "vfNtT") + 1] == '\0' && argv[i][1])
			c->verbose += argv[i][1] == 'v';
		else {
			cli_usage(c, "unknown option \"%.40s\"", argv[i]);
			return -1;
		}
	}
	return i;
}

static bool wants_colour(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

static enum exit_code run_verb(struct cli *c, int argc, char **argv)
{
	const struct verb *v;
	int at = global_options(c, argc, argv);

	if (at < 0)
		return EXIT_USAGE;
	if (at >= argc)
		return verb_find("help")->run(c, 0, argv + argc);
	v = verb_find(argv[at] + (argv[at][0] == '-' ? strlen("--") : 0));
	if (!v)
		return cli_unknown_verb(c, argv[at]);
	c->verb = v->name;
	return v->run(c, argc - at - 1, argv + at + 1);
}

/* Found before anything can fail, so that a wrong verb or option is told as asked. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* What a verb printed must have arrived: a full disk is a failure like any other. errno may be that of a later
 * call by now. */
static enum exit_code finish_output(struct cli *c, enum exit_code code)
{
	if ((fflush(c->out) == 0 && !ferror(c->out)) || code != EXIT_DONE)
		return code;
	why_set(&c->why, -EIO, "standard output cannot be written");
	return EXIT_FAILED;
}

int cli_main(const struct places *places, int argc, char **argv)
{
	struct cli c = {.places = places,
		.json = wants_json(argc, argv),
		.out = stdout,
		.err = stderr,
		.colour = wants_colour()};
	enum exit_code code = finish_output(&c, run_verb(&c, argc, argv));

	if (code == EXIT_DONE)
		return EXIT_DONE;
	if (c.json && !ferror(c.out))
		print_why_json(&c, code);
	else
		print_why(&c);
	return (int)code;
}

enum exit_code cli_exit_of(int rc)
{
	switch (-rc) {
	case ENOEXEC:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case EACCES:
	case EROFS:
	case EINVAL:
	case ENODEV:
	case ENOTBLK:
		return EXIT_CONFIG;
	case ETIMEDOUT:
		return EXIT_TIMEOUT;
	default:
		return EXIT_FAILED;
	}
}
