/* Workers: one process per core takes one seed after the other; the parent looks ten times a
 * second whether all go on, shows where they are, and shrinks what one of them died of.
 *
 * Neighbours: engine.c (what a worker does), shrink.c, report.c. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/fuzz/generate.h"
#include "tests/fuzz/report.h"
#include "tests/fuzz/shrink.h"
#include "tests/fuzz/supervise.h"

#define PATIENCE_S 20u			/* no operation takes that long, not even with sanitizers */
#define TICK_US 100000

struct shared {
	uint64_t next, last;		/* seeds */
	volatile bool stop;
};
static struct shared *shared;

static void *shared_memory(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		perror("fuzz: mmap");
		exit(2);
	}
	return p;
}

struct worker *worker_new(void)
{
	struct worker *w = shared_memory(sizeof *w);
	w->said_fd = memfd_create("said", MFD_CLOEXEC);
	if (w->said_fd < 0) {
		perror("fuzz: memfd_create");
		exit(2);
	}
	return w;
}

bool worker_fork(struct worker *w)
{
	w->made = w->at = 0;
	w->verdict = (struct verdict){ .broken = false };
	if (ftruncate(w->said_fd, 0) || lseek(w->said_fd, 0, SEEK_SET) < 0) {
		perror("fuzz: stderr of a worker");
		exit(2);
	}
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		perror("fuzz: fork");
		exit(2);
	}
	if (pid == 0) {
		(void)dup2(w->said_fd, STDERR_FILENO);
		(void)signal(SIGINT, SIG_IGN);		/* the parent's to act on */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	} else {
		w->pid = pid;		/* shared memory: only one of us may say it */
	}
	return pid == 0;
}

/* The line of its last words that names the fault. */
static void last_words(const struct worker *w, char *line, size_t room)
{
	static const char *const mark[] = {"panic", "ssertion", "ERROR: ", "runtime error", "I16"};
	static char said[SAID_MAX];
	ssize_t n = pread(w->said_fd, said, sizeof said - 1, 0);
	char *rest = NULL;

	said[n > 0 ? n : 0] = 0;
	line[0] = 0;
	for (char *s = strtok_r(said, "\n", &rest); s; s = strtok_r(NULL, "\n", &rest)) {
		if (!line[0])
			(void)snprintf(line, room, "%s", s);
		for (unsigned i = 0; i < sizeof mark / sizeof *mark; i++)
			if (strstr(s, mark[i])) {
				(void)snprintf(line, room, "%s", s);
				return;
			}
	}
}

void worker_judge(struct worker *w, int status, bool stuck)
{
	char how[32], words[160];

	if (WIFEXITED(status) && !stuck &&
		(WEXITSTATUS(status) == WORKER_DONE || WEXITSTATUS(status) == WORKER_BROKEN))
		return;
	if (stuck)
		(void)snprintf(how, sizeof how, "stuck");
	else if (WIFSIGNALED(status))
		(void)snprintf(how, sizeof how, "signal %d", WTERMSIG(status));
	else
		(void)snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(status));
	last_words(w, words, sizeof words);
	w->verdict.broken = true;
	w->verdict.step = w->at;
	(void)snprintf(w->verdict.text, sizeof w->verdict.text, "%s: %s", how, words);
}

/* "I5: ..." -> "I5"; else the text without numbers. */
void verdict_class(const char *text, char *class)
{
	unsigned n = 0;

	if (text[0] == 'I' && text[1] >= '0' && text[1] <= '9') {
		for (; text[n] && text[n] != ':' && n < 8; n++)
			class[n] = text[n];
		class[n] = 0;
		return;
	}
	for (; *text && n < 95; text++)
		if (!strchr("0123456789abcdefx", *text))
			class[n++] = *text;
	class[n] = 0;
}

static void pause_us(long us)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static double now_s(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool worker_wait(struct worker *w, unsigned patience, int *status)
{
	uint32_t at = w->at;
	double since = now_s();

	for (long us = 200;; us = us < 20000 ? us * 2 : us) {
		if (waitpid(w->pid, status, WNOHANG) == w->pid)
			return true;
		if (w->at != at) {
			at = w->at;
			since = now_s();
		}
		if (now_s() - since > patience) {
			(void)kill(w->pid, SIGKILL);
			(void)waitpid(w->pid, status, 0);
			return false;
		}
		pause_us(us);
	}
}

void run_list(const struct oplist *l, bool use_model, struct engine_stats *stats, struct verdict *v)
{
	static struct worker *w;
	int status;

	if (!w)
		w = worker_new();
	memset(&w->stats, 0, sizeof w->stats);
	if (worker_fork(w)) {
		struct engine e = { .use_model = use_model, .stats = &w->stats };
		engine_list(&e, l, &w->at);
		w->verdict = e.verdict;
		_exit(e.verdict.broken ? WORKER_BROKEN : WORKER_DONE);
	}
	bool ended = worker_wait(w, PATIENCE_S, &status);
	worker_judge(w, status, !ended);
	*v = w->verdict;
	if (stats)
		*stats = w->stats;
}

static void list_of(const struct worker *w, struct oplist *l)
{
	struct world_config config;
	struct generator g;

	generate_start(&g, w->seed, &config);
	*l = (struct oplist){ .config = config, .seed = w->seed };
	for (uint32_t i = 0; i < w->made; i++)
		oplist_add(l, &w->ops[i]);
}

/* --- a worker's life --- */
static void tell_run(const struct fuzz_options *o, const struct worker *w, uint64_t digest)
{
	struct oplist l;

	if (o->list_seeds)
		printf("seed %" PRIu64 ": %" PRIu32 " operations, digest %016" PRIx64 "\n", w->seed,
			w->made, digest);
	if (o->show) {
		list_of(w, &l);
		oplist_write(stdout, &l, NULL);
		oplist_free(&l);
	}
}

/* Where the compiler counts what is executed (fuzz.mk, PROFILE): writes it down. */
extern void __gcov_dump(void) __attribute__((weak));

static _Noreturn void work(const struct fuzz_options *o, struct worker *w)
{
	struct engine e = { .use_model = o->use_model, .stats = &w->stats };

	while (!shared->stop) {
		w->seed = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
		if (w->seed >= shared->last)
			break;
		engine_seed(&e, w->seed, o->ops, w->ops, &w->made, &w->at);
		tell_run(o, w, e.digest);
		if (e.verdict.broken) {
			w->verdict = e.verdict;
			_exit(WORKER_BROKEN);
		}
	}
	(void)fflush(stdout);
	if (__gcov_dump)
		__gcov_dump();
	_exit(WORKER_DONE);
}

/* --- what a worker died of --- */
static void violation(const struct fuzz_options *o, const struct worker *w)
{
	char path[256], line[OP_TEXT_MAX] = "at the end of the run", story[1024];
	struct oplist l;
	struct verdict v = w->verdict;

	list_of(w, &l);
	if (v.step < l.count)
		op_to_text(&l.op[v.step], line);
	fprintf(stderr, "\nviolation: seed %" PRIu64 ", step %" PRIu32 ": %s\n    %s\n", l.seed,
		v.step, v.text, line);
	shrink(&l, o->use_model, o->shrink_seconds, &v);
	(void)snprintf(story, sizeof story, "%s", v.text);
	(void)mkdir(o->folder, 0777);
	(void)snprintf(path, sizeof path, "%s/crash-%" PRIu64 ".ops", o->folder, l.seed);
	FILE *out = fopen(path, "we");
	if (out) {
		oplist_write(out, &l, story);
		(void)fclose(out);
	}
	fprintf(stderr, "shrunk to %zu operations: %s\n", l.count, path);
	oplist_write(stderr, &l, story);
	oplist_free(&l);
}

static void start(const struct fuzz_options *o, struct worker *w)
{
	if (worker_fork(w))
		work(o, w);
}

/* Has a worker ended? Sees to it. Returns violations found. */
static unsigned look(const struct fuzz_options *o, struct worker *w)
{
	int status;

	if (!w->pid || waitpid(w->pid, &status, WNOHANG) != w->pid)
		return 0;
	w->pid = 0;
	worker_judge(w, status, false);
	if (!w->verdict.broken)
		return 0;
	violation(o, w);
	if (o->keep_going && !shared->stop)
		start(o, w);
	else
		shared->stop = true;
	return 1;
}

/* A worker that stands still is killed; that is a violation, too. */
static void watch(struct worker *w, uint64_t *mark, double *since)
{
	uint64_t here = w->seed << 20 ^ w->at;

	if (!w->pid || here != *mark) {
		*mark = here;
		*since = now_s();
	} else if (now_s() - *since > PATIENCE_S) {
		(void)kill(w->pid, SIGALRM);
	}
}

static bool anybody(struct worker *const *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (w[i]->pid)
			return true;
	return false;
}

/* Whoever ends a long run still wants its figures. */
static void interrupted(int number)
{
	(void)number;
	shared->stop = true;
}

#define JOBS_MAX 64u
unsigned supervise(const struct fuzz_options *o, struct engine_stats *sum, double *seconds)
{
	struct worker *w[JOBS_MAX];
	uint64_t mark[JOBS_MAX] = { 0 };
	double since[JOBS_MAX], begin = now_s(), shown = begin;
	unsigned violations = 0, jobs = o->jobs < JOBS_MAX ? o->jobs : JOBS_MAX;

	shared = shared_memory(sizeof *shared);
	shared->next = o->first_seed;
	shared->last = o->runs ? o->first_seed + o->runs : UINT64_MAX;
	(void)signal(SIGINT, interrupted);
	(void)signal(SIGTERM, interrupted);
	for (unsigned i = 0; i < jobs; i++) {
		w[i] = worker_new();
		since[i] = begin;
		start(o, w[i]);
	}
	while (anybody(w, jobs)) {
		pause_us(TICK_US);
		for (unsigned i = 0; i < jobs; i++) {
			watch(w[i], &mark[i], &since[i]);
			violations += look(o, w[i]);
		}
		if (o->seconds && now_s() - begin > o->seconds)
			shared->stop = true;
		if (now_s() - shown >= 1) {
			shown = now_s();
			report_progress(w, jobs, shown - begin);
		}
	}
	*seconds = now_s() - begin;
	memset(sum, 0, sizeof *sum);
	for (unsigned i = 0; i < jobs; i++)
		report_add(sum, &w[i]->stats);
	return violations;
}
