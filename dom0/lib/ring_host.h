/* What a daemon that serves guests' rings takes from the hypervisor, so that tests play one. doors.h is the real one. */
#pragma once
#include <stdint.h>

struct ring_host {
	/* Map @domid's ring, a page, which is its grant @ref. */
	int (*ring_map)(void *arg, uint16_t domid, uint32_t ref, void **page);
	void (*ring_unmap)(void *arg, uint16_t domid, void *page);
	/* Bind our end to @remote of @domid. */
	int (*port_bind)(void *arg, uint16_t domid, uint32_t remote, uint32_t *port);
	void (*port_unbind)(void *arg, uint32_t port);
	void (*port_notify)(void *arg, uint32_t port);
	void *arg;
};
