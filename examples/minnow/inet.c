/* Between the front end's packets and lwIP's. */
#include "examples/minnow/inet.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/pbuf.h>
#include <lwip/timeouts.h>
#include <string.h>
#include "examples/minnow/address.h"
#include "examples/pv/print.h"

#define NS_PER_MS 1000000u

/* lwIP's own doors have no argument. */
static struct inet *only;

static uint64_t random_state;

/* A generator, not a source of secrets: this kernel has none. */
uint32_t inet_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32);
}

uint32_t sys_now(void)
{
	return (uint32_t)(only->now_ns() / NS_PER_MS);
}

/* ---- packets ---- */

static err_t send(struct netif *netif, struct pbuf *p)
{
	struct inet *n = netif->state;
	struct net_piece piece[NET_SLOTS_MAX];
	struct net_packet packet = { .piece = piece };

	for (; p && packet.pieces < NET_SLOTS_MAX; p = p->next)
		piece[packet.pieces++] = (struct net_piece){ p->payload, p->len };
	if (p)
		return ERR_BUF;
	switch (vif_front_send(&n->vif, &packet)) {
	case 0:
		return ERR_OK;
	case -XEN_EAGAIN:
		return ERR_MEM;
	default:
		return ERR_IF;
	}
}

/* Which check sums lwIP looks at: a packet from a kernel beside us has none yet, and was on no wire. */
static void checks_set(struct netif *netif, const struct net_offload *o)
{
	uint16_t by_us = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;

	NETIF_SET_CHECKSUM_CTRL(netif, o->csum_valid ? NETIF_CHECKSUM_ENABLE_ALL & ~by_us : NETIF_CHECKSUM_ENABLE_ALL);
}

static void received(struct vif_front *v, const struct net_packet *packet)
{
	struct inet *n = PV_CONTAINER_OF(v, struct inet, vif);
	const struct net_piece *whole = &packet->piece[0];
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (uint16_t)whole->bytes, PBUF_POOL);

	if (!p)
		return;
	checks_set(&n->netif, &packet->offload);
	if (pbuf_take(p, whole->addr, (uint16_t)whole->bytes) || n->netif.input(p, &n->netif))
		pbuf_free(p);
}

/* ---- the interface ---- */

static err_t init(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 'n';
	netif->output = etharp_output;
	netif->linkoutput = send;
	netif->mtu = 1500;
	netif->hwaddr_len = ETH_HWADDR_LEN;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
	return ERR_OK;
}

static void status(struct netif *netif)
{
	struct inet *n = netif->state;
	uint32_t a = lwip_ntohl(netif_ip4_addr(netif)->addr);
	bool now = netif_is_up(netif) && netif_is_link_up(netif) && a;

	if (now && !n->has_address)
		print("minnow: net: %u.%u.%u.%u\n", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
	n->has_address = now;
}

static void up(struct inet *n)
{
	memcpy(n->netif.hwaddr, n->vif.mac, sizeof n->vif.mac);
	netif_set_link_up(&n->netif);
	netif_set_up(&n->netif);
	if (n->dhcp && dhcp_start(&n->netif))
		print("minnow: net: DHCP has no memory\n");
}

static void changed(struct vif_front *v)
{
	struct inet *n = PV_CONTAINER_OF(v, struct inet, vif);

	if (v->usable) {
		up(n);
	} else {
		print("minnow: net: it goes away\n");
		netif_set_link_down(&n->netif);
		netif_set_down(&n->netif);
	}
}

int inet_open(struct inet *n, struct pv_os *os, const char *path, const char *address, uint64_t (*now_ns)(void))
{
	uint32_t host = 0, mask = 0;
	ip4_addr_t a, m, none = { 0 };

	if (address && !address_parse(address, &host, &mask))
		return -XEN_EINVAL;
	*n = (struct inet){
		.vif = { .tx_buffers = 128, .rx_buffers = 128, .changed = changed, .received = received },
		.now_ns = now_ns, .dhcp = !address,
	};
	only = n;
	random_state = now_ns() | 1;
	a.addr = lwip_htonl(host);
	m.addr = lwip_htonl(mask);
	lwip_init();
	netif_add(&n->netif, &a, &m, &none, n, init, netif_input);
	netif_set_default(&n->netif);
	netif_set_status_callback(&n->netif, status);
	return vif_front_open(&n->vif, os, path);
}

void inet_run(struct inet *n)
{
	if (n->vif.again)
		vif_front_run(&n->vif);
	sys_check_timeouts();
}

uint64_t inet_deadline_ns(const struct inet *n)
{
	uint32_t ms = sys_timeouts_sleeptime();

	if (n->vif.again)
		return 0;
	return ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? UINT64_MAX : n->now_ns() + (uint64_t)ms * NS_PER_MS;
}
