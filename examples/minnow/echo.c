/* Received bytes are copied to the connection's own room, and sent from there: lwIP's buffers are held by no connection.
 *
 * INVARIANT: acked <= sent <= got <= acked + TCP_WND, for lwIP takes no more than the window that tcp_recved() opens. */
#include "examples/minnow/echo.h"

#include <lwip/tcp.h>

#define ROOM 65536u			/* >= TCP_WND, a power of two */
/* How often a connection for which nothing happens is looked at: twice a second is 1. */
#define POLL 1

struct echo {
	struct tcp_pcb *pcb;
	uint32_t acked, sent, got;	/* bytes, modulo 2^32 */
	bool ended;			/* nothing comes after these */
	uint8_t data[ROOM];
};

static struct pv_os *os;

static void part(struct echo *e)
{
	tcp_arg(e->pcb, NULL);
	tcp_recv(e->pcb, NULL);
	tcp_sent(e->pcb, NULL);
	tcp_err(e->pcb, NULL);
	tcp_poll(e->pcb, NULL, 0);
	/* What it cannot do at once, lwIP does later. */
	(void)tcp_close(e->pcb);
	os->free(os, e, sizeof *e);
}

/* Send what lwIP has room for; what it has not now, poll() finds. Part after the last. */
static void push(struct echo *e)
{
	err_t err = ERR_OK;

	while (e->sent != e->got && tcp_sndbuf(e->pcb) && !err) {
		uint32_t at = e->sent % ROOM, n = e->got - e->sent;

		n = LWIP_MIN(LWIP_MIN(n, ROOM - at), tcp_sndbuf(e->pcb));
		err = tcp_write(e->pcb, e->data + at, (u16_t)n, 0);
		if (!err)
			e->sent += n;
	}
	(void)tcp_output(e->pcb);
	if (e->ended && e->acked == e->got)
		part(e);
}

static void take(struct echo *e, struct pbuf *p)
{
	uint32_t at = e->got % ROOM;
	u16_t first = (u16_t)LWIP_MIN(p->tot_len, ROOM - at);

	LWIP_ASSERT("more than the window", e->got - e->acked + p->tot_len <= ROOM);
	pbuf_copy_partial(p, e->data + at, first, 0);
	pbuf_copy_partial(p, e->data, (u16_t)(p->tot_len - first), first);
	e->got += p->tot_len;
	pbuf_free(p);
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct echo *e = arg;

	(void)pcb;
	(void)err;
	if (p)
		take(e, p);
	else
		e->ended = true;
	push(e);
	return ERR_OK;
}

static err_t acknowledged(void *arg, struct tcp_pcb *pcb, u16_t n)
{
	struct echo *e = arg;

	e->acked += n;
	tcp_recved(pcb, n);
	push(e);
	return ERR_OK;
}

static err_t poll(void *arg, struct tcp_pcb *pcb)
{
	(void)pcb;
	push(arg);
	return ERR_OK;
}

/* The connection is gone by itself. */
static void gone(void *arg, err_t err)
{
	(void)err;
	os->free(os, arg, sizeof(struct echo));
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct echo *e = err || !pcb ? NULL : os->alloc(os, sizeof *e);

	(void)arg;
	if (!e)
		return ERR_MEM;	/* lwIP resets it */
	e->pcb = pcb;
	tcp_arg(pcb, e);
	tcp_recv(pcb, received);
	tcp_sent(pcb, acknowledged);
	tcp_err(pcb, gone);
	tcp_poll(pcb, poll, POLL);
	return ERR_OK;
}

void echo_open(struct pv_os *memory)
{
	struct tcp_pcb *pcb = tcp_new(), *listening = NULL;

	os = memory;
	if (pcb && tcp_bind(pcb, IP_ADDR_ANY, ECHO_PORT) == ERR_OK)
		listening = tcp_listen(pcb);
	LWIP_ASSERT("no memory to listen on a port", listening != NULL);
	tcp_accept(listening, accepted);
}
