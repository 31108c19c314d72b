/* The hypervisor's command line: every option, Xen's sizes and booleans, what is reported and
 * ignored; and how much memory dom0 gets of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hv/boot/boot_info.h"
#include "hv/boot/options.h"
#include "tests/unit/check_main.h"

#define MIB (1ull << 20)
static struct boot_options o;
static unsigned warnings;
static char last_warning[200];

static void warn(const char *word, const char *why)
{
	warnings++;
	snprintf(last_warning, sizeof last_warning, "%s %s", word, why ? "malformed" : "unknown");
}
static unsigned parse(const char *text)
{
	warnings = 0;
	boot_options_default(&o);
	boot_options_parse(text, &o, warn);
	return warnings;
}

START_TEST(defaults)
{
	ck_assert_uint_eq(parse(""), 0);
	ck_assert(o.console_serial && o.console_com == 0);
	ck_assert_uint_eq(o.com[0].port, 0x3f8);
	ck_assert_uint_eq(o.com[0].irq, 4);
	ck_assert(!o.dom0_size.is_set && !o.no_smp && !o.no_reboot && !o.tsc_stable);
	ck_assert_int_eq(o.host_log, LOG_INFO);
}
END_TEST

START_TEST(every_option)
{
	ck_assert_uint_eq(parse("console=vga,com2 com2=57600/1843200,8n1,0x2e8,5 "
				"dom0_mem=512M,min:256M,max:1G "
				"dom0_max_vcpus=1-4 dom0_vcpus_pin loglvl=all "
				"guest_loglvl=error/warning noreboot tsc=stable:socket "
				"nosmp maxcpus=3"),
		0);
	ck_assert(o.console_serial && o.console_com == 1);
	ck_assert_uint_eq(o.com[1].baud, 57600);
	ck_assert_uint_eq(o.com[1].port, 0x2e8);
	ck_assert_uint_eq(o.com[1].irq, 5);
	ck_assert_uint_eq(o.dom0_size.bytes, 512 * MIB);
	ck_assert_uint_eq(o.dom0_min.bytes, 256 * MIB);
	ck_assert_uint_eq(o.dom0_max.bytes, 1024 * MIB);
	ck_assert_uint_eq(o.dom0_max_vcpus, 4);
	ck_assert(o.dom0_vcpus_pin && o.no_reboot && o.tsc_stable && o.no_smp);
	ck_assert_int_eq(o.host_log, LOG_DEBUG);
	ck_assert_int_eq(o.guest_log, LOG_WARN);
	ck_assert_uint_eq(o.max_cpus, 3);
}
END_TEST

START_TEST(xen_syntax)
{
	ck_assert_uint_eq(parse("smp=off"), 0);
	ck_assert(o.no_smp);
	ck_assert_uint_eq(parse("no-smp"), 0);
	ck_assert(o.no_smp);
	ck_assert_uint_eq(parse("noreboot=false dom0_vcpus_pin=1"), 0);
	ck_assert(!o.no_reboot && o.dom0_vcpus_pin);
	ck_assert_uint_eq(parse("console=none"), 0);
	ck_assert(!o.console_serial);
	ck_assert_uint_eq(parse("com1=auto,,0x3e8"), 0);
	ck_assert_uint_eq(o.com[0].baud, 0);
	ck_assert_uint_eq(o.com[0].port, 0x3e8);
	ck_assert_uint_eq(parse("dom0_mem=-1G"), 0);
	ck_assert(o.dom0_size.is_negative);
	ck_assert_uint_eq(parse("\"console=com2\"   loglvl=none"), 0);
	ck_assert_uint_eq(o.console_com, 1);
}
END_TEST

START_TEST(warnings_do_not_stop)
{
	static const char *const bad[] = {"foo", "foo=bar", "no-foo", "dom0_mem=12Q",
		"dom0_mem=", "dom0_mem=max:", "dom0_max_vcpus=0", "dom0_max_vcpus=x", "com1=12",
		"com1=115200,7e1", "com1=9600,8n1,0x20", "console=lpt", "loglvl=loud",
		"maxcpus=", "tsc=quartz", "noreboot=perhaps", "=",
		"dom0_mem=99999999999999999999T"};
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[200];
		snprintf(text, sizeof text, "%s dom0_max_vcpus=2", bad[i]);
		ck_assert_msg(parse(text) == 1, "%s: %u", bad[i], warnings);
		ck_assert_uint_eq(o.dom0_max_vcpus, 2);
	}
	char longer[1000];
	memset(longer, 'a', 999);
	longer[999] = 0;
	ck_assert_uint_eq(parse(longer), 1);
}
END_TEST

START_TEST(sizes)
{
	static const struct { const char *text; uint64_t bytes;
	} t[] = {
		{"1", 1024},
		{"4096B", 4096},
		{"3k", 3072},
		{"2M", 2 * MIB},
		{"1G", 1024 * MIB},
		{"1T", 1ull << 40},
		{"0x10M", 16 * MIB},
		{"0", 0},
	};
	uint64_t n;
	for (unsigned i = 0; i < sizeof t / sizeof t[0]; i++) {
		ck_assert_msg(parse_size(t[i].text, &n), "%s", t[i].text);
		ck_assert_uint_eq(n, t[i].bytes);
	}
	ck_assert(!parse_size("", &n) && !parse_size("M", &n) && !parse_size("1MM", &n) &&
		  !parse_size("-1", &n));
	ck_assert(!parse_size("18446744073709551615K", &n) &&
		  !parse_number("18446744073709551616", &n));
	ck_assert(parse_number("18446744073709551615", &n) && n == ~0ull);
}
END_TEST

static uint64_t dom0_mib(const char *options, uint64_t total_mib, uint64_t free_mib, uint64_t *max)
{
	uint64_t pages, max_pages;
	ck_assert_uint_eq(parse(options), 0);
	dom0_memory_choose(&o, total_mib * MIB, free_mib * MIB, &pages, &max_pages);
	if (max)
		*max = max_pages >> 8;
	return pages >> 8;
}

START_TEST(dom0_memory)
{
	uint64_t max;
	ck_assert_uint_eq(dom0_mib("", 8192, 8000, &max), 2048);
	ck_assert_uint_eq(max, 2048);
	ck_assert_uint_eq(dom0_mib("", 1024, 990, NULL), 384);
	ck_assert_uint_eq(dom0_mib("", 65536, 65000, NULL), 4096);
	ck_assert_uint_eq(dom0_mib("dom0_mem=1G", 8192, 8000, NULL), 1024);
	ck_assert_uint_eq(dom0_mib("dom0_mem=1G,max:2G", 8192, 8000, &max), 1024);
	ck_assert_uint_eq(max, 2048);
	ck_assert_uint_eq(dom0_mib("dom0_mem=max:1G", 8192, 8000, NULL), 1024);
	ck_assert_uint_eq(dom0_mib("dom0_mem=min:3G", 8192, 8000, NULL), 3072);
	ck_assert_uint_eq(dom0_mib("dom0_mem=-1G", 8192, 8000, NULL), 7168);
	ck_assert_uint_eq(dom0_mib("dom0_mem=64G", 8192, 8000, NULL), 8000 - 96);
	ck_assert_uint_eq(dom0_mib("", 256, 200, NULL), 104); /* less than the default's minimum */
	ck_assert_uint_eq(dom0_mib("", 128, 100, NULL), 50);
}
END_TEST

START_TEST(file_names)
{
	ck_assert_str_eq(boot_text_skip_name("/boot/hv.elf  console=com1", NULL), "console=com1");
	ck_assert_str_eq(boot_text_skip_name("console=com1 x", NULL), "console=com1 x");
	ck_assert_str_eq(boot_text_skip_name("vmlinuz", NULL), "");
	ck_assert_str_eq(boot_text_skip_name("", NULL), "");
	ck_assert_str_eq(boot_text_skip_name("domain name=a", "domain"), "domain name=a");
	ck_assert_str_eq(boot_text_skip_name("k.elf domain name=a", "domain"), "domain name=a");
	ck_assert_str_eq(boot_text_skip_name("domains name=a", "domain"), "name=a");
}
END_TEST

CHECK_MAIN("options", NULL, NULL, defaults, every_option, xen_syntax, warnings_do_not_stop, sizes,
	   dom0_memory, file_names)
