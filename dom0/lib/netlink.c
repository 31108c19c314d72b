/* The contract is in netlink.h. */
#include "dom0/lib/netlink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Behind what is there, on a bound of four bytes. */
static void append(struct netlink *n, const void *data, uint32_t size)
{
	assert(n->header.nlmsg_len + NLMSG_ALIGN(size) <= sizeof n->bytes);
	if (size)
		memcpy(n->bytes + n->header.nlmsg_len, data, size);
	n->header.nlmsg_len += NLMSG_ALIGN(size);
}

void netlink_begin(struct netlink *n, uint16_t type, uint16_t flags, const void *body, uint32_t size)
{
	memset(n, 0, sizeof *n);
	n->header = (struct nlmsghdr){
		.nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST | NLM_F_ACK,
	};
	append(n, body, size);
}

void netlink_add(struct netlink *n, uint16_t type, const void *data, uint32_t size)
{
	struct nlattr a = { .nla_len = (uint16_t)(sizeof a + size), .nla_type = type };

	append(n, &a, sizeof a);
	append(n, data, size);
}

struct reply {
	union {
		struct nlmsghdr header;
		uint8_t bytes[16384];
	};
	uint32_t size;
};

static int exchange(const struct netlink *n, struct reply *r)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = send(fd, n->bytes, n->header.nlmsg_len, 0);
	if (got > 0)
		got = recv(fd, r->bytes, sizeof r->bytes, 0);
	if (got < 0)
		err = -errno;
	close(fd);
	r->size = (uint32_t)got;
	return err ? err : r->size < NLMSG_HDRLEN || r->header.nlmsg_len > r->size ? -EPROTO : 0;
}

/* An error is no answer, but what says whether a request was done. */
static int error_of(const struct reply *r)
{
	struct nlmsgerr e;

	if (r->header.nlmsg_type != NLMSG_ERROR)
		return 0;
	if (r->header.nlmsg_len < NLMSG_HDRLEN + sizeof e)
		return -EPROTO;
	memcpy(&e, r->bytes + NLMSG_HDRLEN, sizeof e);
	return e.error;
}

int netlink_do(struct netlink *n)
{
	struct reply r;
	int err = exchange(n, &r);

	return err ? err : error_of(&r);
}

int netlink_ask(struct netlink *n, void *body, uint32_t size, uint16_t type, uint32_t *value)
{
	uint32_t at = NLMSG_HDRLEN + NLMSG_ALIGN(size);
	struct nlattr a;
	struct reply r;
	int err = exchange(n, &r);

	if (!err)
		err = error_of(&r);
	if (err)
		return err;
	if (r.header.nlmsg_len < at)
		return -EPROTO;
	memcpy(body, r.bytes + NLMSG_HDRLEN, size);
	*value = 0;
	for (; at + sizeof a <= r.header.nlmsg_len; at += NLMSG_ALIGN(a.nla_len)) {
		memcpy(&a, r.bytes + at, sizeof a);
		if (a.nla_len < sizeof a || a.nla_len > r.header.nlmsg_len - at)
			return -EPROTO;
		if (a.nla_type == type && a.nla_len == sizeof a + sizeof *value)
			memcpy(value, r.bytes + at + sizeof a, sizeof *value);
	}
	return 0;
}
