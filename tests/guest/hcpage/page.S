/* The page that the builder fills, and the note that asks for it. */
#include "protocol/elfnote.h"

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 8, XEN_ELFNOTE_HYPERCALL_PAGE
	.asciz "Xen"
	.quad hypercall_page

	.text
	.balign 4096
	.globl hypercall_page
hypercall_page:
	.skip 4096

	.section .note.GNU-stack, "", @progbits
