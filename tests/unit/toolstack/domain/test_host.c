/* Contract: test_host.h. */
#include "tests/unit/toolstack/domain/test_host.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_kernel.h"
#include "toolstack/cli.h"
#include "toolstack/files.h"

enum { ARGS_MAX = 32, PLACE_SIZE = 96 };

struct test_host host_files;
char *out_text, *err_text;
static char cache[PLACE_SIZE], kept[PLACE_SIZE], sysfs[PLACE_SIZE], meminfo[PLACE_SIZE], console[PLACE_SIZE];

static void make_path(const char *fmt, unsigned int a, unsigned int b)
{
	char path[256];
	int at = snprintf(path, sizeof(path), "%s/", sysfs);

	snprintf(path + at, sizeof(path) - (size_t)at, fmt, a, b);
	ck_assert_int_eq(directory_make(path, 0755), 0);
}

/* Domains 1 to 3, three disks and two interfaces each. */
static void make_sysfs(void)
{
	for (unsigned int id = 1; id <= 3; id++) {
		make_path("bus/xen-backend/devices/vbd-%u-%u/physical_device", id, 51712);
		make_path("bus/xen-backend/devices/vbd-%u-%u/physical_device", id, 51728);
		make_path("bus/xen-backend/devices/vbd-%u-%u/physical_device", id, 51744);
		make_path("class/net/vif%u.%u", id, 0);
		make_path("class/net/vif%u.%u", id, 1);
	}
}

static void place(char out[PLACE_SIZE], const char *name)
{
	snprintf(out, PLACE_SIZE, "%.60s/%.20s", host_files.dir, name);
}

void test_host_make(void)
{
	struct test_host *h = &host_files;

	strcpy(h->dir, "/tmp/bothy-host-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(h->dir));
	place(h->kernel, "kernel");
	place(h->config, "guest.cfg");
	place(cache, "cache");
	place(kept, "kept");
	place(sysfs, "sys");
	place(meminfo, "meminfo");
	place(console, "console");
	h->places = (struct places){.kernel_cache = cache,
		.kept = kept,
		.sysfs = sysfs,
		.meminfo = meminfo,
		.backend_timeout_ms = 30,
		.console_socket = console,
		.console_timeout_ms = 30,
		.detach_timeout_ms = 30};
	test_kernel_write(h->kernel);
	make_sysfs();
	fake_world_reset();
}

void test_host_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", host_files.dir);
	ck_assert_int_eq(system(command), 0);
}

void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *f = fopen(path, "w");

	ck_assert(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

void test_host_settle(void)
{
	ck_assert_msg(run("create -q /dev/null name=first memory=16 kernel=%s "
			  "disk=['/dev/x,,xvda,w,backend=kernel','vdev=xvdz,target=/u'] vif=['','backend=kernel']",
			      host_files.kernel) == 0,
		"%s", err_text);
	ck_assert_int_eq(run("destroy first"), 0);
	ck_assert_int_eq(run("list"), 0);
	world->last_id = 0;
	world->calls = 0;
}

void assert_failed(int got, int code, const char *lines, const char *before)
{
	char expected[1024] = "", *now = test_host_text();

	for (size_t at = 0; *lines; lines++)
		at += (size_t)snprintf(expected + at, sizeof(expected) - at,
			*lines == '@' ? "%s" : "%.1s", *lines == '@' ? host_files.dir : lines);
	ck_assert_str_eq(err_text, expected);
	ck_assert_str_eq(out_text, "");
	ck_assert_int_eq(got, code);
	ck_assert_msg(strcmp(now, before) == 0, "%s: left\n%.3000s", expected, now);
	free(now);
}

int test_host_count(const char *dir, const char *pattern)
{
	char command[256];
	FILE *f;
	int n = -1;

	snprintf(command, sizeof(command), "find %s -type f -name '%s' 2>/dev/null | wc -l", dir,
		pattern);
	f = popen(command, "r");
	if (fscanf(f, "%d", &n) != 1)
		n = -1;
	pclose(f);
	return n;
}

static void list_files(FILE *f, const char *dir, const char *pattern)
{
	struct dirent **all = NULL;
	int count = scandir(dir, &all, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		if (fnmatch(pattern, all[i]->d_name, 0) == 0)
			fprintf(f, "file %s\n", all[i]->d_name);
		free(all[i]);
	}
	free(all);
}

char *test_host_text(void)
{
	char *text = NULL, *fakes = fake_world_text();
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(fakes, f);
	free(fakes);
	list_files(f, kept, "[!.]*");
	list_files(f, cache, ".new*");
	fclose(f);
	return text;
}

int run_args(int count, const char *const *args)
{
	char *argv[ARGS_MAX + 2] = {(char[]){"bothy"}}, *copies[ARGS_MAX];
	FILE *old_out = stdout, *old_err = stderr;
	size_t size;
	int code;

	ck_assert_int_le(count, ARGS_MAX);
	for (int i = 0; i < count; i++)
		argv[i + 1] = copies[i] = strdup(args[i]); /* options are sorted in place */
	free(out_text);
	free(err_text);
	out_text = err_text = NULL;
	stdout = open_memstream(&out_text, &size);
	stderr = open_memstream(&err_text, &size);
	code = cli_main(&host_files.places, count + 1, argv);
	fclose(stdout);
	fclose(stderr);
	stdout = old_out;
	stderr = old_err;
	for (int i = 0; i < count; i++)
		free(copies[i]);
	return code;
}

int run(const char *words, ...)
{
	char line[1024], *word;
	const char *args[ARGS_MAX];
	va_list list;
	int count = 0;

	va_start(list, words);
	vsnprintf(line, sizeof(line), words, list);
	va_end(list);
	for (word = strtok(line, " "); word && count < ARGS_MAX; word = strtok(NULL, " "))
		args[count++] = word;
	return run_args(count, args);
}

cJSON *run_json(const char *words, int code, const char *schema)
{
	cJSON *root;

	ck_assert_int_eq(run("%s", words), code);
	root = cJSON_Parse(out_text);
	ck_assert_msg(root != NULL, "no JSON: %s", out_text);
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, "schema")), schema);
	return root;
}

void json_has_keys(const cJSON *o, const char *const *keys, int count)
{
	for (int i = 0; i < count; i++)
		ck_assert_msg(cJSON_HasObjectItem(o, keys[i]), "no \"%s\"", keys[i]);
	ck_assert_int_eq(cJSON_GetArraySize(o), count);
}
