/* CONTROL: for the operator, through `xenstore-control`. Answers are text. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "dom0/lib/log.h"
#include "dom0/xenstored/audit.h"
#include "dom0/xenstored/request.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/store.h"

static int control_check(struct request *rq, const char *arg)
{
	char why[256];

	(void)arg;
	return request_put_text(rq, store_audit(rq->store, why, sizeof why) ? why : "OK");
}

static int control_log(struct request *rq, const char *arg)
{
	log_set_level(strcmp(arg, "on") == 0 ? LOG_DEBUG : LOG_INFO);
	return request_put_text(rq, "OK");
}

static int control_print(struct request *rq, const char *arg)
{
	log_info("control: %s", arg);
	return request_put_text(rq, "OK");
}

static int control_memreport(struct request *rq, const char *arg)
{
	const struct store *s = rq->store;
	char text[256];

	(void)arg;
	for (uint32_t i = 0; i < DOMID_COUNT; i++) {
		const struct account *a = s->accounts.slot[i];
		int n;

		if (!a || (!a->nodes && !a->bytes && !a->watches && !a->txs))
			continue;
		n = snprintf(text, sizeof text, "domain %u: %" PRId64 " nodes, %" PRId64
			     " bytes, %u watches, %u transactions\n", i, a->nodes, a->bytes,
			     a->watches, a->txs);
		/* Room is left for the last line. */
		if (n < 0 || rq->out_len + (size_t)n + 64 > sizeof rq->out)
			break;
		if (request_put(rq, text, (size_t)n))
			break;
	}
	snprintf(text, sizeof text, "%" PRIu64 " requests served\n", s->requests);
	return request_put_text(rq, text);
}

static int control_quota(struct request *rq, const char *arg)
{
	char text[256];

	(void)arg;
	snprintf(text, sizeof text, "nodes: %u\nwatches: %u\ntransactions: %u\noutstanding: %u\n"
		 "node-size: %u\nmemory: %u\n", store_limits.nodes, store_limits.watches,
		 store_limits.txs, store_limits.requests, store_limits.node_bytes,
		 store_limits.bytes);
	return request_put_text(rq, text);
}

static int control_dump(struct request *rq, const char *arg)
{
	(void)arg;
	return journal_rewrite(rq->store);
}

static int control_help(struct request *rq, const char *arg);

static const struct control {
	const char *name;
	int (*run)(struct request *rq, const char *arg);
	const char *help;
} controls[] = {
	{ "check", control_check, "recount everything; OK or what is wrong" },
	{ "dump", control_dump, "write the state for a successor anew" },
	{ "help", control_help, "this" },
	{ "log", control_log, "on|off: debug lines" },
	{ "memreport", control_memreport, "what each domain holds" },
	{ "print", control_print, "TEXT: into the log" },
	{ "quota", control_quota, "limits per domain" },
};

static int control_help(struct request *rq, const char *arg)
{
	char line[128];

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		int n = snprintf(line, sizeof line, "%-10s %s\n", controls[i].name,
				 controls[i].help);

		if (n < 0 || request_put(rq, line, (size_t)n))
			return -E2BIG;
	}
	return request_put(rq, "", 1);
}

int request_control(struct request *rq)
{
	const char *word[16];
	int n = request_words_some(rq, word, 1, ARRAY_LEN(word));

	if (n < 0)
		return n;
	for (size_t i = 0; i < ARRAY_LEN(controls); i++)
		if (strcmp(word[0], controls[i].name) == 0)
			return controls[i].run(rq, n > 1 ? word[1] : "");
	return -EINVAL;
}
