/* Figures for people: progress on a terminal, statistics per kind of operation, the closing
 * line. */
#pragma once
#include "tests/fuzz/supervise.h"

void report_add(struct engine_stats *sum, const struct engine_stats *s);
void report_progress(struct worker *const *w, unsigned n, double seconds);
/* Ends with "N operations audited, M violations". */
void report_final(const struct engine_stats *s, double seconds, unsigned jobs, unsigned violations,
	bool json);
