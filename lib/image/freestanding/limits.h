/* Limits of the integer types, for third-party decoders in the hypervisor. */
#pragma once
#define CHAR_BIT	8
#define SCHAR_MAX	__SCHAR_MAX__
#define UCHAR_MAX	(__SCHAR_MAX__ * 2 + 1)
#define SHRT_MAX	__SHRT_MAX__
#define USHRT_MAX	(__SHRT_MAX__ * 2 + 1)
#define INT_MAX		__INT_MAX__
#define INT_MIN		(-__INT_MAX__ - 1)
#define UINT_MAX	(__INT_MAX__ * 2u + 1u)
#define LONG_MAX	__LONG_MAX__
#define ULONG_MAX	(__LONG_MAX__ * 2ul + 1ul)
#define LLONG_MAX	__LONG_LONG_MAX__
#define ULLONG_MAX	(__LONG_LONG_MAX__ * 2ull + 1ull)
