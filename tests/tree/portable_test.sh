#!/bin/sh
# The split drivers' cores are portable: they compile freestanding, including nothing of a C library but string.h, and
# what they call beside each other is what every C compiler expects: memcpy and its kin.
cd "$(dirname "$0")/../.." || exit 1
out=${O:-build}/portable
rm -rf "$out"; mkdir -p "$out" || exit 1
status=0
for c in pvdrivers/*.c; do
	bad=$(grep -n '^#include <' "$c" pvdrivers/*.h | grep -vE '<(stdint|stddef|stdbool|string)\.h>$')
	[ -z "$bad" ] || { echo "$bad: not a freestanding header"; status=1; }
	${CC:-gcc} -std=gnu11 -I. -O2 -ffreestanding -fno-stack-protector -Wall -Wextra -Wconversion -Wshadow -Werror \
		-c "$c" -o "$out/$(basename "$c").o" || status=1
done
ld -r "$out"/*.o -o "$out/all" || exit 1
calls=$(nm -u "$out/all" | awk '{ print $2 }' | grep -vxE 'mem(cpy|set|move|cmp)|str(len|cmp|ncmp)|_GLOBAL_OFFSET_TABLE_')
[ -z "$calls" ] || { echo "pvdrivers/ calls:" $calls; status=1; }
exit $status
