/* The state file, kept current.
 *
 * Notes gather in a buffer during a round and are appended with one write, as a batch. The file
 * lies on a tmpfs: what is written outlives the daemon, and dying dom0 takes store and guests along
 * anyway. Connections of socket clients are not kept. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dom0/lib/log.h"
#include "dom0/lib/mem.h"
#include "dom0/xenstored/conn.h"
#include "dom0/xenstored/state.h"
#include "dom0/xenstored/state_out.h"
#include "dom0/xenstored/store.h"

/* The file is written anew when changes are this much more than twice the state. */
#define GROWTH (1u << 20)

struct journal {
	int fd;
	char *path;
	size_t file_bytes, full_bytes;
	struct state_out notes;
};

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int journal_rewrite(struct store *s)
{
	struct journal *j = s->journal;
	struct state_out o = { 0 };
	char *temp;
	int fd, err;

	if (!j)
		return -ENOSYS;
	temp = mem_printf("%s.new", j->path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = fd < 0 ? -errno : 0;
	if (!err) {
		state_out_all(&o, s);
		err = write_all(fd, o.bytes, o.len);
	}
	if (!err && rename(temp, j->path) < 0)
		err = -errno;
	if (!err) {
		if (j->fd >= 0)
			close(j->fd);
		j->fd = fd;
		j->file_bytes = j->full_bytes = o.len;
		j->notes.len = 0;
	} else if (fd >= 0) {
		close(fd);
	}
	free(temp);
	free(o.bytes);
	return err;
}

int journal_open(struct store *s, const char *path)
{
	int err;

	s->journal = mem_alloc(sizeof *s->journal);
	s->journal->fd = -1;
	s->journal->path = mem_dup(path, strlen(path));
	err = journal_rewrite(s);
	if (err)
		journal_close(s);
	return err;
}

void journal_close(struct store *s)
{
	struct journal *j = s->journal;

	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	free(j->notes.bytes);
	free(j->path);
	free(j);
	s->journal = NULL;
}

static void streams_note(struct store *s)
{
	for (struct conn *c = s->conns; c; c = c->next) {
		if (!c->streams_dirty)
			continue;
		c->streams_dirty = false;
		state_out_streams(&s->journal->notes, c);
	}
	s->streams_dirty = 0;
}

void journal_commit(struct store *s)
{
	struct journal *j = s->journal;
	int err;

	if (!j)
		return;
	if (s->streams_dirty)
		streams_note(s);
	if (j->notes.len == 0)
		return;
	if (j->file_bytes > j->full_bytes * 2 + GROWTH) {
		err = journal_rewrite(s);
	} else {
		state_out_commit(&j->notes, 0, s->gen);
		err = write_all(j->fd, j->notes.bytes, j->notes.len);
		j->file_bytes += j->notes.len;
		j->notes.len = 0;
	}
	if (err) {
		log_error("%s: %s: a successor would start empty", j->path, strerror(-err));
		unlink(j->path);	/* better none than an old one */
		journal_close(s);
	}
}

void journal_node(struct store *s, const char *path, const struct node *n)
{
	if (s->journal)
		state_out_node(&s->journal->notes, path, n);
}

void journal_rm(struct store *s, const char *path)
{
	if (s->journal)
		state_out_path(&s->journal->notes, STATE_RM, path);
}

void journal_special(struct store *s, int special)
{
	if (s->journal)
		state_out_special(&s->journal->notes, special_name((enum special)special),
				  s->special[special]);
}

void journal_gen(struct store *s, uint16_t domid)
{
	if (s->journal)
		state_out_gen(&s->journal->notes, domid, s->accounts.gen[domid]);
}

void journal_domain(struct store *s, const struct domain *d)
{
	if (s->journal)
		state_out_domain(&s->journal->notes, d);
}

void journal_domain_end(struct store *s, uint16_t domid)
{
	if (s->journal)
		state_out_domain_end(&s->journal->notes, domid);
}

void journal_watch(struct store *s, const struct watch *w)
{
	if (s->journal && w->conn->kept)
		state_out_watch(&s->journal->notes, w, STATE_WATCH);
}

void journal_unwatch(struct store *s, const struct watch *w)
{
	if (s->journal && w->conn->kept)
		state_out_watch(&s->journal->notes, w, STATE_UNWATCH);
}

void journal_tx(struct store *s, const struct conn *c, uint32_t id, uint32_t open)
{
	if (s->journal && c->kept)
		state_out_tx(&s->journal->notes, c->who.domid, id, open);
}

size_t journal_mark(const struct store *s)
{
	return s->journal ? s->journal->notes.len : 0;
}

void journal_cut(struct store *s, size_t mark)
{
	if (s->journal)
		s->journal->notes.len = mark;
}
