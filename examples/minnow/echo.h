/* TCP echo (RFC 862) on lwIP: what comes is sent back, as fast as it is taken. A connection has room for one window: it
 * opens again by what the other end has acknowledged, so that who does not read cannot use more. */
#pragma once
#include "pvdrivers/os.h"

#define ECHO_PORT 7

/* Listen, after inet_open(), with memory of @os for connections. */
void echo_open(struct pv_os *os);
