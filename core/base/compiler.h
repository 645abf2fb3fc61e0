/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiler facts in one place: attributes, scope clean-up, clones of inner loops per instruction set.
 */
#ifndef OQZ_BASE_COMPILER_H
#define OQZ_BASE_COMPILER_H

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#include <stddef.h>
#include <stdlib.h>

#ifndef OQZ_CORE_BUILD
#error "this header belongs to the oqz core; plugins include <oqz/plugin.h>"
#endif

#define OQZ_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define OQZ_MUST_USE __attribute__((warn_unused_result))
#define OQZ_COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

/* Puts an inner loop into the program once per x86-64 level and picks at load time. Results do not depend on the level:
 * contraction is off, and a vectorised floating-point sum keeps the order that the source writes down. */
#ifdef OQZ_TARGET_CLONES
#define OQZ_KERNEL __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define OQZ_KERNEL
#endif

/* Defines the kernel `linkage void name params` out of `name_body(bool fused, params)`, an always-inline function whose
 * products are added with one rounding: with the CPU's instructions (fused), or where it has none with what gives the
 * same bits in several (see vm_fma() in core/exec/vmath.h). The arguments at the end are the parameters' names. */
#if defined(__FMA__) || defined(__FP_FAST_FMAF) || defined(__aarch64__)
#define OQZ_KERNEL_FMA(linkage, name, params, ...) \
	OQZ_KERNEL linkage void name params { name##_body(true, __VA_ARGS__); }
#elif defined(__x86_64__)
#ifdef OQZ_TARGET_CLONES
#define OQZ_FMA_LEVELS OQZ_KERNEL
#else
#define OQZ_FMA_LEVELS __attribute__((target("avx2,fma")))
#endif
#define OQZ_KERNEL_FMA(linkage, name, params, ...)                                         \
	OQZ_FMA_LEVELS static void name##_fused params { name##_body(true, __VA_ARGS__); } \
	static void name##_split params { name##_body(false, __VA_ARGS__); }               \
	linkage void name params                                                           \
	{                                                                                  \
		if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))       \
			name##_fused(__VA_ARGS__);                                         \
		else                                                                       \
			name##_split(__VA_ARGS__);                                         \
	}
#else
#define OQZ_KERNEL_FMA(linkage, name, params, ...) \
	linkage void name params { name##_body(false, __VA_ARGS__); }
#endif

/* In front of a loop: iterations do not depend on each other, apart from places that are read and written by the same
 * one.
 */
#ifdef __clang__
#define OQZ_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define OQZ_IVDEP _Pragma("GCC ivdep")
#endif

/* _exit() for forked processes that have run code of ours: the counters of `make check-coverage` are kept. */
#ifdef OQZ_COVERAGE
void __gcov_dump(void);
#define OQZ_EXIT_NOW(status) (__gcov_dump(), _exit(status))
#else
#define OQZ_EXIT_NOW(status) _exit(status)
#endif

/* OQZ_CLEANUP(f) T *p = NULL;   calls f(&p) when p leaves scope. oqz_steal(p) hands the pointer over and disarms. */
#define OQZ_CLEANUP(f) __attribute__((cleanup(f)))
#define oqz_steal(p)                        \
	({                                  \
		__typeof__(p) steal_ = (p); \
		(p) = NULL;                 \
		steal_;                     \
	})

/* Defines `static void name_cleanup(T **p)` for a destructor `void name(T *)`. */
#define OQZ_DEFINE_CLEANUP(T, name) \
	static inline void name##_cleanup(T **p) { name(*p); }

static inline void oqz_free_cleanup(void *p) { free(*(void **)p); }
#define OQZ_CLEANUP_FREE OQZ_CLEANUP(oqz_free_cleanup)

#endif
