# The state-aware fuzzer: tests/fuzz/*.c and tests/fuzz/model/*.c on the hosted hypervisor, twice: with the sanitizers
# (O/host/fuzz), and optimised (O/fast/host/fuzz), which does a hundred times as many operations.
#
#   make fuzz TIME=60 [SEED=N] [JOBS=N]      make fuzz SANITIZE=1
fuzz-src := $(filter-out tests/fuzz/replay.c tests/fuzz/trace.c,$(wildcard tests/fuzz/*.c tests/fuzz/model/*.c))
fuzz-fast := -O3 -march=native -fomit-frame-pointer
fast = $(MAKE) --no-print-directory O=$(O)/fast instrument='$(fuzz-fast)'
TIME ?= 60

$(O)/host/fuzz: $(fuzz-src:%=$(O)/host/%.o) $(O)/host/libhv.a
	$(call q,LINK)$(CC) $(host-flags) -o $@ $^
check: fuzz-program $(O)/host/fuzz
# What two builds share is made before the second begins.
shared-parts: build/third/.done
fuzz-program: shared-parts
	+@$(fast) $(O)/fast/host/fuzz
fuzz: $(if $(SANITIZE),$(O)/host/fuzz,fuzz-program)
	$(if $(SANITIZE),$(O)/host/fuzz,$(O)/fast/host/fuzz) --time $(TIME) --out $(O)/crashes \
		$(SEED:%=--seed %) $(JOBS:%=--jobs %)
.PHONY: fuzz fuzz-program shared-parts
# The model by itself.
$(O)/host/unit/fuzz/model_test: $(patsubst %,$(O)/host/%.o,$(filter-out %/compare.c %/adopt.c,$(wildcard tests/fuzz/model/*.c)))
