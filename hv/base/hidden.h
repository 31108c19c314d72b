/* Included before every file of the hypervisor by the compiler's command line: all symbols are
 * local to the image, so that code takes their addresses relative to its own (the image lies where
 * no 32-bit absolute address reaches, and there is no loader to fill a table). Layer: base. */
#pragma once
#pragma GCC visibility push(hidden)
