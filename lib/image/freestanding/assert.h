/* Third-party decoders are built without their assertions. */
#pragma once
#define assert(condition) ((void)0)
