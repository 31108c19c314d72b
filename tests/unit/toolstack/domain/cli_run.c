/* The program in this process. Contract: cli_run.h. */
#include "tests/unit/toolstack/domain/cli_run.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/cli.h"

char *out_text, *err_text;

int cli_run(const char *words)
{
	static char line[512];
	char *argv[32] = {(char[]){"bothy"}}, *word;
	FILE *old_out = stdout, *old_err = stderr;
	size_t size;
	int argc = 1, code;

	free(out_text);
	free(err_text);
	out_text = err_text = NULL;
	strcpy(line, words);
	for (word = strtok(line, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	stdout = open_memstream(&out_text, &size);
	stderr = open_memstream(&err_text, &size);
	code = cli_main(argc, argv);
	fclose(stdout);
	fclose(stderr);
	stdout = old_out;
	stderr = old_err;
	return code;
}

cJSON *cli_run_json(const char *words, int code, const char *schema)
{
	cJSON *root;

	ck_assert_int_eq(cli_run(words), code);
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
