/* Permissions of a node: parse, print, judge. The rules are in perms.h. */
#include "dom0/xenstored/perms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/mem.h"

static struct perms *perms_alloc(uint32_t count)
{
	struct perms *p = mem_alloc(sizeof *p + count * sizeof p->entry[0]);

	p->refs = 1;
	p->count = count;
	return p;
}

struct perms *perms_get(struct perms *p)
{
	p->refs++;
	return p;
}

void perms_put(struct perms *p)
{
	if (p && --p->refs == 0)
		free(p);
}

struct perms *perms_new(const struct accounts *a, uint16_t domid)
{
	struct perms *p = perms_alloc(1);

	p->entry[0] = (struct perm){ .gen = a->gen[domid], .domid = domid };
	return p;
}

static bool perm_is_live(const struct accounts *a, const struct perm *e)
{
	return e->gen == a->gen[e->domid];
}

struct perms *perms_adopt(const struct accounts *a, struct perms *p, int owner)
{
	bool same = owner < 0 || owner == perms_owner(p);
	struct perms *q;
	uint32_t n = 1;

	for (uint32_t i = 0; i < p->count; i++)
		same = same && perm_is_live(a, &p->entry[i]);
	if (same)
		return perms_get(p);
	q = perms_alloc(p->count);
	q->entry[0] = p->entry[0];
	if (owner >= 0)
		q->entry[0].domid = (uint16_t)owner;
	else if (!perm_is_live(a, &p->entry[0]))
		q->entry[0] = (struct perm){ 0 };
	q->entry[0].gen = a->gen[q->entry[0].domid];
	for (uint32_t i = 1; i < p->count; i++)
		if (perm_is_live(a, &p->entry[i]))
			q->entry[n++] = p->entry[i];
	q->count = n;
	return q;
}

static int perm_parse(const struct accounts *a, const char *word, struct perm *e)
{
	static const char letters[] = "nrwb";	/* index = PERM_READ | PERM_WRITE */
	const char *letter = word[0] ? strchr(letters, word[0]) : NULL;
	uint32_t id = 0;

	if (!letter || !word[1])
		return -EINVAL;
	for (const char *s = word + 1; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		id = id * 10 + (uint32_t)(*s - '0');
		if (id >= DOMID_COUNT)
			return -EINVAL;
	}
	*e = (struct perm){ .gen = a->gen[id], .domid = (uint16_t)id,
			    .access = (uint8_t)(letter - letters) };
	return 0;
}

int perms_parse(const struct accounts *a, const char *const *word, unsigned int count,
		struct perms **out)
{
	struct perms *p;

	if (count == 0)
		return -EINVAL;
	if (count > PERMS_MAX)
		return -ENOSPC;
	p = perms_alloc(count);
	for (unsigned int i = 0; i < count; i++) {
		int err = perm_parse(a, word[i], &p->entry[i]);

		if (err) {
			perms_put(p);
			return err;
		}
	}
	*out = p;
	return 0;
}

int perms_format(const struct perms *p, char *buf, size_t size)
{
	size_t at = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		int n = snprintf(buf + at, size - at, "%c%u", "nrwb"[p->entry[i].access & 3],
				 p->entry[i].domid);

		if (n < 0 || (size_t)n + 1 > size - at)
			return -E2BIG;
		at += (size_t)n + 1;
	}
	return (int)at;
}

static unsigned int perms_access_one(const struct accounts *a, const struct perms *p,
				     uint16_t domid)
{
	const struct perm *owner = &p->entry[0];

	if (domid == 0)
		return PERM_ALL;
	if (owner->domid == domid && perm_is_live(a, owner))
		return PERM_ALL;
	for (uint32_t i = 1; i < p->count; i++)
		if (p->entry[i].domid == domid && perm_is_live(a, &p->entry[i]))
			return p->entry[i].access;
	/* The default was the owner's to give: it ends with it. */
	return perm_is_live(a, owner) ? owner->access : (unsigned int)PERM_NONE;
}

unsigned int perms_access(const struct accounts *a, const struct perms *p,
			  const struct subject *who)
{
	unsigned int access = perms_access_one(a, p, who->domid);

	/* A target of 0 would be all rights: a stub domain never serves dom0. */
	if (who->target != who->domid && who->target != 0)
		access |= perms_access_one(a, p, who->target);
	return access;
}
