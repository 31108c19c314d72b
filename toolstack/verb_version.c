/* bothy version: the last commit that changed this program, so that a report of a fault can name it. */
#include <cjson/cJSON.h>

#include "toolstack/verb.h"

/* Written over when the program is made (Makefile). */
char bothy_commit[24] __attribute__((section(".commit"))) = "unknown";

static enum exit_code version(struct cli *c)
{
	cJSON *root;

	if (!c->json) {
		fprintf(c->out, "bothy %s\n", bothy_commit);
		return EXIT_DONE;
	}
	root = cli_json_new("version");
	cJSON_AddStringToObject(root, "commit", bothy_commit);
	return cli_json(c, root);
}

enum exit_code verb_version(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 0, 0) ? version(c) : EXIT_USAGE;
}
