/* The program as scripts meet it: columns, keys, exit codes, JSON. */
#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/toolstack/domain/cli_run.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "toolstack/cli.h"

static void setup(void)
{
	fake_world_reset();
	fake_domain_add(1, "web", XEN_DOMINF_blocked);
	fake_domain_add(2, "crashed", XEN_DOMINF_shutdown | 3 << XEN_DOMINF_shutdownshift);
}

START_TEST(list_has_the_columns_of_xl)
{
	ck_assert_int_eq(cli_run("list"), 0);
	ck_assert_str_eq(out_text,
		"Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
		"Domain-0                                     0  1024     2     r-----      12.3\n"
		"web                                          1    96     1     -b----       0.0\n"
		"crashed                                      2    96     1     ----c-       "
		"0.0\n");
	ck_assert_str_eq(err_text, "");
	ck_assert_int_eq(cli_run("list web"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "\nweb "));
	ck_assert_ptr_null(strstr(out_text, "Domain-0"));
	ck_assert_int_eq(cli_run("list 2"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "\ncrashed "));
}
END_TEST

START_TEST(names_cannot_move_the_cursor)
{
	fake_domain_add(1, "a\033[2Jb", 0);
	ck_assert_int_eq(cli_run("list"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "a?[2Jb"));
}
END_TEST

START_TEST(json_schemas)
{
	static const char *const domain[] = {"name", "domid", "uuid", "memory_mib",
		"max_memory_mib", "vcpus", "state", "cpu_time_seconds", "shutdown_reason"};
	static const char *const vcpu[] = {"name", "domid", "vcpu", "online", "running", "blocked",
		"cpu", "cpu_time_seconds", "hard_affinity", "soft_affinity"};
	static const char *const error[] = {"schema", "verb", "exit", "where", "what", "hint"};
	cJSON *root = cli_run_json("list --json", 0, "bothy.list/1"), *all;

	all = cJSON_GetObjectItem(root, "domains");
	ck_assert_int_eq(cJSON_GetArraySize(all), 3);
	json_has_keys(cJSON_GetArrayItem(all, 2), domain, 9);
	ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(
				 cJSON_GetArrayItem(all, 2), "shutdown_reason")),
		"crash");
	cJSON_Delete(root);
	root = cli_run_json("vcpu-list --json web", 0, "bothy.vcpu-list/1");
	json_has_keys(cJSON_GetArrayItem(cJSON_GetObjectItem(root, "vcpus"), 0), vcpu, 10);
	cJSON_Delete(root);
	root = cli_run_json("--json list nosuch", EXIT_NO_DOMAIN, "bothy.error/1");
	json_has_keys(root, error, 6);
	ck_assert_str_eq(err_text, "");
	cJSON_Delete(root);
	root = cli_run_json("pause --json web", 0, "bothy.done/1");
	cJSON_Delete(root);
	root = cli_run_json("dmesg --json", 0, "bothy.dmesg/1");
	cJSON_Delete(root);
	root = cli_run_json("help --json", 0, "bothy.help/1");
	cJSON_Delete(root);
	root = cli_run_json("info --json", 0, "bothy.info/1");
	ck_assert(cJSON_IsNumber(cJSON_GetObjectItem(root, "total_memory")));
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
	};
	static const char *const keys[] = {"host", "release", "version", "machine", "nr_cpus",
		"max_cpu_id", "nr_nodes", "cores_per_socket", "threads_per_core", "cpu_mhz",
		"hw_caps", "virt_caps", "total_memory", "free_memory", "sharing_freed_memory",
		"sharing_used_memory", "outstanding_claims", "free_cpus", "xen_major", "xen_minor",
		"xen_extra", "xen_version", "xen_caps", "xen_scheduler", "xen_pagesize",
		"platform_params", "xen_changeset", "xen_commandline", "cc_compiler",
		"cc_compile_by", "cc_compile_domain", "cc_compile_date", "build_id",
		"xend_config_format"};

	ck_assert_int_eq(cli_run("info"), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(out_text, lines[i]) != NULL, "%s in\n%s", lines[i], out_text);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n%-23s:", keys[i]);
		ck_assert_msg(strstr(out_text, line + (i == 0)) != NULL, "no %s", keys[i]);
	}
	ck_assert_int_eq(cli_run("info free_memory"), 0);
	ck_assert_str_eq(out_text, "512\n");
	ck_assert_int_eq(cli_run("info nothing"), EXIT_USAGE);
}
END_TEST

START_TEST(vcpus_and_log)
{
	ck_assert_int_eq(cli_run("vcpu-list web"), 0);
	ck_assert_str_eq(out_text,
		"Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard "
		"/ Soft)\n"
		"web                                  1     0     -   --p        0.0  all / all\n");
	ck_assert_int_eq(cli_run("dmesg"), 0);
	ck_assert_str_eq(out_text, "(BOTHY) first line\n(BOTHY) second \033[31mline\n");
}
END_TEST

START_TEST(pause_and_unpause)
{
	ck_assert_int_eq(cli_run("pause web"), 0);
	ck_assert(world->domains[0].flags & XEN_DOMINF_paused);
	ck_assert_int_eq(cli_run("unpause 1"), 0);
	ck_assert(!(world->domains[0].flags & XEN_DOMINF_paused));
	ck_assert_int_eq(cli_run("pause 77"), EXIT_NO_DOMAIN);
}
END_TEST

START_TEST(shutdown_asks_through_the_store)
{
	ck_assert_int_eq(cli_run("shutdown web"), 0);
	ck_assert_str_eq(fake_node_find("/local/domain/1/control/shutdown")->value, "poweroff");
	ck_assert_int_eq(cli_run("reboot web"), 0);
	ck_assert_str_eq(fake_node_find("/local/domain/1/control/shutdown")->value, "reboot");
	ck_assert_int_eq(cli_run("shutdown -w -t 0 web"), EXIT_TIMEOUT);
	ck_assert_str_eq(err_text, "bothy: shutdown: domain 1 is still there after 0 s\n"
				   "  hint: bothy destroy 1 ends it at once\n");
	ck_assert_int_eq(cli_run("shutdown Domain-0"), EXIT_USAGE);
	ck_assert_int_eq(cli_run("shutdown -a"), 0);
	ck_assert_ptr_nonnull(fake_node_find("/local/domain/2/control/shutdown"));
	ck_assert_int_eq(cli_run("shutdown -t x web"), EXIT_USAGE);
}
END_TEST

/* A domain that is kept after shutdown counts as down. */
START_TEST(waiting_ends_at_a_preserved_domain)
{
	strcpy(world->nodes[30].path, "/bothy/domain/2/on_poweroff");
	strcpy(world->nodes[30].value, "preserve");
	ck_assert_int_eq(cli_run("shutdown -w -t 0 crashed"), 0);
}
END_TEST

START_TEST(destroy_reaps)
{
	ck_assert_int_eq(cli_run("destroy web"), 0);
	ck_assert_uint_eq(world->domains[0].id, 0);
	ck_assert_int_eq(fake_node_count("/local/domain/1"), 0);
	ck_assert_int_eq(cli_run("destroy web"), EXIT_NO_DOMAIN);
	ck_assert_int_eq(cli_run("destroy Domain-0"), EXIT_USAGE);
	ck_assert_int_eq(cli_run("destroy"), EXIT_USAGE);
}
END_TEST

static const struct {
	const char *words;
	int code;
	const char *err;
} wrong[] = {
	{"frob", EXIT_USAGE, "bothy: unknown verb \"frob\"\n  hint: see: bothy help\n"},
	{"-x", EXIT_USAGE, "bothy: unknown option \"-x\"\n  hint: see: bothy help\n"},
	{"list -x", EXIT_USAGE,
		"bothy: list: unknown option \"-x\"\n  hint: see: bothy help list\n"},
	{"list a b", EXIT_USAGE, "bothy: list: too many operands\n  hint: see: bothy help list\n"},
	{"pause", EXIT_USAGE, "bothy: pause: operand missing\n  hint: see: bothy help pause\n"},
	{"create", EXIT_USAGE,
		"bothy: create: which configuration file?\n  hint: see: bothy help create\n"},
	{"create -f", EXIT_USAGE,
		"bothy: create: option \"-f\" needs a value\n  hint: see: bothy help create\n"},
	{"shutdown --timeout=", EXIT_USAGE,
		"bothy: shutdown: operand missing\n  hint: see: bothy help shutdown\n"},
	{"create --dry-run=1 x", EXIT_USAGE,
		"bothy: create: unknown option \"--dry-run=1\"\n  hint: see: bothy help create\n"},
	{"create /nonexistent.cfg", EXIT_CONFIG,
		"bothy: create: /nonexistent.cfg: No such file or directory\n"},
	{"create -n /dev/null", EXIT_CONFIG,
		"bothy: create: configuration: name: missing\n  hint: add name = \"guest1\"\n"},
	{"create -n /dev/null name=g kernel=/k memory=abc", EXIT_CONFIG,
		"bothy: create: command line:1: memory: expected a number, got \"abc\"\n"},
	{"help frob", EXIT_USAGE, "bothy: unknown verb \"frob\"\n  hint: see: bothy help\n"},
	{"list 99999", EXIT_NO_DOMAIN,
		"bothy: list: no domain \"99999\"\n"
		"  hint: bothy list shows what there is\n"},
};

START_TEST(errors_are_clear)
{
	ck_assert_int_eq(cli_run(wrong[_i].words), wrong[_i].code);
	ck_assert_str_eq(err_text, wrong[_i].err);
	ck_assert_str_eq(out_text, "");
}
END_TEST

START_TEST(no_hypervisor_is_one_clear_line)
{
	world->fail_at = 1;
	ck_assert_int_eq(cli_run("list"), EXIT_NO_HOST);
	ck_assert_ptr_nonnull(
		strstr(err_text, "bothy: list: no hypervisor here (/dev/xen/privcmd: "));
}
END_TEST

START_TEST(every_verb_has_help)
{
	char words[64], start[64];

	for (const struct verb *v = verbs; v->name; v++) {
		snprintf(words, sizeof(words), "help %s", v->name);
		snprintf(start, sizeof(start), "Usage: bothy %s ", v->name);
		ck_assert_int_eq(cli_run(words), 0);
		ck_assert_int_eq(strncmp(out_text, start, strlen(start)), 0);
		snprintf(words, sizeof(words), "%s --help", v->name);
		ck_assert_int_eq(cli_run(words), 0);
		ck_assert_int_eq(strncmp(out_text, start, strlen(start)), 0);
	}
	ck_assert_int_eq(world->calls, 0);
	ck_assert_int_eq(cli_run("--help"), 0);
	ck_assert_int_eq(cli_run(""), 0);
}
END_TEST

START_TEST(dry_run_needs_no_hypervisor)
{
	cJSON *root =
		cli_run_json("create --json -n /dev/null name=g kernel=/k disk=['phy:/a,xvda,w']",
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
	Suite *s = suite_create("cli");
	TCase *c = tcase_create("cli");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, list_has_the_columns_of_xl);
	tcase_add_test(c, names_cannot_move_the_cursor);
	tcase_add_test(c, json_schemas);
	tcase_add_test(c, info_has_the_keys_scripts_read);
	tcase_add_test(c, vcpus_and_log);
	tcase_add_test(c, pause_and_unpause);
	tcase_add_test(c, shutdown_asks_through_the_store);
	tcase_add_test(c, waiting_ends_at_a_preserved_domain);
	tcase_add_test(c, destroy_reaps);
	tcase_add_loop_test(c, errors_are_clear, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(c, no_hypervisor_is_one_clear_line);
	tcase_add_test(c, every_verb_has_help);
	tcase_add_test(c, dry_run_needs_no_hypervisor);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
