/* bothy dmesg: the hypervisor's log ring. Guests put bytes into it, so on a terminal control bytes are
 * shown as `?`; a file or pipe gets them as they are. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dom0/lib/sysctl.h"
#include "toolstack/host.h"
#include "toolstack/verb.h"

enum { CHUNK = PRIVCMD_SCRATCH_SIZE / 2, LOG_MAX = 16 << 20 };

/* The whole ring into a malloc()ed string. */
static int read_log(struct host *h, char **out)
{
	char *text = NULL;
	uint32_t index = 0, length = CHUNK;
	size_t used = 0;

	while (length > 0 && used < LOG_MAX) {
		char *more = realloc(text, used + CHUNK + 1);
		int rc;

		if (!more) {
			free(text);
			return -ENOMEM;
		}
		text = more;
		length = CHUNK;
		rc = sysctl_readconsole(&h->hv, text + used, &length, 0, 1, &index);
		if (rc < 0) {
			free(text);
			return rc;
		}
		used += length;
	}
	text[used] = '\0';
	*out = text;
	return 0;
}

static int clear_log(struct host *h)
{
	char byte;
	uint32_t length = sizeof(byte), index = 0;

	return sysctl_readconsole(&h->hv, &byte, &length, 1, 0, &index);
}

static void tame_lines(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 && !strchr("\n\t\r", *text))
			*text = '?';
}

static enum exit_code print_log(struct cli *c, char *text)
{
	cJSON *root;

	if (!c->json) {
		if (isatty(fileno(c->out)))
			tame_lines(text);
		fputs(text, c->out);
		return EXIT_DONE;
	}
	root = cli_json_new("dmesg");
	cJSON_AddStringToObject(root, "log", text);
	return cli_json(c, root);
}

static enum exit_code dmesg(struct cli *c, bool clear)
{
	struct host h;
	char *text = NULL;
	enum exit_code code = host_open(c, &h, false);
	int rc;

	if (code != EXIT_DONE)
		return code;
	rc = read_log(&h, &text);
	if (rc == 0 && clear)
		rc = clear_log(&h);
	code = rc < 0 ? host_failed(c, rc, "hypervisor log") : print_log(c, text);
	free(text);
	host_close(&h);
	return code;
}

enum exit_code verb_dmesg(struct cli *c, int argc, char **argv)
{
	bool clear = false;
	const struct cli_option options[] = {{'c', "clear", &clear, NULL}, {0}};
	int count = cli_options(c, argc, argv, options);

	if (c->done)
		return EXIT_DONE;
	return cli_operands_ok(c, count, argv, 0, 0) ? dmesg(c, clear) : EXIT_USAGE;
}
