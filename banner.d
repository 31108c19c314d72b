banner.o: hv/boot/banner.c hv/base/hidden.h hv/base/string.h \
  hv/base/types.h hv/boot/banner.h hv/mem/machine_map.h hv/core/flaws.h \
  hv/cpu/detect.h hv/cpu/cpu.h hv/base/backtrace.h hv/core/log.h

hv/base/hidden.h:

hv/base/string.h:

hv/base/types.h:

hv/boot/banner.h:

hv/mem/machine_map.h:

hv/core/flaws.h:

hv/cpu/detect.h:

hv/cpu/cpu.h:

hv/base/backtrace.h:

hv/core/log.h:
