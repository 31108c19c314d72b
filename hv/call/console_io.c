/* console_io: the machine's console for domains that have no other.
 *
 * dom0 writes what it likes, past the log; boot modules that may print write lines or parts of
 * them, marked with their number, cleaned of control characters and paid for by a budget of bytes,
 * so that none can flood the log. Everyone else is refused.
 * Input: the UART's bytes go into a ring here, dom0 is told by VIRQ_CONSOLE and reads them. The
 * newest bytes are dropped when the ring is full. */
#include "hv/base/errno.h"
#include "hv/base/string.h"
#include "hv/call/call.h"
#include "hv/core/work.h"
#include "hv/event/evtchn.h"
#include "hv/mem/guest_copy.h"
#include "protocol/xen.h"

#define CHUNK		128u			/* bytes copied at a time */
#define PRINTERS	32u		/* domains with a budget: boot modules are first */
#define MARK_BYTES	5u			/* "(d1) " */
#define BYTE_COST_NS	100000u			/* 10,000 bytes a second in the long run */
#define BURST_NS	(6553600000ull)		/* 64 KiB at once */
#define INPUT_SIZE	1024u			/* a power of two */

static struct {
	struct lock lock;
	uint32_t in, out;			/* free-running */
	char ring[INPUT_SIZE];
} input = { .lock = LOCK_INIT(RANK_LOG) };

static struct {
	uint64_t paid_until_ns;
	bool in_line;
} printer[PRINTERS];

void console_input(const char *text, size_t n)
{
	lock(&input.lock);
	for (size_t i = 0; i < n && input.in - input.out < INPUT_SIZE; i++)
		input.ring[input.in++ % INPUT_SIZE] = text[i];
	unlock(&input.lock);
	evtchn_defer_global_virq(VIRQ_CONSOLE);
}

static size_t input_take(char *out, size_t max)
{
	size_t n = 0;
	lock(&input.lock);
	while (n < max && input.in != input.out)
		out[n++] = input.ring[input.out++ % INPUT_SIZE];
	unlock(&input.lock);
	return n;
}

static int64_t console_read(gva_t to, uint64_t room)
{
	char chunk[CHUNK];
	uint64_t done = 0;
	size_t n;

	while (done < room &&
		(n = input_take(chunk, room - done < CHUNK ? room - done : CHUNK)) > 0) {
		if (guest_write(gva_add(to, done), chunk, n))
			return -EFAULT;
		done += n;
	}
	return (int64_t)done;
}

/* What printing @text takes: each line has a mark before it. */
static uint64_t print_cost_ns(const char *text, size_t n)
{
	uint64_t bytes = n + MARK_BYTES;
	for (size_t i = 0; i < n; i++)
		bytes += text[i] == '\n' ? MARK_BYTES : 0;
	return bytes * BYTE_COST_NS;
}

/* May domain @id print now for @cost_ns? Its debt may be BURST_NS at most. */
static bool budget_take(domid_t id, uint64_t cost_ns)
{
	uint64_t now = cpu_time_ns(), *paid = &printer[id].paid_until_ns, seen = READ_ONCE(*paid), debt;
	do {
		debt = seen > now ? seen - now : 0;
		if (debt + cost_ns > BURST_NS)
			return false;
	} while (!ATOMIC_CAS(paid, &seen, now + debt + cost_ns));
	return true;
}

static void print_marked(domid_t id, const char *text, size_t n)
{
	char out[CHUNK + 16];
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		char ch = text[i];
		if (!printer[id].in_line)
			used += format_string(out + used, 16, "(d%u) ", id);
		printer[id].in_line = ch != '\n';
		out[used++] = ch == '\n' || ch == '\t' || (ch >= ' ' && ch < 127) ? ch : '?';
		if (ch == '\n' || used >= CHUNK) {
			log_raw(out, used);
			used = 0;
		}
	}
	if (used)
		log_raw(out, used);
}

static int64_t console_write(struct call *c)
{
	struct domain *d = c->vcpu->domain;
	char chunk[CHUNK];

	if (!d->is_control && (!d->may_print || d->id >= PRINTERS))
		return -EPERM;
	while (c->arg[1] > 0) {
		preempt_count(PREEMPT_ITEM);
		size_t n = c->arg[1] < CHUNK ? c->arg[1] : CHUNK;
		if (guest_read(chunk, gva(c->arg[2]), n))
			return -EFAULT;
		if (d->is_control)
			log_console(chunk, n);
		else if (budget_take(d->id, print_cost_ns(chunk, n)))
			print_marked(d->id, chunk, n);
		c->arg[1] -= n;
		c->arg[2] += n;
		if (c->arg[1] > 0 && preempt_due())
			return -ERESTART;
	}
	return 0;
}

int64_t call_console_io(struct call *c)
{
	/* The count is an int of the guest's. */
	if (c->arg[1] > INT32_MAX)
		return -EINVAL;
	switch ((unsigned)c->arg[0]) {
	case CONSOLEIO_write:
		return console_write(c);
	case CONSOLEIO_read:
		if (!c->vcpu->domain->is_control)
			return -EPERM;
		return console_read(gva(c->arg[2]), c->arg[1]);
	default:
		return -ENOSYS;
	}
}
