/* The console's back end: an allowance of bytes that grows with time up to the burst. */
#include "pvdrivers/con_back.h"

#define NS_PER_SECOND	1000000000u
/* Reads are not cut to less than this for want of allowance, so that a flood costs few events. */
#define LEAST		(CON_OUT_BYTES / 2)

void con_back_open(struct con_back *b, struct xencons_interface *page, struct con_limits limits, uint64_t now_ns)
{
	*b = (struct con_back){ .limits = limits, .allowed = limits.burst, .since_ns = now_ns };
	con_ring_open(&b->ring, page, CON_BACK);
}

static void grow(struct con_back *b, uint64_t now_ns)
{
	uint64_t missing = b->limits.burst - b->allowed, passed = now_ns - b->since_ns;
	/* Rounded up; longer than that is as long as that, and does not overflow. */
	uint64_t full_ns = missing * NS_PER_SECOND / b->limits.per_second + 1;

	if (passed >= full_ns) {
		b->allowed = b->limits.burst;
		b->since_ns = now_ns;
	} else {
		uint64_t gained = passed * b->limits.per_second / NS_PER_SECOND;

		b->allowed += gained;
		/* What is left of a byte is not lost. */
		b->since_ns += gained * NS_PER_SECOND / b->limits.per_second;
	}
}

int con_back_read(struct con_back *b, uint64_t now_ns, char *buf, uint32_t size)
{
	int n;

	if (!b->ends)
		grow(b, now_ns);
	if (b->allowed < (b->ends ? 1 : LEAST))
		return b->ends ? 0 : -XEN_EAGAIN;
	n = con_ring_read(&b->ring, buf, b->allowed < size ? (uint32_t)b->allowed : size);
	if (n > 0)
		b->allowed -= (uint32_t)n;
	return n;
}

void con_back_end(struct con_back *b)
{
	b->ends = true;
	b->allowed = CON_OUT_BYTES;
}
