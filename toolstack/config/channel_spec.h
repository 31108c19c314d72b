/* One entry of `channel = [ ... ]`, a console beside the guest's first: name=..,connection=pty. Pure. */
#pragma once
#include <stddef.h>

#include "toolstack/why.h"

enum { CHANNEL_NAME_MAX = 63, CHANNEL_SPEC_TEXT = CHANNEL_NAME_MAX + 32 };

struct channel_spec {
	char name[CHANNEL_NAME_MAX + 1]; /* by which a program in the guest finds it */
};

/* Parse hostile @text. Returns 0 and *c, or -EINVAL/-ENOTSUP with @why. */
int channel_spec_parse(struct channel_spec *c, const char *text, struct why *why);

/* Write @c such that parsing gives @c again. */
void channel_spec_format(const struct channel_spec *c, char out[CHANNEL_SPEC_TEXT]);
