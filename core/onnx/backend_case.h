/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX backend test folders: model.onnx and test_data_set_N/{input,output}_M.pb. Runs one folder through any engine and
 * compares, with the tolerances of the ONNX backend test runner (rtol 1e-3, atol 1e-7).
 */
#ifndef OQZ_ONNX_BACKEND_CASE_H
#define OQZ_ONNX_BACKEND_CASE_H

#include "core/graph/graph.h"

enum oqz_case_outcome {
	OQZ_CASE_PASS = 0,
	OQZ_CASE_FAIL, /* an error, or a wrong result */
	OQZ_CASE_SKIP, /* the reason says why: training (the operator Gradient), or a defect of the case */
};

struct oqz_case_result {
	enum oqz_case_outcome outcome;
	char reason[600]; /* empty for PASS */
	bool drawn;       /* outputs depend on random numbers, of which only type, shape and kind were compared */
};

/* Executes a resolved graph (types inferred, nothing bound or folded; clone it to change it). outputs[] is all zero on
 * entry; the runner releases what it holds. */
typedef enum oqz_status oqz_case_run_fn(void *ctx, const struct oqz_graph *g, const struct oqz_tensor *const *inputs,
                                        struct oqz_tensor *outputs, struct oqz_err *err);

/* The reference engine as such a function (ctx unused): oqz_interpret on the graph as it is. */
enum oqz_status oqz_case_run_reference(void *ctx, const struct oqz_graph *g, const struct oqz_tensor *const *inputs,
                                       struct oqz_tensor *outputs, struct oqz_err *err);
/* The same after binding the inputs' shapes, which folds what becomes constant. */
enum oqz_status oqz_case_run_bound(void *ctx, const struct oqz_graph *g, const struct oqz_tensor *const *inputs,
                                   struct oqz_tensor *outputs, struct oqz_err *err);

/* Tolerances of the comparison; NULL where one is taken means those of the ONNX backend test runner. */
struct oqz_case_options {
	double rtol, atol;
};

/* Runs one folder. Everything that happens is an outcome; the status is for a path that cannot be one. */
enum oqz_status oqz_backend_case(const char *dir, const struct oqz_case_options *opt, oqz_case_run_fn *run, void *ctx,
                                 struct oqz_case_result *ret, struct oqz_err *err);

/* Whether two tensors agree: dtype, shape, and |a - b| <= atol + rtol * |b| everywhere (NaN equals NaN). On
 * disagreement fails with OQZ_E_MISMATCH, naming the first element that differs and the largest difference. */
enum oqz_status oqz_tensor_close(const struct oqz_tensor *a, const struct oqz_tensor *b, double rtol, double atol,
                                 struct oqz_err *err);

/* Calls visit for every folder below `root` that has a model.onnx, in order of their paths (two levels: group/case, or
 * case). */
enum oqz_status oqz_backend_each(const char *root,
                                 enum oqz_status (*visit)(void *ctx, const char *dir, struct oqz_err *err), void *ctx,
                                 struct oqz_err *err);

#endif
