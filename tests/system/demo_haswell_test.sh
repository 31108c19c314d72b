#!/bin/sh
# The demo, whole, on another machine: one CPU of another model, and the guest with the other kernel.
cd "$(dirname "$0")/../.." || exit 1
exec python3 tests/system/demo.py --name demo-haswell --cpu Haswell-noTSX --smp 1 --guest new
