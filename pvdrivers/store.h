/* Nodes of a device's directory in the store: paths and numbers, without a C library. What a node holds may be
 * hostile. */
#pragma once
#include "pvdrivers/os.h"

/* Read the value of node @name in directory @dir: 0; -ENOENT; -E2BIG. */
int store_get(struct pv_os *os, const char *dir, const char *name, char *value, size_t size) PV_MUST_CHECK;
/* The number in node @name of @dir; @otherwise if there is none, or it is no decimal number, or above @most. */
uint64_t store_get_number(struct pv_os *os, const char *dir, const char *name, uint64_t most, uint64_t otherwise);
int store_put(struct pv_os *os, const char *dir, const char *name, const char *value) PV_MUST_CHECK;
int store_put_number(struct pv_os *os, const char *dir, const char *name, uint64_t number) PV_MUST_CHECK;
/* Write @dir/@name to @path, which has PV_PATH_MAX bytes. -E2BIG. */
int store_path(char *path, const char *dir, const char *name) PV_MUST_CHECK;
/* Write @name and @number to @text, which has PV_VALUE_MAX bytes and room for both. */
void store_numbered(char *text, const char *name, uint64_t number);
