#!/bin/sh
# The hypervisor, its test kernels, the example and the whole hosted build compile with clang without a warning, too.
cd "$(dirname "$0")/../.." || exit 1
env -u MAKEFLAGS -u MAKELEVEL make -s -j"$(nproc)" CC=clang O=build/clang hv guests minnow host-programs
