# Every schedule with at most three preemptions of every pair of operations, optimised; `make check` has a sample of
# them, with the sanitizers.
interleave: shared-parts
	+@$(fast) $(O)/fast/host/unit/interleave/interleave_test
	$(O)/fast/host/unit/interleave/interleave_test all
# The threads tests under ThreadSanitizer, which `make check` runs for a few seconds: make tsan TIME=60
tsan:
	TIME=$(TIME) tests/tsan/tsan_test.sh
.PHONY: interleave tsan
