# Lists replayed hosted (O/host/replay), for tests/fuzz/replay_test.py, which replays them under QEMU as well.
replay-src := $(wildcard tests/fuzz/replay/*.c tests/fuzz/generate*.c tests/fuzz/run*.c) \
	$(addprefix tests/fuzz/,world.c judge.c resolve.c text.c)
$(O)/host/replay: $(replay-src:%=$(O)/host/%.o) $(O)/host/libhv.a
	$(call q,LINK)$(CC) $(host-flags) -o $@ $^
host-programs: $(O)/host/replay
#   make replay LIST=FILE
replay: hv $(O)/host/replay $(O)/guest/replay.elf
	tests/fuzz/replay_test.py $(LIST)
.PHONY: replay
