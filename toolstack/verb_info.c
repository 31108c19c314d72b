/* bothy info: `key : value` lines as `xl info` prints them. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/domain/leftovers.h"
#include "toolstack/host_info.h"
#include "toolstack/nearest.h"
#include "toolstack/verb.h"

static void print_fact(struct cli *c, cJSON *root, const struct host_fact *f, bool alone)
{
	if (root && f->number)
		cJSON_AddNumberToObject(root, f->key, strtod(f->value, NULL));
	else if (root)
		cJSON_AddStringToObject(root, f->key, f->value);
	else if (alone)
		fprintf(c->out, "%s\n", f->value);
	else
		fprintf(c->out, "%-23s: %s\n", f->key, f->value);
}

static enum exit_code unknown_fact(struct cli *c, const char *key, const char *nearest)
{
	cli_usage(c, "no fact is called \"%.40s\"", key);
	if (nearest)
		why_hint(&c->why, "did you mean \"%s\"? bothy info lists all", nearest);
	return EXIT_USAGE;
}

/* All facts, or that of @key. */
static enum exit_code print(struct cli *c, const struct host_info *i, const char *key)
{
	cJSON *root = c->json ? cli_json_new("info") : NULL;
	struct nearest near = nearest_to(key ? key : "");
	struct host_fact f;
	bool found = !key;

	for (unsigned int n = 0; host_info_fact(i, n, &f); n++) {
		nearest_try(&near, f.key);
		if (key && strcmp(f.key, key) != 0)
			continue;
		found = true;
		print_fact(c, root, &f, key);
	}
	if (found)
		return c->json ? cli_json(c, root) : EXIT_DONE;
	cJSON_Delete(root);
	return unknown_fact(c, key, near.best);
}

static enum exit_code info(struct cli *c, const char *key)
{
	struct host_info i;
	struct host h;
	enum exit_code code = host_open(c, &h, false);
	int rc;

	if (code != EXIT_DONE)
		return code;
	leftovers_clear(c, &h);
	rc = host_info_read(&h, &i);
	host_close(&h);
	return rc < 0 ? host_failed(c, rc, "facts about the host") : print(c, &i, key);
}

enum exit_code verb_info(struct cli *c, int argc, char **argv)
{
	bool ignored = false;
	const struct cli_option options[] = {{'n', "numa", &ignored, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 0, 1) ? info(c, count ? argv[0] : NULL) : EXIT_USAGE;
}
