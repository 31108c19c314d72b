/* XenStore client: the typed requests. The contract is in store_client.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dom0/lib/mem.h"
#include "dom0/lib/store_client.h"
#include "dom0/lib/store_request.h"

static struct store_piece piece_of(const char *text)
{
	return (struct store_piece){ text, strlen(text) + 1 };
}

/* A request of one string whose reply is read by the caller. */
static int ask(struct store *s, uint32_t type, uint32_t tx, const char *text, const char **body,
	       uint32_t *len)
{
	struct store_piece piece = piece_of(text);

	return store_request(s, type, tx, &piece, 1, body, len);
}

/* A request whose reply is just "OK". */
static int tell(struct store *s, uint32_t type, uint32_t tx, const struct store_piece *piece,
		unsigned int count)
{
	const char *body;
	uint32_t len;

	return store_request(s, type, tx, piece, count, &body, &len);
}

int store_read(struct store *s, uint32_t tx, const char *path, char **value, size_t *len)
{
	const char *body;
	uint32_t n;
	int err = ask(s, XS_READ, tx, path, &body, &n);

	if (err)
		return err;
	*value = mem_dup(body, n);
	if (len)
		*len = n;
	return 0;
}

int store_read_buf(struct store *s, uint32_t tx, const char *path, char *buf, size_t size)
{
	const char *body;
	uint32_t n;
	int err = size ? ask(s, XS_READ, tx, path, &body, &n) : -EINVAL;

	if (err)
		return err;
	if (n > size - 1)
		n = (uint32_t)(size - 1);
	memcpy(buf, body, n);
	buf[n] = '\0';
	return 0;
}

int store_read_u64(struct store *s, uint32_t tx, const char *path, uint64_t *value)
{
	char text[24], *end;
	unsigned long long v;
	int err = store_read_buf(s, tx, path, text, sizeof text);

	if (err)
		return err;
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (*end || errno)
		return -EINVAL;
	*value = v;
	return 0;
}

int store_write_bytes(struct store *s, uint32_t tx, const char *path, const void *value, size_t len)
{
	struct store_piece piece[] = { piece_of(path), { value, len } };

	return tell(s, XS_WRITE, tx, piece, 2);
}

int store_write(struct store *s, uint32_t tx, const char *path, const char *value)
{
	return store_write_bytes(s, tx, path, value, strlen(value));
}

int store_printf(struct store *s, uint32_t tx, const char *path, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n, err;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	err = store_write_bytes(s, tx, path, text, (size_t)n);
	free(text);
	return err;
}

int store_mkdir(struct store *s, uint32_t tx, const char *path)
{
	struct store_piece piece = piece_of(path);

	return tell(s, XS_MKDIR, tx, &piece, 1);
}

int store_rm(struct store *s, uint32_t tx, const char *path)
{
	struct store_piece piece = piece_of(path);
	int err = tell(s, XS_RM, tx, &piece, 1);

	return err == -ENOENT ? 0 : err;
}

/* NUL-separated names into one allocation: the pointers, then the bytes. */
static char **names_split(const char *bytes, size_t len, unsigned int *count)
{
	unsigned int n = 0;
	char **names, *copy;

	for (size_t i = 0; i < len; i++)
		n += bytes[i] == '\0';
	names = mem_alloc((n + 1) * sizeof *names + len + 1);
	copy = (char *)(names + n + 1);
	memcpy(copy, bytes, len);
	for (unsigned int i = 0; i < n; i++) {
		names[i] = copy;
		copy += strlen(copy) + 1;
	}
	*count = n;
	return names;
}

/* A list longer than one message comes in parts; it starts over if it changed between two. */
static int list_parts(struct store *s, uint32_t tx, const char *path, char **bytes, size_t *len)
{
	char gen[24] = "", *all = NULL;
	size_t have = 0;

	for (;;) {
		char offset[24];
		struct store_piece piece[] = { piece_of(path), { offset, 0 } };
		const char *body;
		uint32_t n, gen_len;
		int err;

		piece[1].len = (size_t)snprintf(offset, sizeof offset, "%zu", have) + 1;
		err = store_request(s, XS_DIRECTORY_PART, tx, piece, 2, &body, &n);
		if (!err && strnlen(body, n) >= sizeof gen)
			err = -EPROTO;
		if (err) {
			free(all);
			return err;
		}
		gen_len = (uint32_t)strlen(body) + 1;
		if (have > 0 && strcmp(gen, body) != 0) {
			have = 0;
			gen[0] = '\0';
			continue;
		}
		strcpy(gen, body);
		all = mem_grow(all, have + n, 1);
		memcpy(all + have, body + gen_len, n - gen_len);
		have += n - gen_len;
		if (have > 0 && all[have - 1] == '\0' && (have == 1 || all[have - 2] == '\0')) {
			*bytes = all;
			*len = have - 1;
			return 0;
		}
		if (n == gen_len) {	/* no progress: not our daemon */
			free(all);
			return -EPROTO;
		}
	}
}

int store_list(struct store *s, uint32_t tx, const char *path, char ***names, unsigned int *count)
{
	const char *body;
	uint32_t n;
	int err = ask(s, XS_DIRECTORY, tx, path, &body, &n);

	if (err == -E2BIG) {
		char *bytes = NULL;
		size_t len = 0;

		err = list_parts(s, tx, path, &bytes, &len);
		if (err)
			return err;
		*names = names_split(bytes, len, count);
		free(bytes);
		return 0;
	}
	if (!err)
		*names = names_split(body, n, count);
	return err;
}

int store_set_perms(struct store *s, uint32_t tx, const char *path, const char *perms)
{
	char *words = mem_dup(perms, strlen(perms));
	size_t len = strlen(words) + 1;
	struct store_piece piece[] = { piece_of(path), { words, len } };
	int err;

	for (size_t i = 0; i < len; i++)
		if (words[i] == ' ')
			words[i] = '\0';
	err = tell(s, XS_SET_PERMS, tx, piece, 2);
	free(words);
	return err;
}

int store_tx_start(struct store *s, uint32_t *tx)
{
	const char *body;
	uint32_t len;
	int err = ask(s, XS_TRANSACTION_START, 0, "", &body, &len);

	if (err)
		return err;
	*tx = (uint32_t)strtoul(body, NULL, 10);
	return *tx ? 0 : -EPROTO;
}

int store_tx_end(struct store *s, uint32_t tx, bool commit)
{
	struct store_piece piece = piece_of(commit ? "T" : "F");

	return tell(s, XS_TRANSACTION_END, tx, &piece, 1);
}

int store_transact(struct store *s, int (*body)(struct store *s, uint32_t tx, void *arg), void *arg)
{
	for (int i = 0; i < 100; i++) {
		uint32_t tx;
		int err = store_tx_start(s, &tx), end;

		if (err)
			return err;
		err = body(s, tx, arg);
		end = store_tx_end(s, tx, err == 0);
		if (err == 0 && end == 0)
			return 0;
		/* A daemon that was replaced meanwhile knows the transaction no more. */
		if (err == -EAGAIN || (err == 0 && (end == -EAGAIN || end == -ENOENT)))
			continue;
		return err ? err : end;
	}
	return -EAGAIN;
}

int store_introduce(struct store *s, uint16_t domid, uint64_t mfn, uint32_t port)
{
	char text[3][24];
	struct store_piece piece[3];

	snprintf(text[0], sizeof text[0], "%u", domid);
	snprintf(text[1], sizeof text[1], "%llu", (unsigned long long)mfn);
	snprintf(text[2], sizeof text[2], "%u", port);
	for (int i = 0; i < 3; i++)
		piece[i] = piece_of(text[i]);
	return tell(s, XS_INTRODUCE, 0, piece, 3);
}

int store_release(struct store *s, uint16_t domid)
{
	char text[8];
	struct store_piece piece;

	snprintf(text, sizeof text, "%u", domid);
	piece = piece_of(text);
	return tell(s, XS_RELEASE, 0, &piece, 1);
}

int store_is_introduced(struct store *s, uint16_t domid, bool *introduced)
{
	char text[8];
	const char *body;
	uint32_t len;
	int err;

	snprintf(text, sizeof text, "%u", domid);
	err = ask(s, XS_IS_DOMAIN_INTRODUCED, 0, text, &body, &len);
	if (!err)
		*introduced = body[0] == 'T';
	return err;
}
