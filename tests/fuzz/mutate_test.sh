#!/bin/sh
# The back ends over a share of the mutated ring states that `make fuzz-rings` shows them: a million.
exec tests/fuzz/mutate/run --states 1000000 "${O:-build}/fast/host/mutate"
