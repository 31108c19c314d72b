/* Small file chores. Errors are -Exxx of the failing call. */
#pragma once
#include <stddef.h>

/* Make directory @path (absolute) and its parents; 0 also when it is there. @mode is for the last one,
 * parents get 0755. */
int directory_make(const char *path, unsigned int mode);

/* Lock @path, a directory, against others who do the same, until the descriptor is closed. Returns it. */
int directory_lock(const char *path);

/* Write all of it, however many calls that takes. */
int file_write_all(int fd, const void *bytes, size_t size);

/* Make @text the content of @path, mode 0600, in one step: it is written as @path.new, which stays if we are
 * killed, and renamed. */
int file_write(const char *path, const char *text);
