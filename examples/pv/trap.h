/* Traps of a small PV kernel: the frame, the table, the callbacks. */
#pragma once
#include <stdint.h>

/* Vectors of ours for what is not an exception. */
enum { TRAP_EVENT = 0x100, TRAP_SYSCALL = 0x101, TRAP_FAILSAFE = 0x102 };

struct trap_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rax, rdx, rsi, rdi;
	uint64_t r11, rcx;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* What the last failsafe callback told: ds, es, fs, gs. */
extern uint64_t failsafe_selectors[4];

/* Install the handlers of vCPU 0: 0..31, 0x80 (DPL 3), event, syscall and failsafe callbacks; map shared_info. */
void trap_open(void);
/* Fill @table with 256 entries for vcpu_guest_context. */
struct trap_info;
void trap_table_fill(struct trap_info *table);
/* Print the frame. */
void trap_print(const struct trap_frame *f);

/* Supplied by the kernel: called for each trap, by TRAP_EVENT for events, whose part event_upcall() is. On return
 * the kernel goes on by the frame. */
void trap_dispatch(struct trap_frame *f);

extern const uint8_t trap_stubs[32][16];
extern const uint8_t int80_stub[], event_stub[], syscall_stub[], failsafe_stub[];
