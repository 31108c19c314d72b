/* The console client on a pty: bytes both ways, Ctrl-], end of input, end of the guest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "toolstack/console.h"

static int master, to_child, from_child;
static pid_t child;

static void set_tty(const char *value)
{
	strcpy(world->nodes[20].path, "/local/domain/1/console/tty");
	strcpy(world->nodes[20].value, value);
}

static void make_pty(void)
{
	struct termios raw;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	ck_assert_int_eq(tcgetattr(master, &raw), 0);
	cfmakeraw(&raw);
	tcsetattr(master, TCSANOW, &raw);
	set_tty(ptsname(master));
}

static enum exit_code attach(void)
{
	struct cli c = {.verb = "console", .out = stdout, .err = stderr};
	struct host h = {.store = fake_store};

	return console_attach(&c, &h, 1, 0);
}

/* A terminal for somebody to type at: in[1] is the keyboard's end. */
static void make_keyboard(int in[2])
{
	in[1] = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert(in[1] >= 0 && grantpt(in[1]) == 0 && unlockpt(in[1]) == 0);
	in[0] = open(ptsname(in[1]), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(in[0], 0);
}

/* Run the client in a child with pipes for stdout and, but for a person, stdin. */
static void start_with(bool person)
{
	int in[2], out[2];

	fake_world_reset();
	make_pty();
	if (person)
		make_keyboard(in);
	else
		ck_assert(pipe(in) == 0);
	ck_assert(pipe(out) == 0);
	child = fork();
	if (child == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		close(master);
		_exit((int)attach());
	}
	close(in[0]);
	close(out[1]);
	to_child = in[1];
	from_child = out[0];
}

static void start(void)
{
	start_with(false);
}

static int finish(void)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(int fd, const char *text)
{
	char bytes[64];
	size_t got = 0, want = strlen(text);

	while (got < want) {
		ssize_t n = read(fd, bytes + got, want - got);

		ck_assert_int_gt((int)n, 0);
		got += (size_t)n;
	}
	ck_assert_mem_eq(bytes, text, want);
}

START_TEST(bytes_flow_both_ways)
{
	start();
	ck_assert_int_eq((int)write(to_child, "ls\r", 3), 3);
	expect(master, "ls\r");
	ck_assert_int_eq((int)write(master, "file\r\n", 6), 6);
	expect(from_child, "file\r\n");
	ck_assert_int_eq((int)write(to_child, "\x1d", 1), 1);
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

/* More is typed than terminal and client hold, and the guest takes nothing: the key is read all the same. */
START_TEST(key_detaches_from_a_guest_that_does_not_read)
{
	char text[1024];

	start_with(true);
	ck_assert_int_eq((int)write(to_child, "x", 1), 1);
	expect(master, "x"); /* attached, raw */
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq((int)write(to_child, text, sizeof(text)), (int)sizeof(text));
	ck_assert_int_eq((int)write(to_child, "\x1d", 1), 1);
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

START_TEST(end_of_input_detaches)
{
	start();
	close(to_child);
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

START_TEST(end_of_the_guest_detaches)
{
	start();
	ck_assert_int_eq((int)write(to_child, "x", 1), 1);
	expect(master, "x"); /* attached */
	close(master);
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

START_TEST(only_one_may_attach)
{
	start();
	ck_assert_int_eq((int)write(to_child, "x", 1), 1);
	expect(master, "x");
	ck_assert_int_eq((int)attach(), EXIT_FAILED);
	close(to_child);
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

START_TEST(only_terminals_are_opened)
{
	fake_world_reset();
	set_tty("/etc/passwd");
	ck_assert_int_eq((int)attach(), EXIT_FAILED);
	set_tty("/dev/../etc/passwd");
	ck_assert_int_eq((int)attach(), EXIT_FAILED);
	set_tty("");
	ck_assert_int_eq((int)attach(), EXIT_FAILED);
}
END_TEST

CHECK_MAIN("console", NULL, NULL, bytes_flow_both_ways,
	   key_detaches_from_a_guest_that_does_not_read, end_of_input_detaches, end_of_the_guest_detaches,
	   only_one_may_attach, only_terminals_are_opened)
