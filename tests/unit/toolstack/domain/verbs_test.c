/* Verbs that change a running domain: what reaches the hypervisor and the store, what is refused. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "toolstack/cli.h"

static struct fake_domain *web, *db;

static void put(const char *path, const char *value)
{
	for (int i = 30; i < FAKE_NODES; i++) {
		struct fake_node *n = &world->nodes[i];

		if (n->path[0] && strcmp(n->path, path) != 0)
			continue;
		strcpy(n->path, path);
		strcpy(n->value, value);
		return;
	}
}

static const char *node(const char *path)
{
	const struct fake_node *n = fake_node_find(path);

	return n ? n->value : "(none)";
}

/* All three domains are in the JSON. */
static void json_has_domains(const char *words, const char *schema)
{
	cJSON *root = run_json(words, 0, schema);

	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "domains")), 3);
	cJSON_Delete(root);
}

static void setup(void)
{
	test_host_make();
	fake_domain_add(1, "web", XEN_DOMINF_blocked);
	fake_domain_add(2, "db", XEN_DOMINF_running);
	web = &world->domains[0];
	db = &world->domains[1];
	web->max_vcpus = 2;
	put("/local/domain/2", "");
	put("/local/domain/1/memory/target", "98304");
	put("/local/domain/1/memory/static-max", "196608");
}

START_TEST(mem_set_moves_target_and_limit)
{
	ck_assert_int_eq(run("mem-set web 64"), 0);
	ck_assert_str_eq(node("/local/domain/1/memory/target"), "65536");
	ck_assert_str_eq(node("/local/domain/1/memory/static-max"), "196608");
	ck_assert_uint_eq(web->max_kib, 65536 + 1024);
	ck_assert_int_eq(run("mem-set 1 131072k"), 0);
	ck_assert_str_eq(node("/local/domain/1/memory/target"), "131072");
	ck_assert_int_eq(run("mem-set web 192M"), 0);
	ck_assert_str_eq(out_text, "");
}
END_TEST

START_TEST(mem_set_refuses_the_impossible)
{
	ck_assert_int_eq(run("mem-set web 193"), EXIT_USAGE);
	ck_assert_str_eq(err_text, "bothy: mem-set: domain 1 may have 192 MiB at most (maxmem)\n");
	ck_assert_int_eq(run("mem-set web 15"), EXIT_USAGE);
	ck_assert_str_eq(err_text, "bothy: mem-set: domain 1 cannot live on less than 16 MiB\n");
	ck_assert_int_eq(run("mem-set Domain-0 127"), EXIT_USAGE);
	ck_assert_str_eq(err_text, "bothy: mem-set: domain 0 cannot live on less than 128 MiB\n");
	ck_assert_int_eq(run("mem-set web 3t"), EXIT_USAGE);
	ck_assert_int_eq(run("mem-set web 1x"), EXIT_USAGE);
	ck_assert_int_eq(run("mem-set nosuch 64"), EXIT_NO_DOMAIN);
	ck_assert_str_eq(node("/local/domain/1/memory/target"), "98304");
	ck_assert_uint_eq(web->max_kib, 98304);
}
END_TEST

/* It has no nodes before the first set, and its most is what it had then, not what it has left. */
START_TEST(mem_set_of_domain_0)
{
	ck_assert_int_eq(run("mem-set 0 512"), 0);
	ck_assert_str_eq(node("/local/domain/0/memory/target"), "524288");
	ck_assert_str_eq(node("/local/domain/0/memory/static-max"), "1048576");
	ck_assert_uint_eq(world->dom0_max_kib, 524288 + 1024);
	ck_assert_int_eq(run("mem-set 0 1g"), 0);
	ck_assert_str_eq(node("/local/domain/0/memory/target"), "1048576");
	ck_assert_int_eq(run("mem-set 0 1025"), EXIT_USAGE);
}
END_TEST

static void meminfo_write(const char *text)
{
	FILE *f = fopen(host_files.places.meminfo, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* It has 1024 MiB; without a figure of its kernel's, what it gives is its own affair. */
START_TEST(mem_set_leaves_domain_0_what_it_needs)
{
	meminfo_write("MemTotal: 1048576 kB\nMemFree: 1 kB\nMemAvailable:     327680 kB\nBuffers: 0 kB\n");
	ck_assert_int_eq(run("mem-set 0 767"), EXIT_USAGE);
	ck_assert_str_eq(err_text, "bothy: mem-set: domain 0 can give 256 MiB now, not 257\n"
				   "  hint: its processes and files in memory need the rest\n");
	ck_assert_int_eq(run("mem-set 0 768"), 0);
	meminfo_write("MemAvailable: 4096 kB\n");
	ck_assert_int_eq(run("mem-set 0 800"), 0);	/* its balloon is on the way to less */
	ck_assert_int_eq(run("mem-set 0 799"), EXIT_USAGE);
	ck_assert_int_eq(run("mem-set 0 1024"), 0);
	ck_assert_int_eq(run("mem-set 0 1023"), EXIT_USAGE);
	meminfo_write("MemTotal: 1048576 kB\n");
	ck_assert_int_eq(run("mem-set 0 128"), 0);
}
END_TEST

START_TEST(mem_set_that_fails_leaves_the_limit)
{
	world->always_fails = "store_write";
	ck_assert_int_eq(run("mem-set web 64"), EXIT_FAILED);
	ck_assert_uint_eq(web->max_kib, 98304);
}
END_TEST

START_TEST(mem_set_waits)
{
	cJSON *root;

	world->balloon_pages = 1024;
	root = run_json("mem-set --json -w web 64", 0, "bothy.mem-set/1");
	ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(root, "target_kib")), 65536);
	ck_assert_double_le(cJSON_GetNumberValue(cJSON_GetObjectItem(root, "memory_kib")), 66560);
	cJSON_Delete(root);
	world->balloon_pages = 0;
	ck_assert_int_eq(run("mem-set -w -t 0 web 128"), EXIT_TIMEOUT);
	ck_assert_ptr_nonnull(
		strstr(err_text, "bothy: mem-set: domain 1 is at 64 MiB after 0 s, not at 128\n"));
	ck_assert_int_eq(run("mem-set -w -t 2 web 128"), EXIT_TIMEOUT);
	ck_assert_ptr_nonnull(
		strstr(err_text, "bothy: mem-set: domain 1 has 64 MiB on its way to 128\n"));
}
END_TEST

START_TEST(mem_max_is_the_hypervisors_limit)
{
	ck_assert_int_eq(run("mem-max web 256"), 0);
	ck_assert_uint_eq(web->max_kib, 262144 + 1024);
	ck_assert_str_eq(node("/local/domain/1/memory/target"), "98304");
	ck_assert_int_eq(run("mem-max web 95"), EXIT_USAGE);
	ck_assert_ptr_nonnull(strstr(err_text, "domain 1 is to have 96 MiB"));
}
END_TEST

START_TEST(vcpu_set_tells_the_guest)
{
	ck_assert_int_eq(run("vcpu-set web 1"), 0);
	ck_assert_str_eq(node("/local/domain/1/cpu/0/availability"), "online");
	ck_assert_str_eq(node("/local/domain/1/cpu/1/availability"), "offline");
	ck_assert_int_eq(run("vcpu-set -i web 2"), 0);
	ck_assert_str_eq(node("/local/domain/1/cpu/1/availability"), "online");
	ck_assert_int_eq(run("vcpu-set web 3"), EXIT_USAGE);
	ck_assert_str_eq(
		err_text, "bothy: vcpu-set: domain 1 has 2 virtual CPUs at most (maxvcpus)\n");
	ck_assert_int_eq(run("vcpu-set web 0"), EXIT_USAGE);
	ck_assert_int_eq(run("vcpu-set web two"), EXIT_USAGE);
	ck_assert_int_eq(run("vcpu-set 0 1"), 0);
	ck_assert_str_eq(node("/local/domain/0/cpu/1/availability"), "offline");
}
END_TEST

START_TEST(vcpu_pin_sets_affinities)
{
	ck_assert_int_eq(run("vcpu-pin web 1 0"), 0);
	ck_assert_uint_eq(web->hard_affinity[1], 1);
	ck_assert_uint_eq(web->hard_affinity[0], 0);
	ck_assert_int_eq(run("vcpu-pin web all 0-1 1"), 0);
	ck_assert_uint_eq(web->hard_affinity[0], 3);
	ck_assert_uint_eq(web->hard_affinity[1], 3);
	ck_assert_uint_eq(web->soft, 2);
	ck_assert_int_eq(run("vcpu-pin -f web 0 - 0"), 0);
	ck_assert_uint_eq(web->hard_affinity[0], 3);
	ck_assert_uint_eq(web->soft, 1);
	ck_assert_int_eq(run("vcpu-pin web 0 - -"), EXIT_USAGE);
	ck_assert_int_eq(run("vcpu-pin web 0 x"), EXIT_USAGE);
	ck_assert_int_eq(run("vcpu-pin web 0 9"), EXIT_USAGE);
	ck_assert_ptr_nonnull(strstr(err_text, "no CPU of the set is there"));
	ck_assert_int_eq(run("vcpu-pin web 2 0"), EXIT_USAGE);
	ck_assert_ptr_nonnull(strstr(err_text, "domain 1 has no virtual CPU 2"));
}
END_TEST

START_TEST(sched_credit_shows_and_sets)
{
	ck_assert_int_eq(run("sched-credit -d web -w 512"), 0);
	ck_assert_int_eq(run("sched-credit --domain=web --cap=50"), 0);
	ck_assert_uint_eq(web->weight, 512);
	ck_assert_uint_eq(web->cap, 50);
	ck_assert_int_eq(run("sched-credit"), 0);
	ck_assert_str_eq(out_text, "Cpupool Pool-0: tslice=10ms ratelimit=0us migration-delay=0us\n"
				   "Name                                ID Weight  Cap\n"
				   "Domain-0                             0    256    0\n"
				   "web                                  1    512   50\n"
				   "db                                   2    256    0\n");
	ck_assert_int_eq(run("sched-credit -d web"), 0);
	ck_assert_str_eq(out_text, "Name                                ID Weight  Cap\n"
				   "web                                  1    512   50\n");
	ck_assert_int_eq(run("sched-credit -w 3"), EXIT_USAGE);
	ck_assert_int_eq(run("sched-credit -d web -w 0"), EXIT_USAGE);
	ck_assert_int_eq(run("sched-credit -d web -c 65536"), EXIT_USAGE);
	ck_assert_int_eq(run("sched-credit -s"), 0);
	ck_assert_str_eq(
		out_text, "Cpupool Pool-0: tslice=10ms ratelimit=0us migration-delay=0us\n");
	cJSON_Delete(run_json("sched-credit -s --json", 0, "bothy.scheduler/1"));
	json_has_domains("sched-credit --json", "bothy.sched-credit/1");
}
END_TEST

START_TEST(names)
{
	ck_assert_int_eq(run("domid web"), 0);
	ck_assert_str_eq(out_text, "1\n");
	ck_assert_int_eq(run("domname 2"), 0);
	ck_assert_str_eq(out_text, "db\n");
	ck_assert_int_eq(run("domid nosuch"), EXIT_NO_DOMAIN);
	cJSON_Delete(run_json("domid --json web", 0, "bothy.name/1"));
}
END_TEST

/* The name for the next life as well. */
START_TEST(rename_changes_every_place)
{
	char text[512] = "";
	FILE *f;

	world->last_id = 2;
	ck_assert_msg(run("create -q /dev/null name=app kernel=%s memory=16",
			      host_files.kernel) == 0,
		"%s", err_text);
	ck_assert_int_eq(run("rename app www"), 0);
	ck_assert_int_eq(run("rename www db"), EXIT_FAILED);
	ck_assert_str_eq(node("/local/domain/3/name"), "www");
	ck_assert_str_eq(node("/bothy/domain/3/name"), "www");
	ck_assert_int_eq(run("domid www"), 0);
	ck_assert_str_eq(out_text, "3\n");
	ck_assert_int_eq(test_host_count(host_files.places.kept, "*.new"), 0);
	f = fopen(node("/bothy/domain/3/config"), "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "www"));
	ck_assert_ptr_nonnull(strstr(text, "memory = 16"));
	ck_assert_ptr_null(strstr(text, "app"));
}
END_TEST

/* At whatever call. */
START_TEST(rename_that_fails_leaves_the_names)
{
	char *before;
	long calls;

	ck_assert_int_eq(run("rename web www"), 0); /* every node is there now */
	world->calls = 0;
	ck_assert_int_eq(run("rename www web"), 0);
	calls = world->calls;
	before = test_host_text();
	for (long at = 1; at <= calls; at++) {
		char *after;

		world->calls = 0;
		world->fail_at = at;
		if (run("rename web www") == 0) { /* a call that may fail */
			ck_assert_int_eq(run("rename www web"), 0);
			continue;
		}
		ck_assert_str_ne(err_text, "");
		after = test_host_text();
		ck_assert_str_eq(after, before);
		free(after);
	}
	free(before);
}
END_TEST

/* One without a kept configuration, too. */
START_TEST(rename_changes_what_there_is)
{
	ck_assert_int_eq(run("rename web www"), 0);
	ck_assert_str_eq(node("/local/domain/1/name"), "www");
	ck_assert_str_eq(node("/vm/ab000000-0000-0000-0000-000000000000/name"), "www");
	ck_assert_str_eq(node("/bothy/domain/1/name"), "www");
	ck_assert_int_eq(run("rename www www"), 0);
}
END_TEST

START_TEST(rename_respects_creations)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "%d 0 coming", (int)getpid());
	put("/bothy/creating", "");
	put("/bothy/creating/22222222-0000-0000-0000-000000000000", mark);
	ck_assert_int_eq(run("rename web coming"), EXIT_FAILED);
	ck_assert_ptr_nonnull(strstr(err_text, "name: \"coming\" is being created or removed by"));
	ck_assert_str_eq(node("/local/domain/1/name"), "web");
}
END_TEST

START_TEST(rename_refuses)
{
	ck_assert_int_eq(run("rename web db"), EXIT_FAILED);
	ck_assert_str_eq(err_text, "bothy: rename: name: \"db\" is taken by domain 2\n"
				   "  hint: bothy destroy 2, or choose another name\n");
	ck_assert_int_eq(run("rename web 17"), EXIT_USAGE);
	ck_assert_int_eq(run("rename web a/b"), EXIT_USAGE);
	ck_assert_int_eq(run("rename 0 dom0"), EXIT_USAGE);
	ck_assert_str_eq(node("/local/domain/1/name"), "web");
	put("/bothy/domain/1/config", "/nonexistent/web.cfg");
	ck_assert_int_eq(run("rename web www"), EXIT_FAILED);
	ck_assert_ptr_nonnull(strstr(err_text, "/nonexistent/web.cfg: No such file"));
	ck_assert_str_eq(node("/local/domain/1/name"), "web");
}
END_TEST

START_TEST(uptime_counts_from_creation)
{
	char start[32];

	snprintf(start, sizeof(start), "%lld", (long long)time(NULL) - 2 * 86400 - 3 * 3600 - 60);
	put("/vm/ab000000-0000-0000-0000-000000000000/start_time", start);
	ck_assert_int_eq(run("uptime web"), 0);
	ck_assert_ptr_nonnull(
		strstr(out_text, "Name                                ID Uptime\n"
				 "web                                  1 2 days,  3:01:0"));
	ck_assert_int_eq(run("uptime -s web"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, " up 2 days,  3:01, web (1)\n"));
	json_has_domains("uptime --json", "bothy.uptime/1");
}
END_TEST

#define BLOCK_HEAD                                                                                 \
	"Vdev  BE  handle state evt-ch ring-ref BE-path                                          backend\n"
#define BLOCK_FRONT "/local/domain/1/device/vbd/"
#define BLOCK_BACK  "/local/domain/0/"

/* A disk of web's of each kind, beside db's. */
static void put_disks(void)
{
	put(BLOCK_BACK "backend/vbd", "");
	put(BLOCK_BACK "backend/vbd/1", "");
	put(BLOCK_BACK "backend/vbd/1/51712", "");
	put(BLOCK_BACK "user-backend/vbd/1", "");
	put(BLOCK_BACK "user-backend/vbd/1/268439552", "");
	put(BLOCK_BACK "user-backend/vbd/2", "");
	put(BLOCK_BACK "user-backend/vbd/2/51712", "");
	put(BLOCK_FRONT "51712/state", "4");
	put(BLOCK_FRONT "51712/event-channel", "15");
	put(BLOCK_FRONT "51712/ring-ref", "8");
	put(BLOCK_FRONT "51712/backend", "/local/domain/0/backend/vbd/2/51712");
	put(BLOCK_FRONT "51712/backend-id", "7");
	put(BLOCK_FRONT "268439552/state", "3");
}

START_TEST(block_list_has_the_columns_of_xl)
{
	put_disks();
	ck_assert_int_eq(run("block-list web"), 0);
	ck_assert_str_eq(out_text, BLOCK_HEAD
		"51712 0   1      4     15     8        /local/domain/0/backend/vbd/1/51712              kernel\n"
		"268439552 0   1      3     -1     -1       /local/domain/0/user-backend/vbd/1/268439552     user\n");
	ck_assert_int_eq(run("block-list 0"), 0);
	ck_assert_str_eq(out_text, BLOCK_HEAD);
}
END_TEST

/* The guest's nodes hold what it likes, or are none. */
START_TEST(block_list_takes_only_numbers_from_guests)
{
	static const char *const hostile[] = {"", "-1", "4294967296", "99999999999999999999999", "4 ", " 4",
		"0x4", "4\n51728 0 1 4 9 9 /x user", "\033[2J", "\xff\xfe", "%s%n", "\"},{\""};
	static const char line[] = BLOCK_HEAD "51712 0   1      -1    -1     -1 ";
	cJSON *root, *all;

	put_disks();
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		put(BLOCK_FRONT "51712/state", hostile[i]);
		put(BLOCK_FRONT "51712/event-channel", hostile[i]);
		put(BLOCK_FRONT "51712/ring-ref", hostile[i]);
		ck_assert_int_eq(run("block-list web"), 0);
		ck_assert_msg(strncmp(out_text, line, strlen(line)) == 0, "%s", out_text);
		root = run_json("block-list --json web", 0, "bothy.block-list/1");
		all = cJSON_GetObjectItem(root, "disks");
		ck_assert_int_eq(cJSON_GetArraySize(all), 2);
		ck_assert(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(all, 0), "state")));
		cJSON_Delete(root);
	}
}
END_TEST

START_TEST(block_list_as_json)
{
	static const char *const keys[] = {"virtual_device", "backend_domid", "state", "event_channel",
		"ring_ref", "backend_path", "backend"}, *const top[] = {"schema", "name", "domid", "disks"};
	cJSON *root, *disk;

	put_disks();
	root = run_json("block-list --json web", 0, "bothy.block-list/1");
	json_has_keys(root, top, 4);
	disk = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "disks"), 1);
	json_has_keys(disk, keys, 7);
	ck_assert_double_eq(
		cJSON_GetNumberValue(cJSON_GetObjectItem(disk, "virtual_device")), 268439552);
	ck_assert_double_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(disk, "state")), 3);
	ck_assert(cJSON_IsNull(cJSON_GetObjectItem(disk, "ring_ref")));
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(disk, "backend")), "user");
	cJSON_Delete(root);
}
END_TEST

/* At whatever call: one line or object, and an exit status. */
START_TEST(block_list_that_fails_says_so)
{
	put_disks();
	world->always_fails = "store_list";
	ck_assert_int_eq(run("block-list web"), EXIT_FAILED);
	ck_assert_ptr_nonnull(strstr(err_text, "\nbothy: block-list: store: Input/output error\n"));
	world->always_fails = "store_read";
	cJSON_Delete(run_json("block-list --json 1", EXIT_FAILED, "bothy.error/1"));
}
END_TEST

START_TEST(triggers)
{
	ck_assert_int_eq(run("trigger web nmi 1"), 0);
	ck_assert_uint_eq(web->nmis, 2);
	ck_assert_int_eq(run("trigger web nmi 2"), EXIT_USAGE);
	ck_assert_int_eq(run("trigger web power"), EXIT_USAGE);
	ck_assert_int_eq(run("trigger 0 nmi"), EXIT_USAGE);
	ck_assert_int_eq(run("sysrq web s"), 0);
	ck_assert_str_eq(node("/local/domain/1/control/sysrq"), "s");
	ck_assert_int_eq(run("sysrq web sync"), EXIT_USAGE);
	ck_assert_int_eq(run("sysrq 0 s"), EXIT_USAGE);
}
END_TEST

START_TEST(host_stop_asks_and_waits)
{
	world->obeys = true;
	db->flags = XEN_DOMINF_shutdown | 3 << XEN_DOMINF_shutdownshift;
	ck_assert_int_eq(run("shutdown --host"), 0);
	ck_assert_str_eq(node("/bothy/stopping"), "1");
	ck_assert_str_eq(node("/local/domain/1/control/shutdown"), "poweroff");
	ck_assert_ptr_nonnull(strstr(out_text, "web (1): ended\n"));
	ck_assert_ptr_nonnull(strstr(out_text, "db (2): ended: crash\n"));
	ck_assert_int_eq(run("reboot --host"), EXIT_USAGE);
}
END_TEST

START_TEST(host_stop_destroys_who_does_not_answer)
{
	cJSON *root, *all;

	db->flags |= XEN_DOMINF_paused;
	ck_assert_int_eq(run("shutdown --host -t 0"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "web (1): still there after 0 s, destroyed\n"));
	ck_assert_uint_eq(web->id, 0);
	ck_assert_uint_eq(db->id, 0);
	ck_assert_msg(!(db->flags & XEN_DOMINF_paused), "paused guests are let run");
	ck_assert_int_eq(fake_node_count("/local/domain/1"), 0);
	fake_domain_add(3, "late", 0);
	root = run_json("shutdown --host --json -t 0", 0, "bothy.shutdown-host/1");
	all = cJSON_GetObjectItem(root, "domains");
	ck_assert_int_eq(cJSON_GetArraySize(all), 1);
	ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetArrayItem(all, 0), "destroyed")));
	cJSON_Delete(root);
}
END_TEST

START_TEST(console_says_who_is_missing)
{
	ck_assert_int_eq(run("console web"), EXIT_FAILED);
	ck_assert_str_eq(err_text, "bothy: console: domain 1 has no console yet\n"
				   "  hint: is consoled running?\n");
	ck_assert_int_eq(run("console -n 2 web"), EXIT_FAILED);
	ck_assert_str_eq(err_text, "bothy: console: domain 1 has no console 2 yet\n"
				   "  hint: the guest connects it, if it has so many channels\n");
}
END_TEST

/* The domain is gone, but not yet what the store knows of it. */
START_TEST(host_stop_waits_for_the_store)
{
	world->obeys = true;
	put("/bothy/domain", "");
	put("/bothy/domain/1", "");
	put("/bothy/domain/7", "");
	ck_assert_int_eq(run("shutdown --host -t 1"), 0);
	ck_assert_int_eq(fake_node_count("/bothy/domain"), 1);
	ck_assert_ptr_nonnull(strstr(out_text, "web (1): still there after 1 s, destroyed\n"));
	ck_assert_ptr_nonnull(strstr(out_text, "db (2): ended\n"));
	fake_domain_add(3, "late", 0);
	world->always_fails = "store_list";
	ck_assert_int_eq(run("shutdown --host"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "late (3): ended\n"));
}
END_TEST

START_TEST(host_stop_that_fails_says_so)
{
	world->always_fails = "domain_list";
	ck_assert_int_eq(run("shutdown --host"), EXIT_FAILED);
	world->always_fails = "destroy";
	ck_assert_int_eq(run("shutdown --host -t 0"), EXIT_FAILED);
	ck_assert_ptr_nonnull(strstr(out_text, "cannot be destroyed"));
}
END_TEST

CHECK_MAIN("verbs", setup, test_host_remove, mem_set_moves_target_and_limit,
	   mem_set_refuses_the_impossible, mem_set_of_domain_0, mem_set_leaves_domain_0_what_it_needs,
	   mem_set_that_fails_leaves_the_limit, mem_set_waits, mem_max_is_the_hypervisors_limit,
	   vcpu_set_tells_the_guest, vcpu_pin_sets_affinities, sched_credit_shows_and_sets, names,
	   rename_changes_every_place, rename_that_fails_leaves_the_names,
	   rename_changes_what_there_is, rename_respects_creations, rename_refuses,
	   uptime_counts_from_creation, block_list_has_the_columns_of_xl,
	   block_list_takes_only_numbers_from_guests, block_list_as_json, block_list_that_fails_says_so, triggers, console_says_who_is_missing, host_stop_asks_and_waits,
	   host_stop_destroys_who_does_not_answer, host_stop_waits_for_the_store,
	   host_stop_that_fails_says_so)
