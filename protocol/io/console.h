/* The console ring page of a guest. Indices run freely modulo 2^32. Spec: io/console.h. */
#pragma once
#include <stdint.h>

typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(idx, ring)	((idx) & (sizeof(ring) - 1))

struct xencons_interface {
	char in[1024];			/* to the guest */
	char out[2048];			/* from the guest */
	XENCONS_RING_IDX in_cons;	/* written by the guest */
	XENCONS_RING_IDX in_prod;
	XENCONS_RING_IDX out_cons;
	XENCONS_RING_IDX out_prod;	/* written by the guest */
};
