/* The one part of domaind that keeps its privileges: it runs `bothy create`, nothing else.
 *
 * The other part, which reads the store and talks to clients, asks for it over a socket pair, one
 * datagram a request. */
#pragma once
#include <stdint.h>
#include "dom0/lib/attr.h"

/* Configurations to create from lie below these. */
#define EXECUTOR_PATH_MAX 256

struct executor_request {
	uint32_t id;			/* echoed */
	char config[EXECUTOR_PATH_MAX];	/* path of the configuration */
};

struct executor_reply {
	uint32_t id;
	int32_t status;			/* exit status of bothy, or -Exxx */
};

/* Serve requests on @fd until the other end closes; runs @bothy. Returns the exit code. */
int executor_run(int fd, const char *bothy) MUST_CHECK;
/* May @config be handed to bothy? An absolute path of plain characters ending in ".cfg". */
int executor_path_check(const char *config) MUST_CHECK;
