/* Requests on watches and transactions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "dom0/xenstored/path.h"
#include "dom0/xenstored/request.h"
#include "dom0/xenstored/store.h"
#include "dom0/xenstored/tx.h"
#include "dom0/xenstored/watch.h"

static int watch_words(struct request *rq, const char **token, char path[PATH_ROOM], size_t *strip)
{
	const char *word[2];
	int err = request_words(rq, word, 2);

	if (!err)
		err = path_canonical(word[0], rq->conn->who.domid, true, path);
	if (err)
		return err;
	*strip = strlen(path) - strlen(word[0]);
	*token = word[1];
	return 0;
}

int request_watch(struct request *rq)
{
	char path[PATH_ROOM];
	const char *token;
	size_t strip;
	int err = watch_words(rq, &token, path, &strip);

	if (err)
		return err;
	if (path[0] == '@' && special_of(path) == SPECIAL_COUNT)
		return -ENOENT;
	if (path[0] == '@' && !(perms_access(&rq->store->accounts,
					     rq->store->special[special_of(path)],
					     &rq->conn->who) & PERM_READ))
		return -EACCES;
	return watch_add(rq->store, rq->conn, path, strip, token, &rq->announce);
}

int request_unwatch(struct request *rq)
{
	char path[PATH_ROOM];
	const char *token;
	size_t strip;
	int err = watch_words(rq, &token, path, &strip);

	return err ? err : watch_remove(rq->store, rq->conn, path, token);
}

int request_reset_watches(struct request *rq)
{
	watch_remove_all(rq->store, rq->conn);
	tx_end_all(rq->store, rq->conn);
	return 0;
}

int request_tx_start(struct request *rq)
{
	char text[16];
	uint32_t id;
	int err;

	if (rq->view.tx)
		return -EBUSY;
	err = tx_start(rq->store, rq->conn, &id);
	if (err)
		return err;
	snprintf(text, sizeof text, "%u", id);
	return request_put_text(rq, text);
}

int request_tx_end(struct request *rq)
{
	const char *word;
	int err = request_words(rq, &word, 1);

	if (err)
		return err;
	if (strcmp(word, "T") != 0 && strcmp(word, "F") != 0)
		return -EINVAL;
	if (!rq->view.tx)
		return -ENOENT;
	return tx_end(rq->store, rq->view.tx, word[0] == 'T', &rq->changes);
}
