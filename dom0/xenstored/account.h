/* What each domain owns in the store, and its limits.
 *
 * One account a domain covers everything it can make the daemon keep: nodes and their bytes,
 * watches, transactions, unread replies and events. Domain 0 is counted but not limited.
 * A domain id is reused; the generation tells one holder of the id from the next. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

/* Domain ids of real domains are below this. */
#define DOMID_COUNT 0x7FF0u

struct account {
	int64_t nodes;
	int64_t bytes;		/* of nodes, watches, transactions and queued output */
	uint32_t watches;
	uint32_t txs;
};

struct accounts {
	struct account *slot[DOMID_COUNT];	/* NULL: never used */
	uint32_t gen[DOMID_COUNT];		/* ends of a domain with this id so far */
};

struct limits {
	uint32_t nodes, watches, txs, requests;
	uint32_t node_bytes;	/* name, value and permissions of one node */
	uint32_t perms;		/* entries of one node */
	uint32_t tx_nodes;	/* nodes one transaction touches */
	uint32_t bytes;		/* in all */
};
extern const struct limits store_limits;

/* Changes not yet charged: those of a transaction. */
struct ledger_line {
	uint16_t domid;
	int64_t nodes, bytes;
};
struct ledger {
	struct ledger_line *line;
	uint32_t count, room;
};

/* The account of @domid, made on first use. */
struct account *account_of(struct accounts *a, uint16_t domid);
/* Charge @nodes and @bytes (negative: give back), to the ledger @l or, NULL, to the account. */
void account_charge(struct accounts *a, struct ledger *l, uint16_t domid, int64_t nodes,
		    int64_t bytes);
/* May @domid take @nodes and @bytes more, what @l holds included? -ENOSPC: no. */
int account_may(struct accounts *a, const struct ledger *l, uint16_t domid, int64_t nodes,
		int64_t bytes) MUST_CHECK;
/* Charge the ledger's lines to the accounts and empty it. */
void ledger_settle(struct accounts *a, struct ledger *l);
void ledger_drop(struct ledger *l);
/* Free all accounts. */
void accounts_free(struct accounts *a);
