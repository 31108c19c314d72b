# Seeded faults, each of which must be noticed (README.md). The engine and the interleaver run optimised, in O/fast,
# the hosted tests with the sanitizers.
mutants-fast: shared-parts
	+@$(fast) $(O)/fast/host/fuzz $(O)/fast/host/unit/interleave/interleave_test
mutants-programs: host-programs mutants-fast
mutants: mutants-programs
	tests/mutants/run.py
.PHONY: mutants mutants-fast mutants-programs
