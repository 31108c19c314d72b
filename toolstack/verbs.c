/* The table of verbs: what `bothy help` prints and where each verb starts. */
#include "toolstack/verb.h"

const struct verb verbs[] = {
	{"block-attach", "DOMAIN DISK...", "Give a running guest a disk",
		"DISK is an entry as in a configuration, in one word or several.\n", verb_block_attach},
	{"block-detach", "[--force] DOMAIN DISK", "Take a disk from a running guest",
		"  --force         do not ask the guest, and do not wait for it\n"
		"\nDISK is a name, as xvdb, or a number, as block-list shows it.\n",
		verb_block_detach},
	{"block-list", "DOMAIN", "List a guest's disks and what serves them",
		"The handle is the guest's number; -1 is what the guest does not say.\n",
		verb_block_list},
	{"console", "[-r] [-n NUMBER] DOMAIN", "Attach this terminal to a guest's console; Ctrl-] detaches",
		"  -r, --reboots   stay through the guest's reboots\n"
		"\nWhat the guest said before is shown first. Others may be attached, too.\n",
		verb_console},
	{"create", "[-cnpq] FILE [KEY=VALUE...]",
		"Create a guest from a configuration file and start it",
		"  -c, --console   attach to its console afterwards\n"
		"  -n, --dry-run   check the configuration, show it, do nothing\n"
		"  -p, --paused    leave it paused\n"
		"  -q, --quiet     say nothing on success\n"
		"  -f, --defconfig FILE   the same as FILE\n"
		"\nKEY=VALUE overrides a setting of the file: memory=512, name=web, "
		"extra='quiet'.\n",
		verb_create},
	{"destroy", "DOMAIN", "End a guest at once, as pulling its plug would",
		"Its file systems are left as by a power failure.\n", verb_destroy},
	{"dmesg", "[-c]", "Print the hypervisor's log", "  -c, --clear     and empty it\n",
		verb_dmesg},
	{"domid", "DOMAIN", "Print a domain's number", "", verb_domid},
	{"domname", "DOMAIN", "Print a domain's name", "", verb_domname},
	{"help", "[VERB]", "Explain a verb, or list all", "", verb_help},
	{"info", "[KEY]", "Print facts about the host, one `key : value` a line",
		"With KEY only the value of that key.\n", verb_info},
	{"list", "[-l] [DOMAIN]", "List domains", "  -l, --long      as JSON\n", verb_list},
	{"mem-max", "DOMAIN SIZE", "Set the most memory that a domain may take",
		"SIZE is in MiB, or has a suffix: b, k, m, g, t.\n", verb_mem_max},
	{"mem-set", "[-w] DOMAIN SIZE", "Have a domain give memory back, or take it again",
		"  -w, --wait      wait until it has\n"
		"  -t, --timeout SECONDS   how long to wait (default 300)\n"
		"\nSIZE is in MiB, or has a suffix: b, k, m, g, t.\n",
		verb_mem_set},
	{"network-list", "DOMAIN", "List a guest's network interfaces and what serves them",
		"-1 is what the guest does not say.\n", verb_network_list},
	{"pause", "DOMAIN", "Stop a guest's CPUs until unpause", "", verb_pause},
	{"reboot", "[-w] DOMAIN", "Ask a guest to reboot",
		"  -w, --wait      wait until it has gone down\n"
		"  -t, --timeout SECONDS   how long to wait (default 300)\n",
		verb_reboot},
	{"rename", "DOMAIN NAME", "Call a guest by another name", "", verb_rename},
	{"sched-credit", "[-d DOMAIN [-w WEIGHT] [-c CAP]] | -s", "Show or set shares of CPU time",
		"  -d, --domain DOMAIN     only this one\n"
		"  -w, --weight WEIGHT     against others' (1 to 65535, default 256)\n"
		"  -c, --cap CAP           at most, in percent of one CPU (0: no limit)\n"
		"  -s, --schedparam        the scheduler's own parameters\n",
		verb_sched_credit},
	{"shutdown", "[-w] DOMAIN | -a | --host", "Ask a guest to power off",
		"  -a, --all       every guest\n"
		"  --host          every guest, for the host goes down: waits, destroys what is "
		"left\n"
		"                  after 60 seconds (-t), and none is restarted any more\n"
		"  -w, --wait      wait until it is gone\n"
		"  -t, --timeout SECONDS   how long to wait (default 300)\n",
		verb_shutdown},
	{"sysrq", "DOMAIN LETTER", "Send a magic system request to a guest's kernel",
		"This system's own kernel takes them at /proc/sysrq-trigger.\n",
		verb_sysrq},
	{"trigger", "DOMAIN nmi [VCPU]", "Send a non-maskable interrupt to a guest", "",
		verb_trigger},
	{"unpause", "DOMAIN", "Let a paused guest run on", "", verb_unpause},
	{"uptime", "[-s] [DOMAIN...]", "Print how long domains have been running",
		"  -s, --short     one line each as uptime(1) has it\n", verb_uptime},
	{"vcpu-list", "[DOMAIN...]", "List virtual CPUs and where they run", "", verb_vcpu_list},
	{"vcpu-pin", "DOMAIN VCPU|all HARD|- [SOFT|-]",
		"Set which physical CPUs a virtual one runs on",
		"HARD and SOFT are sets such as 0-3,^1 or all; - leaves one as it is.\n",
		verb_vcpu_pin},
	{"vcpu-set", "DOMAIN COUNT", "Set how many virtual CPUs a guest uses", "", verb_vcpu_set},
	{"version", "", "Print the last commit that changed this program",
		"bothy --version is the same. The hypervisor's is `bothy info xen_changeset`.\n",
		verb_version},
	{NULL, NULL, NULL, NULL, NULL},
};
