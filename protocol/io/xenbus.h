/* States in which the two ends of a split device meet, kept in each end's `state` node as a decimal
 * number. Spec: io/xenbus.h. */
#pragma once

enum xenbus_state {
	XenbusStateUnknown = 0,
	XenbusStateInitialising = 1,
	XenbusStateInitWait = 2,	/* ready, waiting for the other end's details */
	XenbusStateInitialised = 3,	/* own details published */
	XenbusStateConnected = 4,
	XenbusStateClosing = 5,
	XenbusStateClosed = 6,
	XenbusStateReconfiguring = 7,
	XenbusStateReconfigured = 8
};
