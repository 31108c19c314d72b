# Bothy: the hypervisor, dom0's programs and images, tests.
#
#   make            everything under build/          make run    boot it in QEMU, at dom0's prompt
#   make host       hosted build and its tests       make demo   the tour, as a transcript
#   make transcript   the tour once more, into docs/tour.md
#   make coverage   what of hv/ the hosted tests reach   make limits   longest paths
#   make fuzz TIME=60   random operations, audited; fails with a short list of them
#   make fuzz-rings STATES=100000000   mutated rings for the split drivers' back ends
#   make mutants    seeded faults, all of which must be noticed
#   make interleave   pairs of operations on two CPUs, every schedule with three preemptions; make tsan   threads
#   make check      every test                       make bench  print the figures
#   make check-all  make check, then long churns, and a guest on each machine of tests/system/matrix.txt
#   make profile JOB="net g2g user"   where the instructions of one of the figures go (bench/profile.py)
#   make minnow     the example of a small guest     make menuconfig, make defconfig, make clean
#
# Folders are taken whole by wildcard; what a configuration leaves out is listed under "files".
# Variables: CC=gcc|clang  O=build (output)  DOM0_KERNEL= DOM0_MODULES= GUEST_KERNEL= (see README).

O     ?= build
SHELL := /bin/bash
MAKEFLAGS += --no-builtin-rules $(if $(filter 0,$(MAKELEVEL)),-j$(shell nproc))
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all
# One clock for every file we make, so that two builds are equal byte for byte.
export SOURCE_DATE_EPOCH := 1700000000
export LC_ALL := C
export TZ := UTC
export O

# ---- configuration (made from configs/defconfig when there is none)
ifneq ($(MAKECMDGOALS),clean)
include $(O)/.config
endif
$(O)/.deps: tools/packages tools/deps
	@mkdir -p $(O)
	tools/deps
	@mkdir -p $(@D) && touch $@
$(O)/.config: | $(O)/.deps
	@KCONFIG_CONFIG=$@ kconfig-conf --defconfig=configs/defconfig Kconfig >/dev/null
menuconfig:
	KCONFIG_CONFIG=$(O)/.config kconfig-mconf Kconfig
defconfig: $(O)/.deps
	KCONFIG_CONFIG=$(O)/.config kconfig-conf --defconfig=configs/defconfig Kconfig
ifeq ($(origin CC),default)
CC := $(if $(CONFIG_CC_CLANG),clang,gcc)
endif

# ---- files
# Commands are shown in short; V=1 shows them whole.
q = $(if $(V),,@echo '  $(1)	$@'; )
find = $(sort $(shell find $(1) -name '*.[cS]' 2>/dev/null))
lock := $(if $(CONFIG_DEBUG),hv/core/lock_release.c,hv/core/lock_debug.c)
hv-src    := $(filter-out hv/cpu/host/% $(lock),$(call find,hv))
host-src  := $(filter-out hv/cpu/x86_64/% hv/core/lock_release.c %.S,$(call find,hv))
lib-src   := $(call find,lib)
pv-src    := $(call find,pvdrivers)
user-src  := $(call find,dom0 toolstack)
daemons   := $(patsubst dom0/%/main.c,%,$(wildcard dom0/*/main.c))
unit-src  := $(call find,tests/unit)
bugs-src  := $(wildcard tests/bugs/*_test.c)
abi-src   := $(wildcard tests/abi/*_test.c)
kernels   := $(filter-out lib,$(sort $(notdir $(patsubst %/,%,$(dir $(wildcard tests/guest/*/*.c))))))
# Third-party sources (under build/third/src) that the hypervisor's boot stage is linked with.
-include hv/boot/third.mk

# ---- compilers' options
base := -std=gnu11 -I. -g -MMD -MP -ffile-prefix-map=$(CURDIR)=. -Wall -Wextra -Wconversion \
	-Wshadow -Werror
bare-flags := $(base) -O2 -ffreestanding -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include 2>/dev/null) -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing \
	-ffunction-sections -fdata-sections
# The hypervisor lies where no 32-bit address reaches: code finds its data relative to itself.
hv-flags := $(bare-flags) -fpie -include hv/base/hidden.h
guest-flags := $(bare-flags) -Ilib/image/freestanding -fno-pic -fno-pie -mcmodel=kernel
# How hosted programs watch themselves; `make coverage` puts counters in its place.
instrument := -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all
host-flags := $(base) -include hv/cpu/host/yield.h -O1 -fno-omit-frame-pointer $(instrument) -D_GNU_SOURCE
user-flags := $(base) -O2 -D_GNU_SOURCE -idirafter /usr/include \
	-idirafter /usr/include/x86_64-linux-gnu -isystem build/third/include
# liburing's shared library does not export all that its header declares.
host-libs := -lseccomp -lcjson -l:liburing.a -Wl,--as-needed -lnbd -Wl,--no-as-needed -lz -llzma -llz4 -lzstd -lpthread
user-libs := -Lbuild/third/lib -lseccomp -lcjson -luring -lnbd -lz -llzma -llz4 -lzstd

# What objects and images were made with: a change of options makes them anew.
flags := $(CC) $(hv-flags) $(guest-flags) $(host-flags) $(user-flags) $(third-hv-flags)
images-of := $(DOM0_KERNEL) $(DOM0_MODULES) $(GUEST_KERNEL)
# What hv.elf says it was made of.
COMMIT ?= $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown)
commit := $(COMMIT)
# And bothy: the last that changed what it is made from, so that others leave it, and the images, as they are.
bothy-from := toolstack dom0/lib lib protocol
BOTHY_COMMIT ?= $(or $(shell git log -1 --abbrev=12 --format=%h -- $(bothy-from) 2>/dev/null),unknown)$(if \
	$(shell git status --porcelain -uno -- $(bothy-from) 2>/dev/null),-dirty)
bothy-commit := $(BOTHY_COMMIT)
$(O)/.flags $(O)/.images-of $(O)/.commit $(O)/.bothy-commit: FORCE
	@mkdir -p $(O) && { echo '$($(@F:.%=%))' | cmp -s - $@ || echo '$($(@F:.%=%))' >$@; }

# As section .commit has it.
$(O)/.commit.bin $(O)/.bothy-commit.bin: %.bin: %
	@head -c 23 $< | tr -d '\n' >$@ && truncate -s 24 $@

all: hv bin minnow images
hv: $(if $(wildcard hv/cpu/x86_64/hv.ld),$(O)/hv.elf)
programs := $(addprefix $(O)/bin/,$(daemons) $(if $(wildcard toolstack/main.c),bothy))
bin: $(programs)

# ---- the hypervisor: objects under O/hv, linked, debug information apart
hv-obj := $(patsubst %,$(O)/hv/%.o,$(hv-src) $(lib-src)) $(third-hv:%=$(O)/hv/third/%.o)
$(O)/hv/third/%.c.o: build/third/.done $(O)/.flags
	@mkdir -p $(@D)
	$(call q,CC)$(CC) $(filter-out -W%,$(hv-flags)) -w $(third-hv-flags) -c build/third/src/$*.c -o $@
$(O)/hv/%.o: % $(O)/.flags | build/third/.done
	@mkdir -p $(@D)
	$(call q,CC)$(CC) $(hv-flags) $(third-inc) -c $< -o $@
# Linked twice: the first time shows how large the table of functions is, the second where they all are.
hv-link = $(CC) -nostdlib -static -Wl,--build-id=none,--gc-sections,-z,noexecstack \
	-Wl,-z,max-page-size=4096,--no-warn-rwx-segments,--defsym=symbols_size=$(1) -T hv/cpu/x86_64/hv.ld \
	-o $@ $(filter %.o,$^)
# hv-ranks.elf, which guest_test.py boots, checks the order of locks whatever the configuration says.
hv-images := $(O)/hv $(O)/hv-ranks
$(O)/hv.debug.elf: $(hv-obj)
$(O)/hv-ranks.debug.elf: $(hv-obj:%/lock_release.c.o=%/lock_debug.c.o)
$(hv-images:%=%.debug.elf): %.debug.elf: hv/cpu/x86_64/hv.ld tools/symbols
	$(call q,LINK)$(call hv-link,0) && tools/symbols $@ >$*.symbols && \
		$(call hv-link,$$(stat -c %s $*.symbols))
$(hv-images:%=%.elf): %.elf: %.debug.elf $(O)/.commit.bin
	$(call q,STRIP)tools/symbols $< >$*.symbols && objcopy --strip-all \
		--update-section .symbols=$*.symbols --update-section .commit=$(O)/.commit.bin $< $@

# ---- small PV kernels: test kernels, tests/guest/NAME/* + tests/guest/lib/* + examples/pv/* -> O/guest/NAME.elf
guests: $(kernels:%=$(O)/guest/%.elf) $(O)/hv-ranks.elf
guest-obj = $(patsubst %,$(O)/guest/%.o,$(call find,examples/pv tests/guest/lib tests/guest/$(1)))
guest-link = $(CC) -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack -T examples/pv/kernel.ld \
	-Wl,-z,max-page-size=4096,--no-warn-rwx-segments -o $@ $(filter %.o,$^)
$(O)/guest/%.o: % $(O)/.flags
	@mkdir -p $(@D)
	$(call q,CC)$(CC) $(guest-flags) -c $< -o $@
$(kernels:%=$(O)/guest/%.elf): $(O)/guest/%.elf: $$(call guest-obj,$$*) examples/pv/kernel.ld
	$(call q,LINK)$(guest-link)

# ---- the example: a PV guest on our front ends and on lwIP, whose source is Debian's (its headers count as the system's,
# so what they include of ours is named here)
lwip-src := $(addprefix lwip/src/,$(addprefix core/,def inet_chksum init ip mem memp netif pbuf tcp tcp_in tcp_out timeouts \
	udp ipv4/dhcp ipv4/etharp ipv4/icmp ipv4/ip4 ipv4/ip4_addr ipv4/ip4_frag) netif/ethernet)
lwip-inc := -Iexamples/minnow/lwip -isystem build/third/src/lwip/src/include
minnow-src := $(call find,examples/minnow examples/pv) $(filter-out pvdrivers/host/%,$(pv-src))
minnow: $(O)/minnow.elf
$(O)/guest/examples/minnow/%.o: guest-flags += $(lwip-inc)
$(patsubst %,$(O)/guest/%.o,$(call find,examples/minnow)): | build/third/.done
$(O)/guest/third/%.c.o: build/third/.done $(O)/.flags
	@mkdir -p $(@D)
	$(call q,CC)$(CC) $(filter-out -W%,$(guest-flags)) -w $(lwip-inc) -c build/third/src/$*.c -o $@
$(foreach b,guest host,$(lwip-src:%=$(O)/$b/third/%.c.o)): $(wildcard examples/minnow/lwip/*.h examples/minnow/lwip/*/*.h)
$(O)/minnow.elf: $(minnow-src:%=$(O)/guest/%.o) $(lwip-src:%=$(O)/guest/third/%.c.o) examples/pv/kernel.ld
	$(call q,LINK)$(guest-link) -Wl,--gc-sections -s

# ---- dom0's programs: static, musl
# What some of them have beside their own folder, dom0/lib and lib.
parts-backendd := dom0/backend/link.c
parts-consoled := pvdrivers/con_ring.c pvdrivers/con_back.c
parts-blkback := $(call find,dom0/backend) $(filter-out pvdrivers/host/%,$(pv-src))
parts-netback := $(parts-blkback)
user-obj = $(patsubst %,$(O)/user/%.o,$(call find,$(1) dom0/lib lib) $(parts-$(notdir $(1))))
$(O)/user/%.o: % $(O)/.flags | build/third/.done
	@mkdir -p $(@D)
	$(call q,CC)musl-gcc $(user-flags) -c $< -o $@
$(daemons:%=$(O)/bin/%): $(O)/bin/%: $$(call user-obj,dom0/$$*)
	@mkdir -p $(@D)
	$(call q,LINK)musl-gcc -static -s -Wl,--build-id=none -o $@ $^ $(user-libs)
$(O)/bin/bothy: $(call user-obj,toolstack) $(O)/.bothy-commit.bin
	@mkdir -p $(@D)
	$(call q,LINK)musl-gcc -static -s -Wl,--build-id=none -o $@ $(filter %.o,$^) $(user-libs) && \
		objcopy --update-section .commit=$(O)/.bothy-commit.bin $@

# The benchmarks' programs, which both kinds of domain carry.
bench-programs := $(addprefix $(O)/bench/,micro busy latency verify)
$(bench-programs): $(O)/bench/%: bench/%.c | build/third/.done
	@mkdir -p $(@D)
	$(call q,LINK)musl-gcc $(user-flags) -static -s -Wl,--build-id=none -o $@ $<

# What tries to get out of a device's process (tests/system/daemons_test.py), from the tools' disk.
$(O)/escapes: $(O)/user/tests/system/escapes.c.o $$(filter-out %/main.c.o,$$(call user-obj,dom0/blkback))
	$(call q,LINK)musl-gcc -static -s -Wl,--build-id=none -o $@ $^ $(user-libs)

# The split drivers' cores in one process, as fast as this machine runs them.
$(O)/bench/rings: bench/rings.c $(pv-src) $(O)/.flags
	@mkdir -p $(@D)
	$(call q,LINK)$(CC) $(base) -O2 -D_GNU_SOURCE -o $@ $(filter %.c,$^)

# ---- the hosted build: libhv.a, libuser.a (everything but main.c), libpv.a, and one program per *_test.c
host-hv-obj := $(patsubst %,$(O)/host/%.o,$(host-src) $(lib-src)) $(third-hv:%=$(O)/host/third/%.o)
host-user-obj := $(patsubst %,$(O)/host/%.o,$(filter-out %/main.c dom0/init/%,$(user-src)) $(lib-src))
unit-tests := $(patsubst tests/unit/%.c,$(O)/host/unit/%,$(filter %_test.c,$(unit-src)))
bugs-tests := $(bugs-src:tests/bugs/%.c=$(O)/host/bugs/%)
abi-tests  := $(abi-src:tests/abi/%.c=$(O)/host/abi/%)
host: $(unit-tests) $(bugs-tests) $(abi-tests)
	tests/run --jobs 2 $^
$(O)/host/third/%.c.o: build/third/.done $(O)/.flags
	@mkdir -p $(@D)
	$(call q,CC)$(CC) -O1 -g $(filter %address %fuzzer-no-link,$(instrument)) -w $(third-hv-flags) \
		-c build/third/src/$*.c -o $@
$(O)/host/%.o: % $(O)/.flags | build/third/.done
	@mkdir -p $(@D)
	$(call q,CC)$(CC) $(host-flags) $(third-inc) -c $< -o $@
$(O)/host/libhv.a: $(host-hv-obj)
$(O)/host/libuser.a: $(host-user-obj)
$(O)/host/libpv.a: $(patsubst %,$(O)/host/%.o,$(pv-src))
# What of the example knows no hypervisor.
$(O)/host/libminnow.a: $(patsubst %,$(O)/host/examples/minnow/%.c.o,address crc32 reader echo inet pages xs) \
	$(lwip-src:%=$(O)/host/third/%.c.o)
$(O)/host/examples/% $(O)/host/tests/unit/examples/%: third-inc += $(lwip-inc)
$(O)/host/third/lwip/%: third-hv-flags = $(lwip-inc)
$(O)/host/lib%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call q,AR)ar qcsD $@ $^
# A test is linked with the other files of its folder that are not tests themselves.
helpers = $(patsubst %,$(O)/host/%.o,$(filter-out %_test.c,$(wildcard tests/unit/$(dir $(1))*.c \
	$(if $(filter examples/%,$(1)),tests/unit/pvdrivers/*.c))))
library = $(if $(filter dom0/backendd/% dom0/consoled/%,$(1)),user pv,$(if $(filter examples/%,$(1)),minnow pv,$(if \
	$(filter dom0/% toolstack/%,$(1)),user,$(if $(filter pvdrivers/%,$(1)),pv,hv))))
$(unit-tests): $(O)/host/unit/%: $(O)/host/tests/unit/%.c.o $$(call helpers,$$*) \
		$$(addsuffix .a,$$(addprefix $(O)/host/lib,$$(call library,$$*)))
	@mkdir -p $(@D)
	$(call q,LINK)$(CC) $(host-flags) -o $@ $^ $$(pkg-config --libs check) $(host-libs)
# A test of tests/bugs is of the hypervisor or, by its name, of the userland, and has the helpers of that side's tests.
side = $(if $(filter store_% console_% toolstack_%,$(1)),user,hv)
side-libraries = $(call side,$(1)) $(if $(filter console_%,$(1)),pv)
played = $(patsubst %,$(O)/host/%.o,$(filter-out %_test.c,$(wildcard $(1:%=tests/unit/%/*.c))))
played-hv := $(call played,interleave)
played-user := $(call played,dom0/xenstored toolstack/domain)
$(bugs-tests): $(O)/host/bugs/%: $(O)/host/tests/bugs/%.c.o $$(played-$$(call side,$$*)) \
		$$(addsuffix .a,$$(addprefix $(O)/host/lib,$$(call side-libraries,$$*)))
	@mkdir -p $(@D)
	$(call q,LINK)$(CC) $(host-flags) -o $@ $^ $$(pkg-config --libs check) $(host-libs)
$(abi-tests): $(O)/host/abi/%: $(O)/host/tests/abi/%.c.o
	@mkdir -p $(@D)
	$(call q,LINK)$(CC) $(host-flags) -o $@ $^
# `make NAME_test` builds one test by its bare name.
$(foreach t,$(unit-tests) $(bugs-tests) $(abi-tests),$(eval $(notdir $t): $t))

# ---- third-party libraries from Debian source packages: sources, and static musl builds
build/third/.done: tools/deblib | $(O)/.deps
	tools/deblib build/third
	@mkdir -p $(@D) && touch $@

# ---- images: dom0's and the guests' initramfs, kernels, disks (tools/images tells what is in them)
images: build/.fetched $(O)/.images $(O)/debian.img
export DOM0_KERNEL DOM0_MODULES GUEST_KERNEL
# Apart, and first: it needs nothing of ours, so it is fetched while we compile.
build/.fetched: tools/fetch tools/kernels tools/debroot $(O)/.images-of | $(O)/.deps
	tools/fetch build
	@touch $@
$(O)/.images: build/.fetched tools/images tools/initramfs tools/disk $(O)/.images-of $(programs) $(O)/minnow.elf \
		$(bench-programs) $(O)/escapes \
		$(shell find dom0/init tests/system/{guest,configs,debian/initramfs} -type f) | $(O)/.deps
	tools/images $(O) build
	@touch $@
# A Debian with systemd, and with a kernel that PV GRUB starts: packages, then our files, then dom0's kernel.
build/debian.tar: tools/debian | $(O)/.deps
	tools/debian build
	@touch $@
$(O)/debian.img: build/debian.tar tools/disk tools/initramfs \
		$(shell find tests/system/debian tests/system/guest/bin -type f) | $(O)/.images
	tools/initramfs $(O)/debian.cpio.gz --kernel build/kernels/dom0/boot/vmlinuz-* \
		$(patsubst %,--need %,crc32c_generic ext4 xen-blkfront xen-netfront) --tree tests/system/debian/initramfs
	tools/disk $@ debian 512 --tar build/debian.tar --tree tests/system/debian/root \
		$(foreach t,disk-test net-test,usr/local/bin/$t=tests/system/guest/bin/$t) \
		boot/vmlinuz=$$(echo build/kernels/dom0/boot/vmlinuz-*) boot/initrd.img=$(O)/debian.cpio.gz
FORCE:

# ---- the machine: by hand, as a transcript, measured
run: hv images
	python3 tests/system/machine.py
demo: hv images
	python3 tests/system/tour.py
# The same, into docs/tour.md.
transcript: hv images
	set -o pipefail; python3 tests/system/tour.py | tee $(O)/tour.txt
	tests/system/transcript.py $(O)/tour.txt
bench: all host-programs guests $(O)/bench/rings
	python3 bench/bench.py
# JOB="disk randread 4k 1 user": see bench/profile.py.
profile: hv images $(O)/bench/profile.so
	python3 bench/profile.py
$(O)/bench/profile.so: bench/profile_plugin.c $(O)/.flags
	@mkdir -p $(@D)
	$(call q,LINK)$(CC) $(base) -O2 -shared -fPIC -o $@ $<

# ---- tests
guest-test := tests/guest/guest_test.py
guest-runs = $(addprefix $(guest-test):,$(shell $(guest-test) --list))
scripts := $(sort $(wildcard tests/*/*_test.sh tests/*/*_test.py))
machines := tests/fuzz/replay_test.py $(filter tests/guest/% tests/system/%,$(scripts))
check: all host-programs guests
	tests/run $(unit-tests) $(bugs-tests) $(abi-tests) $(filter-out $(machines),$(scripts)) \
		--machines $(guest-runs) $(filter-out $(guest-test),$(machines))
check-all: check
	python3 tests/system/churn_test.py 20 5
	python3 tests/system/blkback_test.py 200
	python3 tests/system/netback_test.py 200
	tests/fuzz/mutate/run $(O)/fast/host/mutate
	python3 tests/system/matrix.py --run
host-programs: $(unit-tests) $(bugs-tests) $(abi-tests)

include tests/fuzz/fuzz.mk
include tests/mutants/mutants.mk
include tests/unit/interleave/interleave.mk
include tests/coverage/coverage.mk
include tests/fuzz/targets/targets.mk
include tests/fuzz/replay/replay.mk

print-%:
	@echo $($*)
clean:
	rm -rf $(O)

.PHONY: FORCE all hv bin minnow host host-programs guests images check check-all clean menuconfig defconfig run demo bench
.PHONY: transcript profile
.SECONDARY:
-include $(shell find $(O)/hv $(O)/host $(O)/user $(O)/guest -name '*.d' -type f 2>/dev/null)
