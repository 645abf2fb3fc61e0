/* SPDX-License-Identifier: Apache-2.0
 *
 * Runner for ONNX backend test folders. Gradients and defective cases are SKIP; everything else that is not the
 * expected result is a FAIL, a missing operator included: otherwise a suite looks better the less the program can do.
 */
#include "core/onnx/backend_case.h"
#include "core/onnx/onnx.h"
#include "core/ops/capture.h"
#include "core/ops/fold.h"
#include "core/ops/interpret.h"
#include "core/ops/op.h"
#include "core/tensor/text.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PATH = 4096 };

/* ---- comparison ---- */

static bool close_enough(double a, double b, double rtol, double atol)
{
	if (isnan(a) || isnan(b))
		return isnan(a) && isnan(b);
	if (isinf(a) || isinf(b))
		return a == b;
	return fabs(a - b) <= atol + rtol * fabs(b);
}

static enum oqz_status same_form(const struct oqz_tensor *a, const struct oqz_tensor *b, struct oqz_err *err)
{
	char ta[OQZ_SHAPE_STR], tb[OQZ_SHAPE_STR];

	if (a->dtype != b->dtype)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "type %s, expected %s", oqz_dtype_name(a->dtype),
		         oqz_dtype_name(b->dtype));
	if (!oqz_shape_equal(&a->shape, &b->shape))
		OQZ_FAIL(err, OQZ_E_MISMATCH, "shape %s, expected %s", oqz_shape_str(&a->shape, ta, sizeof ta),
		         oqz_shape_str(&b->shape, tb, sizeof tb));
	return OQZ_OK;
}

static enum oqz_status texts_equal(const struct oqz_tensor *a, const struct oqz_tensor *b, struct oqz_err *err)
{
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(b); i++)
		if (oqz_text_at(a, i) != oqz_text_at(b, i))
			OQZ_FAIL(err, OQZ_E_MISMATCH, "element %zu is \"%.40s\", expected \"%.40s\"", i,
			         oqz_text_bytes(oqz_text_at(a, i)), oqz_text_bytes(oqz_text_at(b, i)));
	return OQZ_OK;
}

enum oqz_status oqz_tensor_close(const struct oqz_tensor *a, const struct oqz_tensor *b, double rtol, double atol,
                                 struct oqz_err *err)
{
	double worst = 0, wa = 0, wb = 0;
	int64_t bad = 0, where = 0, n = oqz_tensor_nelem(b);

	OQZ_TRY(same_form(a, b, err));
	if (b->dtype == OQZ_DT_STRING)
		return texts_equal(a, b, err);
	for (int64_t i = 0; i < n; i++) {
		double x = oqz_load_f(a->dtype, a->data, (size_t)i), y = oqz_load_f(b->dtype, b->data, (size_t)i);
		if (close_enough(x, y, rtol, atol))
			continue;
		if (bad++ == 0 || fabs(x - y) > worst) {
			worst = fabs(x - y);
			where = i;
			wa = x;
			wb = y;
		}
	}
	if (bad)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "%lld of %lld elements differ, most at %lld: %.9g, expected %.9g",
		         (long long)bad, (long long)n, (long long)where, wa, wb);
	return OQZ_OK;
}

/* Lists agree element by element. An optional that holds a value agrees with the value: the ONNX test runner's values
 * do not tell them apart. */
static enum oqz_status value_close(const struct oqz_tensor *a, const struct oqz_tensor *b, double rtol, double atol,
                                   struct oqz_err *err)
{
	while (a->dtype == OQZ_DT_OPTIONAL && a->shape.dim[0])
		a = oqz_list_at(a, 0);
	while (b->dtype == OQZ_DT_OPTIONAL && b->shape.dim[0])
		b = oqz_list_at(b, 0);
	if (!oqz_dtype_is_list(b->dtype))
		return oqz_tensor_close(a, b, rtol, atol, err);
	if (a->dtype != b->dtype || a->shape.dim[0] != b->shape.dim[0])
		OQZ_FAIL(err, OQZ_E_MISMATCH, "%s of %lld elements, expected %s of %lld", oqz_dtype_name(a->dtype),
		         (long long)oqz_tensor_nelem(a), oqz_dtype_name(b->dtype), (long long)b->shape.dim[0]);
	for (int64_t i = 0; i < b->shape.dim[0]; i++) /* a sequence: its elements are tensors */
		if (oqz_tensor_close(oqz_list_at(a, i), oqz_list_at(b, i), rtol, atol, err) != OQZ_OK)
			return oqz_err_prefix(err, "element %lld", (long long)i);
	return OQZ_OK;
}

/* ---- engines ---- */

enum oqz_status oqz_case_run_reference(void *ctx, const struct oqz_graph *g, const struct oqz_tensor *const *inputs,
                                       struct oqz_tensor *outputs, struct oqz_err *err)
{
	(void)ctx;
	return oqz_interpret(g, inputs, outputs, NULL, NULL, err);
}

enum oqz_status oqz_case_run_bound(void *ctx, const struct oqz_graph *g, const struct oqz_tensor *const *inputs,
                                   struct oqz_tensor *outputs, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *bound = NULL;
	OQZ_CLEANUP_FREE struct oqz_shape *shapes = calloc(g->inputs.n + 1, sizeof *shapes);

	(void)ctx;
	if (!shapes)
		return oqz_err_nomem(err, "input shapes", g->inputs.n * sizeof *shapes);
	for (size_t i = 0; i < g->inputs.n; i++)
		shapes[i] = inputs[i]->shape;
	OQZ_TRY(oqz_graph_clone(g, &bound, err));
	OQZ_TRY(oqz_bind_shapes(bound, shapes, err));
	return oqz_interpret(bound, inputs, outputs, NULL, NULL, err);
}

/* ---- what is not run ---- */

/* Cases whose own files contradict each other, with how. */
static const struct {
	const char *name, *reason;
} defective[] = {
	{ "test_adam_multiple", "its outputs were computed with an epsilon that its model does not have" },
};

/* Why a case is left out, or NULL: training, of which oqz only has the optimizers' formulas, and defective cases. An
 * operator that the program lacks is a failure. */
static const char *left_out(const char *dir, const struct oqz_graph *g)
{
	const char *slash = strrchr(dir, '/');

	for (size_t i = 0; i < OQZ_COUNTOF(defective); i++)
		if (strcmp(slash ? slash + 1 : dir, defective[i].name) == 0)
			return defective[i].reason;
	for (size_t i = 0; i < g->nodes.n; i++)
		if (strcmp(g->nodes.v[i]->domain, "ai.onnx.preview.training") == 0 &&
		    strcmp(g->nodes.v[i]->op_type, "Gradient") == 0)
			return "training";
	return NULL;
}

/* ---- what cannot be compared ---- */

/* Whether some node, in a body too, draws random numbers: ONNX leaves the generator to each engine. */
static bool draws(const struct oqz_node *n, int depth)
{
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	int bodies = depth < OQZ_MAX_NESTING ? oqz_node_bodies(n, body) : 0;

	for (int b = 0; b < bodies; b++)
		for (size_t i = 0; i < body[b]->nodes.n; i++)
			if (draws(body[b]->nodes.v[i], depth + 1))
				return true;
	return n->op && n->op->random;
}

/* Whether output `which` depends on drawn numbers. Nodes stand in topological order; `drawn` is by value id. */
static bool is_drawn(const struct oqz_graph *g, size_t which, bool *drawn)
{
	memset(drawn, 0, g->values.n * sizeof *drawn);
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct oqz_node *n = g->nodes.v[i];
		bool yes = draws(n, 0);
		for (int k = 0; k < n->n_in && !yes; k++)
			yes = n->in[k] && n->in[k]->graph == g && drawn[n->in[k]->id];
		for (int k = 0; k < n->n_out; k++)
			if (n->out[k])
				drawn[n->out[k]->id] = yes;
	}
	return drawn[g->outputs.v[which]->id];
}

/* The part of a drawn result that is no chance: type, shape, and that draws of yes and no are nothing else. */
static enum oqz_status drawn_close(const struct oqz_tensor *a, const struct oqz_tensor *b, struct oqz_err *err)
{
	bool binary = true;

	OQZ_TRY(same_form(a, b, err));
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(b); i++) {
		double x = oqz_load_f(b->dtype, b->data, i);
		binary &= x == 0 || x == 1;
	}
	for (size_t i = 0; binary && i < (size_t)oqz_tensor_nelem(a); i++) {
		double x = oqz_load_f(a->dtype, a->data, i);
		if (x != 0 && x != 1)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "element %zu is %.9g, expected 0 or 1", i, x);
	}
	return OQZ_OK;
}

/* Vectors of bfloat16 before ONNX 1.13 hold its codes as uint16, and their authors cut off what Cast rounds: one step
 * apart is agreement. (The ONNX test runner, which compares the codes as numbers, allows sixteen.) */
static enum oqz_status codes_close(const struct oqz_tensor *a, const struct oqz_tensor *b, struct oqz_err *err)
{
	const uint16_t *x = a->data, *y = b->data;

	OQZ_TRY(same_form(a, b, err));
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(b); i++)
		if (abs((int)x[i] - (int)y[i]) > 1)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "element %zu is %.9g, expected %.9g or its neighbour", i,
			         oqz_load_f(a->dtype, a->data, i), oqz_load_f(b->dtype, b->data, i));
	return OQZ_OK;
}

/* ---- one folder ---- */

struct tensors {
	size_t n;
	struct oqz_tensor *t;
	const struct oqz_tensor **p;
};

static void tensors_release(struct tensors *s)
{
	for (size_t i = 0; s->t && i < s->n; i++)
		oqz_tensor_release(&s->t[i]);
	free(s->t);
	free((void *)s->p);
}

static enum oqz_status tensors_init(struct tensors *s, size_t n, struct oqz_err *err)
{
	s->n = n;
	s->t = calloc(n + 1, sizeof *s->t);
	s->p = calloc(n + 1, sizeof *s->p);
	if (!s->t || !s->p)
		return oqz_err_nomem(err, "test tensors", n * sizeof *s->t);
	for (size_t i = 0; i < n; i++)
		s->p[i] = &s->t[i];
	return OQZ_OK;
}

/* <dir>/<what>_0.pb ... into s, which belong to `values`. */
static enum oqz_status load_tensors(const char *dir, const char *what, struct oqz_value *const *values,
                                    struct tensors *s, struct oqz_err *err)
{
	char path[MAX_PATH];

	for (size_t i = 0; i < s->n; i++) {
		snprintf(path, sizeof path, "%s/%s_%zu.pb", dir, what, i);
		OQZ_TRY(oqz_onnx_load_value(path, values[i]->kind, &s->t[i], err));
	}
	return OQZ_OK;
}

/* The vectors' authors had no bfloat16 in NumPy and wrote its bits as uint16. Tells whether it was so. */
static bool as_declared(struct oqz_tensor *t, const struct oqz_value *v)
{
	bool codes = t->dtype == OQZ_DT_U16 && v->type.dtype == OQZ_DT_BF16;

	if (codes)
		t->dtype = OQZ_DT_BF16;
	return codes;
}

/* Some vectors have an input of another shape than their model declares; the ONNX test runner never looks. The type
 * that was inferred from the declaration is forgotten by whoever binds shapes. */
static void trust_data(struct oqz_value *v, const struct oqz_tensor *t)
{
	struct oqz_shape *s = &v->type.shape;
	bool agree = s->rank == t->shape.rank;

	for (int i = 0; agree && i < s->rank; i++)
		agree = s->dim[i] < 0 || s->dim[i] == t->shape.dim[i];
	if (v->kind == OQZ_VALUE_TENSOR && !agree)
		s->rank = OQZ_RANK_UNKNOWN;
}

/* Output i against the expected one. */
static enum oqz_status compare_output(const struct oqz_graph *g, size_t i, const struct oqz_tensor *got,
                                      struct oqz_tensor *want, const struct oqz_case_options *opt, bool *ret_drawn,
                                      struct oqz_err *err)
{
	OQZ_CLEANUP_FREE bool *drawn = malloc(g->values.n * sizeof *drawn + 1);

	if (!drawn)
		return oqz_err_nomem(err, "values", g->values.n);
	if (as_declared(want, g->outputs.v[i]))
		return codes_close(got, want, err);
	if (!is_drawn(g, i, drawn))
		return value_close(got, want, opt->rtol, opt->atol, err);
	*ret_drawn = true;
	return drawn_close(got, want, err);
}

static enum oqz_status run_set(struct oqz_graph *g, const char *dir, const struct oqz_case_options *opt,
                               oqz_case_run_fn *run, void *ctx, struct oqz_case_result *r, struct oqz_err *err)
{
	OQZ_CLEANUP(tensors_release) struct tensors in = { 0 }, out = { 0 }, want = { 0 };

	OQZ_TRY(tensors_init(&in, g->inputs.n, err));
	OQZ_TRY(tensors_init(&out, g->outputs.n, err));
	OQZ_TRY(tensors_init(&want, g->outputs.n, err));
	OQZ_TRY(load_tensors(dir, "input", g->inputs.v, &in, err));
	OQZ_TRY(load_tensors(dir, "output", g->outputs.v, &want, err));
	for (size_t i = 0; i < in.n; i++)
		as_declared(&in.t[i], g->inputs.v[i]);
	for (size_t i = 0; i < in.n; i++)
		trust_data(g->inputs.v[i], &in.t[i]);
	OQZ_TRY(run(ctx, g, in.p, out.t, err));
	for (size_t i = 0; i < out.n; i++)
		if (compare_output(g, i, &out.t[i], &want.t[i], opt, &r->drawn, err) != OQZ_OK)
			return oqz_err_prefix(err, "output %zu ('%s')", i, g->outputs.v[i]->name);
	return OQZ_OK;
}

static enum oqz_status run_sets(const char *dir, const struct oqz_case_options *opt, oqz_case_run_fn *run, void *ctx,
                                struct oqz_case_result *r, const char **ret_left_out, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	char path[MAX_PATH];

	snprintf(path, sizeof path, "%s/model.onnx", dir);
	OQZ_TRY(oqz_onnx_load(path, &g, err));
	if ((*ret_left_out = left_out(dir, g)))
		return OQZ_OK;
	OQZ_TRY(oqz_ops_resolve(g, err));
	OQZ_TRY(oqz_infer_types(g, err));
	for (int i = 0;; i++) {
		snprintf(path, sizeof path, "%s/test_data_set_%d", dir, i);
		if (access(path, F_OK) != 0) {
			if (i == 0)
				OQZ_FAIL(err, OQZ_E_NOENT, "%s: no data set", dir);
			return OQZ_OK;
		}
		OQZ_TRY(run_set(g, path, opt, run, ctx, r, err));
	}
}

enum oqz_status oqz_backend_case(const char *dir, const struct oqz_case_options *opt, oqz_case_run_fn *run, void *ctx,
                                 struct oqz_case_result *ret, struct oqz_err *err)
{
	static const struct oqz_case_options usual = { .rtol = 1e-3, .atol = 1e-7 };
	struct oqz_err why = { 0 };
	struct oqz_case_result r = { 0 };
	const char *skip = NULL;
	enum oqz_status st;

	if (strlen(dir) > MAX_PATH - 64)
		OQZ_FAIL(err, OQZ_E_USAGE, "the path of a test folder is too long");
	st = run_sets(dir, opt ? opt : &usual, run, ctx, &r, &skip, &why);
	r.outcome = st != OQZ_OK ? OQZ_CASE_FAIL : skip ? OQZ_CASE_SKIP : OQZ_CASE_PASS;
	snprintf(r.reason, sizeof r.reason, "%.*s", (int)sizeof r.reason - 1, st != OQZ_OK || !skip ? why.msg : skip);
	*ret = r;
	return OQZ_OK;
}

/* ---- many folders ---- */

static int not_hidden(const struct dirent *d) { return d->d_name[0] != '.'; }

static bool has_model(const char *dir)
{
	char path[MAX_PATH];

	return (size_t)snprintf(path, sizeof path, "%s/model.onnx", dir) < sizeof path && access(path, R_OK) == 0;
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* One level: visits cases below dir; if `groups`, looks one level deeper where there is no case. */
static enum oqz_status each_below(const char *dir, bool groups,
                                  enum oqz_status (*visit)(void *, const char *, struct oqz_err *), void *ctx,
                                  struct oqz_err *err)
{
	struct dirent **names;
	char path[MAX_PATH];
	enum oqz_status st = OQZ_OK;
	int n = scandir(dir, &names, not_hidden, alphasort);

	if (n < 0)
		return groups ? oqz_err_set(err, OQZ_E_NOENT, "%s: not a folder that can be read", dir) : OQZ_OK;
	for (int i = 0; i < n && st == OQZ_OK; i++) {
		if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name) >= sizeof path)
			continue;
		if (has_model(path))
			st = visit(ctx, path, err);
		else if (groups)
			st = each_below(path, false, visit, ctx, err);
	}
	free_names(names, n);
	return st;
}

enum oqz_status oqz_backend_each(const char *root,
                                 enum oqz_status (*visit)(void *ctx, const char *dir, struct oqz_err *err), void *ctx,
                                 struct oqz_err *err)
{
	if (has_model(root))
		return visit(ctx, root, err);
	return each_below(root, true, visit, ctx, err);
}
