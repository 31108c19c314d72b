/* Doubly linked circular list; the head is a node. Layer: base. */
#pragma once
#include "hv/base/types.h"

struct list { struct list *next, *prev; };

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_is_empty(const struct list *l) { return l->next == l; }
static inline void list_insert_before(struct list *n, struct list *at)
{
	n->next = at;
	n->prev = at->prev;
	at->prev->next = n;
	at->prev = n;
}
static inline void list_add_head(struct list *n, struct list *head) { list_insert_before(n, head->next); }
static inline void list_add_tail(struct list *n, struct list *head) { list_insert_before(n, head); }
/* Unlink @n and leave it pointing to itself, so that a second remove is harmless. */
static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}
#define list_entry(p, type, member) container_of(p, type, member)
#define list_for_each(pos, head) for (struct list *pos = (head)->next; pos != (head); pos = pos->next)
#define list_for_each_safe(pos, tmp, head) \
	for (struct list *pos = (head)->next, *tmp = pos->next; pos != (head); pos = tmp, tmp = pos->next)
