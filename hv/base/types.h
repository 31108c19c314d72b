/* Scalars and typed addresses used by every layer. Layer: base. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One-field structs, so that a frame number cannot pass for an address, nor a machine
 * frame for a guest's pseudo-physical one. */
typedef struct { uint64_t n; } mfn_t;	/* machine frame number */
typedef struct { uint64_t n; } pfn_t;	/* pseudo-physical frame number of one domain */
typedef struct { uint64_t a; } maddr_t;	/* machine address, bytes */
typedef struct { uint64_t a; } gva_t;	/* guest virtual address; hostile unless said otherwise */
typedef uint16_t domid_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define MFN_INVALID ((mfn_t){~0ull})

static inline mfn_t mfn(uint64_t n) { return (mfn_t){n}; }
static inline pfn_t pfn(uint64_t n) { return (pfn_t){n}; }
static inline gva_t gva(uint64_t a) { return (gva_t){a}; }
static inline maddr_t maddr(uint64_t a) { return (maddr_t){a}; }
static inline maddr_t mfn_to_maddr(mfn_t m) { return (maddr_t){m.n << PAGE_SHIFT}; }
static inline mfn_t maddr_to_mfn(maddr_t m) { return (mfn_t){m.a >> PAGE_SHIFT}; }
static inline bool mfn_eq(mfn_t x, mfn_t y) { return x.n == y.n; }
static inline gva_t gva_add(gva_t g, uint64_t bytes) { return (gva_t){g.a + bytes}; }

#define MUST_CHECK	__attribute__((warn_unused_result))
#define NORETURN	__attribute__((noreturn))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define PACKED		__attribute__((packed))
#define ALIGNED(n)	__attribute__((aligned(n)))
#define LIKELY(x)	__builtin_expect(!!(x), 1)
#define UNLIKELY(x)	__builtin_expect(!!(x), 0)
/* Code and data of the boot stage: given back to the page allocator before dom0 runs. */
#define BOOT_TEXT	__attribute__((section(".boot.text")))
#define BOOT_DATA	__attribute__((section(".boot.data")))

#define ARRAY_COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)(void *)((char *)(p) - offsetof(type, member)))
#define static_assert _Static_assert

static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t align_up(uint64_t x, uint64_t to) { return (x + to - 1) & ~(to - 1); }
static inline uint64_t align_down(uint64_t x, uint64_t to) { return x & ~(to - 1); }
