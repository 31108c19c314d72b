#!/bin/sh
# The hosted hypervisor under ThreadSanitizer, with real threads for CPUs: the frame table, the scheduler with events, and
# random hypercalls of two vCPUs. Every race that is reported is a failure; tests/tsan/suppressions says which are meant.
# TIME: seconds for the random hypercalls.
# Fences order what guests read of their clocks; the sanitizer does not know them, which gcc warns of.
cd "$(dirname "$0")/../.." || exit 1
out=${O:-build}/tsan
tests="mem dom interleave"
programs=$(for t in $tests; do echo "$out/host/unit/$t/threads_test"; done)
# shellcheck disable=SC2086 # words
env -u MAKEFLAGS -u MAKELEVEL make -s -j"$(nproc)" CC=gcc O="$out" instrument='-fsanitize=thread -Wno-tsan' $programs || exit 1
status=0
for program in $programs; do
	CK_FORK=no TSAN_OPTIONS="suppressions=tests/tsan/suppressions history_size=7" "$program" $TIME || status=1
done
exit $status
