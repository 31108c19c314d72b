/* The log: a ring of bytes, written to by every layer, read by dom0, echoed to the console.
 *
 * Rules: one lock, the last but nothing in rank, so that any code may log; no allocation. Byte
 * positions are 64-bit and never wrap. A guest's lines pass through its own budget first.
 * Neighbours: hv/core/panic.c; the console writer is registered by hv/boot. */
#include "hv/base/atomic.h"
#include "hv/base/math.h"
#include "hv/base/string.h"
#include "hv/core/lock.h"
#include "hv/core/log.h"
#include "hv/cpu/cpu.h"

#define RING_BYTES 32768u
#define LINE_BYTES 256

static struct lock log_lock = LOCK_INIT(RANK_LOG);
/* Under log_lock: */
static char ring[RING_BYTES];
static uint64_t ring_end, ring_floor;	/* bytes ever written; the oldest that may be read */
static enum log_level host_level = LOG_INFO, guest_level = LOG_WARN;
static void (*console)(const char *text, size_t n);
static void (*listener)(void);

void log_set_levels(enum log_level host, enum log_level guest)
{
	host_level = host;
	guest_level = guest;
}

void log_set_listener(void (*fn)(void))
{
	listener = fn;
}

void log_set_console(void (*write)(const char *text, size_t n))
{
	console = write;
}

void log_last_words(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ring[ring_end++ % RING_BYTES] = text[i];
}

void log_raw(const char *text, size_t n)
{
	lock(&log_lock);
	log_last_words(text, n);
	if (console)
		console(text, n);
	unlock(&log_lock);
	if (listener)
		listener();
}

void log_console(const char *text, size_t n)
{
	lock(&log_lock);
	if (console)
		console(text, n);
	unlock(&log_lock);
}

static void log_line(const char *prefix, const char *fmt, va_list ap)
{
	char line[LINE_BYTES];
	size_t n = format_string(line, sizeof line, "%s", prefix);
	n += format_string_v(line + n, sizeof line - n - 1, fmt, ap);
	line[n++] = '\n';
	log_raw(line, n);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	if (level > host_level)
		return;
	char prefix[40];
	uint64_t ns = cpu_time_ns();
	format_string(prefix, sizeof prefix, "(hv) [%5lu.%06lu] ", (unsigned long)(ns / 1000000000u),
		      (unsigned long)(ns / 1000 % 1000000u));
	va_list ap;
	va_start(ap, fmt);
	log_line(prefix, fmt, ap);
	va_end(ap);
}

bool log_budget_take(struct log_budget *b)
{
	const uint64_t second = 1000000000u;
	uint64_t now = cpu_time_ns(), seen = READ_ONCE(b->used_until_ns), next;
	do {
		next = max_u64(seen, now) + second;
		if (next > now + LOG_BURST * second) {
			ATOMIC_ADD(&b->dropped, 1u);
			return false;
		}
	} while (!ATOMIC_CAS(&b->used_until_ns, &seen, next));
	return true;
}

void log_guest(struct log_budget *b, domid_t domid, enum log_level level, const char *fmt, ...)
{
	if (level > guest_level || !log_budget_take(b))
		return;
	char prefix[64];
	uint32_t dropped = ATOMIC_XCHG(&b->dropped, 0u);
	if (dropped)
		format_string(prefix, sizeof prefix, "(d%u) (%u lines dropped) ", domid, dropped);
	else
		format_string(prefix, sizeof prefix, "(d%u) ", domid);
	va_list ap;
	va_start(ap, fmt);
	log_line(prefix, fmt, ap);
	va_end(ap);
}

void log_read(uint64_t *pos, char *out, size_t *n)
{
	lock(&log_lock);
	uint64_t oldest = ring_end > RING_BYTES ? ring_end - RING_BYTES : 0;
	if (oldest < ring_floor)
		oldest = ring_floor;
	if (*pos < oldest || *pos > ring_end)
		*pos = oldest;
	size_t count = 0;
	while (count < *n && *pos < ring_end)
		out[count++] = ring[(*pos)++ % RING_BYTES];
	*n = count;
	unlock(&log_lock);
}

void log_clear(void)
{
	lock(&log_lock);
	ring_floor = ring_end;
	unlock(&log_lock);
}
