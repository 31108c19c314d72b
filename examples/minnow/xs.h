/* A client of the store, over the ring that a domain has with it: one request at a time, and watches. Pure but for its
 * two doors to events.
 *
 * What the store writes is bounded and looked at; a store that makes no sense is not asked any more: -XEN_EIO.
 * Functions return 0 or -XEN_Exxx as the store says. Spec: protocol/io/xs_wire.h. */
#pragma once
#include "protocol/io/xs_wire.h"
#include "pvdrivers/os.h"

#define XS_WATCHES 8u

struct xs_watch {
	char path[PV_PATH_MAX];		/* "": none */
	pv_callback *fn;
	void *arg;
	bool pending;			/* fn is to be called; whoever does makes it false */
};

struct xs {
	struct xenstore_domain_interface *ring;
	void (*notify)(void *arg);	/* tell the store that the ring has changed */
	void (*wait)(void *arg);	/* return when the ring may have changed */
	void *arg;
	uint32_t req_prod, rsp_cons;	/* our own indices */
	uint32_t request;		/* number of the last */
	bool broken;
	struct xs_watch watch[XS_WATCHES];
	char text[XENSTORE_PAYLOAD_MAX + 1];	/* of the message that came last, with a NUL */
};

/* Go on where whoever had the ring before left it. */
void xs_open(struct xs *x, struct xenstore_domain_interface *ring, void (*notify)(void *arg), void (*wait)(void *arg),
	     void *arg);
/* -E2BIG: the value and its NUL are longer than @size. */
int xs_read(struct xs *x, const char *path, char *value, size_t size) PV_MUST_CHECK;
int xs_write(struct xs *x, const char *path, const char *value) PV_MUST_CHECK;
/* The first name in a directory. -ENOENT: there is none; -E2BIG. */
int xs_first(struct xs *x, const char *path, char *name, size_t size) PV_MUST_CHECK;
/* As struct pv_os has it. -ENOSPC: there are XS_WATCHES. */
int xs_watch(struct xs *x, const char *path, pv_callback *fn, void *arg) PV_MUST_CHECK;
void xs_unwatch(struct xs *x, const char *path, pv_callback *fn, void *arg);
/* Say whether the ring holds something. */
bool xs_ready(const struct xs *x) PV_MUST_CHECK;
/* Take what the store says unasked: marks watches as pending. */
void xs_take(struct xs *x);
