/* A panic of a trap: what is said, to console and log alike, and what becomes of the machine. */
#include <stdlib.h>
#include <string.h>
#include "hv/core/log.h"
#include "hv/core/panic.h"
#include "hv/cpu/host/host.h"
#include "hv/cpu/upcall.h"
#include "tests/unit/check_main.h"

static char said[8192], ring[8192];
static size_t said_bytes;
static unsigned faults_left;

static const struct cpu_regs trap = {
	.r15 = 0xf15, .r8 = 0xf08, .rax = 0xfa, .rdi = 0xfd, .rbp = 0xfb, .error_code = 2, .vector = 14,
	.rip = 0xffff810000123456, .cs = 0xe008, .rflags = 0x46, .rsp = 0xffff80800000ff00, .ss = 0xe010,
};

static void console(const char *text, size_t n)
{
	ck_assert(said_bytes + n < sizeof said);
	memcpy(said + said_bytes, text, n);
	said_bytes += n;
	if (faults_left && strstr(said, "cr0")) {
		faults_left--;
		upcall_panic("a fault of the panic", &trap);
	}
}

/* Each of @words must stand in the text, in this order. */
static void in_order(const char *const *words)
{
	const char *at = said;
	for (; *words; words++) {
		const char *found = strstr(at, *words);
		ck_assert_msg(found, "\"%s\" is not in: %s", *words, at);
		at = found + strlen(*words);
	}
}

/* The exit status is the verdict: 1 by a failed assertion, else whether a reboot was asked for. */
static void stopped(bool reboot)
{
	uint64_t pos = 0;
	size_t n = sizeof ring;
	log_read(&pos, ring, &n);
	ck_assert_uint_eq(n, said_bytes);
	ck_assert_mem_eq(ring, said, n);
	exit(reboot ? 71 : 70);
}

static void stopped_whole(bool reboot)
{
	static const char *const all[] = { "\n(hv) PANIC on CPU 1: a page fault\n", "for no domain\n",
		"vector 14  error code 2\n", "cr0", "cr2", "cr3", "cr4", "rip e008:ffff810000123456",
		"rsp e010:ffff80800000ff00", "rflags 46\n", "rax 00000000000000fa", "rdi 00000000000000fd",
		"rbp 00000000000000fb", "r8  0000000000000f08", "r15 0000000000000f15", "calls",
		"ffff810000123456 ?+0x0\n", "(hv) rebooting in 5 s\n", NULL };
	in_order(all);
	stopped(reboot);
}

static void stopped_twice(bool reboot)
{
	static const char *const all[] = { "PANIC on CPU 1: a page fault", "cr0", "PANIC on CPU 1: a fault of the panic",
		"while saying", "halted, as the option noreboot says", NULL };
	in_order(all);
	ck_assert_ptr_null(strstr(said, "rip"));
	stopped(reboot);
}

/* Faults without end, each while the one before is told: the third is not told any more. */
static void stopped_at_last(bool reboot)
{
	ck_assert_uint_eq(faults_left, 100 - 2);
	stopped(reboot);
}

static void start(bool reboots, void (*then)(bool reboot))
{
	host_reset(2, 64);
	host_cpu_select(1);
	host_hook_stop = then;
	panic_init(console, reboots);
}

START_TEST(all_is_said)
{
	start(true, stopped_whole);
	upcall_panic("a page fault", &trap);
}
END_TEST

START_TEST(fault_while_saying)
{
	start(false, stopped_twice);
	faults_left = 1;
	upcall_panic("a page fault", &trap);
}
END_TEST

START_TEST(faults_without_end)
{
	start(false, stopped_at_last);
	faults_left = 100;
	upcall_panic("a page fault", &trap);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, NULL);
	tcase_add_exit_test(c, all_is_said, 71);
	tcase_add_exit_test(c, fault_while_saying, 70);
	tcase_add_exit_test(c, faults_without_end, 70);
	return check_run("panic", c);
}
