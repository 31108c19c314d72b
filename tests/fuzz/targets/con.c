/* The console's ring and back end, over what the other end writes into the page; the front end, too.
 *
 * The input first sets the page and chooses the end that is judged, then lists what both ends do: the other one keeps to the
 * protocol until it writes whatever it likes. The reference is the page itself and copies of our two indices: what is read is
 * what the stream holds; nothing is written but free bytes of the own stream, and at a push the own indices; an index that
 * cannot be breaks the ring for good. A back end reads no more than its allowance, dies and comes back. While the other end
 * keeps to the protocol, it is woken for what it waits for. */
#include "tests/fuzz/targets/target.h"

#include "pvdrivers/con_back.h"

uint64_t fuzz_states;

static const struct con_limits limits = { 5000, 1000 };
static union {
	struct xencons_interface ring;
	uint8_t bytes[PV_PAGE];
} shared;
static struct con_back back;		/* or a front end's ring, in back.ring */
static bool is_back, broken;
static uint64_t now_ns, taken, lives;	/* bytes read by back ends, and how many of them there were */
/* Waiting, as the protocol allows it: the other end found nothing, and has not been notified. */
static bool honest, waits_for_bytes, waits_for_room;

/* The own indices, and the other's, by stream; and the streams. */
static uint32_t *own_cons, *own_prod, *their_prod, *their_cons;
static uint8_t *reads, *writes;
static uint32_t read_size, write_size;

static void streams_set(void)
{
	struct xencons_interface *p = &shared.ring;

	own_cons = is_back ? &p->out_cons : &p->in_cons;
	own_prod = is_back ? &p->in_prod : &p->out_prod;
	their_prod = is_back ? &p->out_prod : &p->in_prod;
	their_cons = is_back ? &p->in_cons : &p->out_cons;
	reads = (uint8_t *)(is_back ? p->out : p->in);
	writes = (uint8_t *)(is_back ? p->in : p->out);
	read_size = is_back ? CON_OUT_BYTES : CON_IN_BYTES;
	write_size = is_back ? CON_IN_BYTES : CON_OUT_BYTES;
}

/* The page is as in @before, but for @n bytes at the index @at of the own stream. */
static void unchanged(const uint8_t *before, uint32_t at, uint32_t n)
{
	static uint8_t want[PV_PAGE];

	memcpy(want, before, PV_PAGE);
	for (uint32_t i = 0; i < n; i++)
		want[writes - shared.bytes + (at + i) % write_size] = writes[(at + i) % write_size];
	HOLDS(memcmp(want, shared.bytes, PV_PAGE) == 0);
}

/* ---- our end ---- */

static void look_at_read(uint32_t size)
{
	static uint8_t before[PV_PAGE];
	uint8_t *buf = malloc(size + !size);
	uint32_t at = back.ring.reads.at, ready = *their_prod - at;
	int n;

	HOLDS(buf);
	fuzz_states++;
	memcpy(before, shared.bytes, PV_PAGE);
	n = is_back ? con_back_read(&back, now_ns, (char *)buf, size) : con_ring_read(&back.ring, (char *)buf, size);
	if (n == -XEN_EAGAIN)
		HOLDS(is_back && back.ring.reads.at == at);
	else if (broken || ready > read_size)
		HOLDS(n == -XEN_EBADMSG && (broken = true));
	else
		HOLDS(n >= 0 && (uint32_t)n <= size && (uint32_t)n <= ready && (n > 0 || ready == 0 || size == 0));
	for (int i = 0; i < n; i++)
		HOLDS(buf[i] == reads[(at + (uint32_t)i) % read_size]);
	HOLDS(back.ring.reads.at == at + (n > 0 ? (uint32_t)n : 0));
	taken += n > 0 ? (uint32_t)n : 0;
	HOLDS(!is_back || taken <= lives * limits.burst + now_ns / 1000000);
	unchanged(before, 0, 0);
	free(buf);
}

static void look_at_write(struct input *in, size_t size)
{
	static uint8_t before[PV_PAGE];
	const uint8_t *bytes = take_bytes(in, &size);
	uint32_t at = back.ring.writes.at, unread = at - *their_cons, room = write_size - unread;
	int n;

	memcpy(before, shared.bytes, PV_PAGE);
	n = con_ring_write(&back.ring, (const char *)bytes, (uint32_t)size);
	if (broken || unread > write_size)
		HOLDS(n == -XEN_EBADMSG && (broken = true));
	else
		HOLDS(n >= 0 && (uint32_t)n == (room < size ? room : size));
	for (int i = 0; i < n; i++)
		HOLDS(writes[(at + (uint32_t)i) % write_size] == bytes[i]);
	HOLDS(back.ring.writes.at == at + (n > 0 ? (uint32_t)n : 0));
	unchanged(before, at, n > 0 ? (uint32_t)n : 0);
	HOLDS(con_ring_room(&back.ring) == (broken ? -XEN_EBADMSG : (int)room - n));
}

static void look_at_push(void)
{
	static uint8_t before[PV_PAGE];
	const struct con_ring *r = &back.ring;
	bool moved = r->reads.at != r->reads.told || r->writes.at != r->writes.told, notify;

	memcpy(before, shared.bytes, PV_PAGE);
	notify = con_ring_push(&back.ring);
	HOLDS(!notify || (moved && !broken));
	if (moved && !broken) {
		HOLDS(*own_cons == r->reads.at && *own_prod == r->writes.at);
		memcpy(before + ((uint8_t *)own_cons - shared.bytes), own_cons, 4);
		memcpy(before + ((uint8_t *)own_prod - shared.bytes), own_prod, 4);
	}
	unchanged(before, 0, 0);
	if (notify)
		waits_for_bytes = waits_for_room = false;
	if (honest) {
		HOLDS(!waits_for_bytes || *own_prod == *their_cons);
		HOLDS(!waits_for_room || *their_prod - *own_cons == read_size);
	}
}

/* The end dies, what it has not pushed with it, or before it tells what it has. Its successor notifies once. */
static void die(bool pushed)
{
	if (pushed)
		(void)!con_ring_push(&back.ring);
	con_back_open(&back, &shared.ring, limits, now_ns);
	if (!is_back)
		con_ring_open(&back.ring, &shared.ring, CON_FRONT);
	broken = false;
	lives++;
	look_at_push();
}

/* ---- the other end ---- */

/* By the rules: it takes and prints, and waits if there is nothing to take, or no room. */
static void other_moves(struct input *in, uint32_t n)
{
	uint32_t ready = *own_prod - *their_cons, room = read_size - (*their_prod - *own_cons);

	*their_cons += n < ready ? n : ready;
	waits_for_bytes = *own_prod == *their_cons;
	for (; n > 0 && room > 0 && room <= read_size; n--, room--)
		reads[(*their_prod)++ % read_size] = (uint8_t)(take(in, 1) + n);
	waits_for_room = room == 0;
}

/* Any index, an edge of what can be, or any byte. */
static void other_lies(struct input *in, uint32_t n)
{
	static const uint32_t edge[] = { 1, 1024, 1025, 2048, 2049, 0x80000000, 0xffffffff };
	uint32_t far = edge[n / 8 % 7];

	honest = false;
	switch (n % 8) {
	case 0: case 1: case 2: case 3:
		*(&shared.ring.in_cons + n % 4) = (uint32_t)take(in, 4);
		break;
	case 4:
		*their_prod = back.ring.reads.at + far;
		break;
	case 5:
		*their_cons = back.ring.writes.at - far;
		break;
	default:
		shared.bytes[take(in, 2) % PV_PAGE] = (uint8_t)n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	unsigned int how = (unsigned int)take(&in, 1);
	uint32_t at = how & 4 ? (uint32_t)take(&in, 4) : 0xfffffff0u;

	is_back = how & 1;
	streams_set();
	memset(&shared, 0, sizeof shared);
	shared.ring.in_cons = shared.ring.in_prod = at;
	shared.ring.out_cons = shared.ring.out_prod = ~at;
	now_ns = taken = lives = 0;
	honest = true;
	waits_for_bytes = waits_for_room = false;
	die(false);
	for (int steps = 0; steps < 200 && input_left(&in); steps++) {
		unsigned int op = (unsigned int)take(&in, 1);
		uint32_t n = (uint32_t)take(&in, op & 0x80 ? 2 : 1) % 4000;

		switch (op % 8) {
		case 0: look_at_read(n); break;
		case 1: look_at_write(&in, n); break;
		case 2: case 3: look_at_push(); break;
		case 4: now_ns += n * 1000000ull; break;
		case 5: other_lies(&in, n); break;
		case 6: op & 0x40 ? die(op & 0x20) : other_moves(&in, n); break;
		default: other_moves(&in, n); break;
		}
	}
	return 0;
}
