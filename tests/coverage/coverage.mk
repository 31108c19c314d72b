# Which lines and branches of the hypervisor the hosted programs reach: a build of its own by clang, with counters.
#
#   make coverage [COVERAGE='--json FILE']
#
# The state-aware fuzzer takes part with fixed seeds. (A child that ends by _exit() would lose its counts.)
coverage-of = $(filter-out $(addprefix $(O)/host/unit/,dom0/% toolstack/%),$(unit-tests)) $(O)/host/fuzz
coverage-fuzz := --runs 300 --seed 1
coverage: shared-parts
	+@$(MAKE) --no-print-directory O=$(O)/coverage CC=clang coverage-run COVERAGE='$(COVERAGE)' \
		instrument='-O0 -D_exit=exit -fprofile-instr-generate -fcoverage-mapping'
coverage-run: $$(coverage-of)
	@tests/coverage/coverage.py --build $(O) $(COVERAGE) $(^:%/fuzz='%/fuzz:$(coverage-fuzz)')

# The longest path between two preemption checks, in entries, for worst cases.
limits: $(filter $(O)/host/unit/call/limits%,$(unit-tests))
	@for test in $^; do $$test || exit 1; done
.PHONY: coverage coverage-run limits
