/* SHA-256 against the standard's examples and lengths around the block size. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check_main.h"
#include "toolstack/image/sha256.h"

static const struct {
	const char *text, *digest;
} known[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
	 "mnopqrs"
	 "mnopqrstnopqrstu",
		"cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

START_TEST(examples)
{
	char text[SHA256_TEXT];

	sha256_text(known[_i].text, strlen(known[_i].text), text);
	ck_assert_str_eq(text, known[_i].digest);
}
END_TEST

START_TEST(million)
{
	char text[SHA256_TEXT], *bytes = malloc(1000000);

	memset(bytes, 'a', 1000000);
	sha256_text(bytes, 1000000, text);
	ck_assert_str_eq(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(bytes);
}
END_TEST

/* One bit more or less, at each length over two blocks, gives another digest. */
START_TEST(lengths_differ)
{
	char last[SHA256_TEXT] = "", text[SHA256_TEXT], bytes[140] = {0};

	for (size_t n = 0; n < sizeof(bytes); n++) {
		sha256_text(bytes, n, text);
		ck_assert_str_ne(text, last);
		strcpy(last, text);
	}
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(NULL, NULL, million, lengths_differ);
	tcase_add_loop_test(c, examples, 0, (int)(sizeof(known) / sizeof(known[0])));
	return check_run("sha256", c);
}
