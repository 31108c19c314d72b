/* Requests about domains: introduce, release, resume, target, path. */
#include <errno.h>
#include <stdio.h>
#include "dom0/xenstored/domain.h"
#include "dom0/xenstored/request.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"

static int word_domid(const char *word, uint16_t *domid)
{
	uint64_t v;
	int err = word_number(word, DOMID_COUNT - 1, &v);

	if (!err)
		*domid = (uint16_t)v;
	return err;
}

/* The one domain id a request names. */
static int domid_of(const struct request *rq, uint16_t *domid)
{
	const char *word;
	int err = request_words(rq, &word, 1);

	return err ? err : word_domid(word, domid);
}

int request_introduce(struct request *rq)
{
	const char *word[4];
	uint64_t port;
	uint16_t domid;
	/* domid, frame, port; the frame is ignored: the ring is grant reference 1. */
	int n = request_words_some(rq, word, 3, 4);
	int err = n < 0 ? n : word_domid(word[0], &domid);

	if (!err)
		err = word_number(word[2], UINT32_MAX, &port);
	if (!err)
		err = domain_introduce(rq->store, domid, (uint32_t)port);
	if (!err)
		rq->special = special_name(SPECIAL_INTRODUCE);
	return err;
}

int request_release(struct request *rq)
{
	uint16_t domid;
	int err = domid_of(rq, &domid);

	if (!err)
		err = domain_release(rq->store, domid);
	if (!err)
		rq->special = special_name(SPECIAL_RELEASE);
	return err;
}

int request_resume(struct request *rq)
{
	struct domain *d;
	uint16_t domid;
	int err = domid_of(rq, &domid);

	if (err)
		return err;
	d = domain_find(rq->store, domid);
	if (!d)
		return -ENOENT;
	d->shut_down = false;
	journal_domain(rq->store, d);
	return 0;
}

int request_set_target(struct request *rq)
{
	const char *word[2];
	uint16_t domid, target;
	struct domain *d;
	int err = request_words(rq, word, 2);

	if (!err)
		err = word_domid(word[0], &domid);
	if (!err)
		err = word_domid(word[1], &target);
	if (err)
		return err;
	d = domain_find(rq->store, domid);
	if (!d || !d->conn || !domain_find(rq->store, target))
		return -ENOENT;
	if (domid == 0 || target == 0)
		return -EINVAL;
	d->conn->who.target = target;
	journal_domain(rq->store, d);
	return 0;
}

int request_is_introduced(struct request *rq)
{
	uint16_t domid;
	int err = domid_of(rq, &domid);

	if (err)
		return err;
	/* Domain 0 is this daemon's own: always. */
	return request_put_text(rq, domid == 0 || domain_find(rq->store, domid) ? "T" : "F");
}

int request_get_domain_path(struct request *rq)
{
	char path[32];
	uint16_t domid;
	int err = domid_of(rq, &domid);

	if (err)
		return err;
	snprintf(path, sizeof path, "/local/domain/%u", domid);
	return request_put_text(rq, path);
}
