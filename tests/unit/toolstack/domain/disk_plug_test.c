/* Disks plugged into a guest that runs, and out: what is written and what is left, whatever fails. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check_main.h"
#include "tests/unit/toolstack/domain/fake_world.h"
#include "tests/unit/toolstack/domain/test_host.h"
#include "toolstack/cli.h"

#define USER	"/local/domain/0/user-backend/vbd/1/51728"
#define KERNEL	"/local/domain/0/backend/vbd/1/51728"
#define FRONT	"/local/domain/1/device/vbd/51728"
#define ATTACH	"block-attach g vdev=xvdb,backend=user,target=/img"

static char *before;

/* A guest without disks. */
static void setup(void)
{
	test_host_make();
	test_host_settle();
	ck_assert_int_eq(run("create -q /dev/null name=g memory=16 kernel=%s", host_files.kernel), 0);
	before = test_host_text();
}

static void teardown(void)
{
	free(before);
	test_host_remove();
}

static const char *node(const char *path)
{
	const struct fake_node *n = fake_node_find(path);

	return n ? n->value : "(none)";
}

static const char *perms(const char *path)
{
	const struct fake_node *n = fake_node_find(path);

	return n ? n->perms : "(none)";
}

/* But for empty directories above. */
static bool nothing_left(void)
{
	return fake_node_count(USER) == 0 && fake_node_count(KERNEL) == 0 && fake_node_count(FRONT) == 0 &&
	       fake_node_count("/local/domain/0/error/user-backend/vbd/1/51728") == 0 && world->disks_open == 0;
}

START_TEST(attached_to_a_process)
{
	ck_assert_int_eq(run("%s", ATTACH), 0);
	ck_assert_str_eq(node(USER "/params"), "/img");
	ck_assert_str_eq(node(USER "/state"), "2");
	ck_assert_str_eq(node(USER "/frontend"), FRONT);
	ck_assert_str_eq(perms(USER "/frontend"), "n0 r1");
	ck_assert_str_eq(node(FRONT "/backend"), USER);
	ck_assert_str_eq(node(FRONT "/state"), "1");
	ck_assert_str_eq(perms(FRONT "/state"), "n1 r0");
	ck_assert_int_eq(world->disks_open, 0);
	ck_assert_str_eq(out_text, "");
}
END_TEST

START_TEST(attached_to_the_kernel)
{
	ck_assert_int_eq(run("block-attach --json g /dev/x,raw,xvdb,w,backend=kernel"), 0);
	ck_assert_ptr_nonnull(strstr(out_text, "\"bothy.done/1\""));
	ck_assert_str_eq(node(KERNEL "/physical-device"), "fe:10");
	ck_assert_str_eq(node(KERNEL "/mode"), "w");
	ck_assert_int_eq(world->disks_open, 0);
}
END_TEST

/* What the guest has left of one that is gone does not matter. */
START_TEST(attached_over_an_old_front_end)
{
	ck_assert_int_eq(run("%s", ATTACH), 0);
	ck_assert_int_eq(run("block-detach g xvdb"), 0);
	ck_assert(nothing_left());
	ck_assert_int_eq(run("%s", ATTACH), 0);
	ck_assert_int_eq(fake_node_count(FRONT), 6);
}
END_TEST

static const struct {
	const char *words, *text;
	int code;
} refused[] = {
	{"block-attach g vdev=xvdb,target=rel", "bothy: block-attach: target \"rel\" is not an absolute path\n", EXIT_USAGE},
	{"block-attach g vdev=xvdb,target=/missing", "bothy: block-attach: disk /missing: No such file or directory\n",
		EXIT_CONFIG},
	{"block-attach 0 phy:/dev/x,xvdb,w", NULL, EXIT_USAGE},
	{"block-attach g phy:/dev/x", NULL, EXIT_USAGE},
	{"block-detach g xvdb", "bothy: block-detach: domain 1 has no disk 51728\n", EXIT_FAILED},
	{"block-detach g 7", "bothy: block-detach: domain 1 has no disk 7\n", EXIT_FAILED},
	{"block-detach g 4294967296", NULL, EXIT_USAGE},
	{"block-detach 0 xvdb", NULL, EXIT_USAGE},
};

START_TEST(refusals)
{
	char *after;

	ck_assert_int_eq(run("%s", refused[_i].words), refused[_i].code);
	if (refused[_i].text)
		ck_assert_str_eq(err_text, refused[_i].text);
	after = test_host_text();
	ck_assert_str_eq(after, before);
	free(after);
}
END_TEST

START_TEST(there_already)
{
	char *with;

	ck_assert_int_eq(run("%s", ATTACH), 0);
	with = test_host_text();
	ck_assert_int_eq(run("block-attach g /dev/x,raw,xvdb,w,backend=kernel"), EXIT_FAILED);
	ck_assert_str_eq(err_text, "bothy: block-attach: disk xvdb: the guest has a disk of that name\n");
	ck_assert_int_eq(run("block-attach g vdev=xvdc,backend=user,target=/img"), EXIT_FAILED);
	ck_assert_ptr_nonnull(strstr(err_text, "in use by domain 1"));
	free(before);
	before = test_host_text();
	ck_assert_str_eq(with, before);
	free(with);
}
END_TEST

START_TEST(refused_by_the_back_end)
{
	world->backend_error = "the export is empty";
	ck_assert_int_eq(run("%s", ATTACH), EXIT_FAILED);
	ck_assert_str_eq(err_text, "bothy: block-attach: disk xvdb: the back end says: the export is empty\n");
	ck_assert(nothing_left());
	world->backend_error = NULL;
	world->no_backends = true;
	ck_assert_int_eq(run("%s", ATTACH), EXIT_TIMEOUT);
	ck_assert(nothing_left());
}
END_TEST

/* At any call: it is there and whole, or nothing is. */
START_TEST(an_attachment_that_fails)
{
	long calls;

	world->calls = 0;
	ck_assert_int_eq(run("%s", ATTACH), 0);
	calls = world->calls;
	ck_assert_int_eq(run("block-detach --force g xvdb"), 0);
	for (long at = 1; at <= calls; at++) {
		world->calls = 0;
		world->fail_at = at;
		if (run("%s", ATTACH) == 0) {
			world->fail_at = 0;
			ck_assert_str_eq(node(FRONT "/state"), "1");
			ck_assert_int_eq(run("block-detach g xvdb"), 0);
		}
		world->fail_at = 0;
		ck_assert_msg(nothing_left(), "call %ld, %s", at, world->failed);
	}
}
END_TEST

START_TEST(detached)
{
	ck_assert_int_eq(run("%s", ATTACH), 0);
	ck_assert_int_eq(run("block-detach g 51728"), 0);
	ck_assert(nothing_left());
	ck_assert_int_eq(run("block-attach g /dev/x,raw,xvdb,w,backend=kernel"), 0);
	ck_assert_int_eq(run("block-detach g xvdb"), 0);
	ck_assert(nothing_left());
}
END_TEST

/* A guest that goes on using it keeps it, unless it is forced. */
START_TEST(not_let_go_of)
{
	static const char *const attach[] = {ATTACH, "block-attach g /dev/x,raw,xvdb,w,backend=kernel"};

	world->keeps_disks = true;
	ck_assert_int_eq(run("%s", attach[_i]), 0);
	ck_assert_int_eq(run("block-detach g xvdb"), EXIT_TIMEOUT);
	ck_assert_str_eq(err_text,
		"bothy: block-detach: the guest still uses it; it goes when it does not any more\n"
		"  hint: --force takes it away at once\n");
	ck_assert_str_eq(node(_i ? KERNEL "/state" : USER "/state"), "5");
	ck_assert_str_eq(node(_i ? KERNEL "/online" : USER "/online"), "0");
	ck_assert_str_eq(node(FRONT "/state"), "1");
	ck_assert_int_eq(run("block-detach --force g xvdb"), 0);
	ck_assert(nothing_left());
}
END_TEST

int main(void)
{
	TCase *c = CHECK_CASE(setup, teardown, attached_to_a_process, attached_to_the_kernel, attached_over_an_old_front_end,
			      there_already, refused_by_the_back_end, an_attachment_that_fails, detached);

	tcase_add_loop_test(c, refusals, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_loop_test(c, not_let_go_of, 0, 2);
	return check_run("disk_plug", c);
}
