/* What one daemon leaves for its successor, in a file.
 *
 * A self-describing stream: the line "bothy-xenstored-state 1", then records of {u32 tag, u32 length,
 * bytes}, ended by an END record with a checksum. Unknown tags are skipped, so that an older daemon
 * reads what a newer one wrote as far as it can. Byte order is the machine's.
 * Kept: the tree with generations, domain generations, who may watch the special names, and of each
 * introduced domain its ring, unserved input, unsent output, watches and open transactions (which
 * then end in EAGAIN). Socket clients connect and watch again by themselves. */
#pragma once
#include "dom0/lib/attr.h"

struct store;

/* Write @s to @path, by way of a temporary file beside it. */
int state_save(struct store *s, const char *path) MUST_CHECK;
/* Fill the new store @s from @path. Domains are introduced through s->domains.
 * -ENOENT: no file; -EPROTO: not a state, or a broken one (@s is then as new). */
int state_load(struct store *s, const char *path) MUST_CHECK;
