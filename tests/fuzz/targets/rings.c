/* The store's shared ring, what consoled keeps of a guest's words, and the index arithmetic of the drivers' rings.
 *
 * The input first sets the page, indices included, then lists what the guest and the daemon do.
 * The reference is a queue of bytes for each direction: while the guest keeps to the protocol,
 * what is taken is exactly what was put; when it does not, the answer is -EPROTO and nothing
 * moves. The daemon writes its own two indices and free bytes of its own stream, nothing else. */
#include "tests/fuzz/targets/target.h"

#include <errno.h>
#include "dom0/consoled/scrollback.h"
#include "dom0/xenstored/ring.h"
#include "protocol/io/ring.h"

/* The ring seen from outside: two streams. */
struct view {
	uint8_t *page;
	size_t page_size;
	uint8_t *in, *out;		/* from the guest, to the guest */
	uint32_t in_size, out_size;
	uint32_t *in_cons, *in_prod, *out_cons, *out_prod;
	struct ring *ring;
	const uint32_t *own_cons, *own_prod;	/* the daemon's own indices */
};

static void view_store(struct view *v, struct xenstore_domain_interface *p, struct ring *r)
{
	*v = (struct view){ (uint8_t *)p, sizeof *p, (uint8_t *)p->req, (uint8_t *)p->rsp,
		sizeof p->req, sizeof p->rsp, &p->req_cons, &p->req_prod, &p->rsp_cons,
		&p->rsp_prod, r, &r->req_cons, &r->rsp_prod };
	ring_attach(r, p);
}

/* ---- what the daemon does ---- */

/* The daemon may have published its index @own: the only word of the page it writes besides data. */
static void published(const struct view *v, uint8_t *want, const uint32_t *index, uint32_t own)
{
	if (*index == own)
		memcpy(want + ((const uint8_t *)index - v->page), index, sizeof *index);
}

static void daemon_reads(const struct view *v, size_t size)
{
	uint32_t cons = *v->own_cons, ready = *v->in_prod - cons;
	uint8_t *before = malloc(v->page_size), *buf = malloc(size + !size);

	HOLDS(before && buf);
	memcpy(before, v->page, v->page_size);
	ssize_t n = ring_read(v->ring, buf, size);

	if (ready > v->in_size) {
		HOLDS(n == -EPROTO && *v->own_cons == cons);
	} else {
		HOLDS(n >= 0 && (size_t)n == (ready < size ? ready : size));
		HOLDS(*v->own_cons == cons + (uint32_t)n);
		for (uint32_t i = 0; i < (uint32_t)n; i++)
			HOLDS(buf[i] == v->in[(cons + i) % v->in_size]);
		HOLDS(n == 0 || *v->in_cons == cons + (uint32_t)n);
		published(v, before, v->in_cons, *v->own_cons);
	}
	HOLDS(memcmp(before, v->page, v->page_size) == 0);
	free(before);
	free(buf);
}

static void daemon_writes(const struct view *v, struct input *in, size_t size)
{
	uint32_t prod = *v->own_prod, used = prod - *v->out_cons;
	uint8_t *want = malloc(v->page_size);
	const uint8_t *bytes = take_bytes(in, &size);

	HOLDS(want);
	memcpy(want, v->page, v->page_size);
	ssize_t n = ring_write(v->ring, bytes, size);

	if (used > v->out_size) {
		HOLDS(n == -EPROTO && *v->own_prod == prod);
	} else {
		uint32_t room = v->out_size - used;

		HOLDS(n >= 0 && (size_t)n == (room < size ? room : size));
		HOLDS(*v->own_prod == prod + (uint32_t)n);
		for (uint32_t i = 0; i < (uint32_t)n; i++)
			want[(size_t)(v->out - v->page) + (prod + i) % v->out_size] = bytes[i];
		HOLDS(n == 0 || *v->out_prod == prod + (uint32_t)n);
		published(v, want, v->out_prod, *v->own_prod);
	}
	HOLDS(memcmp(want, v->page, v->page_size) == 0);
	free(want);
}

/* ---- what the guest does: by the rules, or whatever it likes ---- */

static void guest_acts(const struct view *v, unsigned int how, struct input *in)
{
	uint32_t n = (uint32_t)take(in, 1), *const index[] = { v->in_cons, v->in_prod, v->out_cons,
		v->out_prod };

	if (how & 1) {
		*index[n % 4] = (uint32_t)take(in, 4);
	} else if (how & 2) {
		uint32_t ready = *v->out_prod - *v->out_cons;

		*v->out_cons += n < ready ? n : ready;
	} else {
		for (; n > 0 && *v->in_prod - *v->in_cons < v->in_size; n--)
			v->in[(*v->in_prod)++ % v->in_size] = (uint8_t)take(in, 1);
	}
}

static void ring_run(const struct view *v, struct input *in)
{
	for (int steps = 0; steps < 50 && input_left(in); steps++) {
		unsigned int op = (unsigned int)take(in, 1);
		size_t size = take(in, op & 0x80 ? 2 : 1) % 3000;

		switch (op % 4) {
		case 0: daemon_reads(v, size); break;
		case 1: daemon_writes(v, in, size); break;
		default: guest_acts(v, op >> 2, in); break;
		}
	}
}

/* ---- the console's scrollback: the newest bytes by number, which readers follow ---- */

/* Byte number n has the value n * 7; what is read from @at on is that. */
static void scrollback_follow(const struct scrollback *s, uint32_t at, size_t most)
{
	size_t n;

	HOLDS(scrollback_has(s, at) == (at - scrollback_start(s) <= s->len));
	if (!scrollback_has(s, at))
		return;
	do {
		const char *piece = scrollback_piece(s, at, &n);

		HOLDS(n <= s->len && (n > 0 || at == s->end));
		for (size_t i = 0; i < n; i++)
			HOLDS(piece[i] == (char)((at + i) * 7));
		at += (uint32_t)n;
		most -= n < most ? n : most;
	} while (n > 0 && most > 0);
}

static void scrollback_run(struct input *in)
{
	static struct scrollback s;
	uint32_t start = (uint32_t)take(in, 4), reader = start;
	uint64_t put = 0;

	scrollback_open(&s, start);
	for (int steps = 0; steps < 30 && input_left(in); steps++) {
		static char chunk[2 * SCROLLBACK_BYTES];
		unsigned int op = (unsigned int)take(in, 1);
		size_t len = (take(in, 2) << (op >> 1 & 1)) >> (op >> 2 & 15);

		if (op & 1) {
			for (size_t i = 0; i < len; i++)
				chunk[i] = (char)((s.end + i) * 7);
			scrollback_put(&s, chunk, len);
			put += len;
		} else {
			reader = op & 0x80 ? (uint32_t)take(in, 4) : reader + (uint32_t)len;
			scrollback_follow(&s, reader, len);
		}
		HOLDS(s.end == start + (uint32_t)put);
		HOLDS(s.len == (put < SCROLLBACK_BYTES ? put : SCROLLBACK_BYTES));
	}
	scrollback_follow(&s, scrollback_start(&s), SIZE_MAX);
}

/* ---- ring.h ---- */

static void arithmetic(struct input *in)
{
	size_t ring = 64 + take(in, 3), entry = 1 + take(in, 2);
	uint32_t from = (uint32_t)take(in, 4), to = from + (uint32_t)take(in, 2);
	uint32_t event = from + (uint32_t)take(in, 3);
	uint32_t n = ring_entries(ring, entry);

	HOLDS(n >= 1 && (n & (n - 1)) == 0);
	HOLDS(n == 1 || 64 + n * entry <= ring);
	HOLDS(64 + 2ull * n * entry > ring);
	HOLDS(ring_distance(from, to) == to - from);
	/* Some index in (from, to] is the event. */
	HOLDS(!!ring_must_notify(from, to, event) == (event != from && event - from <= to - from));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct xenstore_domain_interface store;
	struct input in = { data, data + size };
	struct ring store_ring;
	unsigned int what = (unsigned int)take(&in, 1);
	uint32_t at = what & 4 ? (uint32_t)take(&in, 4) : 0xfffffff0u;
	struct view v;

	memset(&store, 0, sizeof store);
	store.req_cons = store.req_prod = at;
	store.rsp_cons = store.rsp_prod = ~at;
	switch (what % 4) {
	case 2: scrollback_run(&in); break;
	case 3: arithmetic(&in); break;
	default: view_store(&v, &store, &store_ring); ring_run(&v, &in); break;
	}
	return 0;
}
