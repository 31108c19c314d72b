/* The syntax of xl.cfg: `key = value` lines, nothing about what keys mean.
 *
 *   value  := "string" | 'string' | number | [ value , value , ... ]
 *   string := bytes with \n \t \r \\ \" \' \xHH \OOO escapes
 *
 * Settings end at a newline or `;`. `#` starts a comment. Lists may span lines and end in a comma;
 * `key += value` appends to a string or a list. Pure: bytes in, tree out; all memory is the tree's. */
#pragma once
#include <stddef.h>

#include "toolstack/why.h"

enum cfg_limits {
	CFG_BYTES_MAX = 1 << 20, /* of one file */
	CFG_VALUES_MAX = 4096,   /* values of one file, lists and their items counted */
	CFG_DEPTH_MAX = 4,       /* lists in lists */
};

enum cfg_kind { CFG_STRING, CFG_NUMBER, CFG_LIST };

struct cfg_value {
	enum cfg_kind kind;
	int line;
	char *text;              /* string without quotes, or number as written; NULL for a list */
	struct cfg_value *items; /* of a list */
	size_t count;
};

struct cfg_setting {
	char *key;
	char *source; /* file name, or "command line" */
	int line;
	struct cfg_value value;
};

struct cfg_text {
	struct cfg_setting *settings; /* in the order read; keys are unique, the last one counts */
	size_t count;
	size_t values; /* spent of CFG_VALUES_MAX */
};

/* Add the settings of @size hostile @bytes to @t (zeroed before the first call). @source names them in
 * errors. Returns 0; -EINVAL: syntax; -E2BIG: over a limit; -ENOMEM. @t stays valid, to be freed, always. */
int cfg_text_parse(
	struct cfg_text *t, const char *source, const char *bytes, size_t size, struct why *why);

/* Add one `key=value` of the command line; unlike in a file, a plain word needs no quotes. */
int cfg_text_override(struct cfg_text *t, const char *assignment, struct why *why);

/* The setting of @key, or NULL. */
const struct cfg_setting *cfg_text_find(const struct cfg_text *t, const char *key);

void cfg_text_free(struct cfg_text *t);
