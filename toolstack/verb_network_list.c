/* bothy network-list: a domain's network interfaces in the columns of `xl network-list`, and who serves each. */
#include <errno.h>
#include <string.h>

#include "toolstack/device_list.h"

struct vif_view {
	char mac[MAC_TEXT], bridge[16], mode[16], ip[NET_ADDRESSES_MAX * NET_ADDRESS_TEXT], rate[64];
	int64_t state, event_channel, tx_ring_ref, rx_ring_ref;
};

/* What the front end says of its queue, or of the first of several. */
static int queue_number(const struct device_row *row, const char *const names[], int64_t *out)
{
	int rc = 0;

	*out = -1;
	for (; rc == 0 && *out < 0 && *names; names++)
		rc = device_front_number(row, *names, out);
	return rc;
}

static int front_read(const struct device_row *row, struct vif_view *v)
{
	static const char *const event_channels[] = {"event-channel", "event-channel-tx",
		"queue-0/event-channel", "queue-0/event-channel-tx", NULL};
	static const char *const tx[] = {"tx-ring-ref", "queue-0/tx-ring-ref", NULL};
	static const char *const rx[] = {"rx-ring-ref", "queue-0/rx-ring-ref", NULL};
	int rc = device_front_number(row, "state", &v->state);

	if (rc == 0)
		rc = queue_number(row, event_channels, &v->event_channel);
	if (rc == 0)
		rc = queue_number(row, tx, &v->tx_ring_ref);
	return rc ? rc : queue_number(row, rx, &v->rx_ring_ref);
}

static int back_read(const struct device_row *row, struct vif_view *v)
{
	int rc = device_back_text(row, "mac", v->mac, sizeof(v->mac));

	if (rc == 0)
		rc = device_back_text(row, "bridge", v->bridge, sizeof(v->bridge));
	if (rc == 0)
		rc = device_back_text(row, "mode", v->mode, sizeof(v->mode));
	if (rc == 0)
		rc = device_back_text(row, "ip", v->ip, sizeof(v->ip));
	return rc ? rc : device_back_text(row, "rate", v->rate, sizeof(v->rate));
}

static void describe(const struct device_row *row, const struct vif_view *v, cJSON *o)
{
	cJSON_AddNumberToObject(o, "index", row->number);
	cJSON_AddNumberToObject(o, "backend_domid", 0);
	cJSON_AddStringToObject(o, "mac", v->mac);
	device_json_number(o, "state", v->state);
	device_json_number(o, "event_channel", v->event_channel);
	device_json_number(o, "tx_ring_ref", v->tx_ring_ref);
	device_json_number(o, "rx_ring_ref", v->rx_ring_ref);
	cJSON_AddStringToObject(o, "backend_path", row->back);
	cJSON_AddStringToObject(o, "backend", row->backend);
	cJSON_AddStringToObject(o, "mode", v->mode[0] ? v->mode : "bridged");
	cJSON_AddStringToObject(o, "bridge", v->bridge);
	cJSON_AddStringToObject(o, "ip", v->ip);
	cJSON_AddStringToObject(o, "rate", v->rate);
}

static int show(struct cli *c, const struct device_row *row, cJSON *o)
{
	struct vif_view v;
	int rc = back_read(row, &v);

	if (rc == 0)
		rc = front_read(row, &v);
	if (rc < 0)
		return rc;
	if (o)
		describe(row, &v, o);
	else
		fprintf(c->out, "%-3u %-2u %-17s %6u %5lld %6lld %5lld/%-11lld %-46s %s\n", row->number, 0,
			v.mac, row->number, (long long)v.state, (long long)v.event_channel,
			(long long)v.tx_ring_ref, (long long)v.rx_ring_ref, row->back, row->backend);
	return 0;
}

enum exit_code verb_network_list(struct cli *c, int argc, char **argv)
{
	char heading[160];
	const struct device_list list = {
		.verb = "network-list", .type = "vif", .array = "vifs", .heading = heading, .show = show};

	snprintf(heading, sizeof(heading), "%-3s %-2s %-17s %-6s %-5s %-6s %5s/%-11s %-46s %s\n", "Idx",
		"BE", "Mac Addr.", "handle", "state", "evt-ch", "tx-", "rx-ring-ref", "BE-path", "backend");
	return device_list_run(c, argc, argv, &list);
}
