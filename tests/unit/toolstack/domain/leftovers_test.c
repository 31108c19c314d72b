/* Nothing half-made is left: whole verbs in a fake world that fails or ends them at every single call.
 *
 * The world before is one that had a guest, so that it has all the directories it will ever have; each round
 * begins with a copy of it and must lead back to it, node by node, domain by domain and file by file. */
#include <cjson/cJSON.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "toolstack/cli.h"

#define UUID  "01234567-89ab-cdef-0123-456789abcdef"
#define OTHER "11111111-89ab-cdef-0123-456789abcdef"

enum { KILLED = 99, STARTS_AGAIN = 2 };

static struct fake_world before;
static char *before_text;
static long create_calls; /* of a creation that succeeds */

static void write_config(void)
{
	char text[512];

	snprintf(text, sizeof(text),
		"name='g'\nkernel='%s'\nmemory=16\nvcpus=2\nuuid='" UUID "'\n"
		"disk=['/dev/x,,xvda,w,backend=kernel','/img,,xvdb,r,backend=kernel','vdev=xvdz,target=/u']\n"
		"vif=['mac=00:16:3e:00:00:01,bridge=br0,backend=kernel','ip=10.0.0.2,backend=kernel']\n",
		host_files.kernel);
	write_file(host_files.config, text, strlen(text));
}

static void back_to_before(void)
{
	*world = before;
}

static int create(void)
{
	return run("create -q %s", host_files.config);
}

static void setup(void)
{
	test_host_make();
	write_config();
	test_host_settle();
	before = *world;
	before_text = test_host_text();
	ck_assert_int_eq(create(), EXIT_DONE);
	create_calls = world->calls;
	ck_assert_int_gt(create_calls, 150);
	ck_assert_int_eq(run("destroy g"), EXIT_DONE);
	ck_assert_int_eq(run("list"), EXIT_DONE);
	back_to_before();
}

static void teardown(void)
{
	free(before_text);
	test_host_remove();
}

static void assert_text(const char *text, const char *what, long at)
{
	char *now = test_host_text();

	ck_assert_msg(strcmp(now, text) == 0, "%s %ld (%s): now\n%.3000s", what, at,
		world->failed ? world->failed : "-", now);
	free(now);
}

static void assert_as_before(const char *what, long at)
{
	assert_text(before_text, what, at);
}

/* One line, and perhaps a hint. */
static void assert_one_line(const char *start)
{
	const char *end = strchr(err_text, '\n');

	ck_assert_msg(strncmp(err_text, start, strlen(start)) == 0 && end, "%s", err_text);
	ck_assert_msg(end - err_text > (long)strlen(start), "%s", err_text);
	if (end[1])
		ck_assert_msg(
			strncmp(end + 1, "  hint: ", 8) == 0 && strchr(end + 1, '\n')[1] == '\0',
			"%s", err_text);
	ck_assert_str_eq(out_text, "");
}

static void assert_json_error(int code)
{
	cJSON *root = cJSON_Parse(out_text);

	ck_assert_msg(root != NULL, "%s", out_text);
	ck_assert_str_eq(
		cJSON_GetStringValue(cJSON_GetObjectItem(root, "schema")), "bothy.error/1");
	ck_assert_int_eq((int)cJSON_GetNumberValue(cJSON_GetObjectItem(root, "exit")), code);
	ck_assert_str_ne(cJSON_GetStringValue(cJSON_GetObjectItem(root, "what")), "");
	cJSON_Delete(root);
}

/* A call whose failure is survived, such as a look at an error node, leaves a whole guest. */
static void assert_whole_guest(const char *what, long at)
{
	const struct fake_domain *d = fake_domain_find((uint16_t)world->last_id);

	ck_assert_msg(d && d->has_context && d->introduced, "%s %ld: half a domain", what, at);
	ck_assert_int_eq(fake_node_count("/bothy/creating"), 1);
	ck_assert_int_eq(run("destroy g"), EXIT_DONE);
	ck_assert_int_eq(run("list"), EXIT_DONE);
	assert_as_before(what, at);
}

START_TEST(any_failure_leaves_nothing)
{
	for (long at = 1 + _i; at <= create_calls; at += STARTS_AGAIN) {
		bool json = at % (2 * STARTS_AGAIN) < STARTS_AGAIN;
		int code;

		back_to_before();
		world->fail_at = at;
		code = run("create -q %s %s", json ? "--json" : "--", host_files.config);
		world->fail_at = 0;
		if (code == EXIT_DONE) {
			assert_whole_guest("failure at", at);
			continue;
		}
		if (json)
			assert_json_error(code);
		else
			assert_one_line("bothy: create: ");
		assert_as_before("failure at", at);
		ck_assert_msg(create() == EXIT_DONE, "after failure at %ld: %s", at, err_text);
		assert_whole_guest("after failure at", at);
	}
}
END_TEST

/* Returns the exit status; the child's death is seen by the kernel. */
static int in_child(const char *words)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run("%s", words));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	fake_process_ended();
	return WEXITSTATUS(status);
}

static int create_in_child(void)
{
	char words[128];

	snprintf(words, sizeof(words), "create -q %s", host_files.config);
	return in_child(words);
}

static const struct {
	const char *words;
	int code;
} next[] = {
	{"list", EXIT_DONE},
	{"list --json", EXIT_DONE},
	{"vcpu-list", EXIT_DONE},
	{"info", EXIT_DONE},
	{"block-list nosuch", EXIT_NO_DOMAIN},
	{"network-list nosuch", EXIT_NO_DOMAIN},
	{"block-attach nosuch phy:/dev/x,xvdb,w", EXIT_NO_DOMAIN},
	{"block-detach nosuch xvdb", EXIT_NO_DOMAIN},
	{"pause nosuch", EXIT_NO_DOMAIN},
	{"unpause nosuch", EXIT_NO_DOMAIN},
	{"destroy nosuch", EXIT_NO_DOMAIN},
	{"shutdown nosuch", EXIT_NO_DOMAIN},
	{"reboot nosuch", EXIT_NO_DOMAIN},
	{"console nosuch", EXIT_NO_DOMAIN},
	{"domid nosuch", EXIT_NO_DOMAIN},
	{"domname nosuch", EXIT_NO_DOMAIN},
	{"mem-max nosuch 64", EXIT_NO_DOMAIN},
	{"mem-set nosuch 64", EXIT_NO_DOMAIN},
	{"rename nosuch h", EXIT_NO_DOMAIN},
	{"sched-credit", EXIT_DONE},
	{"sched-credit -s", EXIT_DONE},
	{"sched-credit -d nosuch", EXIT_NO_DOMAIN},
	{"sysrq nosuch s", EXIT_NO_DOMAIN},
	{"trigger nosuch nmi", EXIT_NO_DOMAIN},
	{"uptime", EXIT_DONE},
	{"vcpu-pin nosuch 0 0", EXIT_NO_DOMAIN},
	{"vcpu-set nosuch 1", EXIT_NO_DOMAIN},
	{"create /dev/null name=h kernel=/nonexistent", EXIT_CONFIG},
};
enum { NEXT = sizeof(next) / sizeof(next[0]) };

/* Killed at each call in turn, followed by each verb in turn: what is left is a whole guest, or nothing. */
START_TEST(any_death_leaves_nothing_for_the_next_verb)
{
	int half_made = 0;

	for (long at = 1 + _i; at <= create_calls; at += STARTS_AGAIN) {
		int verb = (int)(at / STARTS_AGAIN % NEXT);

		back_to_before();
		world->kill_at = at;
		ck_assert_int_eq(create_in_child(), KILLED);
		world->kill_at = 0;
		half_made += fake_node_count("/bothy/creating") > 1;
		ck_assert_int_eq(run("%s", next[verb].words), next[verb].code);
		if (world->domains[0].id)
			assert_whole_guest("killed at", at);
		else
			assert_as_before("killed at", at);
	}
	ck_assert_int_gt(half_made, 50);
}
END_TEST

/* Leave a half-made guest, all but introduced. */
static void leave_half(void)
{
	back_to_before();
	world->kill_at = create_calls - 10;
	ck_assert_int_eq(create_in_child(), KILLED);
	world->kill_at = 0;
	world->calls = 0;
	ck_assert_uint_eq(world->domains[0].id, 1);
	ck_assert_int_eq(fake_node_count("/bothy/creating"), 2);
}

static long clearing_calls(void)
{
	leave_half();
	ck_assert_int_eq(run("list"), EXIT_DONE);
	ck_assert_str_eq(err_text,
		"bothy: list: warning: removed what an earlier, interrupted creation had left\n");
	assert_as_before("removal", 0);
	ck_assert_int_gt(world->calls, 20);
	return world->calls;
}

/* Who removes what another left may be killed as well. */
START_TEST(any_death_of_the_remover_is_made_good)
{
	long calls = clearing_calls();

	for (long at = 1; at <= calls; at++) {
		leave_half();
		world->kill_at = at;
		ck_assert_int_eq(in_child("list"), KILLED);
		world->kill_at = 0;
		ck_assert_int_eq(run("list"), EXIT_DONE);
		assert_as_before("remover killed at", at);
	}
}
END_TEST

START_TEST(any_failure_of_the_remover_is_made_good)
{
	long calls = clearing_calls();

	for (long at = 1; at <= calls; at++) {
		leave_half();
		world->fail_at = at;
		(void)in_child("list"); /* the mark is that of a process that ends */
		world->fail_at = 0;
		ck_assert_int_eq(run("list"), EXIT_DONE);
		assert_as_before("remover failed at", at);
	}
}
END_TEST

START_TEST(failed_removal_warns_and_the_verb_goes_on)
{
	leave_half();
	world->always_fails = "destroy";
	ck_assert_int_eq(run("list"), EXIT_DONE);
	ck_assert_str_eq(err_text, "bothy: list: warning: what an interrupted creation left could "
				   "not all be removed: Input/output error\n");
	ck_assert_ptr_nonnull(strstr(out_text, "\ng "));
}
END_TEST

/* A failure whose undo fails as well keeps its mark, and so is removed by the next run. */
START_TEST(failed_undo_is_made_good)
{
	world->no_backends = true;
	world->always_fails = "destroy";
	ck_assert_int_eq(create(), EXIT_TIMEOUT);
	ck_assert_str_eq(err_text,
		"bothy: create: disk xvda: the back end did not answer in 0 s\n"
		"  hint: removing the half-made domain 1 failed as well (Input/output error); the "
		"next bothy tries again\n");
	back_to_before();
	world->no_backends = true;
	world->always_fails = "destroy";
	ck_assert_int_eq(create_in_child(), EXIT_TIMEOUT);
	world->no_backends = false;
	world->always_fails = NULL;
	ck_assert_uint_eq(world->domains[0].id, 1);
	ck_assert_int_eq(run("list"), EXIT_DONE);
	assert_as_before("failed undo", 0);
}
END_TEST

/* A process that stops at a call, as one does that waits; it lives, so nobody may touch what it marked. */
static pid_t stop_at(const char *call, const char *words)
{
	int status;
	pid_t pid;

	world->stops_at = call;
	pid = fork();
	if (pid == 0)
		_exit(run("%s %s", words, host_files.config));
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert(WIFSTOPPED(status));
	world->stops_at = NULL;
	return pid;
}

static int go_on(pid_t pid)
{
	int status;

	kill(pid, SIGCONT);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	fake_process_ended();
	return WEXITSTATUS(status);
}

/* A second creation of "g" is refused while process @pid is at it. */
static void assert_busy(pid_t pid)
{
	char expected[128];

	ck_assert_int_eq(create(), EXIT_FAILED);
	snprintf(expected, sizeof(expected),
		"bothy: create: name: \"g\" is being created or removed by process %d\n", pid);
	ck_assert_str_eq(err_text, expected);
}

START_TEST(living_creations_are_left_alone)
{
	pid_t pid = stop_at("store_introduce", "create -q");
	char *half = test_host_text();

	for (int verb = 0; verb < NEXT; verb++) {
		ck_assert_int_eq(run("%s", next[verb].words), next[verb].code);
		assert_text(half, "beside verb", verb);
	}
	assert_busy(pid);
	assert_text(half, "beside create", 0);
	free(half);
	ck_assert_int_eq(go_on(pid), EXIT_DONE);
	assert_whole_guest("continued", 0);
}
END_TEST

/* Not before its tree is whole: who waits for the name to be listed may go on to use it. */
START_TEST(what_is_being_created_has_no_name_yet)
{
	pid_t pid = stop_at("map_frames", "create -q");

	ck_assert_int_eq(run("list"), EXIT_DONE);
	ck_assert_ptr_nonnull(strstr(out_text, "\n(unnamed)                                    1 "));
	ck_assert_int_eq(run("shutdown g"), EXIT_NO_DOMAIN);
	ck_assert_int_eq(go_on(pid), EXIT_DONE);
	ck_assert_int_eq(run("domname 1"), EXIT_DONE);
	ck_assert_str_eq(out_text, "g\n");
	assert_whole_guest("looked at", 0);
}
END_TEST

/* While one removes, others neither remove the same nor begin anew under its name and UUID. */
START_TEST(one_removes)
{
	pid_t pid;

	leave_half();
	pid = stop_at("destroy", "pause");
	ck_assert_int_eq(run("list"), EXIT_DONE);
	ck_assert_str_eq(err_text, "");
	ck_assert_uint_eq(world->domains[0].id, 1);
	assert_busy(pid);
	ck_assert_int_eq(go_on(pid), EXIT_NO_DOMAIN);
	assert_as_before("removed", 0);
	ck_assert_int_eq(create(), EXIT_DONE);
}
END_TEST

START_TEST(interrupted_creations_undo_themselves)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	pid_t pid;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		back_to_before();
		pid = stop_at("store_introduce", "create -q");
		kill(pid, signals[i]);
		ck_assert_int_eq(go_on(pid), EXIT_FAILED);
		assert_as_before("signal", signals[i]);
	}
}
END_TEST

/* Nobody has waited for the process yet: its id is still there, but it is dead. */
START_TEST(zombies_are_dead)
{
	pid_t pid = stop_at("store_introduce", "create -q");
	siginfo_t info;

	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	fake_process_ended();
	ck_assert_int_eq(run("list"), EXIT_DONE);
	assert_as_before("zombie", 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(readers_that_leave_do_not_end_a_creation)
{
	ck_assert_int_eq(create(), EXIT_DONE);
	raise(SIGPIPE);
	assert_whole_guest("pipe", 0);
}
END_TEST

static void set_node(int index, const char *path, const char *value)
{
	snprintf(world->nodes[FAKE_NODES - 1 - index].path, FAKE_PATH, "%s", path);
	snprintf(world->nodes[FAKE_NODES - 1 - index].value, FAKE_VALUE, "%s", value);
}

/* Marks that nobody can have written, and one of a process id that was given away again. */
START_TEST(strange_marks)
{
	char path[96], mine[64];

	set_node(0, "/bothy/creating/rubbish", "1 2 3 4");
	set_node(1, "/bothy/creating/" OTHER, "");
	snprintf(path, sizeof(path), "/bothy/creating/%s", UUID);
	snprintf(mine, sizeof(mine), "%d 1 g", getpid());
	set_node(2, path, mine);
	ck_assert_int_eq(run("list"), EXIT_DONE);
	assert_as_before("strange marks", 0);
}
END_TEST

static void keep_file(const char *dir, const char *name, bool stays)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (access(dir, F_OK) < 0)
		ck_assert_int_eq(run("list"), EXIT_DONE);
	write_file(path, "x", 1);
	ck_assert_int_eq(run("list"), EXIT_DONE);
	ck_assert_msg((access(path, F_OK) == 0) == stays, "%s", name);
	unlink(path);
}

START_TEST(files_of_nobody_are_swept)
{
	const char *kept = host_files.places.kept, *cache = host_files.places.kernel_cache;
	char path[256];

	keep_file(kept, OTHER ".cfg", false);
	keep_file(kept, OTHER ".cfg.new", false);
	keep_file(kept, "notes", true);
	keep_file(kept, OTHER ".txt", true);
	keep_file(cache, ".new-99999999", false);
	keep_file(cache, ".new-1", true);
	snprintf(path, sizeof(path), "%s/" OTHER ".cfg", kept);
	set_node(0, "/bothy/restart/7", path);
	set_node(1, "/bothy/restart", "");
	keep_file(kept, OTHER ".cfg", true);
	world->nodes[FAKE_NODES - 1].path[0] = '\0';
	set_node(0, "/bothy/domain/7/config", path);
	set_node(2, "/bothy/domain/7", "");
	keep_file(kept, OTHER ".cfg", true);
	world->nodes[FAKE_NODES - 1].path[0] = '\0';
	keep_file(kept, OTHER ".cfg", false);
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, teardown, any_death_of_the_remover_is_made_good,
			      any_failure_of_the_remover_is_made_good, failed_removal_warns_and_the_verb_goes_on,
			      failed_undo_is_made_good, living_creations_are_left_alone,
			      what_is_being_created_has_no_name_yet, one_removes,
			      interrupted_creations_undo_themselves, zombies_are_dead,
			      readers_that_leave_do_not_end_a_creation, strange_marks, files_of_nobody_are_swept);
	tcase_set_timeout(c, 240);
	tcase_add_loop_test(c, any_failure_leaves_nothing, 0, STARTS_AGAIN);
	tcase_add_loop_test(c, any_death_leaves_nothing_for_the_next_verb, 0, STARTS_AGAIN);
	return check_run("leftovers", c);
}
