/* The console client against a consoled that this test plays: bytes both ways, the ways out, and who goes and comes back
 * meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "dom0/lib/console_link.h"
#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "toolstack/console.h"

/* How long the client waits where it is to have what it waits for, and where not. */
enum { PATIENT_MS = 20000, HASTY_MS = 30 };

static char dir[] = "/tmp/bothy-console-XXXXXX", path[64];
static int listener, line; /* consoled's: where it listens, and the client's connection */
static int keyboard, terminal; /* of a person: the end where keys are struck, and the client's standard input */
static int from_client, told; /* its standard output and error */
static int to_client; /* its standard input, if that is a pipe */
static struct termios sane;
static struct console_hello hello;
static uint32_t number; /* of the console that the client wants */
static pid_t child;

/* ---- consoled ---- */

static void consoled_start(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(at.sun_path, path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
}

static void welcome(struct console_welcome w)
{
	line = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(line, 0);
	ck_assert_int_eq(recv(line, &hello, sizeof(hello), MSG_WAITALL), sizeof(hello));
	ck_assert_uint_eq(hello.magic, CONSOLE_MAGIC);
	ck_assert_int_eq(send(line, &w, sizeof(w), MSG_NOSIGNAL), sizeof(w));
}

static void accept_client(uint32_t from, uint32_t replay)
{
	welcome((struct console_welcome){CONSOLE_MAGIC, 0, from, replay, 0});
	ck_assert_uint_eq(hello.domid, 1);
	ck_assert_uint_eq(hello.number, number);
}

static void guest_says(const char *text)
{
	ck_assert_int_eq(send(line, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* ---- the client ---- */

static enum exit_code attach(bool follow, unsigned int timeout_ms)
{
	const struct places places = {.console_socket = path, .console_timeout_ms = timeout_ms};
	struct cli c = {.verb = "console", .out = stdout, .err = stderr, .places = &places};
	struct host h = {.store = fake_store};
	enum exit_code code = console_attach(&c, &h, 1, number, follow);

	if (code != EXIT_DONE)
		fprintf(stderr, "why: %s\n", c.why.what);
	return code;
}

static void keyboard_make(int in[2])
{
	in[1] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert(in[1] >= 0 && grantpt(in[1]) == 0 && unlockpt(in[1]) == 0);
	in[0] = open(ptsname(in[1]), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(in[0], 0);
	ck_assert_int_eq(tcgetattr(in[0], &sane), 0);
	to_client = keyboard = in[1];
	terminal = in[0];
}

static void client_start(bool person, bool follow, unsigned int timeout_ms)
{
	int in[2], out[2], err[2];

	if (person)
		keyboard_make(in);
	else
		ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
	child = fork();
	if (child == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		for (int fd = 3; fd < 100; fd++)
			close(fd);
		_exit((int)attach(follow, timeout_ms));
	}
	if (!person)
		close(in[0]);
	close(out[1]);
	close(err[1]);
	to_client = in[1];
	from_client = out[0];
	told = err[0];
}

static void types(const char *text)
{
	ck_assert_int_eq(write(to_client, text, strlen(text)), (ssize_t)strlen(text));
}

static int finish(void)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(int fd, const char *text)
{
	char bytes[256];
	size_t got = 0, want = strlen(text);

	while (got < want) {
		ssize_t n = read(fd, bytes + got, want - got);

		if (n <= 0)
			ck_abort_msg("\"%s\" ends before \"%s\"", bytes, text);
		got += (size_t)n;
		bytes[got] = '\0';
	}
	ck_assert_str_eq(bytes, text);
}

static void expect_end(int fd)
{
	char c;

	ck_assert_int_le(read(fd, &c, 1), 0);
}

static bool terminal_is_sane(void)
{
	struct termios now;

	ck_assert_int_eq(tcgetattr(terminal, &now), 0);
	return now.c_iflag == sane.c_iflag && now.c_oflag == sane.c_oflag && now.c_lflag == sane.c_lflag &&
	       now.c_cflag == sane.c_cflag;
}

static void set_up(void)
{
	fake_world_reset();
	fake_domain_add(1, "web", 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	consoled_start();
}

static void tear_down(void)
{
	unlink(path);
	rmdir(dir);
}

/* A client that is attached, and nothing was said yet. */
static void start(bool person)
{
	client_start(person, false, PATIENT_MS);
	accept_client(0, 0);
	if (person)
		expect(told, "bothy: console: web (domain 1); Ctrl-] detaches\n");
}

/* ---- bytes ---- */

START_TEST(bytes_flow_both_ways)
{
	start(false);
	types("ls\r");
	expect(line, "ls\r");
	guest_says("file\r\n");
	expect(from_client, "file\r\n");
	types("last\x1d");
	ck_assert_int_eq(finish(), EXIT_DONE);
	/* What was typed before the key is the guest's. */
	expect(line, "last");
	expect_end(line);
	expect_end(told);
}
END_TEST

/* More is typed than the connection and the client hold, and the guest takes nothing: the key is read all the same. */
START_TEST(key_detaches_from_a_guest_that_does_not_read)
{
	char text[1024];

	start(true);
	types("x");
	expect(line, "x");
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 1024; i++)
		ck_assert_int_eq((int)write(to_client, text, sizeof(text)), (int)sizeof(text));
	types("\x1d");
	ck_assert_int_eq(finish(), EXIT_DONE);
	ck_assert(terminal_is_sane());
}
END_TEST

/* What is piped reaches the guest whole, and what it says to that is shown, until consoled has it all. */
START_TEST(end_of_input_detaches)
{
	start(false);
	types("uptime\n");
	close(to_client);
	expect(line, "uptime\n");
	expect_end(line);
	guest_says("12:00 up\n");
	close(line);
	expect(from_client, "12:00 up\n");
	expect_end(from_client);
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

START_TEST(end_of_input_does_not_wait_for_ever)
{
	start(false);
	types("uptime\n");
	close(to_client);
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

/* Only a terminal would answer to what was said before. */
START_TEST(questions_are_not_replayed_to_a_terminal)
{
	int screen[2];

	keyboard_make(screen);
	child = fork();
	if (child == 0) {
		dup2(screen[0], STDIN_FILENO);
		dup2(screen[0], STDOUT_FILENO);
		_exit((int)attach(false, PATIENT_MS));
	}
	accept_client(0, 12);
	guest_says("old\033[6nold: new\033[6n");
	expect(keyboard, "oldold: new\033[6n");
	types("\x1d");
	kill(child, SIGTERM);
	ck_assert_int_eq(finish(), EXIT_DONE);
	ck_assert(terminal_is_sane());
}
END_TEST

/* ---- ways out ---- */

static void ends_by(int how)
{
	switch (how) {
	case 0: types("\x1d"); break;
	case 1: kill(child, SIGTERM); break;
	case 2: kill(child, SIGHUP); break;
	case 3: kill(child, SIGINT); break;
	case 4: kill(child, SIGQUIT); break;
	case 5: /* the guest's end */
		fake_domain_find(1)->id = 0;
		close(line);
		break;
	case 6: /* consoled's, for good */
		close(listener);
		close(line);
		break;
	default: /* who looks at it leaves */
		close(from_client);
		guest_says("x");
	}
}

START_TEST(the_terminal_is_restored)
{
	static const int code[] = {0, 0, 0, 0, 0, 0, EXIT_TIMEOUT, EXIT_FAILED};

	client_start(true, false, _i == 6 ? HASTY_MS : PATIENT_MS);
	accept_client(0, 0);
	types("x");
	expect(line, "x");
	ck_assert(!terminal_is_sane());
	ends_by(_i);
	ck_assert_int_eq(finish(), code[_i]);
	ck_assert(terminal_is_sane());
}
END_TEST

/* A signal at any moment is one that ends it. */
START_TEST(signals_are_not_missed)
{
	for (int i = 0; i < 200; i++) {
		client_start(false, false, PATIENT_MS);
		accept_client(0, 0);
		types("x");
		expect(line, "x");
		if (i & 1)
			guest_says("x");
		usleep((useconds_t)(i * 10));
		kill(child, SIGTERM);
		ck_assert_int_eq(finish(), EXIT_DONE);
		close(line);
		close(to_client);
		close(from_client);
		close(told);
	}
}
END_TEST

/* ---- who comes and goes ---- */

START_TEST(consoled_comes_late)
{
	number = 3;
	close(listener);
	unlink(path);
	client_start(false, false, PATIENT_MS);
	usleep(20000);
	consoled_start();
	/* It does not know the guest yet. */
	welcome((struct console_welcome){CONSOLE_MAGIC, -ENOENT, 0, 0, 0});
	close(line);
	accept_client(0, 0);
	ck_assert_uint_eq(hello.again, 0);
	guest_says("here");
	expect(from_client, "here");
	types("\x1d");
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

/* It is waited for, and asked for just what was not seen. */
START_TEST(consoled_dies_and_returns)
{
	client_start(true, false, PATIENT_MS);
	accept_client(4294967290u, 10);
	expect(told, "bothy: console: web (domain 1); Ctrl-] detaches\n");
	guest_says("0123456789");
	expect(from_client, "0123456789");
	close(listener);
	close(line);
	expect(told, "\r\nbothy: console: consoled is gone: waiting for it\r\n");
	ck_assert(!terminal_is_sane());
	consoled_start();
	accept_client(4, 6);
	ck_assert(hello.again == 1 && hello.from == 4);
	expect(told, "\r\nbothy: console: consoled is back\r\n");
	guest_says("abcdef");
	expect(from_client, "abcdef");
	types("x");
	expect(line, "x");
	/* Once more, and some of it is not kept. */
	close(line);
	accept_client(110, 0);
	ck_assert_uint_eq(hello.from, 10);
	expect(told, "\r\nbothy: console: attached again; 100 bytes of output are missed\r\n");
	types("\x1d");
	ck_assert_int_eq(finish(), EXIT_DONE);
	expect(told, "\r\n");
	expect_end(told);
	ck_assert(terminal_is_sane());
}
END_TEST

/* Who waits for it can still leave; and it is not waited for if the guest ends. */
START_TEST(while_consoled_is_gone)
{
	client_start(true, false, PATIENT_MS);
	accept_client(0, 0);
	expect(told, "bothy: console: web (domain 1); Ctrl-] detaches\n");
	close(listener);
	close(line);
	expect(told, "\r\nbothy: console: consoled is gone: waiting for it\r\n");
	if (_i) {
		fake_domain_find(1)->id = 0;
		expect(told, "\r\nbothy: console: web (domain 1) has ended\r\n");
	} else {
		types("\x1d");
	}
	ck_assert_int_eq(finish(), EXIT_DONE);
	ck_assert(terminal_is_sane());
}
END_TEST

START_TEST(the_guest_ends)
{
	start(false);
	guest_says("reboot: Power down");
	fake_domain_find(1)->flags = XEN_DOMINF_dying | XEN_DOMINF_shutdown;
	close(line);
	expect(from_client, "reboot: Power down");
	ck_assert_int_eq(finish(), EXIT_DONE);
	expect(told, "bothy: console: web (domain 1) has ended: poweroff\n");
	expect_end(told);
}
END_TEST

/* Another guest of the same name comes, and its console from the beginning. */
START_TEST(the_guest_reboots)
{
	client_start(false, true, PATIENT_MS);
	accept_client(0, 0);
	guest_says("first life");
	expect(from_client, "first life");
	fake_domain_find(1)->flags = XEN_DOMINF_dying | XEN_DOMINF_shutdown | 1 << 16;
	close(line);
	expect(told, "bothy: console: web (domain 1) has ended: reboot; waiting for its next life\n");
	fake_domain_add(2, "web", 0);
	welcome((struct console_welcome){CONSOLE_MAGIC, 0, 0, 6, 0});
	ck_assert(hello.domid == 2 && hello.again == 0);
	expect(told, "bothy: console: web is domain 2 now\n");
	guest_says("second");
	expect(from_client, "second");
	types("\x1d");
	ck_assert_int_eq(finish(), EXIT_DONE);
}
END_TEST

START_TEST(the_guest_does_not_come_back)
{
	client_start(false, true, HASTY_MS);
	accept_client(0, 0);
	fake_domain_find(1)->id = 0;
	fake_domain_add(2, "other", 0);
	close(line);
	ck_assert_int_eq(finish(), EXIT_TIMEOUT);
	expect(told, "bothy: console: web (domain 1) has ended; waiting for its next life\n"
		     "why: web has not come back\n");
}
END_TEST

/* ---- refusals ---- */

START_TEST(refusals)
{
	static const struct {
		struct console_welcome w;
		const char *why;
	} rows[] = {
		{{CONSOLE_MAGIC, -EBUSY, 0, 0, 0}, "too many are attached to this console"},
		{{CONSOLE_MAGIC, -EPROTO, 0, 0, 0}, "consoled speaks another language: it is of another version"},
		{{CONSOLE_MAGIC + 1, 0, 0, 0, 0}, "consoled speaks another language: it is of another version"},
		{{CONSOLE_MAGIC, -EIO, 0, 0, 0}, "Input/output error"},
	};
	char text[200];
	ssize_t n;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_start(false, false, PATIENT_MS);
		welcome(rows[i].w);
		ck_assert_int_eq(finish(), EXIT_FAILED);
		n = read(told, text, sizeof(text) - 1);
		text[n] = '\0';
		ck_assert_ptr_nonnull(strstr(text, rows[i].why));
	}
	client_start(false, false, HASTY_MS);
	welcome((struct console_welcome){CONSOLE_MAGIC, -ENOENT, 0, 0, 0});
	close(listener);
	ck_assert_int_eq(finish(), EXIT_FAILED);
	expect(told, "why: domain 1 has no console yet\n");
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(set_up, tear_down, bytes_flow_both_ways, key_detaches_from_a_guest_that_does_not_read,
		end_of_input_detaches, end_of_input_does_not_wait_for_ever, questions_are_not_replayed_to_a_terminal,
		signals_are_not_missed, consoled_comes_late, consoled_dies_and_returns, the_guest_ends, the_guest_reboots,
		the_guest_does_not_come_back, refusals);

	tcase_add_loop_test(c, the_terminal_is_restored, 0, 8);
	tcase_add_loop_test(c, while_consoled_is_gone, 0, 2);
	return check_run("console", c);
}
