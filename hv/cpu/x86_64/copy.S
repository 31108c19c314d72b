/* Copies to and from guest memory, and memory functions of the freestanding build.
 *
 * guest_copy(dst, src, n) copies forward and returns how many bytes were left when an access
 * faulted (0 = all). It does not know which side is the guest's: the caller has checked that the
 * guest's side lies outside our range. Up to 16 whole words, which is what frames and most arguments
 * are, go through a row of moves entered so many words before its end (each word is 8 bytes of code);
 * a fault there counts as nothing copied. */
.section .text, "ax"
.code64

.macro fixup at, go_on
	.pushsection .fixups, "a"
	.quad \at, \go_on
	.popsection
.endm

	.globl guest_copy
guest_copy:
	testb $7, %dl
	jnz 9f
	cmpq $128, %rdx
	ja 9f
	leaq words_end(%rip), %rax
	subq %rdx, %rax
	jmp *%rax
words_start:
.set word, 15
.rept 16
10:	{disp8} movq (word * 8)(%rsi), %rax
12:	{disp8} movq %rax, (word * 8)(%rdi)
	fixup 10b, words_failed
	fixup 12b, words_failed
	.set word, word - 1
.endr
words_end:
	xorl %eax, %eax
	ret
words_failed:
	movq %rdx, %rax
	ret
.if words_end - words_start - 128
	.error "the row of moves is not 8 bytes a word"
.endif
9:	movq %rdx, %rcx
	cmpq $128, %rcx
	ja 5f
	shrq $3, %rcx
	jz 2f
1:	movq (%rsi), %rax
11:	movq %rax, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	decq %rcx
	jnz 1b
2:	movl %edx, %ecx
	andl $7, %ecx
	jz 4f
3:	movb (%rsi), %al
33:	movb %al, (%rdi)
	incq %rsi
	incq %rdi
	decq %rcx
	jnz 3b
4:	xorl %eax, %eax
	ret
5:	shrq $3, %rcx
6:	rep movsq
	jmp 2b
7:	leaq (, %rcx, 8), %rax		/* whole words left, and the tail */
	andl $7, %edx
	addq %rdx, %rax
	ret
8:	movq %rcx, %rax
	ret
	fixup 1b, 7b
	fixup 11b, 7b
	fixup 6b, 7b
	fixup 3b, 8b
	fixup 33b, 8b

	.globl memcpy, memmove, memset, memcmp
memmove:
	movq %rdi, %rax
	subq %rsi, %rax
	cmpq %rdx, %rax
	jb 1f				/* dst inside src: backwards */
memcpy:
	movq %rdi, %rax
	movq %rdx, %rcx
	shrq $3, %rcx
	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
	rep movsb
	ret
1:	movq %rdi, %rax
	leaq -1(%rdi, %rdx), %rdi
	leaq -1(%rsi, %rdx), %rsi
	movq %rdx, %rcx
	std
	rep movsb
	cld
	ret

memset:
	movq %rdi, %r8
	movzbl %sil, %eax
	movabs $0x0101010101010101, %rcx
	imulq %rcx, %rax
	movq %rdx, %rcx
	shrq $3, %rcx
	rep stosq
	movl %edx, %ecx
	andl $7, %ecx
	rep stosb
	movq %r8, %rax
	ret

memcmp:
	xorl %eax, %eax
	testq %rdx, %rdx
	jz 2f
1:	movzbl (%rdi), %eax
	movzbl (%rsi), %ecx
	subl %ecx, %eax
	jnz 2f
	incq %rdi
	incq %rsi
	decq %rdx
	jnz 1b
2:	ret

.section .note.GNU-stack, "", @progbits
