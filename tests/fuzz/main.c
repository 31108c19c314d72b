/* The program `fuzz`: options in, figures out. See tests/fuzz/README.md.
 *
 *	fuzz [--time S | --runs N] [--seed N] [--ops N] [--jobs N] [--no-model] [--keep-going]
 *	     [--no-shrink] [--json] [--out DIR]
 *	fuzz --one-seed N [--show]  that run alone; its operations, for --replay and --encode
 *	fuzz --replay FILE...       0 if none of the lists breaks anything
 *	fuzz --shrink FILE          a smaller list with the same fault, on the standard output
 *	fuzz --encode FILE          as bytes (text.h: corpus of the byte fuzzer), likewise
 *	fuzz --round-trip           every byte of an operation survives being written and read
 *	fuzz --list-seeds           also a line per run with a digest of all its answers
 *
 * Exit status: 0, 1 after violations, 2 for wrong use. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/fuzz/report.h"
#include "tests/fuzz/shrink.h"

enum mode { RUN, REPLAY, SHRINK, ENCODE, ROUND_TRIP };

static const struct option long_options[] = {
	{ "time", required_argument, NULL, 't' }, { "runs", required_argument, NULL, 'n' },
	{ "seed", required_argument, NULL, 's' }, { "ops", required_argument, NULL, 'o' },
	{ "jobs", required_argument, NULL, 'j' }, { "no-model", no_argument, NULL, 'M' },
	{ "keep-going", no_argument, NULL, 'k' }, { "json", no_argument, NULL, 'J' },
	{ "out", required_argument, NULL, 'd' }, { "one-seed", required_argument, NULL, '1' },
	{ "replay", no_argument, NULL, 'r' }, { "shrink", no_argument, NULL, 'S' },
	{ "encode", no_argument, NULL, 'e' }, { "list-seeds", no_argument, NULL, 'l' },
	{ "no-shrink", no_argument, NULL, 'N' }, { "show", no_argument, NULL, 'w' },
	{ "round-trip", no_argument, NULL, 'R' }, { NULL, 0, NULL, 0 },
};

static _Noreturn void usage(void)
{
	fprintf(stderr, "fuzz: see the top of tests/fuzz/main.c for its options\n");
	exit(2);
}

static uint64_t number(const char *s)
{
	char *end;
	uint64_t n = strtoull(s, &end, 10);
	if (end == s || *end)
		usage();
	return n;
}

static int replay(const struct fuzz_options *o, char **path)
{
	int status = 0;

	for (; *path; path++) {
		struct oplist l = { .op = NULL };
		struct engine_stats stats;
		struct verdict v;
		char line[OP_TEXT_MAX] = "at the end";
		if (oplist_read(*path, &l))
			return 2;
		run_list(&l, o->use_model, &stats, &v);
		if (v.broken && v.step < l.count)
			op_to_text(&l.op[v.step], line);
		printf("%s: %" PRIu64 " operations%s%s%s%s\n", *path, stats.audited,
			v.broken ? ", BROKEN: " : "", v.broken ? line : "", v.broken ? ": " : "",
			v.broken ? v.text : "");
		status |= v.broken;
		oplist_free(&l);
	}
	return status;
}

static int shrink_file(const struct fuzz_options *o, const char *path)
{
	struct oplist l = { .op = NULL };
	struct verdict v;

	if (oplist_read(path, &l))
		return 2;
	run_list(&l, o->use_model, NULL, &v);
	if (v.broken)
		shrink(&l, o->use_model, o->shrink_seconds, &v);
	oplist_write(stdout, &l, v.broken ? v.text : "breaks nothing");
	oplist_free(&l);
	return v.broken;
}

static int encode(const char *path)
{
	struct oplist l = { .op = NULL };

	if (oplist_read(path, &l))
		return 2;
	oplist_to_bytes(stdout, &l);
	oplist_free(&l);
	return fflush(stdout) ? 2 : 0;
}

/* Each byte takes every value, in every kind of operation. */
static int round_trip(void)
{
	char line[OP_TEXT_MAX];
	struct op o, back;

	for (unsigned n = 0; n < OP_COUNT * sizeof o * 256; n++) {
		memset(&o, (int)(n * 37 & 0xff), sizeof o);
		((uint8_t *)&o)[n / 256 % sizeof o] = (uint8_t)n;
		o.kind = (uint8_t)(n / 256 / sizeof o);
		op_canonical(&o);
		op_to_text(&o, line);
		memset(&back, 0, sizeof back);
		const char *wrong = op_from_text(line, &back);
		if (wrong || memcmp(&o, &back, sizeof o)) {
			printf("%s: %s\n", line, wrong ? wrong : "comes back as something else");
			return 1;
		}
	}
	return 0;
}

static int run(const struct fuzz_options *o)
{
	struct engine_stats sum;
	double seconds;
	unsigned violations = supervise(o, &sum, &seconds);

	if (!o->show)
		report_final(&sum, seconds, o->jobs, violations, o->json);
	return violations != 0;
}

static void one_seed(struct fuzz_options *o, const char *seed)
{
	o->first_seed = number(seed);
	o->runs = o->jobs = 1;
}

static enum mode options(struct fuzz_options *o, int argc, char **argv)
{
	enum mode mode = RUN;

	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		switch (c) {
		case 't': o->seconds = (unsigned)number(optarg); break;
		case 'n': o->runs = number(optarg); break;
		case 's': o->first_seed = number(optarg); break;
		case 'o': o->ops = (uint32_t)number(optarg); break;
		case 'j': o->jobs = (unsigned)number(optarg); break;
		case 'M': o->use_model = false; break;
		case 'k': o->keep_going = true; break;
		case 'J': o->json = true; break;
		case 'd': o->folder = optarg; break;
		case 'l': o->list_seeds = true; break;
		case 'N': o->shrink_seconds = 0; break;
		case 'w': o->show = true; break;
		case '1': one_seed(o, optarg); break;
		case 'r': mode = REPLAY; break;
		case 'S': mode = SHRINK; break;
		case 'e': mode = ENCODE; break;
		case 'R': mode = ROUND_TRIP; break;
		default: usage();
		}
	}
	if (o->ops < 1 || o->ops > RUN_OPS_MAX - 2 || o->jobs < 1 ||
		(mode == RUN || mode == ROUND_TRIP) != (optind == argc))
		usage();
	return mode;
}

int main(int argc, char **argv)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct fuzz_options o = {
		.ops = 1000,
		.jobs = cores > 0 ? (unsigned)cores : 1,
		.use_model = true,
		.shrink_seconds = 60,
		.folder = "build/fuzz",
	};

	switch (options(&o, argc, argv)) {
	case REPLAY: return replay(&o, argv + optind);
	case SHRINK: return shrink_file(&o, argv[optind]);
	case ENCODE: return encode(argv[optind]);
	case ROUND_TRIP: return round_trip();
	default: break;
	}
	if (!o.seconds && !o.runs)
		o.seconds = 60;
	return run(&o);
}
