/* Records of the state file: state.h says what it is, here are its numbers. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define STATE_MAGIC "bothy-xenstored-state 1\n"
#define STATE_HEADER 8u		/* u32 tag, u32 length */

enum state_tag {
	STATE_GLOBAL = 1,	/* u64 last generation */
	STATE_DOMAIN_GEN = 2,	/* u32 domid, u32 ends so far */
	STATE_SPECIAL = 3,	/* text name, perms */
	STATE_NODE = 4,		/* text path, u64 gen, u64 child_gen, perms, u32 length, value */
	STATE_DOMAIN = 5,	/* u32 domid, remote port, target, flags, req_cons, rsp_prod, last tx */
	STATE_WATCH = 6,	/* u32 domid, text path, u32 strip, text token, u32 lost */
	STATE_INPUT = 7,	/* u32 domid, bytes read and not served */
	STATE_OUTPUT = 8,	/* u32 domid, bytes of one message not sent */
	STATE_TX = 9,		/* u32 domid, u32 id */
	STATE_END = 10,		/* u64 checksum of all before this record */
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
