/* Comma-separated fields. Fields of hostile text go into fixed buffers; too long is an error, never a cut.
 * Neighbours: disk_spec.c, vif_spec.c.
 */
#include "toolstack/config/field.h"

#include <errno.h>
#include <string.h>

int field_copy(char *out, size_t size, const char *what, const char *text, struct why *why)
{
	size_t length = strlen(text);

	if (length >= size)
		return why_set(why, -EINVAL, "%s is too long (at most %zu bytes)", what, size - 1);
	memcpy(out, text, length + 1);
	return 0;
}

int field_next(const char **list, char *out, size_t size, struct why *why)
{
	const char *start = *list + strspn(*list, " \t\n");
	size_t length = strcspn(start, ",");
	const char *after = start + length;

	while (length > 0 && strchr(" \t\n", start[length - 1]))
		length--;
	if (length >= size)
		return why_set(why, -EINVAL, "\"%.40s...\" is too long", start);
	memcpy(out, start, length);
	out[length] = '\0';
	*list = *after ? after + 1 : after;
	return 0;
}

bool field_is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

int field_hex_digit(int ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}
