# The state-aware fuzzer: tests/fuzz/*.c and tests/fuzz/model/*.c on the hosted hypervisor, twice: with the sanitizers
# (O/host/fuzz), and optimised (O/fast/host/fuzz), which does a hundred times as many operations.
#
#   make fuzz TIME=60 [SEED=N] [JOBS=N]      make fuzz SANITIZE=1
#   make fuzz PROFILE=1 TIME=36000           for long runs: compiled again for what a first build was seen to do, and half
#                                            as fast again
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
comma := ,
# The first build must bring the function that writes its counts (supervise.c).
profiled = $(MAKE) --no-print-directory O=$(O)/profiled instrument='$(fuzz-fast) $(1)' $(O)/profiled/host/fuzz
fuzz-profiled: shared-parts
	+@$(call profiled,-fprofile-generate -fprofile-update=single -Wl$(comma)-u$(comma)__gcov_dump)
	$(O)/profiled/host/fuzz --jobs 1 --runs 100 --out $(O)/crashes >/dev/null
	+@$(call profiled,-fprofile-use -flto -Wno-missing-profile -Wno-error=coverage-mismatch)
fuzz: $(if $(SANITIZE),$(O)/host/fuzz,$(if $(PROFILE),fuzz-profiled,fuzz-program))
	$(O)/$(if $(SANITIZE),,$(if $(PROFILE),profiled/,fast/))host/fuzz --time $(TIME) --out $(O)/crashes \
		$(SEED:%=--seed %) $(JOBS:%=--jobs %) $(if $(KEEP_GOING),--keep-going)
	tests/fuzz/mutate/run --states $(TIME)00000 $(if $(SEED),--seed $(SEED)) $(O)/fast/host/mutate
.PHONY: fuzz fuzz-program fuzz-profiled shared-parts
# The model by itself.
$(O)/host/unit/fuzz/model_test: $(patsubst %,$(O)/host/%.o,$(filter-out %/compare.c %/adopt.c,$(wildcard tests/fuzz/model/*.c)))
