/* Configuration files: read; the kept one of a guest under another name. */
#pragma once
#include "toolstack/config/cfg_text.h"

/* Add the settings of file @path ("-": standard input) to @t, as cfg_text_parse() does. An error of the file as
 * a whole leaves the place of @why empty. */
int config_file_read(struct cfg_text *t, const char *path, struct why *why);

/* Make @name the name in the configuration @path, which this toolstack wrote. The file is the old or the
 * new one whatever happens. Returns 0, -Exxx with @why. */
int config_file_rename(const char *path, const char *name, struct why *why);
