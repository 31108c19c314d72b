/* How much a guest may send by an interface, as xl.cfg has it: 10MB/s, 250Kb/s@20ms. Pure. */
#pragma once
#include "toolstack/config/vif_spec.h"

/* Parse hostile @text into v->rate_bytes and v->rate_us: a number; G, M, K (powers of a thousand) or nothing; B for bytes
 * or b for bits; /s; and how often the guest gets a part of it: @, a number, s, ms, us or nothing for us (default
 * 50ms). Returns 0, or -EINVAL with @why. */
int vif_rate_parse(struct vif_spec *v, const char *text, struct why *why);
/* Write it such that parsing gives it again. */
void vif_rate_format(const struct vif_spec *v, char out[64]);
