/* SPDX-License-Identifier: Apache-2.0
 *
 * Signal processing and a little linear algebra: windows, DFT, STFT, MelWeightMatrix, Det. Transforms are the
 * plain sum over a table of roots of unity, quadratic but exact to the last bits; core/exec/impl_dft.c has the fast
 * one.
 */
#include "core/ops/op_signal.h"
#include "core/ops/ops_util.h"

#include <stdlib.h>

#define PI 3.14159265358979323846

struct signal {
	int64_t output_datatype, periodic, axis, inverse, onesided;
};

static enum oqz_status scalar(const struct oqz_tensor *t, const char *what, double *ret, struct oqz_err *err)
{
	if (oqz_tensor_nelem(t) != 1)
		OQZ_FAIL(err, OQZ_E_DATA, "%s has %lld elements, not 1", what, (long long)oqz_tensor_nelem(t));
	*ret = oqz_load_f(t->dtype, t->data, 0);
	if (!(fabs(*ret) < 0x1p40))
		OQZ_FAIL(err, OQZ_E_DATA, "%s is %g", what, *ret);
	return OQZ_OK;
}

/* A length or count: a whole number, not negative. */
static enum oqz_status length_of(const struct oqz_tensor *t, const char *what, int64_t *ret, struct oqz_err *err)
{
	double x = 0;

	OQZ_TRY(scalar(t, what, &x, err));
	if (x < 0)
		OQZ_FAIL(err, OQZ_E_DATA, "%s is %g", what, x);
	*ret = (int64_t)x;
	return OQZ_OK;
}

static enum oqz_status output_type(const struct oqz_infer *c, enum oqz_dtype *ret, struct oqz_err *err)
{
	int64_t t = OQZ_PARAMS(c->node, struct signal)->output_datatype;

	if (t <= 0 || t >= OQZ_DT_COUNT || oqz_dtype_size((enum oqz_dtype)t) == 0)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "output_datatype %lld", (long long)t);
	*ret = (enum oqz_dtype)t;
	return OQZ_OK;
}

/* ---- windows: a0 - a1 cos(t) + a2 cos(2t) ---- */

static enum oqz_status infer_window(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(output_type(c, &c->out[0].dtype, err));
	c->out[0].shape = oqz_shape_unknown(1);
	return c->constant[0] ? length_of(c->constant[0], "size", &c->out[0].shape.dim[0], err) : OQZ_OK;
}

static enum oqz_status run_window(const struct oqz_call *c, struct oqz_err *err)
{
	const double *a = c->node->op->formula;
	int64_t n = oqz_tensor_nelem(c->out[0]), period = n - !OQZ_PARAMS(c->node, struct signal)->periodic;

	(void)err;
	for (int64_t i = 0; i < n; i++) {
		double t = period > 0 ? 2 * PI * (double)i / (double)period : 0;

		oqz_store_f(c->out[0]->dtype, c->out[0]->data, (size_t)i, a[0] - a[1] * cos(t) + a[2] * cos(2 * t));
	}
	return OQZ_OK;
}

/* ---- DFT ---- */

enum oqz_status oqz_dft_roots(int64_t n, double **ret, struct oqz_err *err)
{
	OQZ_TRY(oqz_new_f64(2 * n, ret, err));
	for (int64_t k = 0; k < n; k++) {
		(*ret)[2 * k] = cos(2 * PI * (double)k / (double)n);
		(*ret)[2 * k + 1] = sin(2 * PI * (double)k / (double)n);
	}
	return OQZ_OK;
}

/* Bin f of n complex samples (re, im pairs); sign -1 forwards, +1 backwards. */
static void bin_of(const double *x, int64_t n, int64_t f, const double *root, double sign, double *re, double *im)
{
	double a = 0, b = 0;

	for (int64_t i = 0, k = 0; i < n; i++, k = (k + f) % n) {
		double c = root[2 * k], s = sign * root[2 * k + 1];

		a += x[2 * i] * c - x[2 * i + 1] * s;
		b += x[2 * i] * s + x[2 * i + 1] * c;
	}
	*re = a;
	*im = b;
}

/* The axis is input 2 (DFT-20), or the attribute that older forms have, or the last but one. */
enum oqz_status oqz_dft_plan(const struct oqz_node *n, const struct oqz_shape *x, const struct oqz_tensor *length,
                             const struct oqz_tensor *axis, struct oqz_dft *d, struct oqz_err *err)
{
	const struct signal *p = OQZ_PARAMS(n, struct signal);
	int64_t which = oqz_node_attr(n, "axis") ? p->axis : -2;
	double v = 0;

	if (x->rank < 2 || (x->dim[x->rank - 1] != 1 && x->dim[x->rank - 1] != 2))
		OQZ_FAIL(err, OQZ_E_DATA, "the last dimension is not 1 (real) or 2 (complex)");
	if (axis) {
		OQZ_TRY(scalar(axis, "axis", &v, err));
		which = (int64_t)v;
	}
	OQZ_TRY(oqz_axis_resolve(which, x->rank, false, &d->axis, err));
	if (d->axis == x->rank - 1)
		OQZ_FAIL(err, OQZ_E_DATA, "the axis is that of real and imaginary parts");
	d->length = x->dim[d->axis];
	if (p->onesided && p->inverse && d->length > 0) /* an even signal, unless dft_length says otherwise */
		d->length = 2 * (d->length - 1);
	if (length)
		OQZ_TRY(length_of(length, "dft_length", &d->length, err));
	d->inverse = p->inverse != 0;
	d->mirrored = p->inverse && p->onesided;
	d->bins = p->onesided && !p->inverse ? d->length / 2 + 1 : d->length;
	return OQZ_OK;
}

static enum oqz_status infer_dft(struct oqz_infer *c, struct oqz_err *err)
{
	struct oqz_dft d;

	OQZ_TRY(oqz_need_float(c, 0, err));
	c->out[0].dtype = c->in[0]->dtype;
	if (!oqz_shape_concrete(&c->in[0]->shape) || (c->in[1] && !c->constant[1]) || (c->in[2] && !c->constant[2])) {
		if (c->in[0]->shape.rank >= 0)
			c->out[0].shape = oqz_shape_unknown(c->in[0]->shape.rank);
		return OQZ_OK;
	}
	OQZ_TRY(oqz_dft_plan(c->node, &c->in[0]->shape, c->constant[1], c->constant[2], &d, err));
	c->out[0].shape = c->in[0]->shape;
	c->out[0].shape.dim[d.axis] = d.bins;
	c->out[0].shape.dim[c->out[0].shape.rank - 1] = d.mirrored ? 1 : 2;
	return OQZ_OK;
}

static enum oqz_status run_dft(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	OQZ_CLEANUP_FREE double *root = NULL;
	OQZ_CLEANUP_FREE double *line = NULL;
	int last = x->shape.rank - 1;
	struct oqz_dft d;

	OQZ_TRY(oqz_dft_plan(c->node, &x->shape, c->in[1], c->in[2], &d, err));
	int64_t parts = x->shape.dim[last], have = x->shape.dim[d.axis];
	int64_t outer = oqz_shape_span(&x->shape, 0, d.axis), inner = oqz_shape_span(&x->shape, d.axis + 1, last);
	OQZ_TRY(oqz_dft_roots(d.length, &root, err));
	OQZ_TRY(oqz_new_f64(2 * d.length, &line, err));
	for (int64_t lane = 0; lane < outer * inner; lane++) {
		int64_t o = lane / inner, i = lane % inner;

		for (int64_t k = 0; k < d.length; k++)
			for (int64_t q = 0; q < 2; q++)
				line[2 * k + q] = k < have && q < parts
				                      ? oqz_load_f(x->dtype, x->data,
				                                   (size_t)(((o * have + k) * inner + i) * parts + q))
				                      : 0;
		for (int64_t k = 1; d.mirrored && k < d.length - k; k++) {
			line[2 * (d.length - k)] = line[2 * k];
			line[2 * (d.length - k) + 1] = -line[2 * k + 1];
		}
		for (int64_t f = 0; f < d.bins; f++) {
			size_t at = (size_t)(((o * d.bins + f) * inner + i) * (d.mirrored ? 1 : 2));
			double re, im, scale = d.inverse ? 1 / (double)d.length : 1;

			bin_of(line, d.length, f, root, d.inverse ? 1 : -1, &re, &im);
			oqz_store_f(c->out[0]->dtype, c->out[0]->data, at, re * scale);
			if (!d.mirrored)
				oqz_store_f(c->out[0]->dtype, c->out[0]->data, at + 1, im * scale);
		}
	}
	return OQZ_OK;
}

/* ---- STFT: (batch, length, 1 or 2) -> (batch, frames, bins, 2) ---- */

struct stft {
	int64_t step, length, frames, bins;
};

static enum oqz_status stft_plan(const struct oqz_node *n, const struct oqz_shape *x,
                                 const struct oqz_tensor *const in[4], struct stft *s, struct oqz_err *err)
{
	if (x->rank != 3 || (x->dim[2] != 1 && x->dim[2] != 2))
		OQZ_FAIL(err, OQZ_E_DATA, "a signal that is not (batch, length, 1 or 2)");
	if (!in[2] && !in[3])
		OQZ_FAIL(err, OQZ_E_DATA, "neither a window nor a frame_length");
	OQZ_TRY(length_of(in[1], "frame_step", &s->step, err));
	s->length = in[2] ? oqz_tensor_nelem(in[2]) : 0;
	if (in[3])
		OQZ_TRY(length_of(in[3], "frame_length", &s->length, err));
	if (in[2] && oqz_tensor_nelem(in[2]) != s->length)
		OQZ_FAIL(err, OQZ_E_DATA, "a window of %lld for frames of %lld", (long long)oqz_tensor_nelem(in[2]),
		         (long long)s->length);
	if (s->step < 1 || s->length < 1 || s->length > x->dim[1])
		OQZ_FAIL(err, OQZ_E_DATA, "frames of %lld every %lld in a signal of %lld", (long long)s->length,
		         (long long)s->step, (long long)x->dim[1]);
	s->frames = (x->dim[1] - s->length) / s->step + 1;
	s->bins = OQZ_PARAMS(n, struct signal)->onesided ? s->length / 2 + 1 : s->length;
	return OQZ_OK;
}

static enum oqz_status infer_stft(struct oqz_infer *c, struct oqz_err *err)
{
	struct stft s;

	OQZ_TRY(oqz_need_float(c, 0, err));
	c->out[0].dtype = c->in[0]->dtype;
	c->out[0].shape = oqz_shape_unknown(4);
	for (int i = 1; i < 4; i++)
		if (c->in[i] && !c->constant[i])
			return OQZ_OK;
	if (!oqz_shape_concrete(&c->in[0]->shape))
		return OQZ_OK;
	OQZ_TRY(stft_plan(c->node, &c->in[0]->shape, c->constant, &s, err));
	c->out[0].shape = oqz_shape_of(4, (const int64_t[]) { c->in[0]->shape.dim[0], s.frames, s.bins, 2 });
	return OQZ_OK;
}

static enum oqz_status run_stft(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0], *w = c->in[2];
	OQZ_CLEANUP_FREE double *root = NULL;
	OQZ_CLEANUP_FREE double *line = NULL;
	int64_t batch = x->shape.dim[0], parts = x->shape.dim[2];
	struct stft s;

	OQZ_TRY(stft_plan(c->node, &x->shape, c->in, &s, err));
	OQZ_TRY(oqz_dft_roots(s.length, &root, err));
	OQZ_TRY(oqz_new_f64(2 * s.length, &line, err));
	for (int64_t row = 0; row < batch * s.frames; row++) {
		int64_t from = row / s.frames * x->shape.dim[1] + row % s.frames * s.step;

		for (int64_t k = 0; k < 2 * s.length; k++)
			line[k] = k % 2 < parts
			              ? oqz_load_f(x->dtype, x->data, (size_t)((from + k / 2) * parts + k % 2)) *
			                    (w ? oqz_load_f(w->dtype, w->data, (size_t)(k / 2)) : 1)
			              : 0;
		for (int64_t f = 0; f < s.bins; f++) {
			size_t at = (size_t)((row * s.bins + f) * 2);
			double re, im;

			bin_of(line, s.length, f, root, -1, &re, &im);
			oqz_store_f(c->out[0]->dtype, c->out[0]->data, at, re);
			oqz_store_f(c->out[0]->dtype, c->out[0]->data, at + 1, im);
		}
	}
	return OQZ_OK;
}

/* ---- MelWeightMatrix ---- */

static enum oqz_status infer_mel(struct oqz_infer *c, struct oqz_err *err)
{
	int64_t bins, length;

	OQZ_TRY(output_type(c, &c->out[0].dtype, err));
	c->out[0].shape = oqz_shape_unknown(2);
	if (!c->constant[0] || !c->constant[1])
		return OQZ_OK;
	OQZ_TRY(length_of(c->constant[0], "num_mel_bins", &bins, err));
	OQZ_TRY(length_of(c->constant[1], "dft_length", &length, err));
	c->out[0].shape = oqz_shape_of(2, (const int64_t[]) { length / 2 + 1, bins });
	return OQZ_OK;
}

/* Spectrogram bin of corner number i of the n + 2 corners of the triangles. */
static int64_t mel_corner(int64_t i, int64_t n, double length, double rate, double lo, double hi)
{
	double from = 2595 * log10(1 + lo / 700), to = 2595 * log10(1 + hi / 700);
	double mel = from + (double)i * (to - from) / (double)(n + 2);

	return (int64_t)floor((length + 1) * 700 * (pow(10, mel / 2595) - 1) / rate);
}

static enum oqz_status run_mel(const struct oqz_call *c, struct oqz_err *err)
{
	static const char *const names[] = { "num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz",
		                             "upper_edge_hertz" };
	struct oqz_tensor *out = c->out[0];
	int64_t rows = out->shape.dim[0], cols = out->shape.dim[1];
	double v[5];

	for (int i = 0; i < 5; i++)
		OQZ_TRY(scalar(c->in[i], names[i], &v[i], err));
	memset(out->data, 0, oqz_tensor_bytes(out));
	for (int64_t m = 0; m < cols; m++) {
		int64_t a = mel_corner(m, cols, v[1], v[2], v[3], v[4]);
		int64_t b = mel_corner(m + 1, cols, v[1], v[2], v[3], v[4]);
		int64_t e = mel_corner(m + 2, cols, v[1], v[2], v[3], v[4]);

		if (!(v[2] > 0) || a < 0 || b < a || e < b || b >= rows || e > rows)
			OQZ_FAIL(err, OQZ_E_DATA, "edges of %g and %g Hz at a sample rate of %g", v[3], v[4], v[2]);
		for (int64_t j = a; j <= b; j++)
			oqz_store_f(out->dtype, out->data, (size_t)(j * cols + m),
			            a == b ? 1 : (double)(j - a) / (double)(b - a));
		for (int64_t j = b; j < e; j++)
			oqz_store_f(out->dtype, out->data, (size_t)(j * cols + m), (double)(e - j) / (double)(e - b));
	}
	return OQZ_OK;
}

/* ---- Det ---- */

static enum oqz_status infer_det(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_need_rank(c, 0, 2, OQZ_MAX_RANK, err));
	c->out[0] = *c->in[0];
	if (c->in[0]->shape.rank < 0)
		return OQZ_OK;
	OQZ_TRY(oqz_need_dim(c->in[0]->shape.dim[c->in[0]->shape.rank - 1],
	                     c->in[0]->shape.dim[c->in[0]->shape.rank - 2], "columns of the matrix", err));
	c->out[0].shape.rank -= 2;
	return OQZ_OK;
}

/* Elimination with partial pivoting; the matrix is used up. */
static double determinant(double *a, int64_t n)
{
	double det = 1;

	for (int64_t k = 0; k < n; k++) {
		int64_t p = k;

		for (int64_t i = k + 1; i < n; i++)
			p = fabs(a[i * n + k]) > fabs(a[p * n + k]) ? i : p;
		if (a[p * n + k] == 0)
			return 0;
		det *= p == k ? a[p * n + k] : -a[p * n + k];
		for (int64_t j = k; j < n && p != k; j++) {
			double t = a[k * n + j];

			a[k * n + j] = a[p * n + j];
			a[p * n + j] = t;
		}
		for (int64_t i = k + 1; i < n; i++) {
			double f = a[i * n + k] / a[k * n + k];

			for (int64_t j = k; j < n; j++)
				a[i * n + j] -= f * a[k * n + j];
		}
	}
	return det;
}

static enum oqz_status run_det(const struct oqz_call *c, struct oqz_err *err)
{
	int64_t n = c->in[0]->shape.dim[c->in[0]->shape.rank - 1], count = oqz_tensor_nelem(c->out[0]);
	OQZ_CLEANUP_FREE double *a = NULL;

	OQZ_TRY(oqz_read_f64(c->in[0], &a, err));
	for (int64_t i = 0; i < count; i++)
		oqz_store_f(c->out[0]->dtype, c->out[0]->data, (size_t)i, determinant(a + i * n * n, n));
	return OQZ_OK;
}

/* ---- rows ---- */

static const struct oqz_attr_spec window_attrs[] = {
	OQZ_A_INT(struct signal, output_datatype, 1),
	OQZ_A_INT(struct signal, periodic, 1),
	{ .name = NULL },
};
static const struct oqz_attr_spec dft_attrs[] = {
	OQZ_A_INT(struct signal, axis, -2),
	OQZ_A_INT(struct signal, inverse, 0),
	OQZ_A_INT(struct signal, onesided, 0),
	{ .name = NULL },
};
static const struct oqz_attr_spec stft_attrs[] = { OQZ_A_INT(struct signal, onesided, 1), { .name = NULL } };
static const struct oqz_attr_spec mel_attrs[] = { OQZ_A_INT(struct signal, output_datatype, 1), { .name = NULL } };

static const double hann[] = { 0.5, 0.5, 0 }, hamming[] = { 25. / 46, 1 - 25. / 46, 0 },
                    blackman[] = { 0.42, 0.5, 0.08 };

#define WINDOW(id, coefficients)                                                                         \
	{                                                                                                \
		OQZ_ROW(id), OQZ_ROW_PARAMS(struct signal, window_attrs), OQZ_ROW_ROLES(OQZ_ROLE_INDEX), \
		    .infer = infer_window, .run = run_window, .formula = coefficients                    \
	}
#define INDEX OQZ_ROLE_INDEX
#define DATA OQZ_ROLE_ACTIVATION

const struct oqz_op oqz_ops_signal[] = {
	WINDOW(BLACKMAN_WINDOW, blackman),
	{ OQZ_ROW(DET), .infer = infer_det, .run = run_det },
	{ OQZ_ROW(DFT), OQZ_ROW_PARAMS(struct signal, dft_attrs), OQZ_ROW_ROLES(DATA, INDEX, INDEX), .infer = infer_dft,
	  .run = run_dft },
	WINDOW(HAMMING_WINDOW, hamming),
	WINDOW(HANN_WINDOW, hann),
	{ OQZ_ROW(MEL_WEIGHT_MATRIX), OQZ_ROW_PARAMS(struct signal, mel_attrs),
	  OQZ_ROW_ROLES(INDEX, INDEX, INDEX, INDEX, INDEX), .infer = infer_mel, .run = run_mel },
	{ OQZ_ROW(STFT), OQZ_ROW_PARAMS(struct signal, stft_attrs), OQZ_ROW_ROLES(DATA, INDEX, DATA, INDEX),
	  .infer = infer_stft, .run = run_stft },
	{ .name = NULL },
};
