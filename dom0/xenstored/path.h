/* Names of store nodes: the characters, the lengths, relative and absolute forms. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

/* Longest canonical path, its NUL included. */
#define PATH_ROOM 3073

/* Make @name (a hostile string) canonical: an absolute path without empty parts or trailing slash,
 * "/" for the root, or, with @special, "@word". A relative name is put below /local/domain/@domid.
 * Returns 0 and fills @out; -EINVAL: bad character, shape or length. */
int path_canonical(const char *name, uint16_t domid, bool special, char out[PATH_ROOM]) MUST_CHECK;

/* Length of the path of @path's parent ("/" has length 1); 0: @path is the root. */
size_t path_parent_len(const char *path) MUST_CHECK;

/* Is @path @top itself or below it? */
bool path_is_below(const char *path, const char *top) MUST_CHECK;
