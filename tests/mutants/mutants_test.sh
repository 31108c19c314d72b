#!/bin/sh
# A few mutants of different classes for `make check`, by the engine alone, which notices each within a second;
# `make mutants` runs all evidence against all of them.
cd "$(dirname "$0")/../.." || exit 1
for p in tests/mutants/*.patch tests/mutants/blind/*.patch; do
	patch -p1 --dry-run -s -f -F0 <"$p" || { echo "$p does not apply to this tree"; exit 1; }
done
exec tests/mutants/run.py --only fuzz blind/01-pte-write-bit-is-soft blind/03-tlb-foreign-entry-unmarked \
	blind/10-partial-table-can-be-released blind/32-grant-map-undoes-one-half blind/37-grant-unmap-spares-own-cpu \
	blind/43-event-reset-cursor-stays blind/46-control-target-looked-up-first steal-foreign-frame
