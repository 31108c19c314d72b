/* Configuration files as a whole. Neighbours: config/ knows what is in them, domain/create.c keeps one for
 * each guest's restart.
 */
#include "toolstack/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/config/guest_cfg.h"
#include "toolstack/files.h"

/* At most CFG_BYTES_MAX + 1 bytes: one more than the parser takes. */
static int read_bytes(const char *path, char **out, size_t *size, struct why *why)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *bytes = f ? malloc(CFG_BYTES_MAX + 1) : NULL;
	int rc = 0;

	if (!bytes)
		rc = why_set(why, -errno, "%s: %s", path, strerror(errno));
	else
		*size = fread(bytes, 1, CFG_BYTES_MAX + 1, f);
	if (rc == 0 && ferror(f))
		rc = why_set(why, -EIO, "%s: cannot be read", path);
	if (f && f != stdin)
		fclose(f);
	if (rc < 0)
		free(bytes);
	else
		*out = bytes;
	return rc;
}

int config_file_read(struct cfg_text *t, const char *path, struct why *why)
{
	char *bytes = NULL;
	size_t size = 0;
	int rc = read_bytes(path, &bytes, &size, why);

	if (rc == 0)
		rc = cfg_text_parse(t, path, bytes, size, why);
	free(bytes);
	return rc;
}

static int guest_read(struct guest_cfg *g, const char *path, struct why *why)
{
	struct cfg_text text = {0};
	struct guest_warnings *ignored = calloc(1, sizeof(*ignored));
	int rc = ignored ? config_file_read(&text, path, why) : -ENOMEM;

	if (rc == 0)
		rc = guest_cfg_parse(g, &text, ignored, why);
	free(ignored);
	cfg_text_free(&text);
	return rc;
}

static int guest_write(const struct guest_cfg *g, const char *path, struct why *why)
{
	char fresh[512], *text = NULL;
	int rc = guest_cfg_format(g, &text);

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (rc == 0)
		rc = file_write(fresh, text);
	if (rc == 0 && rename(fresh, path) < 0)
		rc = -errno;
	free(text);
	return rc < 0 ? why_set(why, rc, "%s: %s", path, strerror(-rc)) : 0;
}

int config_file_rename(const char *path, const char *name, struct why *why)
{
	struct guest_cfg *g = calloc(1, sizeof(*g));
	int rc = g ? guest_read(g, path, why) : why_set(why, -ENOMEM, "out of memory");

	if (rc == 0) {
		snprintf(g->name, sizeof(g->name), "%s", name);
		rc = guest_write(g, path, why);
	}
	free(g);
	return rc;
}
