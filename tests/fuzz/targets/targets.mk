# libFuzzer targets: tests/fuzz/targets/NAME.c -> O/fuzz/targets/NAME, from a hosted build of its own by clang (O/fuzz),
# which counts edges. How to run them: tests/fuzz/targets/run.
fuzz-user    := config device_spec frame rings store store_state
fuzz-pv      := blk_back con net_back
fuzz-with-op := $(filter-out $(addprefix tests/fuzz/,main.c report.c shrink.c supervise.c),$(fuzz-src))
fuzz-with-store       := $(wildcard tests/fuzz/targets/lib/*.c)
fuzz-with-store_state := $(fuzz-with-store)

$(O)/targets/%: $(O)/host/tests/fuzz/targets/%.c.o $$(addprefix $(O)/host/,$$(addsuffix .o,$$(fuzz-with-$$*))) \
		$(O)/host/lib$$(if $$(filter $$*,$(fuzz-user)),user,$$(if $$(filter $$*,$(fuzz-pv)),pv,hv)).a
	@mkdir -p $(@D)
	$(call q,LINK)$(CC) $(host-flags) -fsanitize=fuzzer -o $@ $^ $(host-libs)
# Oracles walk large tables; counting their branches would cost most of the time and guide nothing.
ifneq ($(findstring fuzzer,$(instrument)),)
$(patsubst %,$(O)/host/%.o,dom0/xenstored/audit.c dom0/xenstored/account.c $(fuzz-with-store)): \
	host-flags += -fno-sanitize=fuzzer-no-link
endif

fuzz-build = $(MAKE) --no-print-directory O=$(O)/fuzz CC=clang instrument='$(instrument) -fsanitize=fuzzer-no-link'

# `make fuzz-targets TIME=seconds`: the time is shared by all of them.
check: fuzz-programs
fuzz-programs: shared-parts
	+@$(fuzz-build) $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/targets/*.c))
fuzz-targets: fuzz-programs
	tests/fuzz/targets/run --time $(TIME) $(O)/fuzz/targets
# All hosted programs by clang (tests/tree/clang_test.sh): the libraries are then those of the targets, compiled once.
clang-host-programs: shared-parts
	+@$(fuzz-build) host-programs
.PHONY: fuzz-programs fuzz-targets clang-host-programs

# The back ends' targets without libFuzzer, optimised: a great many states of their rings (tests/fuzz/mutate).
STATES ?= 100000000
$(O)/host/mutate/%: $(O)/host/tests/fuzz/mutate/main.c.o $(O)/host/tests/fuzz/targets/%.c.o $(O)/host/libpv.a
	@mkdir -p $(@D)
	$(call q,LINK)$(CC) $(host-flags) -o $@ $^
check: mutate-programs
mutate-programs: shared-parts
	+@$(fast) $(fuzz-pv:%=$(O)/fast/host/mutate/%)
fuzz-rings: mutate-programs
	tests/fuzz/mutate/run --states $(STATES) $(O)/fast/host/mutate
# `make fuzz` shows them some, too.
fuzz: mutate-programs
.PHONY: mutate-programs fuzz-rings
