#!/bin/sh
# The demo, whole, on another machine, with the guest of the least memory.
cd "$(dirname "$0")/../.." || exit 1
exec python3 tests/system/demo.py --name demo-max --cpu max --guest beta
