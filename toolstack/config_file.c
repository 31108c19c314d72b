/* Configuration files as a whole. Neighbours: config/ knows what is in them, domain/create.c keeps one for
 * each guest's restart.
 */
#include "toolstack/config_file.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "toolstack/config/guest_cfg.h"
#include "toolstack/files.h"

/* Of a file or a pipe, at most CFG_BYTES_MAX + 1 bytes: one more than the parser takes. */
static int read_bytes(const char *path, char **out, size_t *size)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *bytes = f ? malloc(CFG_BYTES_MAX + 1) : NULL;
	int rc = bytes ? 0 : -errno;

	if (rc == 0)
		*size = fread(bytes, 1, CFG_BYTES_MAX + 1, f);
	if (rc == 0 && ferror(f))
		rc = -errno;
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
	const char *source = strcmp(path, "-") == 0 ? "standard input" : path;
	char *bytes = NULL;
	size_t size = 0;
	int rc = read_bytes(path, &bytes, &size);

	if (rc < 0)
		why_set(why, rc, "%s", strerror(-rc));
	else
		rc = cfg_text_parse(t, source, bytes, size, why);
	free(bytes);
	return rc;
}

static int guest_read(struct guest_cfg *g, const char *path, struct why *why)
{
	struct cfg_text text = {0};
	struct guest_warnings *ignored = calloc(1, sizeof(*ignored));
	int rc = ignored ? config_file_read(&text, path, why)
			 : why_set(why, -ENOMEM, "%s", strerror(ENOMEM));

	if (rc == 0)
		rc = guest_cfg_parse(g, &text, ignored, why);
	free(ignored);
	cfg_text_free(&text);
	return rc;
}

static int guest_write(const struct guest_cfg *g, const char *path, struct why *why)
{
	char *text = NULL;
	int rc = guest_cfg_format(g, &text);

	if (rc == 0)
		rc = file_write(path, text);
	free(text);
	return rc < 0 ? why_set(why, rc, "%s", strerror(-rc)) : 0;
}

/* Others who sweep there must not take our new file for an old one. */
static int parent_lock(const char *path, struct why *why)
{
	char parent[PATH_MAX];
	int fd;

	snprintf(parent, sizeof(parent), "%s", path);
	fd = directory_lock(dirname(parent));
	return fd < 0 ? why_set(why, fd, "%s", strerror(-fd)) : fd;
}

static int rename_locked(struct guest_cfg *g, const char *path, const char *name, struct why *why)
{
	int rc = guest_read(g, path, why);

	if (rc < 0)
		return rc;
	snprintf(g->name, sizeof(g->name), "%s", name);
	return guest_write(g, path, why);
}

int config_file_rename(const char *path, const char *name, struct why *why)
{
	struct guest_cfg *g = calloc(1, sizeof(*g));
	int lock = g ? parent_lock(path, why) : why_set(why, -ENOMEM, "%s", strerror(ENOMEM));
	int rc = lock < 0 ? lock : rename_locked(g, path, name, why);

	if (lock >= 0)
		close(lock);
	if (rc < 0 && !why->where[0])
		why_where(why, "%s", path);
	free(g);
	return rc;
}
