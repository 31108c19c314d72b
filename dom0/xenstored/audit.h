/* The store's oracle: recount everything from the raw tree and compare with the accounts. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct store;

/* True: something is wrong, told in @why. */
bool store_audit(struct store *s, char *why, size_t size);
