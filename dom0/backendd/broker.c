/* What the process of a device may have done for it: maps of its guest's pages, the nodes of its two directories read,
 * those of a back end written.
 *
 * The process may be the guest's by now. Its requests are copies; their lengths, references and paths are checked here,
 * and whether a reference is one that the guest granted is the kernel's and the hypervisor's to say. */
#include "dom0/backendd/device.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Whether @path is in the directory @top. */
static bool within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && path[n] == '/' && path[n + 1] != '\0';
}

static bool may_read(const struct device *d, const char *path)
{
	return path && strlen(path) < DEVICE_PATH && (within(path, d->path) || within(path, d->front));
}

/* What a back end says of itself, and all that its process may write. */
static bool may_write(const struct device *d, const char *path)
{
	const char *const *node = d->kind->nodes;

	if (!path || !within(path, d->path))
		return false;
	while (*node && strcmp(path + strlen(d->path) + 1, *node) != 0)
		node++;
	return *node != NULL;
}

static bool reply(struct device *d, struct link_message *m, int err, size_t bytes)
{
	m->type = LINK_REPLY;
	m->err = err;
	return link_send(d->socket, m, err ? 0 : bytes) == 0;
}

/* ---- pages ---- */

/* Whether the process may have @count pages more: the kernel takes a page of dom0's for each, and has no limit itself. One
 * that serves a device never asks for so many. */
static bool has_room(struct device *d, uint32_t count)
{
	if (count <= d->kind->pages - d->pages)
		return true;
	if (!d->overdrawn)
		log_error("%s: %s asks for more than %u pages of the guest's at once, and does not get them", d->path,
			  d->kind->program, d->kind->pages);
	d->overdrawn = true;
	return false;
}

static bool serve_map(struct device *d, struct link_message *m, size_t bytes)
{
	static struct link_message answer;
	bool together = m->flags & LINK_TOGETHER;
	uint32_t count = m->count, step = together ? count : 1, done = 0;
	int err;

	if (count == 0 || count > LINK_REFS_MAX || bytes != count * sizeof m->ref[0])
		return false;
	err = has_room(d, count) ? 0 : -ENOSPC;
	for (; done < count && !err; done += step)
		err = gntdev_reserve(&d->grants, d->domid, m->ref + done, step, &answer.index[done / step]);
	for (uint32_t i = 0; err && i + step < done; i += step)
		(void)!gntdev_unreserve(&d->grants, answer.index[i / step], step);
	d->pages += err ? 0 : count;
	answer.count = count / step;
	return reply(d, &answer, err, answer.count * sizeof answer.index[0]);
}

/* The kernel knows what was reserved, and so each page is counted once. What the process has still mapped, against the
 * rule, its own limit of memory bounds. */
static bool serve_unmap(struct device *d, const struct link_message *m, size_t bytes)
{
	if (m->count == 0 || m->count > LINK_REFS_MAX || bytes != m->count * sizeof m->index[0] || m->flags == 0)
		return false;
	for (uint32_t i = 0; i < m->count; i++) {
		if (gntdev_unreserve(&d->grants, m->index[i], m->flags))
			return false;
		d->pages -= m->flags;
	}
	return true;
}

/* ---- the store ---- */

static bool serve_read(struct device *d, struct link_message *m, const char *path)
{
	char *value;
	size_t len;
	int err;

	if (!may_read(d, path))
		return false;
	err = store_read(d->host->store, STORE_NO_TX, path, &value, &len);
	if (err)
		return reply(d, m, err, 0);
	/* What is too long or has a NUL within is nothing that a driver reads. */
	if (len >= sizeof m->text || memchr(value, '\0', len)) {
		free(value);
		return reply(d, m, -E2BIG, 0);
	}
	memcpy(m->text, value, len + 1);
	m->count = (uint32_t)len + 1;
	free(value);
	return reply(d, m, 0, m->count);
}

static bool serve_write(struct device *d, struct link_message *m, const char *path, const char *value)
{
	if (!may_write(d, path) || !value)
		return false;
	return reply(d, m, store_write(d->host->store, STORE_NO_TX, path, value), 0);
}

static void token(const struct device *d, uint32_t number, char out[48])
{
	snprintf(out, 48, "%s %u %u %u", d->kind->name, d->domid, d->number, number);
}

static void unwatch(struct device *d, uint32_t number)
{
	char t[48];

	token(d, number, t);
	if (d->watch[number][0])
		(void)!store_unwatch(d->host->store, d->watch[number], t);
	d->watch[number][0] = '\0';
}

static bool serve_watch(struct device *d, struct link_message *m, const char *path)
{
	char t[48];
	int err;

	if (!may_read(d, path) || m->flags >= LINK_WATCHES_MAX || d->watch[m->flags][0])
		return false;
	token(d, m->flags, t);
	err = store_watch(d->host->store, path, t);
	if (!err)
		snprintf(d->watch[m->flags], DEVICE_PATH, "%s", path);
	return reply(d, m, err, 0);
}

static bool serve_unwatch(struct device *d, struct link_message *m)
{
	if (m->flags >= LINK_WATCHES_MAX)
		return false;
	unwatch(d, m->flags);
	return reply(d, m, 0, 0);
}

/* It has no reply: the process ends. */
static bool serve_refusal(struct device *d, const char *why)
{
	if (why)
		device_refuse(d, why);
	return why;
}

void broker_changed(struct device *d, uint32_t number)
{
	struct link_message m = { .type = LINK_CHANGED, .flags = number };

	/* What it does not hear its successor looks for. */
	if (d->pid && link_send(d->socket, &m, 0))
		kill(d->pid, SIGKILL);
}

void broker_end(struct device *d)
{
	for (uint32_t i = 0; i < LINK_WATCHES_MAX; i++)
		unwatch(d, i);
}

bool broker_serve(struct device *d)
{
	static struct link_message m;
	size_t bytes;
	int err = link_receive(d->socket, &m, &bytes, MSG_DONTWAIT);
	const char *path;

	if (err)
		return err == -EAGAIN;
	if (m.type == LINK_MAP)
		return serve_map(d, &m, bytes);
	if (m.type == LINK_UNMAP)
		return serve_unmap(d, &m, bytes);
	path = link_string(&m, bytes, 0);
	switch (m.type) {
	case LINK_STORE_READ: return serve_read(d, &m, path);
	case LINK_STORE_WRITE: return serve_write(d, &m, path, link_string(&m, bytes, 1));
	case LINK_STORE_WATCH: return serve_watch(d, &m, path);
	case LINK_REFUSED: return serve_refusal(d, path);
	case LINK_STORE_UNWATCH: return serve_unwatch(d, &m);
	default: return false;
	}
}
