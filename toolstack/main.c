/* bothy: manage guests of the Bothy hypervisor from dom0. Start at cli.c; verbs.c lists the verbs. */
#include "dom0/lib/console_link.h"
#include "toolstack/cli.h"

static const struct places places = {
	.kernel_cache = "/var/cache/bothy/kernels",
	.kept = "/run/bothy/guests",
	.sysfs = "/sys",
	.meminfo = "/proc/meminfo",
	.backend_timeout_ms = 20000,
	.console_socket = CONSOLE_SOCKET,
	.console_timeout_ms = 10000,
	.detach_timeout_ms = 10000,
};

int main(int argc, char **argv)
{
	return cli_main(&places, argc, argv);
}
