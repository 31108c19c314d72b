/* bothy block-list: a domain's disks in the columns of `xl block-list`, and who serves each. */
#include "toolstack/device_list.h"

static int show(struct cli *c, const struct device_row *row, cJSON *o)
{
	int64_t state, event_channel, ring_ref;
	int rc = device_front_number(row, "state", &state);

	if (rc == 0)
		rc = device_front_number(row, "event-channel", &event_channel);
	if (rc == 0)
		rc = device_front_number(row, "ring-ref", &ring_ref);
	if (rc < 0)
		return rc;
	if (!o) {
		fprintf(c->out, "%-5u %-3u %-6u %-5lld %-6lld %-8lld %-48s %s\n", row->number, 0, row->domid,
			(long long)state, (long long)event_channel, (long long)ring_ref, row->back,
			row->backend);
		return 0;
	}
	cJSON_AddNumberToObject(o, "virtual_device", row->number);
	cJSON_AddNumberToObject(o, "backend_domid", 0);
	device_json_number(o, "state", state);
	device_json_number(o, "event_channel", event_channel);
	device_json_number(o, "ring_ref", ring_ref);
	cJSON_AddStringToObject(o, "backend_path", row->back);
	cJSON_AddStringToObject(o, "backend", row->backend);
	return 0;
}

enum exit_code verb_block_list(struct cli *c, int argc, char **argv)
{
	char heading[160];
	const struct device_list list = {
		.verb = "block-list", .type = "vbd", .array = "disks", .heading = heading, .show = show};

	snprintf(heading, sizeof(heading), "%-5s %-3s %-6s %-5s %-6s %-8s %-48s %s\n", "Vdev", "BE",
		"handle", "state", "evt-ch", "ring-ref", "BE-path", "backend");
	return device_list_run(c, argc, argv, &list);
}
