/* bothy help [VERB] */
#include <cjson/cJSON.h>
#include <string.h>

#include "toolstack/verb.h"

static enum exit_code help_json(struct cli *c)
{
	cJSON *root = cli_json_new("help"), *all = cJSON_AddArrayToObject(root, "verbs");

	for (const struct verb *v = verbs; v->name; v++) {
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "name", v->name);
		cJSON_AddStringToObject(o, "operands", v->operands);
		cJSON_AddStringToObject(o, "summary", v->summary);
		cJSON_AddItemToArray(all, o);
	}
	return cli_json(c, root);
}

static enum exit_code help_all(struct cli *c)
{
	fprintf(c->out, "Usage: bothy VERB [--json] [OPTION...] [OPERAND...]\n\n");
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(c->out, "  %-12s %s\n", v->name, v->summary);
	fprintf(c->out, "\nbothy help VERB tells more. DOMAIN is a name or an id.\n");
	return EXIT_DONE;
}

enum exit_code verb_help(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, 0, 1))
		return EXIT_USAGE;
	if (count == 0)
		return c->json ? help_json(c) : help_all(c);
	for (const struct verb *v = verbs; v->name; v++) {
		if (strcmp(v->name, argv[0]) == 0) {
			cli_help(c->out, v);
			return EXIT_DONE;
		}
	}
	c->verb = NULL;
	return cli_usage(c, "unknown verb \"%.40s\"", argv[0]);
}
