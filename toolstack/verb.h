/* The verbs' entry points, a file each or a few of a kind; verbs.c puts them into the table. Contract: struct verb. */
#pragma once
#include "toolstack/cli.h"

enum exit_code verb_block_attach(struct cli *c, int argc, char **argv);
enum exit_code verb_block_detach(struct cli *c, int argc, char **argv);
enum exit_code verb_block_list(struct cli *c, int argc, char **argv);
enum exit_code verb_console(struct cli *c, int argc, char **argv);
enum exit_code verb_create(struct cli *c, int argc, char **argv);
enum exit_code verb_destroy(struct cli *c, int argc, char **argv);
enum exit_code verb_dmesg(struct cli *c, int argc, char **argv);
enum exit_code verb_domid(struct cli *c, int argc, char **argv);
enum exit_code verb_domname(struct cli *c, int argc, char **argv);
enum exit_code verb_help(struct cli *c, int argc, char **argv);
enum exit_code verb_info(struct cli *c, int argc, char **argv);
enum exit_code verb_list(struct cli *c, int argc, char **argv);
enum exit_code verb_mem_max(struct cli *c, int argc, char **argv);
enum exit_code verb_mem_set(struct cli *c, int argc, char **argv);
enum exit_code verb_network_list(struct cli *c, int argc, char **argv);
enum exit_code verb_pause(struct cli *c, int argc, char **argv);
enum exit_code verb_reboot(struct cli *c, int argc, char **argv);
enum exit_code verb_rename(struct cli *c, int argc, char **argv);
enum exit_code verb_sched_credit(struct cli *c, int argc, char **argv);
enum exit_code verb_shutdown(struct cli *c, int argc, char **argv);
enum exit_code verb_sysrq(struct cli *c, int argc, char **argv);
enum exit_code verb_trigger(struct cli *c, int argc, char **argv);
enum exit_code verb_unpause(struct cli *c, int argc, char **argv);
enum exit_code verb_uptime(struct cli *c, int argc, char **argv);
enum exit_code verb_vcpu_list(struct cli *c, int argc, char **argv);
enum exit_code verb_vcpu_pin(struct cli *c, int argc, char **argv);
enum exit_code verb_vcpu_set(struct cli *c, int argc, char **argv);
enum exit_code verb_version(struct cli *c, int argc, char **argv);
