/* PIRQs: dom0's handles for interrupt lines, bound to event channels.
 *
 * A line delivers only while bound. dom0 learns which lines want an EOI from irq_status_query or
 * from a page of bits it registers; a bit is set as long as a level line is bound.
 * The page is dom0's own memory: it is reached by its frame at each change, and a dom0 that
 * scribbles on it loses interrupts of its own.
 * Locks: event channels before lines, so binding works in two steps; the port of a line is
 * written under irq_lock only. */
#include "hv/base/atomic.h"
#include "hv/base/errno.h"
#include "hv/event/evtchn.h"
#include "hv/irq/line.h"
#include "hv/mem/audit.h"
#include "hv/mem/frame.h"

static struct {
	struct frame *frame;	/* held with a writable type; NULL = not registered */
	bool unmasks;		/* version 1: an EOI unmasks the port too */
} eoi_page;

static void audit_enumerate(audit_add_fn *add)
{
	if (eoi_page.frame)
		add(frame_mfn(eoi_page.frame), 1, FT_WRITABLE, 1);
}

void pirq_init(void)
{
	eoi_page.frame = NULL;
	audit_register(audit_enumerate);
}

void irq_eoi_bit(const struct irq_line *l, bool owes_eoi)
{
	if (!eoi_page.frame)
		return;
	uint64_t *bits = frame_map(frame_mfn(eoi_page.frame));
	uint32_t pirq = irq_line_pirq(l);
	if (owes_eoi)
		(void)bit_test_and_set(bits, pirq);
	else
		(void)bit_test_and_clear(bits, pirq);
	frame_unmap(bits);
}

int irq_eoi_page_set(struct domain *d, mfn_t m, bool unmasks)
{
	struct frame *f;
	int rc = frame_get_with_type(&d->mem, m, FT_WRITABLE, &f);
	if (rc)
		return rc;
	lock(&irq_lock);
	if (eoi_page.frame) {
		rc = -EBUSY;
	} else {
		eoi_page.frame = f;
		eoi_page.unmasks = unmasks;
		for (unsigned i = 0; i < IRQ_LINES; i++)
			irq_eoi_bit(&irq_line[i], irq_line[i].port && irq_line[i].level);
	}
	unlock(&irq_lock);
	if (rc)
		frame_put_with_type(f);
	return rc;
}

/* An interrupt of a line that is not ours: *port becomes the event to raise, 0 if none. */
void irq_arrived(struct irq_line *l, uint32_t *port)
{
	*port = 0;
	if (l->kind == LINE_GSI && l->level) {
		irq_line_mask(l, true);
		if (l->is_owed)
			return;
		l->is_owed = l->port != 0;
	}
	*port = l->port;
}

int64_t irq_eoi(struct domain *d, uint32_t pirq)
{
	uint32_t port = 0;

	lock(&irq_lock);
	struct irq_line *l = irq_line_of(pirq);
	int rc = l && l->is_mapped ? 0 : -EINVAL;
	if (!rc) {
		if (l->is_owed && l->port)
			irq_line_mask(l, false);
		l->is_owed = false;
		if (eoi_page.frame && eoi_page.unmasks)
			port = l->port;
	}
	unlock(&irq_lock);
	return port ? evtchn_unmask(d, port) : rc;
}

static int bind_check(uint32_t pirq)
{
	lock(&irq_lock);
	struct irq_line *l = irq_line_of(pirq);
	int rc = !l || !l->is_mapped ? -EINVAL : l->fn || l->port ? -EBUSY : irq_vector_alloc(l);
	unlock(&irq_lock);
	return rc;
}

int irq_bind_pirq(struct domain *d, unsigned pirq, bool shared, uint32_t *port)
{
	uint32_t p;

	if (!d->is_control)
		return -EPERM;
	int rc = bind_check(pirq);
	if (!rc)
		rc = evtchn_bind_pirq(d, pirq, &p);	/* a second binder loses here */
	if (rc)
		return rc;

	lock(&irq_lock);
	struct irq_line *l = irq_line_of(pirq);
	if (l && l->is_mapped) {
		l->port = p;
		l->is_shared = shared;
		l->is_owed = l->is_masked = false;
		irq_eoi_bit(l, l->level);
		irq_line_program(l);
	}
	unlock(&irq_lock);
	*port = p;
	return 0;
}
