/* What `block-list` and `network-list` share: a domain's devices of one type, with who serves each.
 *
 * Which devices there are, and where their back ends, dom0's own nodes say. Those of a front end are the guest's, and
 * hostile: nothing but small numbers is taken from them. */
#pragma once
#include <cjson/cJSON.h>

#include "toolstack/domain/guest_tree.h"
#include "toolstack/verb.h"

struct device_row {
	struct store *store;
	uint16_t domid;
	uint32_t number;
	const char *backend;                         /* "kernel", "user" */
	char back[STORE_PATH_SIZE], front[STORE_PATH_SIZE]; /* directories */
};

struct device_list {
	const char *verb, *type, *array; /* "block-list", "vbd", "disks" */
	const char *heading;             /* of the rows, with its newline */
	/* Print @row, or describe it in @o if that is not NULL. Returns 0, or the store's error. */
	int (*show)(struct cli *c, const struct device_row *row, cJSON *o);
};

/* The verb: its only operand is a domain. */
enum exit_code device_list_run(struct cli *c, int argc, char **argv, const struct device_list *list);

/* A number below 2^32 in node @name of the front end; -1: the guest says none. Returns 0, or the store's error. */
int device_front_number(const struct device_row *row, const char *name, int64_t *out);
/* The text of node @name of the back end, "" if there is none. Returns 0, or the store's error. */
int device_back_text(const struct device_row *row, const char *name, char *out, size_t size);
/* @number under @key; null if it is -1. */
void device_json_number(cJSON *o, const char *key, int64_t number);
