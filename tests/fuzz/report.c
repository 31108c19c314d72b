/* Figures. A kind of operation that ran often and never succeeded is a hole in the generator,
 * and said to be one. */
#include <inttypes.h>
#include <unistd.h>
#include "tests/fuzz/report.h"

#define OFTEN 2000u			/* so many failures without a success are worth a warning */

void report_add(struct engine_stats *sum, const struct engine_stats *s)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)s;

	_Static_assert(sizeof *sum % sizeof *to == 0, "all fields are counters");
	for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
		to[i] += from[i];
}

void report_progress(struct worker *const *w, unsigned n, double seconds)
{
	uint64_t audited = 0, runs = 0;

	if (!isatty(STDERR_FILENO))
		return;
	for (unsigned i = 0; i < n; i++) {
		audited += w[i]->stats.audited;
		runs += w[i]->stats.runs;
	}
	fprintf(stderr, "\r%5.0f s  %" PRIu64 " runs  %" PRIu64 " operations  %.0f/s ", seconds,
		runs, audited, (double)audited / seconds);
}

/* The commonest errors: up to @n codes, most frequent first. */
static void print_errors(const struct kind_stats *k, unsigned n)
{
	uint64_t below = UINT64_MAX;

	for (unsigned i = 0; i < n; i++) {
		unsigned most = 0;
		for (unsigned e = 1; e < ERRORS_KEPT; e++)
			if (k->error[e] < below && k->error[e] > k->error[most])
				most = e;
		if (!most)
			break;
		below = k->error[most];
		if (most == ERRORS_KEPT - 1)
			printf("  other:%" PRIu64, below);
		else
			printf("  %u:%" PRIu64, most, below);
	}
}

static void print_kinds(const struct engine_stats *s)
{
	printf("%-14s %12s %6s %10s %8s %8s  errors by code\n", "operation", "ran", "ok %",
		"preempted", "no mem", "crashed");
	for (unsigned i = 0; i < OP_COUNT; i++) {
		const struct kind_stats *k = &s->kind[i];
		printf("%-14s %12" PRIu64 " %6.1f %10" PRIu64 " %8" PRIu64 " %8" PRIu64, op_name[i],
			k->ran, k->ran ? 100.0 * (double)k->ok / (double)k->ran : 0.0, k->restarts,
			k->no_memory, k->crashed);
		print_errors(k, 5);
		printf("\n");
	}
	for (unsigned i = 0; i < OP_COUNT; i++)
		if (s->kind[i].ran > OFTEN && !s->kind[i].ok)
			printf("warning: %s never succeeded\n", op_name[i]);
}

static void print_json(
	const struct engine_stats *s, double seconds, unsigned jobs, unsigned violations)
{
	printf("{\"operations\":%" PRIu64
	       ",\"violations\":%u,\"seconds\":%.1f,\"jobs\":%u,\"runs\":%" PRIu64
	       ",\"pairs\":%" PRIu64 ",\"unjudged\":%" PRIu64 ",\"kinds\":{",
		s->audited, violations, seconds, jobs, s->runs, s->pairs, s->unjudged);
	for (unsigned i = 0; i < OP_COUNT; i++)
		printf("%s\"%s\":{\"ran\":%" PRIu64 ",\"ok\":%" PRIu64 "}", i ? "," : "",
			op_name[i], s->kind[i].ran, s->kind[i].ok);
	printf("}}\n");
}

void report_final(
	const struct engine_stats *s, double seconds, unsigned jobs, unsigned violations, bool json)
{
	if (json) {
		print_json(s, seconds, jobs, violations);
		return;
	}
	print_kinds(s);
	printf("%" PRIu64 " runs of a seed each, %" PRIu64 " pairs one inside the other, %" PRIu64
	       " operations of vCPUs "
	       "that could not act\n",
		s->runs, s->pairs, s->idle);
	printf("%" PRIu64 " of them judged by the audit alone: the model took their result over\n",
		s->unjudged);
	printf("%.0f operations per second per core, %u at a time, %.0f s\n",
	       (double)s->audited / seconds / (jobs ? jobs : 1), jobs, seconds);
	printf("%" PRIu64 " operations audited, %u violations\n", s->audited, violations);
}
