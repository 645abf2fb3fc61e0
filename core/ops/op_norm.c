/* SPDX-License-Identifier: Apache-2.0
 *
 * Normalizations. Most are one statement, y = (x - mean) / sqrt(var + eps) * scale + bias, over different groups of
 * elements: BatchNormalization per channel (with given or, in training, computed statistics), Instance- and
 * GroupNormalization per image and group of channels, LayerNormalization per position. Statistics take two passes in
 * double.
 */
#include "core/ops/op_norm.h"
#include "core/ops/ops_util.h"

#include <stdlib.h>

typedef struct oqz_norm_params norm_params;

static const struct oqz_attr_spec batch_attrs[] = {
	OQZ_A_FLOAT(norm_params, epsilon, 1e-5f),
	OQZ_A_FLOAT(norm_params, momentum, 0.9f),
	OQZ_A_INT(norm_params, training_mode, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec instance_attrs[] = {
	OQZ_A_FLOAT(norm_params, epsilon, 1e-5f),
	{ .name = NULL },
};
static const struct oqz_attr_spec group_attrs[] = {
	OQZ_A_FLOAT(norm_params, epsilon, 1e-5f),
	OQZ_A_REQUIRED(norm_params, num_groups, OQZ_ATTR_INT),
	OQZ_A_INT(norm_params, stash_type, OQZ_DT_F32),
	{ .name = NULL },
};
static const struct oqz_attr_spec layer_attrs[] = {
	OQZ_A_FLOAT(norm_params, epsilon, 1e-5f),
	OQZ_A_INT(norm_params, axis, -1),
	OQZ_A_INT(norm_params, stash_type, OQZ_DT_F32),
	{ .name = NULL },
};
static const struct oqz_attr_spec lrn_attrs[] = {
	OQZ_A_FLOAT(struct oqz_lrn_params, alpha, 1e-4f),
	OQZ_A_FLOAT(struct oqz_lrn_params, beta, 0.75f),
	OQZ_A_FLOAT(struct oqz_lrn_params, bias, 1.0f),
	OQZ_A_REQUIRED(struct oqz_lrn_params, size, OQZ_ATTR_INT),
	{ .name = NULL },
};
static const struct oqz_attr_spec lp_attrs[] = {
	OQZ_A_INT(struct oqz_lp_norm_params, axis, -1),
	OQZ_A_INT(struct oqz_lp_norm_params, p, 2),
	{ .name = NULL },
};
static const struct oqz_attr_spec mvn_attrs[] = {
	OQZ_A_INTS(struct oqz_mvn_params, axes),
	{ .name = NULL },
};

static const norm_params *params(const struct oqz_node *n) { return OQZ_PARAMS(n, norm_params); }

/* ---- types ---- */

/* X (N, C, ...) and vectors of length C (or `other`, when it is positive) at inputs [from, to). */
static enum oqz_status channel_vectors(struct oqz_infer *c, int from, int to, int64_t other, struct oqz_err *err)
{
	int64_t channels = oqz_in_rank(c, 0) >= 2 ? c->in[0]->shape.dim[1] : OQZ_DIM_UNKNOWN;

	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_need_rank(c, 0, 2, OQZ_MAX_RANK, err));
	for (int i = from; i < to; i++) {
		OQZ_TRY(oqz_need_float(c, i, err));
		OQZ_TRY(oqz_need_rank(c, i, 1, 1, err));
		if (oqz_in_rank(c, i) == 1 && c->in[i]->shape.dim[0] != other)
			OQZ_TRY(oqz_need_dim(c->in[i]->shape.dim[0], channels, "length of a per-channel input", err));
	}
	return oqz_infer_same(c, err);
}

static enum oqz_status infer_batch(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(channel_vectors(c, 1, 5, 0, err));
	if (c->n_out > 1 && !params(c->node)->training_mode)
		OQZ_FAIL(err, OQZ_E_DATA, "has %d outputs without training_mode", c->n_out);
	c->out[1] = oqz_in_type(c, 3);
	c->out[2] = oqz_in_type(c, 4);
	return OQZ_OK;
}

static enum oqz_status infer_instance(struct oqz_infer *c, struct oqz_err *err)
{
	return channel_vectors(c, 1, 3, 0, err);
}

static enum oqz_status infer_group(struct oqz_infer *c, struct oqz_err *err)
{
	int64_t groups = params(c->node)->num_groups;
	int64_t channels = oqz_in_rank(c, 0) >= 2 ? c->in[0]->shape.dim[1] : OQZ_DIM_UNKNOWN;

	if (groups < 1 || (channels >= 0 && channels % groups != 0))
		OQZ_FAIL(err, OQZ_E_DATA, "%lld channels in %lld groups", (long long)channels, (long long)groups);
	/* GroupNormalization-18 has one scale per group, 21 one per channel: the length tells */
	return channel_vectors(c, 1, 3, groups, err);
}

/* The scale (and bias) must fit X's trailing dims: broadcasting must not enlarge X. */
static enum oqz_status fits_input(const struct oqz_infer *c, int i, struct oqz_err *err)
{
	struct oqz_shape x = oqz_in_type(c, 0).shape, sum = x, s = oqz_in_type(c, i).shape;

	if (x.rank < 0 || s.rank < 0)
		return OQZ_OK;
	OQZ_TRY(oqz_shape_broadcast(&sum, &s, err));
	return oqz_shape_merge(&sum, &x, err);
}

static enum oqz_status infer_layer(struct oqz_infer *c, struct oqz_err *err)
{
	int rank = oqz_in_rank(c, 0), axis;

	int64_t stash = params(c->node)->stash_type;
	OQZ_TRY(oqz_need_float(c, 0, err));
	if (stash < 1 || stash >= OQZ_DT_COUNT || !oqz_dtype_is_float((enum oqz_dtype)stash))
		OQZ_FAIL(err, OQZ_E_DATA, "stash_type %lld is no float type", (long long)stash);
	OQZ_TRY(oqz_infer_same(c, err));
	for (int i = 1; i < c->n_in; i++)
		OQZ_TRY(fits_input(c, i, err));
	if (rank < 0)
		return OQZ_OK;
	OQZ_TRY(oqz_axis_resolve(params(c->node)->axis, rank, false, &axis, err));
	struct oqz_shape s = c->in[0]->shape;
	for (int i = axis; i < rank; i++)
		s.dim[i] = 1;
	for (int i = 1; i < c->n_out; i++)
		c->out[i] = (struct oqz_type) { (enum oqz_dtype)params(c->node)->stash_type, s };
	return OQZ_OK;
}

static enum oqz_status infer_lrn(struct oqz_infer *c, struct oqz_err *err)
{
	if (OQZ_PARAMS(c->node, struct oqz_lrn_params)->size < 1)
		OQZ_FAIL(err, OQZ_E_DATA, "attribute size is not positive");
	return channel_vectors(c, 0, 0, 0, err);
}

static enum oqz_status infer_lp(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_lp_norm_params *p = OQZ_PARAMS(c->node, struct oqz_lp_norm_params);
	int axis;

	if (p->p != 1 && p->p != 2)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "attribute p = %lld (1 or 2)", (long long)p->p);
	OQZ_TRY(oqz_need_float(c, 0, err));
	if (oqz_in_rank(c, 0) >= 0)
		OQZ_TRY(oqz_axis_resolve(p->axis, oqz_in_rank(c, 0), false, &axis, err));
	return oqz_infer_same(c, err);
}

static enum oqz_status infer_mvn(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(oqz_need_float(c, 0, err));
	return oqz_infer_same(c, err);
}

/* ---- kernels ---- */

static void mean_and_variance(const double *x, int64_t n, double *mean, double *var)
{
	double sum = 0, square = 0;

	for (int64_t i = 0; i < n; i++)
		sum += x[i];
	*mean = n ? sum / (double)n : 0;
	for (int64_t i = 0; i < n; i++)
		square += (x[i] - *mean) * (x[i] - *mean);
	*var = n ? square / (double)n : 0;
}

static double element(const struct oqz_tensor *t, int64_t i) { return oqz_load_f(t->dtype, t->data, (size_t)i); }

/* Statistics of channel ch over batch and space; x is (N, C, S). */
static void channel_statistics(const double *x, int64_t n, int64_t channels, int64_t space, int64_t ch, double *mean,
                               double *var)
{
	double sum = 0, square = 0, count = (double)(n * space);

	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < space; j++)
			sum += x[(i * channels + ch) * space + j];
	*mean = sum / count;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < space; j++) {
			double d = x[(i * channels + ch) * space + j] - *mean;
			square += d * d;
		}
	*var = square / count;
}

/* in: x, scale, bias, mean, var; out: y, and in training the running mean and variance. */
static enum oqz_status run_batch(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;
	const norm_params *p = params(c->node);
	OQZ_CLEANUP_FREE double *x = NULL;
	int64_t channels = s->dim[1], space = oqz_shape_span(s, 2, s->rank), n = space ? s->dim[0] : 0;

	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	for (int64_t ch = 0; ch < channels; ch++) {
		double mean = element(c->in[3], ch), var = element(c->in[4], ch);
		if (p->training_mode) {
			double m, v, keep = (double)p->momentum;
			channel_statistics(x, n, channels, space, ch, &m, &v);
			for (int i = 1; i <= 2; i++)
				if (c->out[i])
					oqz_store_f(c->out[i]->dtype, c->out[i]->data, (size_t)ch,
					            (i == 1 ? mean : var) * keep + (i == 1 ? m : v) * (1 - keep));
			mean = m, var = v;
		}
		double scale = element(c->in[1], ch), bias = element(c->in[2], ch);
		double root = sqrt(var + (double)p->epsilon);
		for (int64_t i = 0; i < n; i++)
			for (int64_t j = 0; j < space; j++) {
				double *v = &x[(i * channels + ch) * space + j];
				*v = (*v - mean) / root * scale + bias;
			}
	}
	oqz_write_f64(c->out[0], x);
	return OQZ_OK;
}

/* Each image's channels in `groups` groups, scale and bias of any length that divides the channels. */
static enum oqz_status run_groups(const struct oqz_call *c, int64_t groups, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;
	OQZ_CLEANUP_FREE double *x = NULL;
	int64_t channels = s->dim[1], space = oqz_shape_span(s, 2, s->rank);
	int64_t lengths[2] = { oqz_tensor_nelem(c->in[1]), oqz_tensor_nelem(c->in[2]) };

	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	int64_t per = groups ? channels / groups : 0;
	for (int64_t i = 0; i < s->dim[0] * groups; i++) {
		double *g = x + i * per * space, mean, var;
		mean_and_variance(g, per * space, &mean, &var);
		double root = sqrt(var + (double)params(c->node)->epsilon);
		for (int64_t j = 0; j < per * space; j++) {
			int64_t ch = i % groups * per + j / space;
			double scale = element(c->in[1], ch * lengths[0] / channels);
			g[j] = (g[j] - mean) / root * scale + element(c->in[2], ch * lengths[1] / channels);
		}
	}
	oqz_write_f64(c->out[0], x);
	return OQZ_OK;
}

static enum oqz_status run_instance(const struct oqz_call *c, struct oqz_err *err)
{
	return run_groups(c, c->in[0]->shape.dim[1], err);
}

static enum oqz_status run_group(const struct oqz_call *c, struct oqz_err *err)
{
	return run_groups(c, params(c->node)->num_groups, err);
}

/* Element of `t`, whose shape broadcasts to x, that belongs to element i of x. */
static double broadcast_element(const struct oqz_tensor *t, const struct oqz_shape *x, int64_t i)
{
	int64_t at = 0, stride = 1;

	for (int d = x->rank - 1, td = t->shape.rank - 1; td >= 0; d--, td--) {
		if (t->shape.dim[td] != 1)
			at += i % x->dim[d] * stride;
		stride *= t->shape.dim[td];
		i /= x->dim[d];
	}
	return element(t, at);
}

/* `center`: LayerNormalization; without it the mean of squares takes the variance's place (RMSNormalization). */
static enum oqz_status run_trailing(const struct oqz_call *c, bool center, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;
	OQZ_CLEANUP_FREE double *x = NULL;
	int axis;

	OQZ_TRY(oqz_axis_resolve(params(c->node)->axis, s->rank, false, &axis, err));
	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	int64_t inner = oqz_shape_span(s, axis, s->rank), outer = oqz_shape_span(s, 0, axis);
	for (int64_t i = 0; i < outer; i++) {
		double *g = x + i * inner, mean, var;
		mean_and_variance(g, inner, &mean, &var);
		if (!center) {
			var += mean * mean;
			mean = 0;
		}
		double inverse = 1 / sqrt(var + (double)params(c->node)->epsilon);
		for (int64_t j = 0; j < inner; j++) {
			g[j] = (g[j] - mean) * inverse * broadcast_element(c->in[1], s, i * inner + j);
			if (center && c->in[2])
				g[j] += broadcast_element(c->in[2], s, i * inner + j);
		}
		if (center && c->out[1])
			oqz_store_f(c->out[1]->dtype, c->out[1]->data, (size_t)i, mean);
		if (center && c->out[2])
			oqz_store_f(c->out[2]->dtype, c->out[2]->data, (size_t)i, inverse);
	}
	oqz_write_f64(c->out[0], x);
	return OQZ_OK;
}

static enum oqz_status run_layer(const struct oqz_call *c, struct oqz_err *err) { return run_trailing(c, true, err); }

static enum oqz_status run_rms(const struct oqz_call *c, struct oqz_err *err) { return run_trailing(c, false, err); }

/* y = x / (bias + alpha / size * sum of squares of `size` channels around)^beta */
static enum oqz_status run_lrn(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_lrn_params *p = OQZ_PARAMS(c->node, struct oqz_lrn_params);
	const struct oqz_shape *s = &c->in[0]->shape;
	OQZ_CLEANUP_FREE double *x = NULL;
	OQZ_CLEANUP_FREE double *y = NULL;
	int64_t channels = s->dim[1], space = oqz_shape_span(s, 2, s->rank);
	int64_t before = (p->size - 1) / 2, after = p->size / 2; /* floor and ceil of (size - 1) / 2 */

	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	OQZ_TRY(oqz_new_f64(oqz_shape_nelem(s), &y, err));
	for (int64_t i = 0, n = oqz_shape_nelem(s); i < n; i++) {
		int64_t ch = i / space % channels, lo = ch > before ? ch - before : 0;
		int64_t hi = after < channels - 1 - ch ? ch + after : channels - 1;
		double square = 0;
		for (int64_t k = lo; k <= hi; k++) {
			double v = x[i + (k - ch) * space];
			square += v * v;
		}
		y[i] = x[i] / pow((double)p->bias + (double)p->alpha / (double)p->size * square, (double)p->beta);
	}
	oqz_write_f64(c->out[0], y);
	return OQZ_OK;
}

/* Norms of lines side by side, element k of line i at x[k * along + i * across]: each sum in order, the lines' sums
 * next to each other. */
enum { LINES = 8 };

static inline __attribute__((always_inline)) void add_lines(const double *x, int64_t n, int64_t along, int64_t across,
                                                            int lines, bool one, double *sum)
{
	for (int64_t k = 0; k < n; k++, x += along)
		for (int i = 0; i < lines; i++) {
			double v = x[i * across];
			sum[i] += one ? fabs(v) : v * v;
		}
}

OQZ_KERNEL static void normalize_lines(double *x, int64_t n, int64_t along, int64_t across, int lines, bool one)
{
	double sum[LINES] = { 0 };

	if (lines == LINES)
		add_lines(x, n, along, across, LINES, one, sum);
	else
		add_lines(x, n, along, across, lines, one, sum);
	for (int i = 0; i < lines; i++) {
		double norm = one ? sum[i] : sqrt(sum[i]), *line = x + i * across;
		if (norm == 0) /* a line of zeros stays one, as in ONNX Runtime */
			continue;
		if (along == 1)
			for (int64_t k = 0; k < n; k++)
				line[k] /= norm;
		else
			for (int64_t k = 0; k < n; k++)
				line[k * along] /= norm;
	}
}

/* Elements [first, first + n) of a tensor. */
static struct oqz_tensor part_of(const struct oqz_tensor *t, int64_t first, int64_t n)
{
	return (struct oqz_tensor) { .dtype = t->dtype,
		                     .shape = oqz_shape_of(1, &n),
		                     .data = (char *)t->data + (size_t)first * oqz_dtype_size(t->dtype) };
}

/* So much at a time as has whole lines, LINES of them when they lie one behind the other: it stays in the cache. */
static enum oqz_status run_lp(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_lp_norm_params *p = OQZ_PARAMS(c->node, struct oqz_lp_norm_params);
	const struct oqz_shape *s = &c->in[0]->shape;
	int axis;

	OQZ_TRY(oqz_axis_resolve(p->axis, s->rank, false, &axis, err));
	int64_t n = s->dim[axis], inner = oqz_shape_span(s, axis + 1, s->rank), total = oqz_shape_nelem(s);
	bool last = inner == 1;
	int64_t piece = last ? LINES * n : n * inner;

	for (int64_t at = 0; at < total; at += piece) {
		int64_t m = total - at < piece ? total - at : piece, lines = m / n;
		struct oqz_tensor from = part_of(c->in[0], at, m), to = part_of(c->out[0], at, m);
		OQZ_CLEANUP_FREE double *x = NULL;

		OQZ_TRY(oqz_read_f64(&from, &x, err));
		for (int64_t i = 0; i < lines; i += LINES)
			normalize_lines(x + i * (last ? n : 1), n, inner, last ? n : 1,
			                (int)(lines - i < LINES ? lines - i : LINES), p->p == 1);
		oqz_write_f64(&to, x);
	}
	return OQZ_OK;
}

/* Offset of element i in the array of groups: the coordinates of the axes that are not normalized. */
static int64_t group_of(const struct oqz_shape *s, const bool *reduced, int64_t i)
{
	int64_t at = 0, stride = 1;

	for (int d = s->rank - 1; d >= 0; d--) {
		if (!reduced[d]) {
			at += i % s->dim[d] * stride;
			stride *= s->dim[d];
		}
		i /= s->dim[d];
	}
	return at;
}

/* Elements one after another that are of one group: the innermost axes that are normalized. */
static int64_t run_of(const struct oqz_shape *s, const bool *reduced)
{
	int64_t n = 1;

	for (int d = s->rank - 1; d >= 0 && reduced[d]; d--)
		n *= s->dim[d];
	return n;
}

/* The sum of n numbers, or of the squares of what `mean` leaves of them: LINES sums side by side, put together in
 * order. */
OQZ_KERNEL static double sum_run(const double *x, int64_t n, double mean, bool squares)
{
	double sum[LINES] = { 0 }, all = 0;
	int64_t i = 0;

	for (; i + LINES <= n; i += LINES)
		for (int l = 0; l < LINES; l++) {
			double v = x[i + l] - mean;
			sum[l] += squares ? v * v : v;
		}
	for (; i < n; i++)
		all += squares ? (x[i] - mean) * (x[i] - mean) : x[i] - mean;
	for (int l = 0; l < LINES; l++)
		all += sum[l];
	return all;
}

OQZ_KERNEL static void normalize_run(double *x, int64_t n, double mean, double by)
{
	for (int64_t i = 0; i < n; i++)
		x[i] = (x[i] - mean) * by;
}

/* (x - E[x]) / (sqrt(E[(x - E[x])^2]) + 1e-9) over `axes`, by default all but the channels. */
static enum oqz_status run_mvn(const struct oqz_call *c, struct oqz_err *err)
{
	static const int64_t all_but_channels[] = { 0, 2, 3 };
	const struct oqz_ints *axes = &OQZ_PARAMS(c->node, struct oqz_mvn_params)->axes;
	const struct oqz_shape *s = &c->in[0]->shape;
	OQZ_CLEANUP_FREE double *x = NULL;
	OQZ_CLEANUP_FREE double *mean = NULL;
	OQZ_CLEANUP_FREE double *var = NULL;
	bool reduced[OQZ_MAX_RANK] = { false };
	int64_t n = oqz_shape_nelem(s), groups = 1;
	int axis;

	for (size_t i = 0; i < (axes->v ? axes->n : OQZ_COUNTOF(all_but_channels)); i++) {
		OQZ_TRY(oqz_axis_resolve(axes->v ? axes->v[i] : all_but_channels[i], s->rank, false, &axis, err));
		reduced[axis] = true;
	}
	for (int d = 0; d < s->rank; d++)
		groups *= reduced[d] ? 1 : s->dim[d];
	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	OQZ_TRY(oqz_new_f64(groups, &mean, err));
	OQZ_TRY(oqz_new_f64(groups, &var, err));
	double count = groups ? (double)(n / groups) : 1;
	int64_t run = run_of(s, reduced);
	for (int pass = 0; pass < 3; pass++)
		for (int64_t i = 0; i < n; i += run) {
			int64_t g = group_of(s, reduced, i);
			if (pass == 0)
				mean[g] += sum_run(x + i, run, 0, false) / count;
			else if (pass == 1)
				var[g] += sum_run(x + i, run, mean[g], true) / count;
			else
				normalize_run(x + i, run, mean[g], 1 / (sqrt(var[g]) + 1e-9));
		}
	oqz_write_f64(c->out[0], x);
	return OQZ_OK;
}

#define PER_CHANNEL OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS)

const struct oqz_op oqz_ops_norm[] = {
	{ OQZ_ROW(BATCH_NORMALIZATION), OQZ_ROW_PARAMS(norm_params, batch_attrs), .infer = infer_batch,
	  .run = run_batch,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT, OQZ_ROLE_BIAS, OQZ_ROLE_BIAS, OQZ_ROLE_BIAS) },
	{ OQZ_ROW(GROUP_NORMALIZATION), OQZ_ROW_PARAMS(norm_params, group_attrs), .infer = infer_group,
	  .run = run_group, PER_CHANNEL },
	{ OQZ_ROW(INSTANCE_NORMALIZATION), OQZ_ROW_PARAMS(norm_params, instance_attrs), .infer = infer_instance,
	  .run = run_instance, PER_CHANNEL },
	{ OQZ_ROW(LAYER_NORMALIZATION), OQZ_ROW_PARAMS(norm_params, layer_attrs), .infer = infer_layer,
	  .run = run_layer, PER_CHANNEL },
	{ OQZ_ROW(LP_NORMALIZATION), OQZ_ROW_PARAMS(struct oqz_lp_norm_params, lp_attrs), .infer = infer_lp,
	  .run = run_lp },
	{ OQZ_ROW(LRN), OQZ_ROW_PARAMS(struct oqz_lrn_params, lrn_attrs), .infer = infer_lrn, .run = run_lrn },
	{ OQZ_ROW(MEAN_VARIANCE_NORMALIZATION), OQZ_ROW_PARAMS(struct oqz_mvn_params, mvn_attrs), .infer = infer_mvn,
	  .run = run_mvn },
	{ OQZ_ROW(RMS_NORMALIZATION), OQZ_ROW_PARAMS(norm_params, layer_attrs), .infer = infer_layer, .run = run_rms,
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_WEIGHT) },
	{ .name = NULL },
};
