/* Strings of boot modules that start as domains. */
#include <stdlib.h>
#include <string.h>
#include "hv/boot/module_spec.h"
#include "tests/unit/check_main.h"

static struct module_spec s;

START_TEST(which_modules)
{
	ck_assert(module_is_domain("domain name=a"));
	ck_assert(module_is_domain("build/guest/hello.elf domain name=a"));
	ck_assert(!module_is_domain("vmlinuz console=hvc0 domain=x"));
	ck_assert(!module_is_domain("vmlinuz"));
	ck_assert(!module_is_domain(""));
	ck_assert(!module_is_domain("domainx name=a"));
}
END_TEST

START_TEST(good)
{
	ck_assert_ptr_null(module_spec_parse(
		"f.elf domain name=pair-a memory=32 vcpus=2 connect=pair-b --  test=1 x", &s));
	ck_assert_str_eq(s.name, "pair-a");
	ck_assert_str_eq(s.connect, "pair-b");
	ck_assert_uint_eq(s.memory_mib, 32);
	ck_assert_uint_eq(s.vcpus, 2);
	ck_assert_str_eq(s.guest_line, "test=1 x");
	ck_assert_ptr_null(module_spec_parse("domain name=a", &s));
	ck_assert_uint_eq(s.memory_mib, 16);
	ck_assert_uint_eq(s.vcpus, 1);
	ck_assert_str_eq(s.connect, "");
	ck_assert_str_eq(s.guest_line, "");
}
END_TEST

START_TEST(refusals)
{
	static const char *const bad[] = {"domain", "domain memory=16",
		"domain name=", "domain name=a memory=0", "domain name=a memory=x",
		"domain name=a vcpus=0", "domain name=a vcpus=33", "domain name=a speed=1",
		"domain name=a noise", "domain name=0123456789012345678901234567890123456789",
		"domain name=a memory=99999999999999999999"};
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(module_spec_parse(bad[i], &s) != NULL, "%s", bad[i]);
}
END_TEST

CHECK_MAIN("module_spec", NULL, NULL, which_modules, good, refusals)
