/* The program in this process, on the fake world: words in, outputs and exit code out. */
#pragma once
struct cJSON;

/* What the last run wrote to standard output and to standard error. */
extern char *out_text, *err_text;

/* Run `bothy WORDS`; returns its exit code. */
int cli_run(const char *words);

/* Run it, which must end with @code and print one object of @schema. The caller frees it. */
struct cJSON *cli_run_json(const char *words, int code, const char *schema);
/* @o has exactly these @count members. */
void json_has_keys(const struct cJSON *o, const char *const *keys, int count);
