/* Small file chores. Errors are -Exxx of the failing call. */
#pragma once
#include <stddef.h>

/* Make directory @path (absolute) and its parents; 0 also when it is there. @mode is for the last one,
 * parents get 0755. */
int directory_make(const char *path, unsigned int mode);

/* Write all of it, however many calls that takes. */
int file_write_all(int fd, const void *bytes, size_t size);

/* Make @text the content of @path, mode 0600; a symbolic link there is refused (-ELOOP). */
int file_write(const char *path, const char *text);
