/* The contract is in secondary.h.
 *
 * An event only says which devices to look at; what is done follows from the store as it is then, once for all events that
 * came meanwhile, so that a guest that writes its state without end has its turn as others have. */
#include "dom0/consoled/secondary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/console_link.h"
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "protocol/io/xenbus.h"
#include "protocol/xen.h"

#define PATH 96

struct secondary {
	struct secondary *next;
	uint16_t domid;
	uint32_t number;
	bool due;		/* to be looked at */
	uint64_t state;		/* of ours, as the store has it */
	struct log_limit connections;
};

/* Nodes of the two directories. */
static void back_path(const struct secondary *s, const char *node, char path[PATH])
{
	snprintf(path, PATH, SECONDARIES_DIR "/%u/%u%s", s->domid, s->number, node);
}

static void front_path(const struct secondary *s, const char *node, char path[PATH])
{
	snprintf(path, PATH, "/local/domain/%u/device/console/%u%s", s->domid, s->number, node);
}

static void token(const struct secondary *s, char out[32])
{
	snprintf(out, 32, "secondary %u %u", s->domid, s->number);
}

static int front_number(struct roster *r, const struct secondary *s, const char *node, uint64_t most, uint64_t *n)
{
	char path[PATH];
	int err;

	front_path(s, node, path);
	err = store_read_u64(r->store, STORE_NO_TX, path, n);
	return err ? err : *n > most ? -EINVAL : 0;
}

static bool is_online(struct roster *r, const struct secondary *s)
{
	char path[PATH];
	uint64_t online;

	back_path(s, "/online", path);
	return store_read_u64(r->store, STORE_NO_TX, path, &online) == 0 && online != 0;
}

static void state_set(struct roster *r, struct secondary *s, enum xenbus_state state)
{
	char path[PATH];

	if (s->state == state)
		return;
	back_path(s, "/state", path);
	if (store_printf(r->store, STORE_NO_TX, path, "%d", state))
		log_warn("%s cannot be written", path);
	s->state = state;
}

/* ---- the ring ---- */

static int attach(struct roster *r, const struct secondary *s)
{
	uint64_t ref, port;
	char tty[PATH];
	int err = front_number(r, s, "/ring-ref", UINT32_MAX, &ref);

	if (!err)
		err = front_number(r, s, "/port", UINT32_MAX, &port);
	if (err)
		return -EINVAL;
	back_path(s, "/tty", tty);
	return roster_attach(r, &(struct guest_ring){ .domid = s->domid, .number = s->number, .ref = (uint32_t)ref,
						      .port = (uint32_t)port }, tty);
}

/* A guest that connects anew each time that it has printed as much as it may at once is not let in. */
static int attach_now_and_then(struct roster *r, struct secondary *s)
{
	int err;

	if (!log_allowed(&s->connections, loop_now_ns()))
		return -EBUSY;
	err = attach(r, s);
	if (err)
		log_warn("console %u of domain %u: %s", s->number, s->domid, strerror(-err));
	return err;
}

static void connect_console(struct roster *r, struct secondary *s)
{
	int err = 0;

	/* It is looked at again when the guest has come. */
	if (!roster_find(r, s->domid, 0))
		return;
	if (!roster_find(r, s->domid, s->number))
		err = attach_now_and_then(r, s);
	state_set(r, s, err ? XenbusStateClosing : XenbusStateConnected);
}

static void disconnect(struct roster *r, const struct secondary *s)
{
	struct guest *g = roster_find(r, s->domid, s->number);

	if (g)
		roster_detach(r, g);
}

/* ---- looking ---- */

static void forget(struct roster *r, struct secondary *s)
{
	struct secondary **at = &r->secondaries;
	char path[PATH], t[32];

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	disconnect(r, s);
	front_path(s, "/state", path);
	token(s, t);
	(void)!store_unwatch(r->store, path, t);
	back_path(s, "", path);
	if (store_rm(r->store, STORE_NO_TX, path))
		log_warn("%s cannot be removed", path);
	free(s);
}

/* @s may be no more after that. */
static void look(struct roster *r, struct secondary *s)
{
	uint64_t front;

	s->due = false;
	if (!is_online(r, s)) {
		forget(r, s);
		return;
	}
	if (front_number(r, s, "/state", XenbusStateReconfigured, &front))
		front = XenbusStateClosed;
	if (front == XenbusStateInitialised || front == XenbusStateConnected) {
		connect_console(r, s);
		return;
	}
	disconnect(r, s);
	state_set(r, s, front == XenbusStateInitialising ? XenbusStateInitWait : XenbusStateClosed);
}

/* ---- coming ---- */

static struct secondary *find(const struct roster *r, uint16_t domid, uint32_t number)
{
	struct secondary *s = r->secondaries;

	while (s && (s->domid != domid || s->number != number))
		s = s->next;
	return s;
}

static void come(struct roster *r, uint16_t domid, uint32_t number)
{
	struct secondary *s = mem_alloc(sizeof *s);
	char path[PATH], t[32];

	*s = (struct secondary){ .domid = domid, .number = number, .due = true, .connections = LOG_LIMIT(32, 10000000000u) };
	back_path(s, "/state", path);
	if (store_read_u64(r->store, STORE_NO_TX, path, &s->state))
		s->state = XenbusStateUnknown;
	front_path(s, "/state", path);
	token(s, t);
	if (store_watch(r->store, path, t))
		log_warn("%s cannot be watched", path);
	s->next = r->secondaries;
	r->secondaries = s;
}

static void all_of(struct roster *r, uint16_t domid)
{
	char path[PATH], **numbers;
	unsigned int count;

	snprintf(path, sizeof path, SECONDARIES_DIR "/%u", domid);
	if (store_list(r->store, STORE_NO_TX, path, &numbers, &count))
		return;
	for (unsigned int i = 0; i < count; i++) {
		unsigned long number = strtoul(numbers[i], NULL, 10);

		if (number > 0 && number <= CONSOLE_NUMBER_MAX && !find(r, domid, (uint32_t)number))
			come(r, domid, (uint32_t)number);
	}
	free(numbers);
}

static void look_for_all(struct roster *r)
{
	char **domids;
	unsigned int count;

	for (struct secondary *s = r->secondaries; s; s = s->next)
		s->due = true;
	if (store_list(r->store, STORE_NO_TX, SECONDARIES_DIR, &domids, &count))
		return;
	for (unsigned int i = 0; i < count; i++) {
		unsigned long domid = strtoul(domids[i], NULL, 10);

		if (domid > 0 && domid < DOMID_FIRST_RESERVED)
			all_of(r, (uint16_t)domid);
	}
	free(domids);
}

int secondaries_start(struct roster *r)
{
	return store_watch(r->store, SECONDARIES_DIR, "secondaries");
}

bool secondaries_event(struct roster *r, const struct store_event *ev)
{
	const char *end = strrchr(ev->path, '/');
	unsigned int domid, number;
	struct secondary *s;

	if (strcmp(ev->token, "secondaries") == 0) {
		/* What we write there ourselves tells us nothing. */
		if (!end || (strcmp(end, "/state") != 0 && strcmp(end, "/tty") != 0))
			look_for_all(r);
		return true;
	}
	if (sscanf(ev->token, "secondary %u %u", &domid, &number) != 2)
		return false;
	s = find(r, (uint16_t)domid, number);
	if (s)
		s->due = true;
	return true;
}

void secondaries_serve(struct roster *r, bool came)
{
	for (struct secondary *s = r->secondaries, *next; s; s = next) {
		next = s->next;
		if (s->due || came)
			look(r, s);
	}
}
