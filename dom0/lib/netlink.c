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

/* The kernel's answer: its error, or 0. */
static int answer(int fd)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		uint8_t rest[1024];
	} reply;
	ssize_t got = recv(fd, &reply, sizeof reply, 0);

	if (got < 0)
		return -errno;
	return (size_t)got < NLMSG_HDRLEN + sizeof reply.error || reply.header.nlmsg_type != NLMSG_ERROR ? -EPROTO :
	       reply.error.error;
}

int netlink_do(struct netlink *n)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err;

	if (fd < 0)
		return -errno;
	err = send(fd, n->bytes, n->header.nlmsg_len, 0) < 0 ? -errno : answer(fd);
	close(fd);
	return err;
}
