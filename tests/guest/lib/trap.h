/* Traps of a test kernel: faults that a test expects, hooks. One table for all vCPUs; expected faults are for
 * vCPU 0 only. */
#pragma once
#include <stdint.h>
#include "examples/pv/trap.h"

/* What the last expected trap was. cr2 is read for vector 14 only. */
struct trap_record {
	uint64_t count;
	uint64_t vector, error, rip, cs, rflags, rsp, ss, cr2, mask;
};
extern volatile struct trap_record trap_last;

/* Set before an instruction that may fault: where to go on. The handler clears it. */
extern volatile uint64_t trap_resume;

/* If not NULL, asked first; nonzero: the frame was dealt with. */
extern int (*trap_hook)(struct trap_frame *frame);

/* Leave the kernel's present context for @frame; see also context_save. */
_Noreturn void frame_return(struct trap_frame *frame);

struct context {
	uint64_t word[8];
};
uint64_t context_save(struct context *c) __attribute__((returns_twice));
_Noreturn void context_jump(struct context *c, uint64_t value);

/* Run @instruction (a string of assembly, operands after it). Evaluates to the vector of the trap
 * it caused, or -1; trap_last tells the rest. */
#define TRAP_OF(instruction, ...)							\
	({										\
		uint64_t before_ = trap_last.count;					\
		__asm__ volatile("movq $9f, trap_resume(%%rip)\n\t" instruction "\n9:\n\t" \
				 "movq $0, trap_resume(%%rip)" __VA_ARGS__);		\
		trap_last.count == before_ ? -1l : (long)trap_last.vector;		\
	})
