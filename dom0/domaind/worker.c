/* What a worker process does for one domain that ended.
 *
 * A restart is recorded in the store before the old domain is reaped, so it is owed whatever
 * happens to us. Each step may find its work done already. */
#include "dom0/domaind/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "dom0/lib/domctl.h"
#include "dom0/lib/log.h"
#include "dom0/lib/reap.h"
#include "dom0/lib/store_client.h"

#define STORE_WAIT_MS 10000u

struct ending {
	uint16_t domid;
	char name[128];
};

/* Record that @domid's configuration is to be created again. */
static int restart_owe(struct store *s, uint16_t domid)
{
	char path[64], config[256];
	int err;

	snprintf(path, sizeof path, "/bothy/domain/%u/config", domid);
	err = store_read_buf(s, STORE_NO_TX, path, config, sizeof config);
	if (err == -ENOENT) {
		log_warn("domain %u has no configuration to be created from", domid);
		return 0;
	}
	if (err)
		return err;
	snprintf(path, sizeof path, "/bothy/restart/%u", domid);
	return store_write(s, STORE_NO_TX, path, config);
}

static int preserve_body(struct store *s, uint32_t tx, void *arg)
{
	const struct ending *e = arg;
	char path[64];
	int err;

	snprintf(path, sizeof path, "/bothy/domain/%u/preserved", e->domid);
	err = store_write(s, tx, path, "1");
	if (err || !e->name[0])
		return err;
	snprintf(path, sizeof path, "/local/domain/%u/name", e->domid);
	err = store_write(s, tx, path, e->name);
	if (err)
		return err;
	snprintf(path, sizeof path, "/bothy/domain/%u/name", e->domid);
	return store_write(s, tx, path, e->name);
}

/* Give its name and UUID free: it goes on as NAME-ID under a UUID of its own. */
static int rename_away(struct privcmd *p, struct store *s, uint16_t domid)
{
	struct ending e = { .domid = domid };
	char path[64], name[100];
	uint8_t uuid[16];
	int err;

	snprintf(path, sizeof path, "/local/domain/%u/name", domid);
	err = store_read_buf(s, STORE_NO_TX, path, name, sizeof name);
	if (err)
		return err;
	if (getrandom(uuid, sizeof uuid, 0) != (ssize_t)sizeof uuid)
		return -EIO;
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);	/* version 4, variant 1 */
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	err = domctl_setdomainhandle(p, domid, uuid);
	if (err)
		return err;
	snprintf(e.name, sizeof e.name, "%s-%u", name, domid);
	return store_transact(s, preserve_body, &e);
}

static int perform(struct privcmd *p, struct store *s, uint16_t domid, enum domain_action action)
{
	struct ending e = { .domid = domid };
	int err;

	switch (action) {
	case DOMAIN_LEAVE:
		return 0;
	case DOMAIN_REAP:
		return domain_reap(p, s, domid);
	case DOMAIN_RESTART:
		err = restart_owe(s, domid);
		return err ? err : domain_reap(p, s, domid);
	case DOMAIN_PRESERVE:
		return store_transact(s, preserve_body, &e);
	case DOMAIN_RENAME_RESTART:
		err = restart_owe(s, domid);
		return err ? err : rename_away(p, s, domid);
	}
	return -EINVAL;
}

int worker_run(struct privcmd *p, uint16_t domid, enum domain_action action)
{
	struct store *s;
	int err = privcmd_forked(p);

	if (!err)
		err = store_open(&s, STORE_SOCKET_IN_DIR, STORE_WAIT_MS);
	if (!err)
		err = perform(p, s, domid, action);
	if (err)
		log_error("domain %u: %s: %s", domid, action_name(action), strerror(-err));
	return err ? 1 : 0;
}
