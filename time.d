time.o: hv/cpu/x86_64/time.c hv/base/hidden.h hv/base/math.h \
  hv/base/types.h hv/cpu/detect.h hv/cpu/cpu.h hv/base/backtrace.h \
  hv/cpu/x86_64/internal.h hv/base/atomic.h hv/cpu/machine.h \
  hv/cpu/x86_64/percpu.h hv/cpu/context.h hv/cpu/x86_64/layout.h \
  hv/cpu/x86_64/regs.h

hv/base/hidden.h:

hv/base/math.h:

hv/base/types.h:

hv/cpu/detect.h:

hv/cpu/cpu.h:

hv/base/backtrace.h:

hv/cpu/x86_64/internal.h:

hv/base/atomic.h:

hv/cpu/machine.h:

hv/cpu/x86_64/percpu.h:

hv/cpu/context.h:

hv/cpu/x86_64/layout.h:

hv/cpu/x86_64/regs.h:
