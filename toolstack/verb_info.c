/* bothy info: `key : value` lines as `xl info` prints them. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/domain/leftovers.h"
#include "toolstack/host_info.h"
#include "toolstack/verb.h"

static enum exit_code print_one(struct cli *c, const struct host_info *i, const char *key)
{
	struct host_fact f;

	for (unsigned int n = 0; host_info_fact(i, n, &f); n++) {
		if (strcmp(f.key, key) != 0)
			continue;
		fprintf(c->out, "%s\n", f.value);
		return EXIT_DONE;
	}
	return cli_usage(c, "no fact is called \"%.40s\"", key);
}

static enum exit_code print_text(struct cli *c, const struct host_info *i)
{
	struct host_fact f;

	for (unsigned int n = 0; host_info_fact(i, n, &f); n++)
		fprintf(c->out, "%-23s: %s\n", f.key, f.value);
	return EXIT_DONE;
}

static enum exit_code print_json(struct cli *c, const struct host_info *i)
{
	struct host_fact f;
	cJSON *root = cli_json_new("info");

	for (unsigned int n = 0; host_info_fact(i, n, &f); n++) {
		if (f.number)
			cJSON_AddNumberToObject(root, f.key, strtod(f.value, NULL));
		else
			cJSON_AddStringToObject(root, f.key, f.value);
	}
	return cli_json(c, root);
}

static enum exit_code info(struct cli *c, const char *key)
{
	struct host_info *i = malloc(sizeof(*i));
	struct host h;
	enum exit_code code = i ? host_open(c, &h, false) : EXIT_FAILED;
	int rc;

	if (code == EXIT_DONE) {
		leftovers_clear(c, &h);
		rc = host_info_read(&h, i);
		host_close(&h);
		if (rc < 0)
			code = host_failed(c, rc, "facts about the host");
		else if (key)
			code = print_one(c, i, key);
		else
			code = c->json ? print_json(c, i) : print_text(c, i);
	}
	free(i);
	return code;
}

enum exit_code verb_info(struct cli *c, int argc, char **argv)
{
	bool ignored = false;
	const struct cli_option options[] = {{'n', "numa", &ignored, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, 0, 1) ? info(c, count ? argv[0] : NULL) : EXIT_USAGE;
}
