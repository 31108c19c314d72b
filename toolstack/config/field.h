/* Fields of comma lists, as disk and vif specifications use them. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "toolstack/why.h"

/* Copy @text into @out; -EINVAL with @why naming @what when it does not fit. */
int field_copy(char *out, size_t size, const char *what, const char *text, struct why *why);

/* Take the next field of *list, without blanks around it, and advance *list behind its comma.
 * Returns 0 and @out; -EINVAL: longer than @size. */
int field_next(const char **list, char *out, size_t size, struct why *why);

/* @words ends in NULL. */
bool field_is_one_of(const char *text, const char *const *words);

/* The value of hex digit @ch; -1: it is none. */
int field_hex_digit(int ch);
