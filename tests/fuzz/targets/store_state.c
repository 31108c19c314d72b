/* The state file that one store daemon leaves for its successor.
 *
 * The input is the records of one to four batches; the target puts the magic line in front and right
 * checksums behind, since those would stop nearly every input. Bit 0 of the first byte leaves
 * the bytes as they are instead. Properties: whatever was loaded passes the store's audit, serves
 * requests, and is written and loaded again as the same tree. Not hostile in life (the file is
 * domain 0's own), but a daemon killed in the middle must not keep the next from starting. */
#include "tests/fuzz/targets/target.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/xenstored/audit.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/state_format.h"
#include "tests/fuzz/targets/lib/store_judge.h"
#include "tests/fuzz/targets/lib/store_world.h"

static char path[64], again[64];

static void file_write(const char *name, const uint8_t *bytes, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	HOLDS(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

/* A batch of @len bytes at @out + @start gets its end. */
static size_t batch_close(uint8_t *out, size_t start, size_t len, uint64_t gen)
{
	const uint32_t head[2] = { STATE_COMMIT, 16 };
	const uint64_t end[2] = { state_checksum(out + start, len), gen };

	memcpy(out + start + len, head, sizeof head);
	memcpy(out + start + len + sizeof head, end, sizeof end);
	return start + len + sizeof head + sizeof end;
}

static size_t file_make(struct input *in, uint8_t *out)
{
	size_t at = strlen(STATE_MAGIC);

	memcpy(out, STATE_MAGIC, at);
	for (int batch = 0; batch < 4 && input_left(in); batch++) {
		size_t n = take(in, 2);
		const uint8_t *bytes = take_bytes(in, &n);

		memcpy(out + at, bytes, n);
		at = batch_close(out, at, n, take(in, 2));
	}
	return at;
}

static void reload_check(struct store *s)
{
	struct store *next = store_new();

	HOLDS(journal_open(s, again) == 0);
	HOLDS(state_load(next, again) == 0);
	judge_same(s->root, next->root);
	HOLDS(memcmp(s->accounts.gen, next->accounts.gen, sizeof s->accounts.gen) == 0);
	store_free(next);
	journal_close(s);
	unlink(again);
}

static void requests_check(struct world *w)
{
	static const char *const paths[] = { "/", "/local/domain/1", "/local/domain/1/x" };
	struct actor *a = &w->actor[0];

	domains_start(w->s);
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct xsd_sockmsg h = { .type = XS_DIRECTORY, .len = (uint32_t)strlen(paths[i]) + 1 };

		HOLDS(actor_ask(w, a, &h, paths[i]));
		h.type = XS_RM;
		HOLDS(actor_ask(w, a, &h, paths[i]));
	}
	for (int i = CLIENTS; i < ACTORS; i++) {
		w->actor[i].wild = true;
		actor_turn(w, &w->actor[i]);
	}
	domains_check(w->s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = { data, data + size };
	uint8_t *file = malloc(size + 256);
	size_t len;
	int err;

	if (!path[0]) {
		snprintf(path, sizeof path, "/tmp/fuzz-state-%d", (int)getpid());
		snprintf(again, sizeof again, "/tmp/fuzz-state-%d-again", (int)getpid());
		HOLDS(log_to_file("/dev/null") == 0);
	}
	HOLDS(file);
	if (take(&in, 1) & 1) {
		len = input_left(&in);
		memcpy(file, take_bytes(&in, &len), len);
	} else {
		len = file_make(&in, file);
	}
	file_write(path, file, len);
	world_open(&w);
	err = state_load(w.s, path);
	HOLDS(err == 0 || err == -EPROTO);
	world_audit(&w);
	if (err == 0)
		reload_check(w.s);
	requests_check(&w);
	world_audit(&w);
	world_close(&w);
	unlink(path);
	free(file);
	return 0;
}
