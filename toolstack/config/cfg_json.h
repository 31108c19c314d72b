/* A guest's configuration as JSON, for `bothy create --dry-run --json`. */
#pragma once
#include "toolstack/config/guest_cfg.h"

struct cJSON;

/* Add @g's members to @root. Out of memory shows as a root that does not print. */
void guest_cfg_json(const struct guest_cfg *g, struct cJSON *root);
