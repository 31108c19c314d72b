/* bothy list: domains in the columns of `xl list`, or as JSON. */
#include <cjson/cJSON.h>

#include "toolstack/domain_view.h"
#include "toolstack/host_run.h"
#include "toolstack/verb.h"

static enum exit_code print_table(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *list, uint32_t count)
{
	char name[DOMAIN_NAME_SIZE], row[DOMAIN_NAME_SIZE + 96];

	fprintf(c->out, "%s\n", DOMAIN_ROW_HEADER);
	for (uint32_t i = 0; i < count; i++) {
		domain_row_format(&list[i],
			host_name_shown(host_domain_name(h, list[i].domain, name)), row, sizeof(row));
		fprintf(c->out, "%s\n", row);
	}
	return EXIT_DONE;
}

static enum exit_code print_json(
	struct cli *c, struct host *h, const struct xen_domctl_getdomaininfo *list, uint32_t count)
{
	cJSON *root = cli_json_new("list"), *all = cJSON_AddArrayToObject(root, "domains");
	char name[DOMAIN_NAME_SIZE];

	for (uint32_t i = 0; i < count; i++) {
		cJSON_AddItemToArray(
			all, domain_json(&list[i], host_domain_name(h, list[i].domain, name)));
	}
	return cli_json(c, root);
}

static enum exit_code print(struct cli *c, struct host *h,
	const struct xen_domctl_getdomaininfo *list, uint32_t count, void *arg)
{
	(void)arg;
	return (c->json ? print_json : print_table)(c, h, list, count);
}

enum exit_code verb_list(struct cli *c, int argc, char **argv)
{
	bool long_form = false, ignored = false;
	const struct cli_option options[] = {
		{'l', "long", &long_form, NULL}, {'v', "verbose", &ignored, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	if (!cli_operands_ok(c, count, argv, 0, 1))
		return EXIT_USAGE;
	c->json |= long_form;
	return host_domains_run(c, false, count, argv, print, NULL);
}
