/* What each domain owns in the store: counting and limits. The contract is in account.h. */
#include "dom0/xenstored/account.h"

#include <errno.h>
#include <stdlib.h>
#include "dom0/lib/mem.h"

/* The first five are what toolstacks and guests know from Xen. */
const struct limits store_limits = {
	.nodes = 1000,
	.watches = 128,
	.txs = 10,
	.requests = 20,
	.node_bytes = 2048,
	.perms = 5,
	.tx_nodes = 1024,
	.bytes = 4u << 20,
};

struct account *account_of(struct accounts *a, uint16_t domid)
{
	if (!a->slot[domid])
		a->slot[domid] = mem_alloc(sizeof(struct account));
	return a->slot[domid];
}

static struct ledger_line *ledger_line(const struct ledger *l, uint16_t domid)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->line[i].domid == domid)
			return &l->line[i];
	return NULL;
}

static struct ledger_line *ledger_line_make(struct ledger *l, uint16_t domid)
{
	struct ledger_line *line = ledger_line(l, domid);

	if (line)
		return line;
	if (l->count == l->room) {
		l->room = l->room ? l->room * 2 : 4;
		l->line = mem_grow(l->line, l->room, sizeof *l->line);
	}
	line = &l->line[l->count++];
	*line = (struct ledger_line){ .domid = domid };
	return line;
}

void account_charge(struct accounts *a, struct ledger *l, uint16_t domid, int64_t nodes,
		    int64_t bytes)
{
	if (l) {
		struct ledger_line *line = ledger_line_make(l, domid);

		line->nodes += nodes;
		line->bytes += bytes;
	} else {
		struct account *acct = account_of(a, domid);

		acct->nodes += nodes;
		acct->bytes += bytes;
	}
}

int account_may(struct accounts *a, const struct ledger *l, uint16_t domid, int64_t nodes,
		int64_t bytes)
{
	const struct account *acct = account_of(a, domid);
	const struct ledger_line *line = l ? ledger_line(l, domid) : NULL;

	if (domid == 0)
		return 0;
	nodes += acct->nodes + (line ? line->nodes : 0);
	bytes += acct->bytes + (line ? line->bytes : 0);
	return nodes > store_limits.nodes || bytes > store_limits.bytes ? -ENOSPC : 0;
}

void ledger_settle(struct accounts *a, struct ledger *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		account_charge(a, NULL, l->line[i].domid, l->line[i].nodes, l->line[i].bytes);
	ledger_drop(l);
}

void ledger_drop(struct ledger *l)
{
	free(l->line);
	*l = (struct ledger){ 0 };
}

void accounts_free(struct accounts *a)
{
	for (uint32_t i = 0; i < DOMID_COUNT; i++) {
		free(a->slot[i]);
		a->slot[i] = NULL;
	}
}
