flaws.o: hv/core/flaws.c hv/base/hidden.h hv/base/string.h \
  hv/base/types.h hv/core/flaws.h hv/cpu/detect.h hv/cpu/cpu.h \
  hv/base/backtrace.h

hv/base/hidden.h:

hv/base/string.h:

hv/base/types.h:

hv/core/flaws.h:

hv/cpu/detect.h:

hv/cpu/cpu.h:

hv/base/backtrace.h:
