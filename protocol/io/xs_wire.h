/* XenStore's wire protocol: message header, types, the shared ring, limits. A message is the header
 * and len bytes of payload. Spec: io/xs_wire.h. */
#pragma once
#include <stdint.h>

#define XS_CONTROL			0
#define XS_DEBUG			XS_CONTROL
#define XS_DIRECTORY			1
#define XS_READ				2
#define XS_GET_PERMS			3
#define XS_WATCH			4
#define XS_UNWATCH			5
#define XS_TRANSACTION_START		6
#define XS_TRANSACTION_END		7
#define XS_INTRODUCE			8
#define XS_RELEASE			9
#define XS_GET_DOMAIN_PATH		10
#define XS_WRITE			11
#define XS_MKDIR			12
#define XS_RM				13
#define XS_SET_PERMS			14
#define XS_WATCH_EVENT			15
#define XS_ERROR			16
#define XS_IS_DOMAIN_INTRODUCED		17
#define XS_RESUME			18
#define XS_SET_TARGET			19
#define XS_RESET_WATCHES		21
#define XS_DIRECTORY_PART		22
#define XS_TYPE_COUNT			23
#define XS_INVALID			0xffff

#define XS_WRITE_NONE			"NONE"
#define XS_WRITE_CREATE			"CREATE"
#define XS_WRITE_CREATE_EXCL		"CREATE|EXCL"

struct xsd_sockmsg {
	uint32_t type;			/* XS_* */
	uint32_t req_id;		/* echoed in the answer */
	uint32_t tx_id;			/* 0: outside a transaction */
	uint32_t len;			/* payload bytes, <= XENSTORE_PAYLOAD_MAX */
};

/* Order of the two strings of a watch event. */
#define XS_WATCH_PATH			0
#define XS_WATCH_TOKEN			1

#define XENSTORE_RING_SIZE		1024	/* power of two */
typedef uint32_t XENSTORE_RING_IDX;
#define MASK_XENSTORE_IDX(idx)		((idx) & (XENSTORE_RING_SIZE - 1))

/* Indices run freely modulo 2^32. */
struct xenstore_domain_interface {
	char req[XENSTORE_RING_SIZE];
	char rsp[XENSTORE_RING_SIZE];
	XENSTORE_RING_IDX req_cons;
	XENSTORE_RING_IDX req_prod;
	XENSTORE_RING_IDX rsp_cons;
	XENSTORE_RING_IDX rsp_prod;
	uint32_t server_features;	/* XENSTORE_SERVER_FEATURE_* */
	uint32_t connection;		/* XENSTORE_CONNECTED, XENSTORE_RECONNECT */
	uint32_t error;			/* XENSTORE_ERROR_* */
};

#define XENSTORE_PAYLOAD_MAX		4096
#define XENSTORE_ABS_PATH_MAX		3072
#define XENSTORE_REL_PATH_MAX		2048

#define XENSTORE_SERVER_FEATURE_RECONNECTION	1
#define XENSTORE_SERVER_FEATURE_ERROR		2

#define XENSTORE_CONNECTED		0
#define XENSTORE_RECONNECT		1

#define XENSTORE_ERROR_NONE		0
#define XENSTORE_ERROR_COMM		1
#define XENSTORE_ERROR_RINGIDX		2
#define XENSTORE_ERROR_PROTO		3
