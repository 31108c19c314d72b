/* What the model takes over from the core: adopt.c. Only for compare.c. */
#pragma once
struct model;
const char *adopt_births(struct model *m);	/* domains that the harness made */
const char *adopt_reaped(struct model *m);	/* the dead that were cleared away */
const char *adopt_grant_frames(struct model *m);	/* which frames a grant table grew by */
