/* What test kernels do to contexts: another vCPU's start, a return by a frame made up, a jump back to where one was
 * saved. Neighbours: smp.c, trap.h, examples/pv/start.S. */

	.text
	/* An application processor: rdi = function, on its own stack. */
	.globl ap_entry
ap_entry:
	cld
	xor	%ebp, %ebp
	call	*%rdi
	ud2

	/* frame_return(frame): leave by the trap frame at rdi. */
	.globl frame_return
frame_return:
	mov	%rdi, %rsp
	jmp	trap_return

	/* uint64_t context_save(struct context *c): 0, and again the value given to
	 * context_jump(c, value). */
	.globl context_save
context_save:
	mov	(%rsp), %rax
	mov	%rax, 0(%rdi)
	lea	8(%rsp), %rax
	mov	%rax, 8(%rdi)
	mov	%rbx, 16(%rdi)
	mov	%rbp, 24(%rdi)
	mov	%r12, 32(%rdi)
	mov	%r13, 40(%rdi)
	mov	%r14, 48(%rdi)
	mov	%r15, 56(%rdi)
	xor	%eax, %eax
	ret
	.globl context_jump
context_jump:
	mov	8(%rdi), %rsp
	mov	16(%rdi), %rbx
	mov	24(%rdi), %rbp
	mov	32(%rdi), %r12
	mov	40(%rdi), %r13
	mov	48(%rdi), %r14
	mov	56(%rdi), %r15
	mov	%rsi, %rax
	jmp	*0(%rdi)

	.section .note.GNU-stack, "", @progbits
