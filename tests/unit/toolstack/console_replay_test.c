/* The filter of a replay: what makes a terminal answer is left out, all else is as it was, however it is cut. */
#include "toolstack/console_replay.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check_main.h"

static char out[8192];

/* Filter @text of which the first @old bytes were said before, in pieces of @piece bytes. */
static const char *filter(const char *text, size_t old, size_t piece)
{
	struct console_replay r = {.left = (uint32_t)old};
	size_t n = strlen(text), done = 0;

	for (size_t at = 0; at < n; at += piece)
		done += console_replay_filter(&r, text + at, n - at < piece ? n - at : piece, out + done);
	out[done] = '\0';
	return out;
}

static const struct {
	const char *said, *shown;
} rows[] = {
	{"plain text\r\n", "plain text\r\n"},
	{"\033[1;31mred\033[0m\033[2J\033[H\033(B", "\033[1;31mred\033[0m\033[2J\033[H\033(B"},
	/* busybox' shell asks where the cursor is at each prompt. */
	{"guest# \033[6nls\r\n", "guest# ls\r\n"},
	{"\033[c\033[>0c\033[=c\033[?6n\033[5n\033[x\033[18t\033[?2026$pend", "end"},
	{"a\033Zb\005c", "abc"},
	{"\033]0;title\007x\033]11;?\033\\y", "x\033\\y"},
	{"\033P$qm\033\\z", "\033\\z"},
	{"\033]cut off\r\nnext", "\r\nnext"},
	{"\033[?25h\033[p\033D\033M\0337\0338", "\033[?25h\033[p\033D\033M\0337\0338"},
	{"\033\033[6n\033[0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0m", "\033\033[0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0;0m"},
	{"\033[12\033[31m!", "\033[12\033[31m!"},
	{"\033[1\n2", "\033[1\n2"},
	{"\xc3\xa4\x9b\xff", "\xc3\xa4\x9b\xff"},
};

START_TEST(questions_are_left_out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece < 40; piece++)
			ck_assert_str_eq(filter(rows[i].said, strlen(rows[i].said), piece), rows[i].shown);
}
END_TEST

/* What comes after the replay is not touched, and what was begun in it goes on. */
START_TEST(live_output_is_as_it_is)
{
	for (size_t piece = 1; piece < 40; piece++) {
		ck_assert_str_eq(filter("\033[6n\005\033Z\033]2;t\007", 0, piece), "\033[6n\005\033Z\033]2;t\007");
		ck_assert_str_eq(filter("old\033[6n\033[6n", 7, piece), "old\033[6n");
		ck_assert_str_eq(filter("old\033[3" "1mred", 6, piece), "old\033[31mred");
		ck_assert_str_eq(filter("old\033]0;ti\007tle", 9, piece), "old\007tle");
	}
}
END_TEST

/* Any bytes: no more come out than its contract says, and never other ones. */
START_TEST(random_bytes)
{
	static const char some[] = "\033\033[[[]P0;?$nct\\\005\007\r\nZAm";
	char in[300], got[300 + CONSOLE_REPLAY_HELD];

	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct console_replay r = {.left = (uint32_t)rand() % 900};
		const char *expected;
		size_t held = 0;

		for (int piece = 0; piece < 3; piece++) {
			size_t n = (size_t)rand() % sizeof(in), m;

			for (size_t i = 0; i < n; i++)
				in[i] = some[(size_t)rand() % (sizeof(some) - 1)];
			held = r.held;
			m = console_replay_filter(&r, in, n, got);
			if (m > n + held || r.held >= sizeof(r.hold))
				ck_abort_msg("%zu bytes of %zu, %zu held", m, n, r.held);
			/* A subsequence of what was held, ESC first, and what came. */
			expected = in;
			for (size_t i = held && m ? held < m ? held : m : 0; i < m; i++) {
				while (expected < in + n && *expected != got[i])
					expected++;
				if (expected++ >= in + n)
					ck_abort_msg("byte %zu is of nowhere", i);
			}
		}
	}
}
END_TEST

CHECK_MAIN("console_replay", NULL, NULL, questions_are_left_out, live_output_is_as_it_is, random_bytes)
