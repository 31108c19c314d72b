/* The Unix socket: clients in dom0, all of them domain 0. */
#pragma once
#include "dom0/lib/attr.h"
#include "dom0/lib/loop.h"

struct store;

struct sock_listener {
	struct loop_source source;
	struct loop *loop;
	struct store *store;
};

/* Bind @path (an old socket there is replaced), mode 0660, and accept clients into @s. */
int sock_listen(struct sock_listener *l, struct loop *loop, struct store *s,
		const char *path) MUST_CHECK;
void sock_unlisten(struct sock_listener *l);
/* Serve a connected descriptor (tests). */
int sock_adopt(struct loop *loop, struct store *s, int fd) MUST_CHECK;
