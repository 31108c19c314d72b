/* The files of a host for whole verbs: a directory with a kernel, a cache, kept configurations and a sysfs that
 * shows every device a back end of the fake world may make; and a way to run `bothy` there. */
#pragma once
#include <stddef.h>

#include "toolstack/places.h"

struct cJSON;

struct test_host {
	char dir[64], kernel[96], config[96];
	struct places places;
};
extern struct test_host host_files;

/* Make the directory, and an empty fake world. */
void test_host_make(void);
void test_host_remove(void);

/* Create and destroy a first guest, so that the world has all the directories it will ever have. */
void test_host_settle(void);

void write_file(const char *path, const void *bytes, size_t size);

/* Files below @dir whose name matches the shell pattern @pattern. */
int test_host_count(const char *dir, const char *pattern);

/* The fake world, kept configurations and beginnings of kernels, as text to compare; malloc()ed. */
char *test_host_text(void);

/* What the last run printed. */
extern char *out_text, *err_text;

/* Did it fail with @code and exactly these lines? "@" stands for the directory. Nothing else may have been
 * printed, and @before, the test_host_text() of before the run, must still hold. */
void assert_failed(int got, int code, const char *lines, const char *before);

/* Run `bothy` with arguments. Returns its exit status. */
int run_args(int count, const char *const *args);

/* The same with @words, separated by blanks; %-conversions as of printf. */
int run(const char *words, ...) __attribute__((format(printf, 1, 2)));

/* Run it, which must end with @code and print one object of @schema. The caller frees it. */
struct cJSON *run_json(const char *words, int code, const char *schema);

/* @o has exactly these @count members. */
void json_has_keys(const struct cJSON *o, const char *const *keys, int count);
