# The state-aware fuzzer: tests/fuzz/*.c and tests/fuzz/model/*.c on the hosted hypervisor, twice: with the sanitizers
# (O/host/fuzz), and optimised (O/fast/host/fuzz), which does a hundred times as many operations.
#
#   make fuzz TIME=60 [SEED=N] [JOBS=N]      make fuzz SANITIZE=1
fuzz-src := $(filter-out tests/fuzz/replay.c tests/fuzz/trace.c,$(wildcard tests/fuzz/*.c tests/fuzz/model/*.c))
fuzz-fast := -O2 -fomit-frame-pointer
TIME ?= 60

$(O)/host/fuzz: $(fuzz-src:%=$(O)/host/%.o) $(O)/host/libhv.a
	$(call q,LINK)$(CC) $(host-flags) -o $@ $^
fuzz-program:
	+@$(MAKE) --no-print-directory O=$(O)/fast instrument='$(fuzz-fast)' $(O)/fast/host/fuzz
fuzz: $(if $(SANITIZE),$(O)/host/fuzz,fuzz-program)
	$(if $(SANITIZE),$(O)/host/fuzz,$(O)/fast/host/fuzz) --time $(TIME) --out $(O)/crashes \
		$(SEED:%=--seed %) $(JOBS:%=--jobs %)
.PHONY: fuzz fuzz-program
