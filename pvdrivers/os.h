/* What an operating system supplies to the split drivers: memory, grants, events, the store, a log, time.
 *
 * A port fills a struct pv_os and embeds it in what it needs itself; every function gets that
 * pointer back, so that one process can hold both ends of a device. Both ends run in one thread, or
 * under one lock, for each device: nothing here is called at once from two places for it.
 *
 * All functions may be called from wherever a driver's own functions are, and from callbacks.
 * Callbacks come from the port's event loop, never from within one of these functions. Pages are of
 * PV_PAGE bytes. Errors are -XEN_Exxx (protocol/errno.h); out-pointers are written only on success. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/errno.h"
#include "protocol/grant_table.h"

#define PV_PAGE		4096u
/* A path of the store, or a value that a driver reads or writes, with its NUL. */
#define PV_PATH_MAX	256
#define PV_VALUE_MAX	32

#define PV_MUST_CHECK	__attribute__((warn_unused_result))
#define PV_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* Someone else's page in our memory. */
struct pv_map {
	grant_ref_t ref;		/* in */
	uint32_t handle;		/* out: the port's own */
	void *addr;			/* out: a page */
};

/* Bytes between our memory and someone else's page. */
struct pv_copy {
	grant_ref_t ref;		/* in */
	uint16_t offset, bytes;		/* in: of the page */
	bool to_peer;			/* in: from @local to the page, else from the page to @local */
	void *local;			/* in: only read if @to_peer */
	int err;			/* out */
};

#define PV_MAP_WRITABLE		1u
/* The pages lie side by side in their order, and are unmapped by one call, too. */
#define PV_MAP_TOGETHER		2u

typedef void pv_callback(void *arg);

struct pv_os {
	/* Return @bytes of zeroed memory, page-aligned if they are whole pages, or NULL. */
	void *(*alloc)(struct pv_os *os, size_t bytes);
	/* Give back @bytes at @p, as they were allocated; NULL is nothing. */
	void (*free)(struct pv_os *os, void *p, size_t bytes);

	/* Let domain @peer map @page, for reading only or for both. *ref is never 0. -ENOSPC. */
	int (*grant)(struct pv_os *os, domid_t peer, void *page, bool readonly, grant_ref_t *ref);
	/* End a grant. -EBUSY: it is still mapped; the grant stands, and the page must stay. */
	int (*grant_end)(struct pv_os *os, grant_ref_t ref);

	/* Map @count pages that domain @peer granted: all, or none and the first page's error.
	 * Whether a grant is there and allows @flags (PV_MAP_*) is hostile, and checked here. */
	int (*map)(struct pv_os *os, domid_t peer, struct pv_map *map, uint32_t count, uint32_t flags);
	/* Unmap pages, in whatever groups they were mapped unless TOGETHER. Cannot fail. */
	void (*unmap)(struct pv_os *os, struct pv_map *map, uint32_t count);
	/* Do @count copies, each by itself, in their order; none is under way any more when this returns, or when the
	 * process dies. References and ranges are hostile: err is 0, -EINVAL for bytes outside of the page, or that of
	 * a map of it, to be written if to_peer; then what the copy was to fill holds anything. */
	void (*copy)(struct pv_os *os, domid_t peer, struct pv_copy *copy, uint32_t count);

	/* Open an event port: with @remote_port 0 one that domain @peer may bind, else bound to
	 * that port of its. @fn is called after every notification, several may be one call, and
	 * once after binding. *port is never 0. -ENOENT: no such port for us there; -ENOSPC. */
	int (*event_open)(struct pv_os *os, domid_t peer, uint32_t remote_port, pv_callback *fn,
			  void *arg, uint32_t *port);
	void (*event_notify)(struct pv_os *os, uint32_t port);
	/* Close a port; its callback does not come any more. */
	void (*event_close)(struct pv_os *os, uint32_t port);

	/* Read the value at @path into @value, with a NUL. -ENOENT, which may mean that a device is
	 * gone: a store that does not answer is waited for; -E2BIG: it and its NUL are longer than @size. */
	int (*store_read)(struct pv_os *os, const char *path, char *value, size_t size);
	/* Write a value, making the node if there is none. -EACCES, -ENOSPC: as the store says. */
	int (*store_write)(struct pv_os *os, const char *path, const char *value);
	/* Call @fn once at first, and after every change of @path and what is below it. */
	int (*store_watch)(struct pv_os *os, const char *path, pv_callback *fn, void *arg);
	/* End the watch that was set with just these; its callback does not come any more. */
	void (*store_unwatch)(struct pv_os *os, const char *path, pv_callback *fn, void *arg);

	/* Write one line, without its newline, for who looks after this machine. A hostile other end can cause many:
	 * the port bounds them. */
	void (*log)(struct pv_os *os, const char *line);

	/* Return the time, by a clock that does not go back. */
	uint64_t (*now_ns)(struct pv_os *os);
};
