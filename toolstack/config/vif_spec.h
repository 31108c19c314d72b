/* One entry of `vif = [ ... ]`: mac=..,bridge=..,mode=..,backend=..,ip=..,rate=..,vifname=..,script=.. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dom0/lib/net_address.h"
#include "toolstack/why.h"

#define VIF_BRIDGE_DEFAULT "xenbr0"
#define VIF_SCRIPT_DEFAULT "vif-bridge"

/* How a guest's packets get to others. */
enum vif_mode {
	VIF_BRIDGED, /* as they are, by a bridge */
	VIF_ROUTED,  /* by dom0's routes, with dom0's address of Ethernet on the wire */
	VIF_NAT,     /* so, and with dom0's address of IP */
};

struct vif_spec {
	uint8_t mac[6];
	bool mac_given;    /* else one is drawn at creation */
	bool kernel_backend; /* served by dom0's kernel, else by a process of its own */
	enum vif_mode mode;
	char bridge[16];                              /* of VIF_BRIDGED; names have at most 15 bytes */
	char script[128];                             /* not run: for the store, where Linux's driver wants one */
	char ip[NET_ADDRESSES_MAX * NET_ADDRESS_TEXT]; /* addresses with blanks between, may be empty */
	char ifname[16];                              /* wanted name of the back end's interface, may be empty */
	uint64_t rate_bytes;                          /* that the guest may send in a second; 0: no limit */
	uint32_t rate_us;                             /* as how often it gets a part of that */
};

/* Parse hostile @text. Keys we do not know are put into @ignored, comma separated.
 * Returns 0 and *v, or -EINVAL/-ENOTSUP with @why. */
int vif_spec_parse(
	struct vif_spec *v, const char *text, char *ignored, size_t ignored_size, struct why *why);

/* Write @v such that parsing gives @v again. Returns 0, -ENOSPC. */
int vif_spec_format(const struct vif_spec *v, char *out, size_t size);

/* "bridged", "routed", "nat" */
const char *vif_mode_name(enum vif_mode mode);
/* What the guest may send in one interval of v->rate_us. */
uint64_t vif_rate_part(const struct vif_spec *v);

enum { MAC_TEXT = 18 };

/* "00:16:3e:xx:yy:zz" */
void mac_format(const uint8_t mac[6], char out[MAC_TEXT]);

/* Six hex bytes with `:` or `-` between. Returns 0, -EINVAL (also multicast and all zero). */
int mac_parse(uint8_t mac[6], const char *text);
