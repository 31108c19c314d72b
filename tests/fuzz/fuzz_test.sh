#!/bin/bash
# The bounded share of `make fuzz`, from fixed seeds: every list of tests/fuzz/lists, with and without sanitizers; some
# millions of operations optimised; some hundred thousand with the sanitizers; and that a run is a function of its
# seed and survives being written and read.
set -u
cd "$(dirname "$0")/../.." || exit 1
O=${O:-build}
fast=$O/fast/host/fuzz checked=$O/host/fuzz
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed() { echo "FAILED: $*"; exit 1; }

for fuzz in "$fast" "$checked"; do
	"$fuzz" --replay tests/fuzz/lists/*.ops || failed "a list that must break nothing"
done
"$fast" --seed 1 --runs 2000 --out "$work" || failed "fixed seeds"
"$checked" --seed 100001 --runs 150 --out "$work" | tail -1
[ "${PIPESTATUS[0]}" -eq 0 ] || failed "fixed seeds with sanitizers"

# The same seeds, alone and after others, give the same answers.
"$fast" --jobs 1 --seed 7 --runs 5 --list-seeds --out "$work" | grep digest >"$work/after"
for seed in 7 8 9 10 11; do
	"$fast" --one-seed $seed --list-seeds --out "$work" | grep digest
done >"$work/alone"
[ -s "$work/alone" ] && cmp "$work/alone" "$work/after" || failed "a run is not a function of its seed"
echo "every run is a function of its seed"

# What a run did is written, read and replayed.
"$fast" --round-trip || failed "operations as text"
"$fast" --one-seed 12 --show --ops 300 >"$work/12.ops" && "$fast" --replay "$work/12.ops" || failed "a list replayed"
