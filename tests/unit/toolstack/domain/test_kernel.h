/* The smallest ELF file that is a PV kernel: one page at 1 MiB, notes VIRT_BASE and ENTRY. */
#pragma once

/* Write it to @path; aborts when it cannot. */
void test_kernel_write(const char *path);
enum { TEST_KERNEL_PADDR = 0x100000 };
#define TEST_KERNEL_TEXT "test kernel"
