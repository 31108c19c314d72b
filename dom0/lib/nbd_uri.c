/* The contract is in nbd_uri.h. */
#include "dom0/lib/nbd_uri.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define NBD_PORT 10809

static int wrong(const char **what, const char *why)
{
	*what = why;
	return -EINVAL;
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* Copy @bytes of @text, with %HH as the byte that it stands for, which is not NUL. */
static bool decode(char *out, size_t size, const char *text, size_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			if (i + 2 >= bytes || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
				return false;
			c = hex(text[i + 1]) * 16 + hex(text[i + 2]);
			i += 2;
		}
		if (c == 0 || n + 1 >= size)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return true;
}

static int parse_unix(struct nbd_uri *u, const char *text, const char **what)
{
	const char *query = strchr(text, '?');

	u->way = NBD_UNIX;
	if (*text != '/' || !query || strncmp(query, "?socket=", 8) != 0)
		return wrong(what, "expected nbd+unix:///EXPORT?socket=PATH");
	if (!decode(u->export, sizeof u->export, text + 1, (size_t)(query - text - 1)))
		return wrong(what, "the export's name makes no sense");
	query += 8;
	if (!decode(u->place, sizeof u->place, query, strlen(query)) || u->place[0] != '/' ||
	    strlen(u->place) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return wrong(what, "socket is not an absolute path of at most 107 bytes");
	return 0;
}

static bool is_address(const char *host)
{
	struct in6_addr ignored;

	return inet_pton(strchr(host, ':') ? AF_INET6 : AF_INET, host, &ignored) == 1;
}

/* ":PORT", or nothing. */
static bool parse_port(struct nbd_uri *u, const char *text, size_t bytes)
{
	unsigned int port = 0;

	u->port = NBD_PORT;
	if (bytes == 0)
		return true;
	for (size_t i = 1; i < bytes && port <= UINT16_MAX; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned int)(text[i] - '0');
	}
	u->port = (uint16_t)port;
	return text[0] == ':' && port > 0 && port <= UINT16_MAX;
}

/* The address that @text of @bytes begins with; *end is what is behind it. */
static bool parse_host(struct nbd_uri *u, const char *text, size_t bytes, size_t *end)
{
	bool bracket = text[0] == '[';
	size_t host = bracket ? strcspn(text, "]") : strcspn(text, ":/");

	if (host > bytes)
		return false;
	/* One that does not fit is no address. */
	snprintf(u->place, sizeof u->place, "%.*s", (int)(host - bracket), text + bracket);
	*end = host + bracket;
	return is_address(u->place) && bracket == (strchr(u->place, ':') != NULL);
}

static int parse_tcp(struct nbd_uri *u, const char *text, const char **what)
{
	size_t all = strcspn(text, "/"), host;
	const char *name = text + all + (text[all] == '/');

	u->way = NBD_TCP;
	if (!parse_host(u, text, all, &host))
		return wrong(what, "expected an address: names are not looked up");
	if (!parse_port(u, text + host, all - host))
		return wrong(what, "the port makes no sense");
	if (!decode(u->export, sizeof u->export, name, strlen(name)))
		return wrong(what, "the export's name makes no sense");
	return 0;
}

static int parse_exec(struct nbd_uri *u, const char *text, const char **what)
{
	u->way = NBD_EXEC;
	if (!text[strspn(text, " ")] || strlen(text) >= sizeof u->place)
		return wrong(what, "expected nbd+exec:COMMAND");
	strcpy(u->place, text);
	return 0;
}

static const struct {
	const char *prefix;
	int (*parse)(struct nbd_uri *u, const char *text, const char **what);
} ways[] = {
	{ "nbd+unix://", parse_unix }, { "nbd://", parse_tcp }, { "nbd+exec:", parse_exec },
};

bool nbd_uri_is(const char *text)
{
	return strncmp(text, "nbd:", 4) == 0 || strncmp(text, "nbd+", 4) == 0;
}

int nbd_uri_parse(struct nbd_uri *u, const char *text, const char **what)
{
	struct nbd_uri parsed = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		size_t n = strlen(ways[i].prefix);
		int err;

		if (strncmp(text, ways[i].prefix, n) != 0)
			continue;
		err = ways[i].parse(&parsed, text + n, what);
		if (!err)
			*u = parsed;
		return err;
	}
	return wrong(what, "expected nbd://, nbd+unix:// or nbd+exec:");
}
