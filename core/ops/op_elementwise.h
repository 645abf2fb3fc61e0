/* SPDX-License-Identifier: Apache-2.0
 *
 * The elementwise families: what a row's formula is and the driver that runs it. A formula is written once, as an
 * expression over variables of type T, and instantiated for four arithmetic classes; the driver does broadcasting, and
 * widens and narrows the element types that are no class of their own. A new operator is a row and an expression.
 */
#ifndef OQZ_OPS_OP_ELEMENTWISE_H
#define OQZ_OPS_OP_ELEMENTWISE_H

#include "core/ops/op.h"

/* What arithmetic is done in. float16, bfloat16 and the 8-bit floats are computed in double and rounded once. */
enum ew_class {
	EW_F32,
	EW_F64,
	EW_I64, /* all signed integers, narrower unsigned ones, bool */
	EW_U64,
	EW_BOOL, /* bool as it lies in memory: what logic operators compute with, and they only */
	EW_CLASSES
};

/* Attributes of all elementwise operators, by their ONNX names; a row's attribute table says which ones it has. `lo`
 * and `hi` are Clip's bounds, read from its inputs. */
struct ew_params {
	float alpha, beta, gamma, lambd, bias;
	int64_t fmod, detect_positive, detect_negative;
	const char *approximate, *direction;
	double lo, hi;
	int64_t ilo, ihi;
	uint64_t ulo, uhi;
};

/* out[i] = f(x[i * step_x], y[i * step_y]) for n elements of the class' type; steps are 0 or 1. */
typedef void ew_loop(size_t n, const void *x, int step_x, const void *y, int step_y, void *out,
                     const struct ew_params *p);

struct ew_formula {
	ew_loop *loop[EW_CLASSES]; /* NULL: not defined for that class */
	bool to_bool;              /* the result is bool, whatever the inputs are */
};

/* The type a class computes with. */
#define EW_TYPE_EW_F32 float
#define EW_TYPE_EW_F64 double
#define EW_TYPE_EW_I64 int64_t
#define EW_TYPE_EW_U64 uint64_t
#define EW_TYPE_EW_BOOL uint8_t

/* float32 is what models compute in: its loops are compiled per instruction set, and so are those over bytes. */
#define EW_CLONE_EW_F32 OQZ_KERNEL
#define EW_CLONE_EW_F64
#define EW_CLONE_EW_I64
#define EW_CLONE_EW_U64
#define EW_CLONE_EW_BOOL OQZ_KERNEL

/* Defines loop_<cls>_<id>: `expr` is over x, y (of type T) and p. The constant steps let each case be vectorised. */
#define EW_LOOP(cls, OT, id, expr)                                                                             \
	EW_CLONE_##cls static void loop_##cls##_##id(size_t n, const void *xv, int sx, const void *yv, int sy, \
	                                             void *ov, const struct ew_params *p)                      \
	{                                                                                                      \
		typedef EW_TYPE_##cls T;                                                                       \
		const T *const xs = xv;                                                                        \
		const T *const ys = yv;                                                                        \
		OT *const os = ov;                                                                             \
		if (sx && sy) {                                                                                \
			for (size_t i = 0; i < n; i++) {                                                       \
				const T x = xs[i], y = ys[i];                                                  \
				(void)y; /* a formula may not need it in every class */                        \
				os[i] = (OT)(expr);                                                            \
			}                                                                                      \
		} else if (sx) {                                                                               \
			const T y = ys[0];                                                                     \
			(void)y;                                                                               \
			for (size_t i = 0; i < n; i++) {                                                       \
				const T x = xs[i];                                                             \
				os[i] = (OT)(expr);                                                            \
			}                                                                                      \
		} else if (sy) {                                                                               \
			const T x = xs[0];                                                                     \
			for (size_t i = 0; i < n; i++) {                                                       \
				const T y = ys[i];                                                             \
				(void)y;                                                                       \
				os[i] = (OT)(expr);                                                            \
			}                                                                                      \
		} else {                                                                                       \
			const T x = xs[0], y = ys[0];                                                          \
			(void)y;                                                                               \
			const OT r = (OT)(expr);                                                               \
			for (size_t i = 0; i < n; i++)                                                         \
				os[i] = r;                                                                     \
		}                                                                                              \
	}

/* The same for one operand. */
#define EW_LOOP1(cls, OT, id, expr)                                                                            \
	EW_CLONE_##cls static void loop_##cls##_##id(size_t n, const void *xv, int sx, const void *yv, int sy, \
	                                             void *ov, const struct ew_params *p)                      \
	{                                                                                                      \
		typedef EW_TYPE_##cls T;                                                                       \
		const T *const xs = xv;                                                                        \
		OT *const os = ov;                                                                             \
		for (size_t i = 0; i < n; i++) {                                                               \
			const T x = xs[i];                                                                     \
			os[i] = (OT)(expr);                                                                    \
		}                                                                                              \
	}

/* Extremes that hand NaN on, whichever side it comes from (IEEE 754-2019 minimum and maximum). */
#define EW_MAX(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define EW_MIN(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))

/* Type rules: out is in[0]'s type (bool for predicates); broadcasting of all inputs. */
oqz_infer_fn ew_infer_unary, ew_infer_broadcast;
/* Kernels: one operand; two operands; any number folded from the left. */
oqz_kernel_fn ew_run_unary, ew_run_binary, ew_run_variadic;

/* Runs a formula over in[0] (in[1] may be NULL) with explicit parameters. */
enum oqz_status ew_run(const struct oqz_node *n, const struct ew_formula *f, const struct oqz_tensor *a,
                       const struct oqz_tensor *b, struct oqz_tensor *out, const struct ew_params *p,
                       struct oqz_err *err);

/* The type that elements of type t are computed in. */
enum ew_class ew_class_of(enum oqz_dtype t);
/* n elements of any type as a class' type, and back. */
void ew_widen(enum ew_class c, enum oqz_dtype t, const void *p, size_t first, size_t n, void *out);
void ew_narrow(enum ew_class c, enum oqz_dtype t, const void *in, size_t n, void *p, size_t first);

#endif
