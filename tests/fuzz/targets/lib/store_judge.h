/* Who may what in the store, and what a transaction may rely on: judged without the code under test. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "tests/fuzz/targets/lib/store_world.h"

/* Has @domid all the rights @need (PERM_*) on @n? */
bool judge_may(const struct store *s, const struct node *n, uint16_t domid, unsigned int need);
/* @domid made the tree @old into @now: every change must have been its to make. */
void judge_changes(const struct store *s, const struct node *old, const struct node *now,
	uint16_t domid);
/* Two trees are equal: names, values, permissions, generations. */
void judge_same(const struct node *a, const struct node *b);

/* Transactions: what each read is kept until it ends. */
void judge_open(void);
void judge_close(void);
/* @a asked @h and was answered (a->reply); @before: the live tree before. */
void judge_request(const struct actor *a, const struct xsd_sockmsg *h, const char *body,
	struct node *before);
/* @a's stream or connection is no longer followed. */
void judge_forget(const struct actor *a);
