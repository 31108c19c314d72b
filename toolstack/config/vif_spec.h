/* One entry of `vif = [ ... ]`: mac=..,bridge=..,script=..,ip=..,vifname=.. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toolstack/why.h"

#define VIF_BRIDGE_DEFAULT "xenbr0"
#define VIF_SCRIPT_DEFAULT "vif-bridge"

struct vif_spec {
	uint8_t mac[6];
	bool mac_given;   /* else one is drawn at creation */
	char bridge[16];  /* interface names have at most 15 bytes */
	char script[128]; /* not run: written to the store, where netback wants one */
	char ip[128];     /* for the store, may be empty */
	char ifname[16];  /* wanted name of the back end's interface, may be empty */
};

/* Parse hostile @text. Keys we do not know are put into @ignored, comma separated.
 * Returns 0 and *v, or -EINVAL/-ENOTSUP with @why. */
int vif_spec_parse(
	struct vif_spec *v, const char *text, char *ignored, size_t ignored_size, struct why *why);

/* Write @v such that parsing gives @v again. Returns 0, -ENOSPC. */
int vif_spec_format(const struct vif_spec *v, char *out, size_t size);

enum { MAC_TEXT = 18 };

/* "00:16:3e:xx:yy:zz" */
void mac_format(const uint8_t mac[6], char out[MAC_TEXT]);

/* Six hex bytes with `:` or `-` between. Returns 0, -EINVAL (also multicast and all zero). */
int mac_parse(uint8_t mac[6], const char *text);
