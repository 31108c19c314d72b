/* An assertion for loops: Check's own note every one that holds, which takes longer than what is tested. */
#pragma once
#include <check.h>

#define HOLDS(x) \
	do { \
		if (!(x)) \
			ck_abort_msg("does not hold: %s", #x); \
	} while (0)
