#!/bin/sh
# The hypervisor, its test kernels, the example and the whole hosted build compile with clang without a warning, too.
cd "$(dirname "$0")/../.." || exit 1
make_all() { env -u MAKEFLAGS -u MAKELEVEL make -s -j"$(nproc)" "$@"; }
make_all CC=clang O="${O:-build}/clang" hv guests minnow && make_all clang-host-programs
