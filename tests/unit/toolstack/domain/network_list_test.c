/* bothy network-list: which interfaces there are and who serves them is dom0's to say, numbers the guest's. */
#include <cjson/cJSON.h>
#include <string.h>

#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "toolstack/cli.h"

#define HEAD                                                                                       \
	"Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref BE-path"                   \
	"                                        backend\n"
#define FRONT  "/local/domain/1/device/vif/"
#define KERNEL "/local/domain/0/backend/vif/"
#define USER   "/local/domain/0/user-backend/vif/"

static int next;

static void put(const char *path, const char *value)
{
	const struct fake_node *found = fake_node_find(path);
	struct fake_node *n = &world->nodes[found ? found - world->nodes : 30 + next++];

	strcpy(n->path, path);
	strcpy(n->value, value);
}

/* An interface of web's of each kind, beside db's. */
static void setup(void)
{
	test_host_make();
	fake_domain_add(1, "web", XEN_DOMINF_blocked);
	fake_domain_add(2, "db", XEN_DOMINF_running);
	put("/local/domain/0/backend/vif", "");
	put(KERNEL "1", "");
	put(KERNEL "1/0", "");
	put(KERNEL "1/0/mac", "00:16:3e:00:00:01");
	put(KERNEL "1/0/bridge", "xenbr0");
	put("/local/domain/0/user-backend/vif", "");
	put(USER "1", "");
	put(USER "1/1", "");
	put(USER "1/1/mac", "00:16:3e:00:00:02");
	put(USER "1/1/mode", "nat");
	put(USER "1/1/ip", "10.0.0.5 2001:db8::5");
	put(USER "1/1/rate", "20000,50000");
	put(USER "2", "");
	put(USER "2/0", "");
	put(FRONT "0/state", "4");
	put(FRONT "0/event-channel", "16");
	put(FRONT "0/tx-ring-ref", "768");
	put(FRONT "0/rx-ring-ref", "769");
	put(FRONT "1/state", "1");
	put(FRONT "0/mac", "00:16:3e:66:66:66");
	put(FRONT "0/backend", USER "2/0");
}

START_TEST(columns_of_xl)
{
	ck_assert_int_eq(run("network-list web"), 0);
	ck_assert_str_eq(out_text, HEAD
		"0   0  00:16:3e:00:00:01      0     4     16   768/769         "
		"/local/domain/0/backend/vif/1/0                kernel\n"
		"1   0  00:16:3e:00:00:02      1     1     -1    -1/-1          "
		"/local/domain/0/user-backend/vif/1/1           user\n");
	ck_assert_int_eq(run("network-list 0"), 0);
	ck_assert_str_eq(out_text, HEAD);
}
END_TEST

/* With several queues the first one's stand for all. */
START_TEST(queues)
{
	put(FRONT "1/queue-0/event-channel-tx", "20");
	put(FRONT "1/queue-0/event-channel-rx", "21");
	put(FRONT "1/queue-0/tx-ring-ref", "800");
	put(FRONT "1/queue-0/rx-ring-ref", "801");
	ck_assert_int_eq(run("network-list web"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, " 1     1     20   800/801 "));
}
END_TEST

START_TEST(only_numbers_from_guests)
{
	static const char *const hostile[] = {"", "-1", "4294967296", "99999999999999999999999", "4 ", " 4",
		"0x4", "4\n1 0 1 4 9 9 /x user", "\033[2J", "\xff\xfe", "%s%n", "\"},{\""};
	static const char line[] = HEAD "0   0  00:16:3e:00:00:01      0    -1     -1    -1/-1          /local";
	cJSON *root, *all;

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		put(FRONT "0/state", hostile[i]);
		put(FRONT "0/event-channel", hostile[i]);
		put(FRONT "0/tx-ring-ref", hostile[i]);
		put(FRONT "0/rx-ring-ref", hostile[i]);
		ck_assert_int_eq(run("network-list web"), 0);
		ck_assert_msg(strncmp(out_text, line, strlen(line)) == 0, "%s", out_text);
		root = run_json("network-list --json web", 0, "bothy.network-list/1");
		all = cJSON_GetObjectItem(root, "vifs");
		ck_assert_int_eq(cJSON_GetArraySize(all), 2);
		ck_assert(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(all, 0), "state")));
		cJSON_Delete(root);
	}
}
END_TEST

static const char *text_of(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItem(o, key));
}

START_TEST(as_json)
{
	static const char *const keys[] = {"index", "backend_domid", "mac", "state", "event_channel",
		"tx_ring_ref", "rx_ring_ref", "backend_path", "backend", "mode", "bridge", "ip", "rate"};
	static const char *const top[] = {"schema", "name", "domid", "vifs"};
	cJSON *root = run_json("network-list --json web", 0, "bothy.network-list/1"), *vif;

	json_has_keys(root, top, 4);
	vif = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "vifs"), 0);
	json_has_keys(vif, keys, 13);
	ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(vif, "tx_ring_ref")), 768);
	ck_assert_str_eq(text_of(vif, "backend"), "kernel");
	ck_assert_str_eq(text_of(vif, "mode"), "bridged");
	ck_assert_str_eq(text_of(vif, "bridge"), "xenbr0");
	vif = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "vifs"), 1);
	json_has_keys(vif, keys, 13);
	ck_assert(cJSON_IsNull(cJSON_GetObjectItem(vif, "event_channel")));
	ck_assert_str_eq(text_of(vif, "backend"), "user");
	ck_assert_str_eq(text_of(vif, "mode"), "nat");
	ck_assert_str_eq(text_of(vif, "ip"), "10.0.0.5 2001:db8::5");
	ck_assert_str_eq(text_of(vif, "rate"), "20000,50000");
	cJSON_Delete(root);
}
END_TEST

START_TEST(a_failure_says_so)
{
	world->always_fails = "store_list";
	ck_assert_int_eq(run("network-list web"), EXIT_FAILED);
	ck_assert_ptr_nonnull(strstr(err_text, "\nbothy: network-list: store: Input/output error\n"));
	world->always_fails = "store_read";
	cJSON_Delete(run_json("network-list --json 1", EXIT_FAILED, "bothy.error/1"));
}
END_TEST

CHECK_MAIN("network_list", setup, test_host_remove, columns_of_xl, queues, only_numbers_from_guests, as_json,
	a_failure_says_so)
