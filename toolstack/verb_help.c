/* bothy help [VERB] */
#include <cjson/cJSON.h>
#include <string.h>

#include "toolstack/verb.h"

static void verb_json(cJSON *all, const struct verb *v)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", v->name);
	cJSON_AddStringToObject(o, "operands", v->operands);
	cJSON_AddStringToObject(o, "summary", v->summary);
	cJSON_AddStringToObject(o, "help", v->help);
	cJSON_AddItemToArray(all, o);
}

static enum exit_code help_json(struct cli *c, const struct verb *only)
{
	cJSON *root = cli_json_new("help"), *all = cJSON_AddArrayToObject(root, "verbs");

	for (const struct verb *v = verbs; v->name; v++)
		if (!only || v == only)
			verb_json(all, v);
	return cli_json(c, root);
}

static void help_all(FILE *f)
{
	fprintf(f, "Usage: bothy VERB [--json] [OPTION...] [OPERAND...]\n\n");
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(f, "  %-12s %s\n", v->name, v->summary);
	fprintf(f, "\nbothy help VERB tells more. DOMAIN is a name or an id.\n");
}

enum exit_code cli_help(struct cli *c, const struct verb *v)
{
	if (c->json)
		return help_json(c, v);
	if (!v) {
		help_all(c->out);
		return EXIT_DONE;
	}
	fprintf(c->out, "Usage: bothy %s %s\n\n%s.\n", v->name, v->operands, v->summary);
	if (v->help[0])
		fprintf(c->out, "\n%s", v->help);
	return EXIT_DONE;
}

enum exit_code verb_help(struct cli *c, int argc, char **argv)
{
	const struct cli_option options[] = {{0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 0, 1))
		return EXIT_USAGE;
	if (count == 0)
		return cli_help(c, NULL);
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, argv[0]) == 0)
			return cli_help(c, v);
	return cli_unknown_verb(c, argv[0]);
}
