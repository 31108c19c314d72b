/* Numbers that entry code and trap handling share: exception vectors and the two ways of
 * entering by `syscall`. Layer: cpu. Spec: SDM 3A table 6-1. */
#pragma once

enum {
	TRAP_DE = 0, TRAP_DB = 1, TRAP_NMI = 2, TRAP_BP = 3, TRAP_OF = 4, TRAP_BR = 5, TRAP_UD = 6, TRAP_NM = 7,
	TRAP_DF = 8, TRAP_TS = 10, TRAP_NP = 11, TRAP_SS = 12, TRAP_GP = 13, TRAP_PF = 14, TRAP_MF = 16,
	TRAP_AC = 17, TRAP_MC = 18, TRAP_XM = 19,
	TRAP_INT80 = 0x80,
	TRAP_SYSCALL = 0x100, TRAP_SYSCALL32 = 0x101,	/* in regs.vector: no IDT vector; rcx and r11 may be lost */
};
#define PF_PRESENT	1u
#define PF_WRITE	2u
#define PF_USER		4u
#define PF_RESERVED	8u
#define PF_FETCH	16u
