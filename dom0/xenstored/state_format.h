/* The state file: what one daemon leaves for its successor, however it ended.
 *
 * The line STATE_MAGIC, then batches. A batch is records of {u32 tag, u32 length, bytes} and ends
 * with a STATE_COMMIT record; the first batch is the whole state, each later one what a round of
 * the event loop changed. A batch that is cut or whose checksum differs, and all behind it, counts
 * as not written. Unknown tags are skipped, so that an older daemon reads what a newer one wrote
 * as far as it can. Byte order is the machine's; a text is u32 length and bytes; perms are u32
 * count and {u32 domid, u32 access, u32 generation} each. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define STATE_MAGIC "bothy-xenstored-state 1\n"
#define STATE_HEADER 8u		/* u32 tag, u32 length */

enum state_tag {
	STATE_COMMIT = 1,	/* u64 checksum of the batch before it, u64 last generation */
	STATE_DOMAIN_GEN = 2,	/* u32 domid, u32 ends so far */
	STATE_SPECIAL = 3,	/* text name, perms */
	STATE_NODE = 4,		/* text path, u64 gen, u64 child_gen, perms, u32 length, value */
	STATE_RM = 5,		/* text path */
	STATE_DOMAIN = 6,	/* u32 domid, remote port, target, flags; again: replaces those */
	STATE_DOMAIN_END = 7,	/* u32 domid */
	STATE_WATCH = 8,	/* u32 domid, text path, u32 strip, text token */
	STATE_UNWATCH = 9,	/* u32 domid, text path, text token */
	STATE_TX = 10,		/* u32 domid, u32 id, u32 1 open or 0 ended */
	STATE_STREAMS = 11,	/* u32 domid, u32 length, input not served, output not sent */
};

/* Flags of STATE_DOMAIN. */
#define STATE_SHUT_DOWN 1u
#define STATE_BROKEN 2u		/* it broke its ring: not served */

static inline uint64_t state_checksum(const uint8_t *bytes, size_t len)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 1099511628211u;
	return h;
}
