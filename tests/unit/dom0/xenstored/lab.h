/* A store with clients and domains in one process: no sockets, no hypervisor.
 *
 * A peer is a connection whose bytes go through buffers; a domain's ring is a page of ours. After
 * every test lab_close() asks the store's own audit and ends everything. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/domain.h"
#include "dom0/xenstored/store.h"

#define LAB_DOMAINS 8

struct lab_domain {
	_Alignas(4096) unsigned char page[4096];
	enum domain_life life;
	bool mapped;
	uint32_t remote_port;
	unsigned int notified;
};

struct lab {
	struct store *s;
	struct ring_host host;
	struct lab_domain dom[LAB_DOMAINS];
	/* Runs inside a notification: what another CPU does in the middle of our work. */
	void (*meanwhile)(int domid);
};

struct peer {
	struct lab *lab;
	struct conn *conn;	/* NULL once closed */
	int why;
	bool deaf;		/* takes no output */
	size_t in_at, in_len, out_at, out_len;
	unsigned char in[1 << 16], out[1 << 20];
};

struct answer {
	struct xsd_sockmsg h;
	char body[XENSTORE_PAYLOAD_MAX + 1];
};

void lab_open(struct lab *lab);
void lab_close(struct lab *lab);
/* Again, in a successor's store. */
void lab_domains_open(struct lab *lab);
/* Fails the test if the audit complains. */
void lab_audit(struct lab *lab);

struct peer *peer_open(struct lab *lab, uint16_t domid);
void peer_close(struct peer *p);
/* Send raw bytes and let the store work until it rests. */
void peer_send(struct peer *p, const void *bytes, size_t len);
/* The next message to the peer; false: none. */
bool peer_take(struct peer *p, struct answer *a);

/* One request, its reply (events before it stay queued behind). Returns NULL or the error's name.
 * */
const char *ask(struct peer *p, uint32_t type, uint32_t tx, const void *body, size_t len,
		struct answer *a);
/* The same for one string literal, whose own NULs separate words, NUL at the end included. */
#define ASK(p, type, tx, text, a) ask((p), (type), (tx), (text), sizeof(text), (a))
/* Write without a NUL behind the value. */
#define WRITE(p, tx, text, a) ask((p), XS_WRITE, (tx), (text), sizeof(text) - 1, (a))
/* The error's name, or "" for success. */
const char *error_of(const char *err);
/* The next watch event as "path token", or "". */
const char *event_of(struct peer *p);
uint32_t tx_open(struct peer *p);
/* Domain @domid, after @dom0 has made its home /local/domain/@domid. */
struct peer *guest_open(struct peer *dom0, uint16_t domid);
