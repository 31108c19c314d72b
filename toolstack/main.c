/* bothy: manage guests of the Bothy hypervisor from dom0. Start at cli.c; verbs.c lists the verbs. */
#include "toolstack/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
