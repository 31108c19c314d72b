/* One request of rtnetlink, built and done. Spec: netlink(7), rtnetlink(7). */
#pragma once
#include <linux/netlink.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

struct netlink {
	union {
		struct nlmsghdr header;
		uint8_t bytes[512];
	};
};

/* Begin a request of @type (RTM_*) with NLM_F_* @flags, about @body of @size bytes. */
void netlink_begin(struct netlink *n, uint16_t type, uint16_t flags, const void *body, uint32_t size);
/* Add an attribute. All of a request must fit in it. */
void netlink_add(struct netlink *n, uint16_t type, const void *data, uint32_t size);
/* Have it done: 0, or the kernel's -Exxx. */
int netlink_do(struct netlink *n) MUST_CHECK;
/* Have it answered: the answer's @body of @size bytes, and *value of its attribute @type, 0 if there is none. */
int netlink_ask(struct netlink *n, void *body, uint32_t size, uint16_t type, uint32_t *value) MUST_CHECK;
