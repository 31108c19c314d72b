/* What the model takes over from the core: adopt.c. Only for compare.c. */
#pragma once
struct model;
extern struct frame *frame_table;

/* Bit numbers in a frame's word of references and in that of its type, told here anew. */
enum {
	R_ALLOCATED = 63,
	R_SHARED = 62,
	W_TYPE = 48,
	W_PARTIAL = 54,
	W_HOLDS = 55,
	W_DOWN = 56,
	W_TOP = 57,
	W_QUEUED = 58,
	W_PINNED = 59
};
#define BIT(word, n) ((word) >> (n)&1)

const char *adopt_births(struct model *m);	/* domains that the harness made */
const char *adopt_reaped(struct model *m);	/* the dead that were cleared away */
const char *adopt_grant_frames(struct model *m);	/* which frames a grant table grew by */
