/* The program as scripts meet it: columns, keys, exit codes, JSON. */
#include <cjson/cJSON.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "toolstack/cli.h"

static void setup(void)
{
	test_host_make();
	fake_domain_add(1, "web", XEN_DOMINF_blocked);
	fake_domain_add(2, "crashed", XEN_DOMINF_shutdown | 3 << XEN_DOMINF_shutdownshift);
}

START_TEST(list_has_the_columns_of_xl)
{
	ck_assert_int_eq(run("list"), 0);
	ck_assert_str_eq(out_text,
		"Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
		"Domain-0                                     0  1024     2     r-----      12.3\n"
		"web                                          1    96     1     -b----       0.0\n"
		"crashed                                      2    96     1     ----c-       "
		"0.0\n");
	ck_assert_str_eq(err_text, "");
	ck_assert_int_eq(run("list web"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "\nweb "));
	ck_assert_ptr_null(strstr(out_text, "Domain-0"));
	ck_assert_int_eq(run("list 2"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "\ncrashed "));
}
END_TEST

/* One without a name is none of that name. */
START_TEST(a_domain_may_have_no_name)
{
	static const char *const json[][2] = {{"list 1", "bothy.list/1"},
		{"vcpu-list 1", "bothy.vcpu-list/1"}, {"uptime 1", "bothy.uptime/1"},
		{"sched-credit -d 1", "bothy.sched-credit/1"}, {"domid 1", "bothy.name/1"},
		{"block-list 1", "bothy.block-list/1"},
		{"network-list 1", "bothy.network-list/1"}};
	char words[64];

	fake_domain_add(1, "", XEN_DOMINF_dying);
	ck_assert_int_eq(run("list 1"), 0);
	ck_assert_ptr_nonnull(strstr(out_text,
		"\n(unnamed)                                    1    96     1     -----d       0.0\n"));
	ck_assert_int_eq(run("vcpu-list 1"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "\n(unnamed) "));
	ck_assert_int_eq(run("domname 1"), 0);
	ck_assert_str_eq(out_text, "(unnamed)\n");
	ck_assert_int_eq(run("destroy (unnamed)"), EXIT_NO_DOMAIN);
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
		snprintf(words, sizeof(words), "%s --json", json[i][0]);
		cJSON_Delete(run_json(words, 0, json[i][1]));
		ck_assert_ptr_nonnull(strstr(out_text, "\"name\":\tnull"));
	}
}
END_TEST

START_TEST(names_cannot_move_the_cursor)
{
	fake_domain_add(1, "a\033[2Jb", 0);
	ck_assert_int_eq(run("list"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "a?[2Jb"));
}
END_TEST

/* As the C library sees it. */
static bool is_utf8(const char *text)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	return mbstowcs(NULL, text, 0) != (size_t)-1;
}

START_TEST(json_schemas)
{
	static const char *const domain[] = {"name", "domid", "uuid", "memory_mib",
		"max_memory_mib", "vcpus", "state", "cpu_time_seconds", "shutdown_reason"};
	static const char *const vcpu[] = {"name", "domid", "vcpu", "online", "running", "blocked",
		"cpu", "cpu_time_seconds", "hard_affinity", "soft_affinity"};
	static const char *const error[] = {"schema", "verb", "exit", "where", "what", "hint"};
	cJSON *root = run_json("list --json", 0, "bothy.list/1"), *all;

	all = cJSON_GetObjectItem(root, "domains");
	ck_assert_int_eq(cJSON_GetArraySize(all), 3);
	json_has_keys(cJSON_GetArrayItem(all, 2), domain, 9);
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(
				 cJSON_GetArrayItem(all, 2), "shutdown_reason")),
		"crash");
	cJSON_Delete(root);
	root = run_json("vcpu-list --json web", 0, "bothy.vcpu-list/1");
	json_has_keys(cJSON_GetArrayItem(cJSON_GetObjectItem(root, "vcpus"), 0), vcpu, 10);
	cJSON_Delete(root);
	root = run_json("--json list nosuch", EXIT_NO_DOMAIN, "bothy.error/1");
	json_has_keys(root, error, 6);
	ck_assert_str_eq(err_text, "");
	cJSON_Delete(root);
	root = run_json("pause --json web", 0, "bothy.done/1");
	cJSON_Delete(root);
	root = run_json("dmesg --json", 0, "bothy.dmesg/1");
	cJSON_Delete(root);
	root = run_json("help --json", 0, "bothy.help/1");
	cJSON_Delete(root);
	root = run_json("info --json", 0, "bothy.info/1");
	ck_assert(cJSON_IsNumber(cJSON_GetObjectItem(root, "total_memory")));
	ck_assert_str_eq(
		cJSON_GetStringValue(cJSON_GetObjectItem(root, "flaw_mds")), "not affected");
	cJSON_Delete(root);
}
END_TEST

START_TEST(info_has_the_keys_scripts_read)
{
	static const char *const lines[] = {
		"\nnr_cpus                : 2\n",
		"\nnr_nodes               : 1\n",
		"\ncores_per_socket       : 2\n",
		"\nthreads_per_core       : 1\n",
		"\ntotal_memory           : 2048\n",
		"\nfree_memory            : 512\n",
		"\nxen_major              : 4\n",
		"\nxen_minor              : 17\n",
		"\nxen_version            : 4.17.0-bothy\n",
		"\ncpu_mhz                : 2400.123\n",
		"\nxen_scheduler          : credit\n",
		"\nxen_caps               : xen-3.0-x86_64 \n",
		"\nvirt_caps              : pv gnttab-v1\n",
		"\nbuild_id               : 00ab12\n",
		"\nflaw_meltdown          : affected, not mitigated: run only trusted guests\n",
		"\nflaw_l1tf              : affected, mitigated: absent entries name no RAM\n",
		"\nflaw_mds               : not affected\n",
		"\nflaw_rsb               : \n",
	};
	static const char *const keys[] = {"host", "release", "version", "machine", "nr_cpus",
		"max_cpu_id", "nr_nodes", "cores_per_socket", "threads_per_core", "cpu_mhz",
		"hw_caps", "virt_caps", "total_memory", "free_memory", "sharing_freed_memory",
		"sharing_used_memory", "outstanding_claims", "free_cpus", "xen_major", "xen_minor",
		"xen_extra", "xen_version", "xen_caps", "xen_scheduler", "xen_pagesize",
		"platform_params", "xen_changeset", "xen_commandline", "cc_compiler",
		"cc_compile_by", "cc_compile_domain", "cc_compile_date", "build_id",
		"xend_config_format", "free_pages", "flaw_meltdown", "flaw_l1tf", "flaw_mds",
		"flaw_spectre_v2", "flaw_rsb"};

	ck_assert_int_eq(run("info"), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(out_text, lines[i]) != NULL, "%s in\n%s", lines[i], out_text);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n%-23s:", keys[i]);
		ck_assert_msg(strstr(out_text, line + (i == 0)) != NULL, "no %s", keys[i]);
	}
	ck_assert_int_eq(run("info free_memory"), 0);
	ck_assert_str_eq(out_text, "512\n");
	ck_assert_int_eq(run("info nothing"), EXIT_USAGE);
}
END_TEST

START_TEST(vcpus_and_log)
{
	ck_assert_int_eq(run("vcpu-list web"), 0);
	ck_assert_str_eq(out_text,
		"Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard "
		"/ Soft)\n"
		"web                                  1     0     -   --p        0.0  all / all\n");
	ck_assert_int_eq(run("dmesg"), 0);
	ck_assert_str_eq(out_text, "(BOTHY) first line\n(BOTHY) second \033[31mline\n");
}
END_TEST

START_TEST(pause_and_unpause)
{
	ck_assert_int_eq(run("pause web"), 0);
	ck_assert(world->domains[0].flags & XEN_DOMINF_paused);
	ck_assert_int_eq(run("unpause 1"), 0);
	ck_assert(!(world->domains[0].flags & XEN_DOMINF_paused));
	ck_assert_int_eq(run("pause 77"), EXIT_NO_DOMAIN);
}
END_TEST

START_TEST(shutdown_asks_through_the_store)
{
	ck_assert_int_eq(run("shutdown web"), 0);
	ck_assert_str_eq(fake_node_find("/local/domain/1/control/shutdown")->value, "poweroff");
	ck_assert_int_eq(run("reboot web"), 0);
	ck_assert_str_eq(fake_node_find("/local/domain/1/control/shutdown")->value, "reboot");
	ck_assert_int_eq(run("shutdown -w -t 0 web"), EXIT_TIMEOUT);
	ck_assert_str_eq(err_text, "bothy: shutdown: domain 1 is still there after 0 s\n"
				   "  hint: bothy destroy 1 ends it at once\n");
	ck_assert_int_eq(run("shutdown Domain-0"), EXIT_USAGE);
	ck_assert_int_eq(run("shutdown -a"), 0);
	ck_assert_ptr_nonnull(fake_node_find("/local/domain/2/control/shutdown"));
	ck_assert_int_eq(run("shutdown -t x web"), EXIT_USAGE);
}
END_TEST

/* A domain that is kept after shutdown counts as down. */
START_TEST(waiting_ends_at_a_preserved_domain)
{
	strcpy(world->nodes[30].path, "/bothy/domain/2/on_poweroff");
	strcpy(world->nodes[30].value, "preserve");
	ck_assert_int_eq(run("shutdown -w -t 0 crashed"), 0);
}
END_TEST

START_TEST(destroy_reaps)
{
	ck_assert_int_eq(run("destroy web"), 0);
	ck_assert_uint_eq(world->domains[0].id, 0);
	ck_assert_int_eq(fake_node_count("/local/domain/1"), 0);
	ck_assert_int_eq(run("destroy web"), EXIT_NO_DOMAIN);
	ck_assert_int_eq(run("destroy Domain-0"), EXIT_USAGE);
	ck_assert_int_eq(run("destroy"), EXIT_USAGE);
}
END_TEST

#define DOMAIN_0                                                                                   \
	"domain 0 is this system itself\n"                                                         \
	"  hint: name a guest; this system has its own poweroff and reboot\n"
#define LONG_NAME "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *words;
	int code;
	const char *err;
} wrong[] = {
	{"frob", EXIT_USAGE, "bothy: unknown verb \"frob\"\n  hint: see: bothy help\n"},
	{"lst", EXIT_USAGE,
		"bothy: unknown verb \"lst\"\n  hint: did you mean \"list\"? see: bothy help\n"},
	{"vcpulist", EXIT_USAGE,
		"bothy: unknown verb \"vcpulist\"\n"
		"  hint: did you mean \"vcpu-list\"? see: bothy help\n"},
	{"help craete", EXIT_USAGE,
		"bothy: unknown verb \"craete\"\n"
		"  hint: did you mean \"create\"? see: bothy help\n"},
	{"-x", EXIT_USAGE, "bothy: unknown option \"-x\"\n  hint: see: bothy help\n"},
	{"--versoin", EXIT_USAGE, "bothy: unknown option \"--versoin\"\n  hint: see: bothy help\n"},
	{"version web", EXIT_USAGE,
		"bothy: version: unexpected operand \"web\"\n  hint: see: bothy help version\n"},
	{"list -x", EXIT_USAGE,
		"bothy: list: unknown option \"-x\"\n  hint: see: bothy help list\n"},
	{"list --jsno", EXIT_USAGE,
		"bothy: list: unknown option \"--jsno\"\n"
		"  hint: did you mean \"--json\"? see: bothy help list\n"},
	{"create --dryrum x", EXIT_USAGE,
		"bothy: create: unknown option \"--dryrum\"\n"
		"  hint: did you mean \"--dryrun\"? see: bothy help create\n"},
	{"create --memory=3 x", EXIT_USAGE,
		"bothy: create: unknown option \"--memory=3\"\n  hint: see: bothy help create\n"},
	{"list a b", EXIT_USAGE,
		"bothy: list: unexpected operand \"b\"\n  hint: see: bothy help list\n"},
	{"shutdown -a web", EXIT_USAGE,
		"bothy: shutdown: unexpected operand \"web\"\n"
		"  hint: see: bothy help shutdown\n"},
	{"block-list", EXIT_USAGE,
		"bothy: block-list: operand missing: bothy block-list DOMAIN\n"
		"  hint: see: bothy help block-list\n"},
	{"network-list", EXIT_USAGE,
		"bothy: network-list: operand missing: bothy network-list DOMAIN\n"
		"  hint: see: bothy help network-list\n"},
	{"block-list web crashed", EXIT_USAGE,
		"bothy: block-list: unexpected operand \"crashed\"\n"
		"  hint: see: bothy help block-list\n"},
	{"pause", EXIT_USAGE,
		"bothy: pause: operand missing: bothy pause DOMAIN\n"
		"  hint: see: bothy help pause\n"},
	{"create", EXIT_USAGE,
		"bothy: create: which configuration file?\n  hint: see: bothy help create\n"},
	{"create -f", EXIT_USAGE,
		"bothy: create: option \"-f\" needs a value\n  hint: see: bothy help create\n"},
	{"create a.cfg b.cfg", EXIT_USAGE,
		"bothy: create: expected KEY=VALUE, got \"b.cfg\"\n"
		"  hint: see: bothy help create\n"},
	{"shutdown --timeout=", EXIT_USAGE,
		"bothy: shutdown: operand missing: bothy shutdown [-w] DOMAIN | -a | --host\n"
		"  hint: see: bothy help shutdown\n"},
	{"shutdown -t 5m web", EXIT_USAGE,
		"bothy: shutdown: bad timeout \"5m\": 0 to 86400\n"
		"  hint: see: bothy help shutdown\n"},
	{"create --dry-run=1 x", EXIT_USAGE,
		"bothy: create: option \"--dry-run\" takes no value\n"
		"  hint: see: bothy help create\n"},
	{"info free_memroy", EXIT_USAGE,
		"bothy: info: no fact is called \"free_memroy\"\n"
		"  hint: did you mean \"free_memory\"? bothy info lists all\n"},
	{"destroy Domain-0", EXIT_USAGE, "bothy: destroy: " DOMAIN_0},
	{"pause Domain-0", EXIT_USAGE, "bothy: pause: " DOMAIN_0},
	{"reboot Domain-0", EXIT_USAGE, "bothy: reboot: " DOMAIN_0},
	{"console Domain-0", EXIT_USAGE, "bothy: console: " DOMAIN_0},
	{"console -n 16 web", EXIT_USAGE, "bothy: console: bad number of the console \"16\": 0 to 15\n" "  hint: see: bothy help console\n"},
	{"console -n x web", EXIT_USAGE, "bothy: console: bad number of the console \"x\": 0 to 15\n" "  hint: see: bothy help console\n"},
	{"console -n -1 web", EXIT_USAGE, "bothy: console: bad number of the console \"-1\": 0 to 15\n" "  hint: see: bothy help console\n"},
	{"trigger Domain-0 nmi", EXIT_USAGE, "bothy: trigger: " DOMAIN_0},
	{"sysrq Domain-0 s", EXIT_USAGE, "bothy: sysrq: " DOMAIN_0},
	{"rename Domain-0 dom0", EXIT_USAGE, "bothy: rename: " DOMAIN_0},
	{"mem-set web", EXIT_USAGE,
		"bothy: mem-set: operand missing: bothy mem-set [-w] DOMAIN SIZE\n"
		"  hint: see: bothy help mem-set\n"},
	{"mem-set web lots", EXIT_USAGE,
		"bothy: mem-set: \"lots\" is not an amount of memory\n"
		"  hint: MiB, or with a suffix b, k, m, g or t: 512, 512m, 2g\n"},
	{"vcpuset web 1", EXIT_USAGE,
		"bothy: unknown verb \"vcpuset\"\n"
		"  hint: did you mean \"vcpu-set\"? see: bothy help\n"},
	{"sched-credit --wieght 3", EXIT_USAGE,
		"bothy: sched-credit: unknown option \"--wieght\"\n"
		"  hint: did you mean \"--weight\"? see: bothy help sched-credit\n"},
	{"reboot --host", EXIT_USAGE,
		"bothy: reboot: unknown option \"--host\"\n  hint: see: bothy help reboot\n"},
	{"trigger web power", EXIT_USAGE,
		"bothy: trigger: \"power\" reaches no PV guest: only nmi does\n"
		"  hint: bothy shutdown, reboot, destroy end a guest\n"},
	{"uptime web nosuch", EXIT_NO_DOMAIN,
		"bothy: uptime: no domain \"nosuch\"\n"
		"  hint: bothy list shows what there is\n"},
	{"list 99999", EXIT_NO_DOMAIN,
		"bothy: list: no domain \"99999\"\n"
		"  hint: bothy list shows what there is\n"},
	{"pause 4294967297", EXIT_NO_DOMAIN,
		"bothy: pause: no domain \"4294967297\"\n"
		"  hint: bothy list shows what there is\n"},
	{"console 1x", EXIT_NO_DOMAIN,
		"bothy: console: no domain \"1x\"\n"
		"  hint: bothy list shows what there is\n"},
	{"vcpu-list -- -1", EXIT_NO_DOMAIN,
		"bothy: vcpu-list: no domain \"-1\"\n"
		"  hint: bothy list shows what there is\n"},
	{"destroy " LONG_NAME, EXIT_NO_DOMAIN,
		"bothy: destroy: no domain "
		"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"\n"
		"  hint: bothy list shows what there is\n"},
};

START_TEST(errors_are_clear)
{
	ck_assert_int_eq(run("%s", wrong[_i].words), wrong[_i].code);
	ck_assert_str_eq(err_text, wrong[_i].err);
	ck_assert_str_eq(out_text, "");
}
END_TEST

START_TEST(no_store_is_one_clear_line)
{
	world->fail_at = 2;
	ck_assert_int_eq(run("shutdown web"), EXIT_NO_HOST);
	ck_assert_str_eq(err_text,
		"bothy: shutdown: the store does not answer: Input/output error\n"
		"  hint: is xenstored running?\n");
}
END_TEST

/* One failure of each exit status, with bytes in it that are no text. */
static const struct {
	int code, count;
	const char *args[4];
	const char *what;
} json_errors[] = {
	{EXIT_FAILED, 3, {"dmesg", "--json", "-c"}, "hypervisor log: Input/output error"},
	{EXIT_USAGE, 2, {"fr\xff\"\\b", "--json"}, "unknown verb \"fr?\"\\b\""},
	{EXIT_USAGE, 3, {"list", "--n\xc3\xb6\xc3", "--json"}, "unknown option \"--n\xc3\xb6?\""},
	{EXIT_CONFIG, 3, {"create", "/x\xed\xa0\x80\x01\n.cfg", "--json"},
		"No such file or directory"},
	{EXIT_NO_DOMAIN, 3, {"--json", "list", "\xf0\x9f\x8f\x94\xfe\x1b[2J"},
		"no domain \"\xf0\x9f\x8f\x94??[2J\""},
	{EXIT_NO_HOST, 2, {"info", "--json"},
		"no hypervisor here (/dev/xen/privcmd: Input/output error)"},
	{EXIT_TIMEOUT, 4, {"shutdown", "-wt0", "web", "--json"},
		"domain 1 is still there after 0 s"},
};

START_TEST(errors_are_json_when_asked)
{
	int code = json_errors[_i].code;
	cJSON *root;

	world->always_fails = code == EXIT_FAILED    ? "readconsole"
			      : code == EXIT_NO_HOST ? "privcmd_open"
						     : NULL;
	ck_assert_int_eq(run_args(json_errors[_i].count, json_errors[_i].args), code);
	root = cJSON_Parse(out_text);
	ck_assert_msg(root && is_utf8(out_text), "%s", out_text);
	ck_assert_str_eq(err_text, "");
	ck_assert_str_eq(
		cJSON_GetStringValue(cJSON_GetObjectItem(root, "schema")), "bothy.error/1");
	ck_assert_int_eq((int)cJSON_GetNumberValue(cJSON_GetObjectItem(root, "exit")), code);
	ck_assert_str_eq(
		cJSON_GetStringValue(cJSON_GetObjectItem(root, "what")), json_errors[_i].what);
	cJSON_Delete(root);
}
END_TEST

/* Names and values that are no UTF-8 do not spoil results either. */
START_TEST(results_are_json_whatever_is_in_them)
{
	cJSON *root;

	fake_domain_add(1, "a\xff\"\n\xe2\x82", 0);
	root = run_json("list --json", 0, "bothy.list/1");
	ck_assert(is_utf8(out_text));
	cJSON_Delete(root);
	root = run_json("create --json -n /dev/null name=g kernel=/\xff\x80 extra=\xc0\xaf", 0,
		"bothy.config/1");
	ck_assert(is_utf8(out_text));
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, "kernel")), "/??");
	cJSON_Delete(root);
	root = run_json("info --json free_memory", 0, "bothy.info/1");
	ck_assert_int_eq((int)cJSON_GetNumberValue(cJSON_GetObjectItem(root, "free_memory")), 512);
	ck_assert_int_eq(cJSON_GetArraySize(root), 2);
	cJSON_Delete(root);
	root = run_json("list --help --json", 0, "bothy.help/1");
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "verbs")), 1);
	cJSON_Delete(root);
}
END_TEST

START_TEST(every_verb_has_help)
{
	char words[64], start[64];

	for (const struct verb *v = verbs; v->name; v++) {
		snprintf(words, sizeof(words), "help %s", v->name);
		snprintf(start, sizeof(start), "Usage: bothy %s ", v->name);
		ck_assert_int_eq(run("%s", words), 0);
		ck_assert_int_eq(strncmp(out_text, start, strlen(start)), 0);
		snprintf(words, sizeof(words), "%s --help", v->name);
		ck_assert_int_eq(run("%s", words), 0);
		ck_assert_int_eq(strncmp(out_text, start, strlen(start)), 0);
	}
	ck_assert_int_eq(world->calls, 0);
	ck_assert_int_eq(run("--help"), 0);
	ck_assert_int_eq(run("%s", ""), 0);
}
END_TEST

/* A hosted program knows no commit; tests/cli asks the built one. */
START_TEST(version_needs_no_hypervisor)
{
	static const char *const keys[] = {"schema", "commit"};
	cJSON *root;

	ck_assert_int_eq(run("version"), 0);
	ck_assert_str_eq(out_text, "bothy unknown\n");
	ck_assert_int_eq(run("-v --version"), 0);
	ck_assert_str_eq(out_text, "bothy unknown\n");
	root = run_json("--json --version", 0, "bothy.version/1");
	json_has_keys(root, keys, 2);
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, "commit")), "unknown");
	cJSON_Delete(root);
	ck_assert_int_eq(world->calls, 0);
}
END_TEST

START_TEST(dry_run_needs_no_hypervisor)
{
	cJSON *root =
		run_json("create --json -n /dev/null name=g kernel=/k disk=['phy:/a,xvda,w']",
			0, "bothy.config/1");

	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, "kernel")), "/k");
	ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "disks")), 1);
	ck_assert_ptr_nonnull(strstr(err_text, "warning: /k: No such file"));
	cJSON_Delete(root);
	ck_assert_int_eq(world->calls, 0);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, test_host_remove, list_has_the_columns_of_xl,
			      a_domain_may_have_no_name, names_cannot_move_the_cursor, json_schemas, info_has_the_keys_scripts_read,
			      vcpus_and_log, pause_and_unpause, shutdown_asks_through_the_store,
			      waiting_ends_at_a_preserved_domain, destroy_reaps,
			      no_store_is_one_clear_line, results_are_json_whatever_is_in_them,
			      every_verb_has_help, version_needs_no_hypervisor, dry_run_needs_no_hypervisor);
	tcase_add_loop_test(c, errors_are_clear, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_loop_test(c, errors_are_json_when_asked, 0,
		(int)(sizeof(json_errors) / sizeof(json_errors[0])));
	return check_run("cli", c);
}
