#!/bin/bash
# The oracle's own test: each tests/mutants/NAME.patch puts one known kind of bug into one file of hv/. The
# hosted tests of the folder that the patch's first line names are then run against the mutated file;
# the mutant is caught when one of them fails with a statement of the audit (I1..I16) on its lips.
# Prints a line per mutant and last `N of N mutants caught`; exit status 0 if all were.
#
#   tests/mutants/run.sh [NAME...]      O=build
set -u
cd "$(dirname "$0")/../.."
O=${O:-build}
CC=${CC:-gcc}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
flags="-std=gnu11 -I. -g -O1 -w -D_GNU_SOURCE -fno-omit-frame-pointer -fsanitize=address,undefined"
flags="$flags -fno-sanitize-recover=all"
libs=$(pkg-config --libs check)
export RANDOM_SECONDS=${RANDOM_SECONDS:-10} ASAN_OPTIONS=detect_leaks=0

make -s O="$O" "$O/host/libhv.a" || exit 1

# Tests of one folder: objects are made once.
test_objects() {
	mkdir -p "$work/$1"
	for c in "$1"/*.c; do
		[ -e "$work/$c.o" ] || $CC $flags -c "$c" -o "$work/$c.o" || return 1
	done
}

# Does a test of folder $1 catch the mutated object $2? Prints what it said.
caught_by() {
	local helpers="" c t
	for c in "$1"/*.c; do
		case $c in *_test.c) ;; *) helpers="$helpers $work/$c.o" ;; esac
	done
	# Directed tests first: they are quick.
	for t in $(ls "$1"/*_test.c | grep -v 'random\|threads') $(ls "$1"/*_test.c | grep 'random\|threads'); do
		$CC $flags -o "$work/test" "$work/$t.o" $helpers "$2" "$O/host/libhv.a" $libs \
			>"$work/log" 2>&1 || { cat "$work/log" >&2; continue; }
		timeout 300 "$work/test" >"$work/log" 2>&1 && continue
		if grep -aoE '\bI[0-9]+: .*' "$work/log" | head -1 | grep .; then
			return 0
		fi
	done
	return 1
}

total=0 caught=0
for patch in ${@:-tests/mutants/*.patch}; do
	read -r statement folder <"$patch"
	file=$(sed -n 's,^+++ b/,,p' "$patch")
	total=$((total + 1))
	mkdir -p "$work/src/$(dirname "$file")"
	cp "$file" "$work/src/$file"
	if ! patch -s -d "$work/src" -p1 <"$patch" || ! test_objects "$folder" ||
	   ! $CC $flags -c "$work/src/$file" -o "$work/mutant.o"; then
		echo "BROKEN  $(basename "$patch" .patch)"
		continue
	fi
	if said=$(caught_by "$folder" "$work/mutant.o"); then
		echo "caught  $(basename "$patch" .patch) ($statement): $said"
		caught=$((caught + 1))
	else
		echo "MISSED  $(basename "$patch" .patch) ($statement)"
	fi
done
echo "$caught of $total mutants caught"
[ "$caught" -eq "$total" ] && [ "$total" -gt 0 ]
