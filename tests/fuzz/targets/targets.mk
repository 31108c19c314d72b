# libFuzzer targets: tests/fuzz/targets/NAME.c -> O/fuzz/targets/NAME, always by clang, with the sources
# that fuzz-of-NAME lists (of a folder: all its files). How to run them: tests/fuzz/targets/run.
fuzz-of-acpi        := hv/boot/acpi.c
fuzz-of-boot_info   := $(addprefix hv/boot/,boot_info.c multiboot1.c multiboot2.c pvh.c module_spec.c options.c) \
	hv/base/format.c hv/mem/machine_map.c
fuzz-of-config      := $(wildcard toolstack/config/*.c) toolstack/nearest.c toolstack/why.c
fuzz-of-decode      := hv/pv/decode.c hv/pv/pt_decode.c
fuzz-of-device_spec := $(wildcard toolstack/config/*.c) toolstack/nearest.c toolstack/why.c
fuzz-of-elf         := lib/image/elf.c $(wildcard lib/pvbuild/*.c)
fuzz-of-format      := hv/base/format.c
fuzz-of-kernel      := $(wildcard lib/image/*.c)
fuzz-of-memory_map  := hv/boot/boot_memory.c hv/mem/machine_map.c
fuzz-of-options     := $(addprefix hv/boot/,boot_info.c multiboot1.c multiboot2.c pvh.c module_spec.c options.c \
	dom0_size.c) hv/base/format.c hv/mem/machine_map.c
fuzz-of-rings       := dom0/consoled/ring.c dom0/consoled/backlog.c dom0/xenstored/ring.c
fuzz-of-store       := $(filter-out %/main.c %/host_xen.c %/sock.c,$(wildcard dom0/xenstored/*.c)) \
	dom0/lib/log.c dom0/lib/mem.c $(wildcard tests/fuzz/targets/lib/store_*.c)
fuzz-of-store_state := $(fuzz-of-store)

fuzz-names   := $(sort $(patsubst tests/fuzz/targets/%.c,%,$(wildcard tests/fuzz/targets/*.c)))
fuzz-targets := $(fuzz-names:%=$(O)/fuzz/targets/%)
fuzz-flags   := $(base) -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	-D_GNU_SOURCE $(FUZZ_COVERAGE)
# Oracles walk large tables; counting their branches would cost most of the time and guide nothing.
fuzz-counted := -fsanitize=fuzzer-no-link
$(addprefix $(O)/fuzz/obj/,$(addsuffix .o,dom0/xenstored/audit.c dom0/xenstored/account.c \
	$(wildcard tests/fuzz/targets/lib/*.c))): fuzz-counted :=
fuzz-libs-config := -lcjson
fuzz-libs-device_spec := -lcjson

$(O)/fuzz/.flags: FORCE
	@mkdir -p $(@D) && { echo '$(fuzz-flags)' | cmp -s - $@ || echo '$(fuzz-flags)' >$@; }
$(O)/fuzz/obj/third/%.c.o: build/third/.done $(O)/fuzz/.flags
	@mkdir -p $(@D)
	$(call q,CC)clang -O1 -g -fsanitize=fuzzer-no-link,address -w $(third-hv-flags) -c build/third/src/$*.c -o $@
$(O)/fuzz/obj/%.o: % $(O)/fuzz/.flags | build/third/.done
	@mkdir -p $(@D)
	$(call q,CC)clang $(fuzz-flags) $(fuzz-counted) $(third-inc) -c $< -o $@
fuzz-third-kernel := $(third-hv:%=$(O)/fuzz/obj/third/%.o)
$(fuzz-targets): $(O)/fuzz/targets/%: $(O)/fuzz/obj/tests/fuzz/targets/%.c.o \
		$$(addprefix $(O)/fuzz/obj/,$$(addsuffix .o,$$(fuzz-of-$$*))) $$(fuzz-third-$$*)
	@mkdir -p $(@D)
	$(call q,LINK)clang $(fuzz-flags) -fsanitize=fuzzer -o $@ $^ $(fuzz-libs-$(@F))

# `make fuzz-targets TIME=seconds`: the time is shared by all of them.
TIME ?= 60
check: fuzz-programs
fuzz-programs: $(fuzz-targets)
fuzz-targets: $(fuzz-targets)
	tests/fuzz/targets/run --time $(TIME) $(O)/fuzz/targets
.PHONY: fuzz-programs fuzz-targets
-include $(shell find $(O)/fuzz/obj -name '*.d' -type f 2>/dev/null)
