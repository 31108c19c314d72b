/* The first C function, the last hypercall, and words of the command line. Neighbours: start.S. */
#include "examples/pv/kernel.h"

#include "examples/pv/console.h"
#include "examples/pv/hypercall.h"
#include "examples/pv/trap.h"
#include "protocol/sched.h"

struct start_info *start_info;

_Noreturn void guest_start(struct start_info *si);

_Noreturn void guest_start(struct start_info *si)
{
	start_info = si;
	console_open();
	trap_open();
	kernel_main();
}

_Noreturn void guest_shutdown(unsigned reason)
{
	struct sched_shutdown arg = { .reason = reason };

	for (;;)
		sched_op(SCHEDOP_shutdown, &arg);
}

const char *option_find(const char *key)
{
	const char *line = (const char *)start_info->cmd_line;

	for (const char *p = line; *p; p++) {
		const char *a = p, *b = key;

		if (p != line && p[-1] != ' ')
			continue;
		while (*b && *a == *b)
			a++, b++;
		if (!*b && (*a == '=' || *a == ' ' || !*a))
			return *a == '=' ? a + 1 : a;
	}
	return 0;
}
