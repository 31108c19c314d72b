/* What of lwIP this kernel has: IPv4, ICMP, TCP, DHCP; no thread, no heap but its own arrays, whose sizes stand here.
 * Spec: lwip/opt.h. */
#pragma once
#include <stdint.h>

#define NO_SYS				1
#define SYS_LIGHTWEIGHT_PROT		0
#define LWIP_NETCONN			0
#define LWIP_SOCKET			0
#define LWIP_STATS			0
#define LWIP_SINGLE_NETIF		1
#define LWIP_NETIF_STATUS_CALLBACK	1

/* Bytes on their way: packets received, packets to be sent. */
#define MEM_ALIGNMENT			8
#define MEM_SIZE			(1024 * 1024)
#define PBUF_POOL_SIZE			256
#define MEMP_NUM_PBUF			64

#define MEMP_NUM_TCP_PCB		32
#define MEMP_NUM_TCP_PCB_LISTEN		2
#define MEMP_NUM_TCP_SEG		1024
#define TCP_MSS				1460
#define TCP_WND				(44 * TCP_MSS)
#define TCP_SND_BUF			(44 * TCP_MSS)
#define TCP_LISTEN_BACKLOG		1

/* DHCP's servers look whether an address is free; a second look would take a second. */
#define LWIP_DHCP			1
#define DHCP_DOES_ARP_CHECK		0

/* Which check sums are looked at is said for each packet: see inet.c. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF	1

uint32_t inet_random(void);
#define LWIP_RAND()			inet_random()
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) inet_random()
