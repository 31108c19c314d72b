#!/bin/sh
# Every header compiles alone, as C11 with the warnings of the build, and guards itself with #pragma once.
# hv/'s, lib/'s, pvdrivers/' and examples/' are compiled freestanding, as the hypervisor is.
cd "$(dirname "$0")/../.." || exit 1
check() {
	header=$1
	grep -q '^#pragma once' "$header" || { echo "$header: no #pragma once"; return 1; }
	case $header in
	dom0/* | toolstack/* | tests/*) kind="-D_GNU_SOURCE" ;;
	*) kind="-ffreestanding" ;;
	esac
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
		${CC:-gcc} -std=gnu11 -I. -Iexamples/minnow/lwip -isystem build/third/src/lwip/src/include $kind -Wall -Wextra -Wconversion -Wshadow -Werror \
			-fsyntax-only -x c - || { echo "$header: does not stand alone"; return 1; }
}
status=0
for h in $(git ls-files -co --exclude-standard 'hv/*.h' 'lib/*.h' 'protocol/*.h' 'dom0/*.h' 'toolstack/*.h' 'pvdrivers/*.h' 'examples/*.h' 'tests/unit/*.h' 'tests/bugs/*.h'); do
	check "$h" || status=1
done
exit $status
