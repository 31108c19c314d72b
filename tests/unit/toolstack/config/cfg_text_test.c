/* The xl.cfg syntax: what scripts in the field write, and hostile bytes.
 * The fuzz loops are seeded, so a failure replays; ASan and UBSan are the judges. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check_main.h"
#include "toolstack/config/cfg_text.h"

static int parse(struct cfg_text *t, const char *text, struct why *w)
{
	memset(w, 0, sizeof(*w));
	return cfg_text_parse(t, "guest.cfg", text, strlen(text), w);
}

static const char *text_of(const struct cfg_text *t, const char *key)
{
	const struct cfg_setting *s = cfg_text_find(t, key);

	return s && s->value.text ? s->value.text : "(none)";
}

START_TEST(plain_settings)
{
	static const char text[] = "# a comment\n"
				   "name = \"one\" # behind\n\n"
				   "\tkernel='/boot/vm linuz'\r\n"
				   "memory=512; vcpus = 0x2;\n"
				   "extra = \"a=\\\"b\\\" \\x41\\102\\n\"";
	struct cfg_text t = {0};
	struct why w;

	ck_assert_int_eq(parse(&t, text, &w), 0);
	ck_assert_uint_eq(t.count, 5);
	ck_assert_str_eq(text_of(&t, "name"), "one");
	ck_assert_str_eq(text_of(&t, "kernel"), "/boot/vm linuz");
	ck_assert_str_eq(text_of(&t, "vcpus"), "0x2");
	ck_assert_str_eq(text_of(&t, "extra"), "a=\"b\" AB\n");
	ck_assert_int_eq(cfg_text_find(&t, "memory")->line, 5);
	cfg_text_free(&t);
}
END_TEST

START_TEST(lists_span_lines)
{
	static const char text[] =
		"disk = [ 'a,b', # first\n  \"c\",\n]\nl=[]\nm=[1,[2,3]]\ndisk += ['d']\n";
	struct cfg_text t = {0};
	struct why w;
	const struct cfg_value *v;

	ck_assert_int_eq(parse(&t, text, &w), 0);
	v = &cfg_text_find(&t, "disk")->value;
	ck_assert_uint_eq(v->count, 3);
	ck_assert_str_eq(v->items[0].text, "a,b");
	ck_assert_str_eq(v->items[2].text, "d");
	ck_assert_int_eq(v->items[1].line, 2);
	ck_assert_uint_eq(cfg_text_find(&t, "l")->value.count, 0);
	ck_assert_uint_eq(cfg_text_find(&t, "m")->value.items[1].count, 2);
	cfg_text_free(&t);
}
END_TEST

START_TEST(last_setting_counts_and_strings_append)
{
	struct cfg_text t = {0};
	struct why w;

	ck_assert_int_eq(parse(&t, "a='1'\nb='x'\na='2'\nb+='y'\nc+='z'\n", &w), 0);
	ck_assert_uint_eq(t.count, 3);
	ck_assert_str_eq(text_of(&t, "a"), "2");
	ck_assert_str_eq(text_of(&t, "b"), "xy");
	ck_assert_str_eq(text_of(&t, "c"), "z");
	cfg_text_free(&t);
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *where, *what;
} wrong[] = {
	{"a = 1\nname = \"x\nb = 2\n", -EINVAL, "guest.cfg:2", "string has no closing quote"},
	{"a\n", -EINVAL, "guest.cfg:1", "expected \"=\" after the key"},
	{"\n\na = hvm\n", -EINVAL, "guest.cfg:3", "cannot read this value"},
	{"a = \n", -EINVAL, "guest.cfg:1", "value missing"},
	{"a =", -EINVAL, "guest.cfg:1", "value missing"},
	{"= 1", -EINVAL, "guest.cfg:1", "expected `key = value`"},
	{"a = 'x' 'y'", -EINVAL, "guest.cfg:1", "unexpected text after the value"},
	{"a = [ 1 2 ]", -EINVAL, "guest.cfg:1", "expected \",\" or \"]\" in list"},
	{"a = [ 1,\n\n", -EINVAL, "guest.cfg:1", "list has no closing \"]\""},
	{"\na = [ 1\n\n", -EINVAL, "guest.cfg:2", "list has no closing \"]\""},
	{"a = [[[[[1]]]]]", -E2BIG, "guest.cfg:1", "lists nested too deeply"},
	{"a = \"\\q\"", -EINVAL, "guest.cfg:1", "unknown escape in string"},
	{"a = \"\\x00\"", -EINVAL, "guest.cfg:1", "bad escape in string"},
	{"a = \"\\xg0\"", -EINVAL, "guest.cfg:1", "bad escape in string"},
	{"a = \"\\777\"", -EINVAL, "guest.cfg:1", "bad escape in string"},
	{"a = \"\\", -EINVAL, "guest.cfg:1", "unknown escape in string"},
	{"a = 1\na += [2]", -EINVAL, "guest.cfg:2", "+= needs two strings or two lists"},
};

START_TEST(errors_name_file_line_and_reason)
{
	struct cfg_text t = {0};
	struct why w;

	ck_assert_int_eq(parse(&t, wrong[_i].text, &w), wrong[_i].code);
	ck_assert_str_eq(w.where, wrong[_i].where);
	ck_assert_str_eq(w.what, wrong[_i].what);
	cfg_text_free(&t);
}
END_TEST

START_TEST(nul_bytes_and_sizes_are_refused)
{
	static char big[CFG_BYTES_MAX + 1];
	struct cfg_text t = {0};
	struct why w = {0};

	ck_assert_int_eq(cfg_text_parse(&t, "f", "a=\"b\0c\"", 7, &w), -EINVAL);
	ck_assert_str_eq(w.what, "NUL byte: this is not a text file");
	ck_assert_int_eq(cfg_text_parse(&t, "f", "a=1\0", 4, &w), -EINVAL);
	memset(big, '\n', sizeof(big));
	ck_assert_int_eq(cfg_text_parse(&t, "f", big, sizeof(big), &w), -E2BIG);
	memcpy(big, "a=[", 3);
	for (size_t i = 3; i + 1 < sizeof(big); i += 2)
		memcpy(big + i, "1,", 2);
	ck_assert_int_eq(cfg_text_parse(&t, "f", big, CFG_BYTES_MAX, &w), -E2BIG);
	ck_assert_str_eq(w.what, "too many values (at most 4096)");
	cfg_text_free(&t);
}
END_TEST

START_TEST(overrides_need_no_quotes)
{
	struct cfg_text t = {0};
	struct why w = {0};

	ck_assert_int_eq(parse(&t, "name = 'a'\nmemory = 128\n", &w), 0);
	ck_assert_int_eq(cfg_text_override(&t, "name=b", &w), 0);
	ck_assert_int_eq(cfg_text_override(&t, "memory=512", &w), 0);
	ck_assert_int_eq(cfg_text_override(&t, "disk=['phy:/dev/x,xvda,w']", &w), 0);
	ck_assert_int_eq(cfg_text_override(&t, "kernel=\"/k\"", &w), 0);
	ck_assert_int_eq(cfg_text_override(&t, "extra+='y'", &w), 0);
	ck_assert_str_eq(text_of(&t, "name"), "b");
	ck_assert_str_eq(text_of(&t, "memory"), "512");
	ck_assert_str_eq(text_of(&t, "kernel"), "/k");
	ck_assert_uint_eq(cfg_text_find(&t, "disk")->value.count, 1);
	ck_assert_int_eq(cfg_text_override(&t, "=x", &w), -EINVAL);
	ck_assert_int_eq(cfg_text_override(&t, "a b=x", &w), -EINVAL);
	ck_assert_str_eq(w.where, "command line:1");
	cfg_text_free(&t);
}
END_TEST

static const char sample[] = "name = 'a'\nmemory = 64; vcpus=2\ndisk = [ 'phy:/dev/x,xvda,w',\n"
			     "\"format=raw,vdev=xvdb,target=/i\" ] # c\nextra += \"q\\x41\\n\"\n";

/* Every prefix of a good file is parsed or refused, never read beyond. */
START_TEST(cut_anywhere)
{
	for (size_t size = 0; size < sizeof(sample); size++) {
		char *copy = malloc(size ? size : 1);
		struct cfg_text t = {0};
		struct why w = {0};

		memcpy(copy, sample, size);
		(void)!cfg_text_parse(&t, "f", copy, size, &w);
		cfg_text_free(&t);
		free(copy);
	}
}
END_TEST

START_TEST(fuzz_mutations)
{
	static const char alphabet[] = "ax09 \t\n\"'\\[],=;#+-_\0\xff";

	srand((unsigned int)_i + 1);
	for (int round = 0; round < 4000; round++) {
		char bytes[sizeof(sample)];
		struct cfg_text t = {0};
		struct why w = {0};

		memcpy(bytes, sample, sizeof(sample));
		for (int n = rand() % 8; n >= 0; n--)
			bytes[(size_t)rand() % sizeof(bytes)] =
				alphabet[(size_t)rand() % sizeof(alphabet)];
		if (cfg_text_parse(&t, "f", bytes, sizeof(bytes), &w) < 0)
			ck_assert(w.what[0] && w.where[0]);
		cfg_text_free(&t);
	}
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, plain_settings, lists_span_lines,
			      last_setting_counts_and_strings_append,
			      nul_bytes_and_sizes_are_refused, overrides_need_no_quotes,
			      cut_anywhere);
	tcase_add_loop_test(c, errors_name_file_line_and_reason, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_loop_test(c, fuzz_mutations, 0, 4);
	return check_run("cfg_text", c);
}
