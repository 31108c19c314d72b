# Every schedule with at most three preemptions of every pair of operations, optimised; `make check` has a sample of
# them, with the sanitizers.
interleave:
	+@$(MAKE) --no-print-directory O=$(O)/fast instrument='$(fuzz-fast)' $(O)/fast/host/unit/interleave/interleave_test
	$(O)/fast/host/unit/interleave/interleave_test all
.PHONY: interleave
