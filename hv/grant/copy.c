/* Copying between frames that are named by a grant or are the caller's own.
 *
 * The tables of the granters stay locked while at most one page is copied, frame to frame: so no
 * pin outlives the operation, and the marks in the shared entries say truly when it is under way.
 * Check, then commit: both sides are held before a byte moves.
 * Spec: grant_table.h, GNTTABOP_copy. */
#include "hv/base/string.h"
#include "hv/grant/table.h"

struct side {
	struct domain *domain; /* granter, or the caller for a frame of its own; referenced */
	struct frame *frame;
	uint32_t ref;
	bool is_grant, write;
};

static bool side_find(struct domain *d, const struct gnttab_copy_ptr *p, bool is_grant, bool write,
	struct side *s, int *status)
{
	*s = (struct side){.ref = p->u.ref, .is_grant = is_grant, .write = write};
	bool self = p->domid == DOMID_SELF || p->domid == d->id;
	if (!is_grant && !self) {
		*status = GNTST_permission_denied;
		return false;
	}
	s->domain = self ? d : domain_find(p->domid);
	if (!s->domain)
		*status = GNTST_bad_domain;
	else if (self)
		domain_get(d);
	return s->domain != NULL;
}

/* The granters' locks are held. */
static int side_hold(struct domain *d, const struct gnttab_copy_ptr *p, struct side *s)
{
	struct owner *o = &s->domain->mem;
	if (domain_is_dying(s->domain))
		return GNTST_bad_domain;
	if (s->is_grant)
		return grant_pin(s->domain->grants, s->ref, d->id, s->write, 1, &s->frame);
	int rc = s->write ? frame_get_with_type(o, mfn(p->u.gmfn), FT_WRITABLE, &s->frame)
			  : frame_get(o, mfn(p->u.gmfn), &s->frame);
	return rc ? GNTST_bad_page : GNTST_okay;
}

static void side_release(struct side *s)
{
	if (s->is_grant)
		grant_unpin(s->domain->grants, s->ref, s->write, 1);
	else if (s->write)
		frame_put_with_type(s->frame);
	else
		frame_put(s->frame);
}

static void bytes_copy(const struct side *from, unsigned from_offset, const struct side *to,
	unsigned to_offset, unsigned n)
{
	char *dst = frame_map(frame_mfn(to->frame));
	const char *src = frame_map(frame_mfn(from->frame));
	memmove(dst + to_offset, src + from_offset, n);
	frame_unmap(src);
	frame_unmap(dst);
}

static int copy_locked(
	struct domain *d, const struct gnttab_copy *op, struct side *from, struct side *to)
{
	int rc = side_hold(d, &op->source, from);
	if (rc)
		return rc;
	rc = side_hold(d, &op->dest, to);
	if (rc == GNTST_okay) {
		bytes_copy(from, op->source.offset, to, op->dest.offset, op->len);
		side_release(to);
	}
	side_release(from);
	return rc;
}

void grant_copy(struct domain *d, struct gnttab_copy *op)
{
	struct side from, to;
	int rc = GNTST_bad_copy_arg;
	op->status = (int16_t)rc;
	if ((uint32_t)op->source.offset + op->len > PAGE_SIZE ||
		(uint32_t)op->dest.offset + op->len > PAGE_SIZE)
		return;
	if (side_find(d, &op->source, op->flags & GNTCOPY_source_gref, false, &from, &rc)) {
		if (side_find(d, &op->dest, op->flags & GNTCOPY_dest_gref, true, &to, &rc)) {
			struct lock *a = &from.domain->grants->lock, *b = &to.domain->grants->lock;
			lock_pair(a, from.domain->id, b, to.domain->id);
			rc = copy_locked(d, op, &from, &to);
			unlock_pair(a, b);
			domain_put(to.domain);
		}
		domain_put(from.domain);
	}
	op->status = (int16_t)rc;
}
