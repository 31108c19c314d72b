/* One request: what came, what it works on, what goes back. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"
#include "dom0/xenstored/change.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/node_ops.h"

struct request {
	struct conn *conn;
	struct store *store;
	const char *body;		/* hostile: @len bytes */
	uint32_t len;
	struct view view;		/* the live tree, or the transaction named in the header */
	struct changes changes;		/* told to watchers after the reply */
	struct watch *announce;		/* fires after the reply */
	const char *special;		/* "@..." that fires after the reply */
	uint32_t out_len;
	char out[XENSTORE_PAYLOAD_MAX];
};

/* Serve the request with header @h and payload @body; a reply or an error is always sent. */
void request_serve(struct conn *c, const struct xsd_sockmsg *h, const void *body);

/* Split the payload into exactly @count NUL-terminated strings. -EINVAL: not that. */
int request_words(const struct request *rq, const char **word, unsigned int count) MUST_CHECK;
/* Split it into at least @min and at most @max; returns how many. */
int request_words_some(const struct request *rq, const char **word, unsigned int min,
		       unsigned int max) MUST_CHECK;
/* A decimal number with nothing behind. */
int word_number(const char *word, uint64_t most, uint64_t *value) MUST_CHECK;
/* Canonical path of the hostile @name, as seen by the connection. */
int request_path(const struct request *rq, const char *name, char path[]) MUST_CHECK;
/* Append to the reply. -E2BIG: no room. */
int request_put(struct request *rq, const void *bytes, size_t len) MUST_CHECK;
/* Append text and its NUL. */
int request_put_text(struct request *rq, const char *text) MUST_CHECK;

/* The handlers: 0, or -Exxx and nothing changed. An empty reply becomes "OK". */
typedef int request_handler(struct request *rq);
request_handler request_control, request_directory, request_directory_part, request_read,
	request_get_perms, request_watch, request_unwatch, request_tx_start, request_tx_end,
	request_introduce, request_release, request_get_domain_path, request_write, request_mkdir,
	request_rm, request_set_perms, request_is_introduced, request_resume, request_set_target,
	request_reset_watches;
