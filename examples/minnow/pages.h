/* Pages to give out: runs of free ones, in the order of their addresses, each told in its first page. Pure. */
#pragma once
#include <stddef.h>

#define PAGES_BYTES 4096u

struct pages_run;

struct pages {
	struct pages_run *first;
	size_t free;			/* pages in all runs */
};

/* Take @count pages side by side, which hold anything. NULL: there are none, or @count is 0. */
void *pages_take(struct pages *p, size_t count);
/* Give @count pages at @at, which none of the free runs touches, for the first time or back. */
void pages_give(struct pages *p, void *at, size_t count);
