/* The contract is in fake_doors.h; the doors' own in dom0/lib. */
#include "tests/unit/dom0/backendd/fake_doors.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dom0/lib/evtchn.h"
#include "dom0/lib/gntdev.h"
#include "dom0/lib/interface.h"
#include "dom0/lib/route.h"
#include "dom0/lib/tun.h"
#include "tests/unit/check_main.h"

struct fake_doors fake_doors;

static int null_open(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int gntdev_open(struct gntdev *g)
{
	g->fd = fake_doors.no_gntdev ? -ENOENT : null_open();
	return g->fd < 0 ? g->fd : 0;
}

void gntdev_close(struct gntdev *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}

int gntdev_reserve(struct gntdev *g, uint16_t domid, const uint32_t *ref, uint32_t count, uint64_t *index)
{
	uint32_t place = ref[0];

	(void)g;
	if (++fake_doors.calls == fake_doors.fails_at)
		return -ENOMEM;
	fake_doors.domid = domid;
	fake_doors.first_ref = ref[0];
	fake_doors.last_ref = ref[count - 1];
	while (fake_doors.at[place])
		place++;
	ck_assert_uint_lt(place, ARRAY_LEN(fake_doors.at));
	fake_doors.at[place] = count;
	fake_doors.reserved += count;
	*index = (uint64_t)place * 4096;
	return 0;
}

int gntdev_unreserve(struct gntdev *g, uint64_t index, uint32_t count)
{
	(void)g;
	if (index % 4096 || index / 4096 >= ARRAY_LEN(fake_doors.at) || !count || fake_doors.at[index / 4096] != count)
		return -ENOENT;
	fake_doors.at[index / 4096] = 0;
	fake_doors.reserved -= count;
	return 0;
}

int evtchn_open(struct evtchn *e)
{
	e->fd = fake_doors.no_evtchn ? -ENOENT : null_open();
	return e->fd < 0 ? e->fd : 0;
}

void evtchn_close(struct evtchn *e)
{
	close(e->fd);
}

int evtchn_restrict(struct evtchn *e, uint16_t domid)
{
	(void)e;
	fake_doors.domid = domid;
	return 0;
}

int tun_open(const char *name, unsigned int queues, bool fresh, int fd[])
{
	(void)name;
	if (fake_doors.tun_err)
		return fake_doors.tun_err;
	fake_doors.tuns++;
	fake_doors.queues = queues;
	fake_doors.fresh = fresh;
	for (unsigned int i = 0; i < queues; i++)
		fd[i] = null_open();
	return 0;
}

int interface_set(const char *name, const struct interface_setting *s)
{
	snprintf(fake_doors.set, sizeof fake_doors.set, "%s %s %02x..%02x %u %u", name, s->bridge ? s->bridge : "-", s->mac[0], s->mac[5],
		 s->queue_packets, s->gso_bytes);
	return fake_doors.set_err;
}

int interface_remove(const char *name)
{
	size_t n = strlen(fake_doors.removed);

	snprintf(fake_doors.removed + n, sizeof fake_doors.removed - n, "%s ", name);
	return 0;
}

/* ---- routes: this process has but one interface, lo, which stands for all ---- */

static void route_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void route_note(const char *fmt, ...)
{
	size_t n = strlen(fake_doors.routes);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake_doors.routes + n, sizeof fake_doors.routes - n, fmt, ap);
	va_end(ap);
}

int route_find(const struct net_address *a, uint32_t *index)
{
	(void)a;
	if (!fake_doors.find_err)
		*index = fake_doors.uplink ? if_nametoindex(fake_doors.uplink) : 0;
	return fake_doors.find_err;
}

int route_add(const struct net_address *a, uint32_t index)
{
	char text[NET_ADDRESS_TEXT];

	(void)index;
	net_address_format(a, text);
	route_note("add %s;", text);
	return fake_doors.add_err;
}

int route_proxy(const struct net_address *a, uint32_t index, bool on)
{
	char text[NET_ADDRESS_TEXT];

	net_address_format(a, text);
	route_note("proxy %s %u %d;", text, index, on);
	return fake_doors.proxy_err;
}

int route_serve(const char *name, bool ipv6)
{
	route_note("serve %s %d;", name, ipv6);
	return fake_doors.serve_err;
}

int route_masquerade(const struct net_address *a, const char *name, bool on)
{
	char text[NET_ADDRESS_TEXT];

	net_address_format(a, text);
	route_note("nat %s %s %d;", text, name, on);
	return fake_doors.masquerade_err;
}
