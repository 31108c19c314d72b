/* xenstored: whole requests, streams and rings from domain 0 and from guests, in turns.
 *
 * The input is a list of acts: a request put together from a dictionary or from the input's bytes,
 * raw bytes, a ring index, a domain's end, time. Guests are introduced first, as the toolstack
 * does it. Properties, beside the store's audit after every few acts:
 *  - a whole request gets exactly one answer, which repeats its ids;
 *  - a guest reads no node that its permissions do not give it, and changes none; who may what is
 *    judged anew, not by the code under test; what is domain 0's to ask is refused to guests;
 *  - a transaction that commits read what was still true then;
 *  - what the journal tells a successor is the tree.
 * Neighbours: lib/store_world.c plays the clients, lib/store_judge.c judges; store_state.c has hostile state files. */
#include "tests/fuzz/targets/target.h"

#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/xenstored/audit.h"
#include "dom0/xenstored/path.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/tx.h"
#include "tests/fuzz/targets/lib/store_judge.h"
#include "tests/fuzz/targets/lib/store_world.h"

static bool retargeted;		/* SET_TARGET: rights of the past are not known here */

/* ---- requests ---- */

static size_t word_put(struct input *in, char *to, size_t room)
{
	static const char *const words[] = { "/", "/local", "/local/domain", "/local/domain/1",
		"/local/domain/2", "/local/domain/3", "/local/domain/1/data", "/local/domain/2/x/y",
		"/local/domain/3/device/vif/0/state", "/tool", "/vm", "/a", "/a/b", "/a/b/c", "/shared", "/shared/x",
		"/shared/x/y", "/shared/x/y/z", "x",
		"data", "data/y", "device/vif/0", "@introduceDomain", "@releaseDomain", "0", "1", "2",
		"3", "4", "9", "n0", "n1", "n2", "b0", "b1", "r2", "w3", "r1", "n3", "T", "F", "token",
		"t", "check", "memreport", "quota", "help", "dump", "", "//", "/a/", "..", "@x" };
	unsigned int which = (unsigned int)take(in, 1);
	const unsigned int count = sizeof words / sizeof words[0];
	size_t n;

	if (which < 0xf0) {
		n = strlen(words[which % count]) + 1;
		if (n > room)
			return 0;
		memcpy(to, words[which % count], n);
		return n;
	}
	n = take(in, which & 1 ? 1 : 2) % 3000;
	n = n > room ? room : n;
	if (which & 2) {	/* a long run, to meet the limits */
		memset(to, 'a' + (int)(which & 3), n);
		return n;
	}
	const uint8_t *bytes = take_bytes(in, &n);

	memcpy(to, bytes, n);
	return n;
}

static uint32_t request_make(struct input *in, struct xsd_sockmsg *h, char *body)
{
	static const uint8_t common[] = { XS_WRITE, XS_READ, XS_RM, XS_SET_PERMS, XS_WATCH,
		XS_TRANSACTION_START, XS_TRANSACTION_END, XS_MKDIR };
	static uint32_t id;
	unsigned int shape = (unsigned int)take(in, 1), words = shape >> 5 & 3;
	size_t len = 0;

	h->type = shape & 0x10 ? (uint32_t)take(in, 1) % (XS_TYPE_COUNT + 2) : common[shape & 7];
	h->req_id = ++id;
	h->tx_id = shape & 8 ? (uint32_t)take(in, 1) % 12 : 0;
	for (unsigned int i = 0; i <= words; i++)
		len += word_put(in, body + len, XENSTORE_PAYLOAD_MAX - len);
	if (shape & 0x80 && len > 0)
		len--;		/* a value has no NUL behind it */
	h->len = (uint32_t)len;
	return h->type;
}

/* A successful read: was it this domain's to read? */
static void read_check(struct world *w, const struct actor *a, const struct xsd_sockmsg *h,
	const char *body)
{
	char path[PATH_ROOM];
	struct node *n;

	if (a->domid == 0 || h->tx_id || a->reply.type != h->type || retargeted)
		return;
	if (h->type != XS_READ && h->type != XS_DIRECTORY && h->type != XS_GET_PERMS &&
		h->type != XS_DIRECTORY_PART)
		return;
	HOLDS(path_canonical(body, a->domid, false, path) == 0);
	n = tree_find(w->s->root, path);
	HOLDS(n && judge_may(w->s, n, a->domid, PERM_READ));
	if (h->type == XS_READ)
		HOLDS(a->reply.len == n->value->len &&
			memcmp(a->body, n->value->data, n->value->len) == 0);
}

/* Requests that are domain 0's alone. */
static bool is_reserved(uint32_t type)
{
	return type == XS_CONTROL || type == XS_INTRODUCE || type == XS_RELEASE || type == XS_RESUME ||
	       type == XS_SET_TARGET;
}

static bool is_clean(struct world *w, const struct actor *a)
{
	const struct domain *d = domain_find(w->s, a->domid);
	const struct conn *c = a->domid ? (d ? d->conn : NULL) : a->conn;

	return c && !a->wild && !a->deaf && a->sent == a->replies && c->in_at == c->in_len &&
	       !c->out_first && a->in_at == a->in_len;
}

static void quota_check(const struct world *w, const struct actor *a)
{
	const struct account *acct = w->s->accounts.slot[a->domid];

	HOLDS(a->domid == 0 || !acct || acct->watches <= store_limits.watches);
	HOLDS(a->domid == 0 || !acct || acct->txs <= store_limits.txs);
}

static void request_act(struct world *w, struct actor *a, struct input *in)
{
	char body[XENSTORE_PAYLOAD_MAX + 1];
	struct xsd_sockmsg h;
	struct node *before = node_get(w->s->root);
	bool clean = is_clean(w, a), answered;
	uint32_t replies = a->replies;

	request_make(in, &h, body);
	body[h.len] = 0;
	answered = actor_ask(w, a, &h, body);
	quota_check(w, a);
	if (clean && is_clean(w, a)) {
		HOLDS(answered && a->replies == replies + 1);
		HOLDS(a->reply.req_id == h.req_id && a->reply.tx_id == h.tx_id);
		HOLDS(a->reply.type == h.type || a->reply.type == XS_ERROR);
		HOLDS(a->domid == 0 || !is_reserved(h.type) || a->reply.type == XS_ERROR);
		read_check(w, a, &h, body);
	}
	if (clean && is_clean(w, a))
		judge_request(a, &h, body, before);
	else
		judge_forget(a);
	retargeted = retargeted || h.type == XS_SET_TARGET;
	if (clean && a->domid != 0 && !retargeted)
		judge_changes(w->s, before, w->s->root, a->domid);
	node_put(before);
}

/* ---- the other acts ---- */

static void ring_act(struct world *w, struct actor *a, struct input *in)
{
	struct xenstore_domain_interface *r = actor_ring(w, a);
	uint32_t *const word[] = { &r->req_cons, &r->req_prod, &r->rsp_cons, &r->rsp_prod,
		&r->connection, &r->server_features, &r->error, &r->connection };
	unsigned int which = (unsigned int)take(in, 1) % 8;

	if (a->domid == 0)
		return;
	if (which == 7) {
		r->connection = XENSTORE_RECONNECT;	/* by the rules: it starts anew */
		actor_turn(w, a);
		a->box.len = 0;
		a->wild = a->deaf = false;
		a->replies = a->sent;
		return;
	}
	a->wild = true;
	*word[which] = (uint32_t)take(in, 4);
	actor_turn(w, a);
}

static void raw_act(struct world *w, struct actor *a, struct input *in)
{
	size_t n = take(in, 1);
	const uint8_t *bytes = take_bytes(in, &n);

	a->wild = true;
	(void)actor_put(w, a, bytes, n);
	actor_turn(w, a);
}

/* A payload above the limit ends the connection, whatever comes of it. */
static void oversize_act(struct world *w, struct actor *a, struct input *in)
{
	struct xsd_sockmsg h = { .type = XS_WRITE, .len = XENSTORE_PAYLOAD_MAX + 1 };
	bool clean = is_clean(w, a);
	size_t n;

	h.len += (uint32_t)take(in, 2);
	n = actor_put(w, a, &h, sizeof h);
	a->wild = true;
	actor_turn(w, a);
	if (clean && n == sizeof h)
		HOLDS(!actor_is_served(w, a));
}

/* More requests at once than are served in one turn. */
static void burst_act(struct world *w, struct actor *a, struct input *in)
{
	struct xsd_sockmsg h = { .type = XS_GET_DOMAIN_PATH, .len = 2 };
	unsigned int count = 1 + (unsigned int)take(in, 1) % 50;
	bool clean = is_clean(w, a);

	for (unsigned int i = 0; i < count; i++) {
		uint8_t msg[sizeof h + 2];

		memcpy(msg, &h, sizeof h);
		memcpy(msg + sizeof h, "1", 2);
		a->wild = actor_put(w, a, msg, sizeof msg) != sizeof msg || a->wild;
		a->sent++;
	}
	actor_turn(w, a);
	if (clean && !a->wild)
		HOLDS(a->sent == a->replies && a->reply.type == XS_GET_DOMAIN_PATH);
}

static void life_act(struct world *w, struct input *in)
{
	unsigned int domid = 1 + (unsigned int)take(in, 1) % (GUESTS - 1);

	w->life[domid] = (enum domain_life)(take(in, 1) % 4);
	domains_check(w->s);
	if (w->life[domid] == DOMAIN_GONE || w->life[domid] == DOMAIN_DYING) {
		struct account *acct = w->s->accounts.slot[domid];

		HOLDS(!acct || (!acct->nodes && !acct->watches && !acct->txs && !acct->bytes));
		memset(w->page[domid], 0, sizeof w->page[domid]);
		w->life[domid] = DOMAIN_RUNS;		/* the next of that id */
		for (int i = CLIENTS; i < ACTORS; i++)
			if (w->actor[i].domid == domid)
				judge_forget(&w->actor[i]);
		for (int i = CLIENTS; i < ACTORS; i++)
			if (w->actor[i].domid == domid)
				w->actor[i] = (struct actor){ .domid = (uint16_t)domid };
	}
}

static void other_act(struct world *w, struct actor *a, struct input *in, int what)
{
	judge_forget(a);
	switch (what) {
	case 0: raw_act(w, a, in); break;
	case 1: ring_act(w, a, in); break;
	case 2: a->deaf = !a->deaf; actor_turn(w, a); break;
	case 3: life_act(w, in); break;
	case 4:
		w->s->now_ns += take(in, 1) << 30;
		tx_age(w->s);
		break;
	case 5:
		if (a->domid == 0 && a->conn)
			conn_close(a->conn, 0);
		if (a->domid == 0) {
			actor_reopen(w, a);
			a->replies = a->sent;
		}
		break;
	case 6: oversize_act(w, a, in); break;
	case -1: burst_act(w, a, in); break;
	default: HOLDS(false);
	}
}

/* ---- the toolstack's part ---- */

static void dom0_ask(struct world *w, uint32_t type, const char *body, size_t len)
{
	struct xsd_sockmsg h = { .type = type, .len = (uint32_t)len };

	HOLDS(actor_ask(w, &w->actor[0], &h, body) && w->actor[0].reply.type == type);
}

/* Each guest gets its folder and its ring; domain 2 may read what is domain 1's. All may write in
 * one place, where their nodes lie beside each other. */
static void introduce_all(struct world *w)
{
	char body[64];
	int n;

	for (int domid = 1; domid < GUESTS; domid++) {
		n = snprintf(body, sizeof body, "/local/domain/%d", domid);
		dom0_ask(w, XS_MKDIR, body, (size_t)n + 1);
		n = snprintf(body, sizeof body, "/local/domain/%d%cn%d%cr2", domid, 0, domid, 0);
		dom0_ask(w, XS_SET_PERMS, body, (size_t)n + 1);
		n = snprintf(body, sizeof body, "%d%c0%c7", domid, 0, 0);
		dom0_ask(w, XS_INTRODUCE, body, (size_t)n + 1);
	}
	dom0_ask(w, XS_MKDIR, "/shared", 8);
	dom0_ask(w, XS_SET_PERMS, "/shared\0b0", 11);
	dom0_ask(w, XS_WRITE, "/local/domain/3/device/vif/0/state", 35);
	dom0_ask(w, XS_SET_PERMS, "/local/domain/3/device/vif/0/state\0n0\0r3", 41);
}

/* ---- the successor ---- */

static void successor_check(const struct store *s, const char *path)
{
	struct store *next = store_new();
	char why[256];

	HOLDS(state_load(next, path) == 0 && !store_audit(next, why, sizeof why));
	HOLDS(memcmp(next->accounts.gen, s->accounts.gen, sizeof s->accounts.gen) == 0);
	judge_same(next->root, s->root);
	store_free(next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	static char path[64];
	struct input in = { data, data + size };
	unsigned int flags = (unsigned int)take(&in, 1);

	if (!path[0]) {
		snprintf(path, sizeof path, "/tmp/fuzz-store-%d", (int)getpid());
		HOLDS(log_to_file("/dev/null") == 0);
	}
	retargeted = false;
	judge_open();
	world_open(&w);
	if (flags & 1)
		HOLDS(journal_open(w.s, path) == 0);
	introduce_all(&w);
	journal_commit(w.s);
	for (int n = 1; n < 250 && input_left(&in); n++) {
		unsigned int op = (unsigned int)take(&in, 1);
		struct actor *a = &w.actor[op % ACTORS];

		op /= ACTORS;
		if (op % 16 < 8)
			request_act(&w, a, &in);
		else
			other_act(&w, a, &in, (int)(op % 16) - 9);
		journal_commit(w.s);
		if (n % 16 == 0)
			world_audit(&w);
	}
	world_audit(&w);
	if (flags & 1 && w.s->journal) {
		successor_check(w.s, path);
		unlink(path);
	}
	judge_close();
	world_close(&w);
	return 0;
}
