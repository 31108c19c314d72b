/* busy: keep every CPU of this domain busy for ever, with one process bound to each.
 * It goes on in the background, so that a guest's start script can run it.
 * Beside it: scheduler.py, which measures what share of the machine a guest full of them gets. */
#include <sched.h>
#include <unistd.h>

static void spin_on(unsigned cpu)
{
	cpu_set_t only;

	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	sched_setaffinity(0, sizeof only, &only);
	for (volatile unsigned n = 0;; n++)
		;
}

int main(void)
{
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);

	for (unsigned cpu = 0; cpu < cpus; cpu++)
		if (fork() == 0)
			spin_on(cpu);
	return 0;
}
