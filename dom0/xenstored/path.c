/* Names of store nodes.
 *
 * Everything behind this file handles canonical paths only, so hostile shapes end here. */
#include "dom0/xenstored/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "protocol/io/xs_wire.h"

static bool char_is_allowed(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '@' || c == '/';
}

static bool shape_is_good(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < len; i++) {
		if (!char_is_allowed(path[i]))
			return false;
		if (path[i] == '/' && path[i + 1] == '/')
			return false;
	}
	return len == 1 || path[len - 1] != '/';
}

int path_canonical(const char *name, uint16_t domid, bool special, char out[PATH_ROOM])
{
	size_t len = strnlen(name, PATH_ROOM);
	int n;

	if (len == 0)
		return -EINVAL;
	if (name[0] == '@') {
		if (!special || len > XENSTORE_REL_PATH_MAX || strchr(name, '/'))
			return -EINVAL;
		n = snprintf(out, PATH_ROOM, "%s", name);
	} else if (name[0] == '/') {
		if (len > XENSTORE_ABS_PATH_MAX)
			return -EINVAL;
		n = snprintf(out, PATH_ROOM, "%s", name);
	} else {
		if (len > XENSTORE_REL_PATH_MAX)
			return -EINVAL;
		n = snprintf(out, PATH_ROOM, "/local/domain/%u/%s", domid, name);
	}
	if (n < 1 || n >= PATH_ROOM)
		return -EINVAL;
	if (!shape_is_good(out))
		return -EINVAL;
	return 0;
}

size_t path_parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || path[1] == '\0')
		return 0;
	return slash == path ? 1 : (size_t)(slash - path);
}

bool path_is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (len == 1 && top[0] == '/')
		return path[0] == '/';
	return strncmp(path, top, len) == 0 && (path[len] == '\0' || path[len] == '/');
}
