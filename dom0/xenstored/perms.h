/* Permissions of a node: the owner, the access of everyone else, and exceptions by domain.
 *
 * Lists are immutable and shared by reference (a child inherits its parent's). A right names a
 * domain by (id, generation): what was granted to a dead domain is nothing to the next of that id.
 * */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/xenstored/account.h"

enum { PERM_NONE = 0, PERM_READ = 1, PERM_WRITE = 2, PERM_OWNER = 4 };
#define PERM_ALL (PERM_READ | PERM_WRITE | PERM_OWNER)

/* Longest list dom0 may set; the limit of others is store_limits.perms. */
#define PERMS_MAX 64

struct perm {
	uint32_t gen;
	uint16_t domid;
	uint8_t access;		/* PERM_READ | PERM_WRITE */
};

struct perms {
	uint32_t refs, count;	/* count >= 1; entry[0]: owner, and access of domains not listed */
	struct perm entry[];
};

/* Who asks. @target: a second domain whose rights it has (domid itself: none). */
struct subject {
	uint16_t domid, target;
};

struct perms *perms_get(struct perms *p);
void perms_put(struct perms *p);

/* One entry: owner @domid, nobody else. */
struct perms *perms_new(const struct accounts *a, uint16_t domid);
/* @p with dead domains struck out and, unless @owner < 0, @owner as owner. A reference. */
struct perms *perms_adopt(const struct accounts *a, struct perms *p, int owner) MUST_CHECK;

/* Parse @count strings of the wire form, letter (n r w b) and decimal domain id.
 * -EINVAL: shape; -ENOSPC: more than PERMS_MAX. */
int perms_parse(const struct accounts *a, const char *const *word, unsigned int count,
		struct perms **out) MUST_CHECK;
/* Write the wire form, each entry NUL-terminated. Returns its length or -E2BIG. */
int perms_format(const struct perms *p, char *buf, size_t size) MUST_CHECK;

/* What @who may do, a mask of PERM_*. Domain 0 may do everything. */
unsigned int perms_access(const struct accounts *a, const struct perms *p,
			  const struct subject *who) MUST_CHECK;
static inline uint16_t perms_owner(const struct perms *p)
{
	return p->entry[0].domid;
}
