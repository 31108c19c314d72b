/* XenStore client over the daemon's Unix socket.
 *
 * Requests are synchronous: one is sent and its reply awaited; watch events met on the way are
 * queued for store_event(). Poll store_fd() for events. When the daemon restarts, the connection is
 * made again and every watch registered anew (each then fires once), and the request in progress is
 * repeated if it is outside a transaction; inside one it fails with -EAGAIN.
 * Paths are absolute or, for a socket client, relative to /local/domain/0. Values are bytes; a NUL
 * is appended after the length. Errors are the daemon's: -ENOENT, -EACCES, -EEXIST, -EINVAL,
 * -EAGAIN (transaction lost a race), -ENOSPC (quota), ...; -EPIPE: no daemon. Not thread safe. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "dom0/lib/attr.h"

/* Where xenstored listens; the environment's XENSTORED_PATH overrides it. */
#define STORE_DIR "/run/xenstored"
#define STORE_SOCKET STORE_DIR "/socket"
/* The same for a daemon whose root directory is STORE_DIR. */
#define STORE_SOCKET_IN_DIR "/socket"
#define STORE_NO_TX 0u

struct store;

/* Connect, trying for up to @wait_ms. @path NULL: the default. */
int store_open(struct store **s, const char *path, unsigned int wait_ms) MUST_CHECK;
void store_close(struct store *s);
/* Connect to @path from now on, when the daemon restarts: for who changed the root directory. */
void store_set_path(struct store *s, const char *path);

/* Read @path. *@value is malloc()ed and NUL-terminated; *@len (may be NULL) without the NUL. */
int store_read(struct store *s, uint32_t tx, const char *path, char **value,
	       size_t *len) MUST_CHECK;
/* Read into @buf, cut to @size - 1 bytes and NUL-terminated. */
int store_read_buf(struct store *s, uint32_t tx, const char *path, char *buf,
		   size_t size) MUST_CHECK;
/* Read a decimal number. -EINVAL: not one. */
int store_read_u64(struct store *s, uint32_t tx, const char *path, uint64_t *value) MUST_CHECK;
int store_write(struct store *s, uint32_t tx, const char *path, const char *value) MUST_CHECK;
int store_write_bytes(struct store *s, uint32_t tx, const char *path, const void *value,
		      size_t len) MUST_CHECK;
/* Write a formatted value to a formatted path: @path is complete, @fmt makes the value. */
int store_printf(struct store *s, uint32_t tx, const char *path, const char *fmt, ...)
	PRINTF_LIKE(4, 5) MUST_CHECK;
/* Create @path without a value; 0 also when it exists. */
int store_mkdir(struct store *s, uint32_t tx, const char *path) MUST_CHECK;
/* Remove @path and all below; 0 also when it is not there. */
int store_rm(struct store *s, uint32_t tx, const char *path) MUST_CHECK;
/* List children: *@names is one malloc()ed array of *@count strings, freed by one free(). */
int store_list(struct store *s, uint32_t tx, const char *path, char ***names,
	       unsigned int *count) MUST_CHECK;
/* @perms: entries as on the wire separated by spaces, e.g. "n0 r5"; the first is the owner's. */
int store_set_perms(struct store *s, uint32_t tx, const char *path, const char *perms) MUST_CHECK;

int store_tx_start(struct store *s, uint32_t *tx) MUST_CHECK;
/* Commit or abort. -EAGAIN: something read or written was changed by another: do it again. */
int store_tx_end(struct store *s, uint32_t tx, bool commit) MUST_CHECK;
/* Run @body in a transaction until it commits (at most 100 times). @body returns 0 to commit or
 * -Exxx, which aborts and is returned; it may run several times. */
int store_transact(struct store *s, int (*body)(struct store *s, uint32_t tx, void *arg),
		   void *arg) MUST_CHECK;

/* Watch @path (or "@introduceDomain", "@releaseDomain"); it fires once at once. */
int store_watch(struct store *s, const char *path, const char *token) MUST_CHECK;
int store_unwatch(struct store *s, const char *path, const char *token) MUST_CHECK;

struct store_event {
	char *path;
	char *token;
};

/* Take a watch event. @wait_ms 0: only one that is there; -1: for ever. -EAGAIN: none came.
 * Release it with store_event_free(). After poll() call it until it says -EAGAIN. */
int store_event(struct store *s, int wait_ms, struct store_event *ev) MUST_CHECK;
void store_event_free(struct store_event *ev);
/* Descriptor to poll for reading; it changes when the daemon restarts (ask again after each use).
 * */
int store_fd(const struct store *s);
/* How often a connection was made: when it changed, store_fd() names another socket, perhaps by the
 * same number, which an event loop must be told of anew. */
unsigned int store_connections(const struct store *s);

/* Tell the daemon of a new domain: its store ring is grant reference 1, @mfn is passed as a hint.
 * */
int store_introduce(struct store *s, uint16_t domid, uint64_t mfn, uint32_t port) MUST_CHECK;
/* Tell it that @domid is gone. -ENOENT: it knows none. */
int store_release(struct store *s, uint16_t domid) MUST_CHECK;
int store_is_introduced(struct store *s, uint16_t domid, bool *introduced) MUST_CHECK;
