/* What every verb has in common: options, output as text or JSON, exit codes. */
#pragma once
#include <stdbool.h>
#include <stdio.h>

#include "toolstack/places.h"
#include "toolstack/why.h"

/* Exit codes are part of the interface (bothy(1), EXIT STATUS). */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,    /* the operation failed; nothing is left of it */
	EXIT_USAGE = 2,     /* wrong verb, option or operand */
	EXIT_CONFIG = 3,    /* the guest's configuration or an image is wrong */
	EXIT_NO_DOMAIN = 4, /* no such domain */
	EXIT_NO_HOST = 5,   /* no hypervisor, or no right to control it, or no store */
	EXIT_TIMEOUT = 6,   /* the guest did not do what it was asked in time */
};

struct cJSON;

struct cli {
	const char *verb;
	bool json;   /* --json, anywhere: results on stdout as one JSON object, errors too */
	bool colour; /* stderr is a terminal */
	bool done;   /* help was asked for and printed: the verb has nothing to do */
	unsigned int verbose;
	const struct places *places;
	FILE *out, *err;
	struct why why;
};

struct verb {
	const char *name;
	const char *operands; /* "[-n] FILE [KEY=VALUE...]" */
	const char *summary;  /* one line */
	const char *help;     /* options and details, lines */
	/* Returns an exit code; other than EXIT_DONE with c->why filled. */
	enum exit_code (*run)(struct cli *c, int argc, char **argv);
};

/* All verbs, ending in one without a name. */
extern const struct verb verbs[];

/* One option of a verb: exactly one of @flag and @value. */
struct cli_option {
	char letter;      /* 0: none */
	const char *name; /* long name, NULL: none */
	bool *flag;
	const char **value;
};

/* Read @options (ending in a zeroed one), --json and --help out of @argv, wherever they stand.
 * Operands are moved to the front of @argv; returns their number, or -1 with c->why (usage). */
int cli_options(struct cli *c, int argc, char **argv, const struct cli_option *options);

/* Usage error with a hint to `bothy help VERB`. */
enum exit_code cli_usage(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Refuse anything but @min..@max operands; a negative @count was refused already. */
bool cli_operands_ok(struct cli *c, int count, char **operands, int min, int max);

/* An unknown verb, with the one that was probably meant. */
enum exit_code cli_unknown_verb(struct cli *c, const char *name);

/* Read @text, a decimal number of @min..@max that the user calls @what, into *@number.
 * False: c->why says what is wrong (usage). */
bool cli_number(struct cli *c, const char *what, const char *text, unsigned long min,
	unsigned long max, unsigned long *number);

/* What failing with @rc at what a configuration or a disk's entry asks for comes to. */
enum exit_code cli_exit_of(int rc);

/* A JSON object whose first member is "schema": "bothy.<kind>/1"; NULL: out of memory. */
struct cJSON *cli_json_new(const char *kind);
/* Print @root (NULL: out of memory) and free it; bytes that are not UTF-8 become '?'. Returns EXIT_DONE or
 * EXIT_FAILED. Whether the output could be written is seen at the end of the program. */
enum exit_code cli_json(struct cli *c, struct cJSON *root);

/* Add @text to @o; null for NULL. */
bool cli_json_text(struct cJSON *o, const char *key, const char *text);

/* For verbs without a result of their own: {"schema":"bothy.done/1","verb":..,"domid":..}. */
enum exit_code cli_done(struct cli *c, unsigned int domid);

void cli_warn(struct cli *c, const char *text);
/* Explain @v, or list all verbs (NULL). */
enum exit_code cli_help(struct cli *c, const struct verb *v);

/* The program: everything but main(). */
int cli_main(const struct places *places, int argc, char **argv);
