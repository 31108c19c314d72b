#!/bin/sh
# The libFuzzer targets from fixed seeds: the corpus with every input that once broke a property, and
# a bounded number of new ones each. `make fuzz-targets TIME=seconds` is the open-ended run.
exec tests/fuzz/targets/run --runs "${O:-build}/fuzz/targets"
