/* Parts of the mmu test kernel. */
#pragma once
#include <stdint.h>

/* Read or write a byte, unchanged. Returns the vector of the trap, or -1. */
long touch(const volatile void *va, int write);
/* Check that writing @value at @maddr is refused and leaves *@entry as it was. */
void refused(const char *what, uint64_t maddr, uint64_t value, volatile uint64_t *entry);

void tables_test(void);
void descriptors_test(void);
void exchange_test(void);
