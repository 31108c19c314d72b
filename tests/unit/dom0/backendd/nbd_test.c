/* Disks on NBD exports, from backendd's side: who connects, what is waited for after a death, and servers of our own. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "tests/unit/dom0/backendd/roster_world.h"

#define ERROR	"/local/domain/0/error/user-backend/vbd/1/51/error"

static char place[48], uri[128];
static int listener = -1;

/* A server's place in the test's folder, with nobody there. */
static void place_set(void)
{
	snprintf(place, sizeof place, "%s/s", dir);
	snprintf(uri, sizeof uri, "nbd+unix:///some%%20name?socket=%s", place);
}

static void server_come(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	place_set();
	strcpy(at.sun_path, place);
	unlink(place);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
}

static int server_accept(void)
{
	int fd = accept(listener, NULL, NULL);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void disk_make(const char *target)
{
	put(VBD "/params", target);
	put(VBD "/online", "1");
	put(VBD "/mode", "w");
	put(VBD "/frontend-id", "1");
	put(VBD "/frontend", "/local/domain/1/device/vbd/51");
}

static struct device *disk_served(const char *target)
{
	put(VBD "/state", "1");
	disk_make(target);
	UNTIL(said(2)[0]);
	return roster.devices;
}

static void dies(struct device *d)
{
	kill(d->pid, SIGKILL);
	UNTIL(!d->pid);
}

/* How many lines of the report begin with @text. */
static unsigned int count(const char *text)
{
	char line[1024];
	unsigned int n = 0;
	FILE *f = fopen(report, "re");

	while (f && fgets(line, sizeof line, f))
		n += strncmp(line, text, strlen(text)) == 0;
	if (f)
		fclose(f);
	return n;
}

/* What happens takes a while; nothing is to happen. */
static void let_pass(unsigned int ms)
{
	uint64_t end = loop_now_ns() + ms * 1000000ull;

	while (loop_now_ns() < end)
		ck_assert_int_eq(loop_round(&loop, 10), 0);
}

START_TEST(connected_for_the_process)
{
	int fd;

	server_come();
	disk_served(uri);
	ck_assert_str_eq(said(2), "export some name\n");
	/* Its own descriptors, and no more: a socket for the disk. */
	ck_assert_uint_eq(count("fds ff "), 1);
	fd = server_accept();
	ck_assert_int_eq(recv(fd, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	close(fd);
}
END_TEST

START_TEST(by_tcp)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof at;
	char target[64];

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &bytes), 0);
	snprintf(target, sizeof target, "nbd://127.0.0.1:%u/e", ntohs(at.sin_port));
	disk_served(target);
	ck_assert_str_eq(said(2), "export e\n");
	close(server_accept());
}
END_TEST

/* Until the server has closed its end of the dead one's connection, which it learns of at once. */
START_TEST(the_end_of_a_connection_is_waited_for)
{
	struct device *d;
	int fd;

	server_come();
	d = disk_served(uri);
	put(VBD "/state", "4");
	fd = server_accept();
	ck_assert_int_eq(send(fd, "what the process did not read", 29, 0), 29);
	dies(d);
	let_pass(100);
	ck_assert_int_eq(recv(fd, &(char){ 0 }, 1, 0), 0);
	ck_assert_int_eq(d->pid, 0);
	ck_assert_int_eq(send(fd, "nor this", 8, 0), 8);
	let_pass(100);
	ck_assert_int_eq(d->pid, 0);
	close(fd);
	UNTIL(d->pid);
	close(server_accept());
}
END_TEST

/* One that died with backendd, and whose connection nobody of us has. */
START_TEST(processes_of_a_backendd_before)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(records, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	server_come();
	disk_make(uri);
	UNTIL(roster.devices);
	let_pass(100);
	ck_assert_int_eq(roster.devices->pid, 0);
	ck_assert(!roster.devices->refused);
	close(fd);
	UNTIL(roster.devices->pid);
}
END_TEST

START_TEST(nobody_there)
{
	char *error, text[512];

	place_set();
	disk_make(uri);
	UNTIL(is_there(ERROR));
	error = mem_printf("%s: No such file or directory", uri);
	ck_assert_int_eq(store_read_buf(toolstack, STORE_NO_TX, ERROR, text, sizeof text), 0);
	ck_assert_str_eq(text, error);
	free(error);
	ck_assert(roster.devices->refused);
	put(VBD "/online", "0");
	UNTIL(!roster.devices);
}
END_TEST

/* A server that goes while the disk is in use is waited for. */
START_TEST(back_again)
{
	struct device *d;
	int fd;

	server_come();
	d = disk_served(uri);
	put(VBD "/state", "4");
	fd = server_accept();
	close(fd);
	close(listener);
	unlink(place);
	dies(d);
	/* Two tries, of which the log has one. */
	let_pass(1500);
	ck_assert(!d->refused && !d->pid);
	ck_assert(d->nbd.missed);
	ck_assert(!is_there(ERROR));
	server_come();
	UNTIL(d->pid);
	ck_assert(!d->nbd.missed);
	close(server_accept());
}
END_TEST

START_TEST(no_uris)
{
	char text[512];

	disk_make("nbd://name/export");
	UNTIL(is_there(ERROR));
	ck_assert_int_eq(store_read_buf(toolstack, STORE_NO_TX, ERROR, text, sizeof text), 0);
	ck_assert_str_eq(text, "nbd://name/export: Invalid argument");
	ck_assert_ptr_nonnull(roster.devices);
}
END_TEST

/* The process says that it cannot serve the export: believed as long as no guest can have made it say so. */
START_TEST(refused_by_its_process)
{
	char text[512];
	int fd;

	server_come();
	setenv("ROLE", "refuse", 1);
	disk_make(uri);
	UNTIL(is_there(ERROR));
	ck_assert_int_eq(store_read_buf(toolstack, STORE_NO_TX, ERROR, text, sizeof text), 0);
	ck_assert_str_eq(text, "it is?closed");
	UNTIL(!roster.devices->pid);
	ck_assert(roster.devices->refused);
	let_pass(50);
	ck_assert_int_eq(roster.devices->pid, 0);
	put(VBD "/online", "0");
	UNTIL(!roster.devices);
	fd = server_accept();
	close(fd);
	ck_assert(!is_there(ERROR));
	/* Later it is only one more death. */
	put(VBD "/state", "4");
	disk_make(uri);
	UNTIL(said(4)[0]);
	close(server_accept());
	UNTIL(said(6)[0]);
	ck_assert(!is_there(ERROR));
	ck_assert(!roster.devices->refused);
}
END_TEST

/* ---- servers of our own ---- */

/* A server that tells the report how it is started, and that it ends, for which it takes a while. */
#define SERVER	"nbd+exec:sh -c 'trap \"sleep 1; echo ended >>$REPORT; exit\" TERM; test $LISTEN_PID = $$ || exit 1; " \
		"F=$(ls /proc/self/fd); echo server $LISTEN_FDS $F >>$REPORT; while :; do sleep 0.01; done'"

START_TEST(a_server_is_ended_and_waited_for)
{
	struct device *d = disk_served(SERVER);
	char path[64];

	/* Its socket is 3, the mark 4; 5 is the folder that ls reads. */
	UNTIL(count("server 1 0 1 2 3 4 5\n") == 1);
	snprintf(path, sizeof path, "%s/vbd-1-51.socket", run_dir);
	ck_assert(access(path, F_OK) < 0);
	put(VBD "/state", "4");
	dies(d);
	let_pass(100);
	ck_assert_int_eq(d->pid, 0);
	ck_assert_uint_eq(count("ended"), 0);
	UNTIL(d->pid);
	ck_assert_uint_eq(count("ended"), 1);
	UNTIL(count("server ") == 2);
	/* And with the device. */
	put(VBD "/online", "0");
	process_exit(0);
	UNTIL(!roster.devices);
	ck_assert_uint_eq(count("ended"), 2);
}
END_TEST

/* One that has missed the signal is asked again, and never killed: it would lose what it has not yet written. That no one
 * but the process has its connection, lets it end at all: qemu-nbd wants to send its answers first. */
START_TEST(a_server_that_does_not_end)
{
	struct device *d = disk_served("nbd+exec:sh -c 'trap \"n=.\\$n; test \\$n != .. || { echo ended >>$REPORT; exit; }\" TERM; "
				       "echo server >>$REPORT; while :; do sleep 0.01; done'");
	pid_t pid = d->nbd.server;

	ck_assert_int_lt(d->nbd.socket, 0);
	UNTIL(count("server") == 1);
	put(VBD "/state", "4");
	dies(d);
	let_pass(100);
	ck_assert_int_eq(d->pid, 0);
	ck_assert_int_eq(d->nbd.server, pid);
	ck_assert_uint_eq(count("ended"), 0);
	d->nbd.asked_ns = 1;
	UNTIL(d->pid);
	ck_assert_uint_eq(count("ended"), 1);
	ck_assert_int_ne(d->nbd.server, pid);
}
END_TEST

/* It ends with backendd, and is seen by the next one until then. */
START_TEST(a_server_ends_with_backendd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct nbd n = { .socket = -1 };
	struct nbd_uri u = { .way = NBD_EXEC };
	int status, fd;
	pid_t pid;

	snprintf(u.place, sizeof u.place, "%s", &SERVER[strlen("nbd+exec:")]);
	pid = fork();
	if (pid == 0) {
		char path[64];

		fd = open(records, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		snprintf(path, sizeof path, "%s/socket", dir);
		if (fcntl(fd, F_OFD_SETLK, &lock) < 0 || nbd_connect(&n, &u, path, fd) < 0)
			_exit(1);
		while (!count("server"))
			usleep(1000);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	fd = open(records, O_RDWR | O_CLOEXEC);
	ck_assert_int_lt(fcntl(fd, F_OFD_SETLK, &lock), 0);
	while (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		usleep(1000);
	ck_assert_uint_eq(count("ended"), 1);
	close(fd);
}
END_TEST

static TCase *tests(void)
{
	return CHECK_CASE(setup, teardown, connected_for_the_process, by_tcp, the_end_of_a_connection_is_waited_for,
			  processes_of_a_backendd_before, nobody_there, back_again, no_uris, refused_by_its_process,
			  a_server_is_ended_and_waited_for, a_server_that_does_not_end, a_server_ends_with_backendd);
}

int main(void)
{
	return roster_main("nbd", tests);
}
