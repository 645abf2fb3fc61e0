/* SPDX-License-Identifier: Apache-2.0
 *
 * DeformConv in float32. What lies under the taps is sampled into columns, some output rows at a time, and multiplied
 * with the weights while it is in the cache. Where a tap reads, and with which four weights, is the same for all
 * channels of a group of offsets and worked out once, in double. Planes are copied into a frame of zeros before, so
 * that no neighbour needs to be asked whether it is there.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_matmul.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = 1 << 17 }; /* numbers in the columns, if a row has not more */

struct deform {
	struct oqz_window w; /* 2-D */
	int64_t images, channels, outputs, group, offset_group, rows /* sampled at a time */;
	struct oqz_dnnl_prim *prim[2]; /* for so many rows, and for those that are left */
	float *bias;                   /* or NULL */
	bool mask;
	size_t at_planes, at_table, at_columns, at_prim;
};

static void deform_free(void *state)
{
	struct deform *s = state;

	if (s) {
		oqz_dnnl_prim_free(s->prim[0]);
		oqz_dnnl_prim_free(s->prim[1]);
		free(s->bias);
	}
	free(s);
}
OQZ_DEFINE_CLEANUP(struct deform, deform_free)

/* ---- sampling -----------------------------------------------------------------------------------------------------
 */

/* For one row of outputs and one tap: the upper left one of four neighbours in a framed plane, and their weights. */
struct table {
	int32_t *at;
	float *weight[4];
};

static struct table table_at(void *mem, int64_t width)
{
	float *f = mem;

	return (struct table) { mem, { f + width, f + 2 * width, f + 3 * width, f + 4 * width } };
}

/* dy, dx: the row's offsets; mask: its factors, or NULL. */
static void look_up(const struct deform *s, int64_t oy, int64_t tap, const float *dy, const float *dx,
                    const float *mask, const struct table *t)
{
	const struct oqz_window *w = &s->w;
	double y0 = (double)(oy * w->stride[0] - w->pad_begin[0] + tap / w->kernel[1] * w->dilation[0]);
	double x0 = (double)(tap % w->kernel[1] * w->dilation[1] - w->pad_begin[1]);

	for (int64_t i = 0; i < w->out[1]; i++) {
		double y = y0 + dy[i], x = x0 + (double)(i * w->stride[1]) + dx[i], m = mask ? mask[i] : 1;
		bool in = y > -1 && x > -1 && y < (double)w->in[0] && x < (double)w->in[1];
		double fy = in ? floor(y) : -1, fx = in ? floor(x) : -1;
		t->at[i] = (int32_t)((int64_t)(fy + 1) * (w->in[1] + 2) + (int64_t)(fx + 1));
		fy = in ? y - fy : 0;
		fx = in ? x - fx : 0;
		t->weight[0][i] = (float)(m * (1 - fy) * (1 - fx));
		t->weight[1][i] = (float)(m * (1 - fy) * fx);
		t->weight[2][i] = (float)(m * fy * (1 - fx));
		t->weight[3][i] = (float)(m * fy * fx);
	}
}

OQZ_KERNEL static void sample(const float *restrict plane, const int32_t *restrict at, const float *restrict a,
                              const float *restrict b, const float *restrict c, const float *restrict d, int64_t pitch,
                              int64_t n, float *restrict out)
{
	for (int64_t i = 0; i < n; i++) {
		const float *p = plane + at[i];
		out[i] = p[0] * a[i] + p[1] * b[i] + p[pitch] * c[i] + p[pitch + 1] * d[i];
	}
}

/* Columns of output rows [oy, oy + rows): (channels, taps, rows, width). */
static void fill_columns(const struct deform *s, const struct oqz_step_call *c, int64_t image, int64_t oy, int64_t rows,
                         char *scratch)
{
	const float *planes = (const float *)(scratch + s->at_planes);
	float *columns = (float *)(scratch + s->at_columns);
	int64_t width = s->w.out[1], plane = s->w.out[0] * width, taps = s->w.kernel[0] * s->w.kernel[1];
	int64_t pitch = s->w.in[1] + 2, framed = (s->w.in[0] + 2) * pitch, per = s->channels / s->offset_group;
	struct table t = table_at(scratch + s->at_table, width);

	for (int64_t og = 0; og < s->offset_group; og++)
		for (int64_t tap = 0; tap < taps; tap++)
			for (int64_t r = 0; r < rows; r++) {
				int64_t o = (image * s->offset_group + og) * taps + tap, at = (oy + r) * width;
				const float *dy = (const float *)c->in[2]->data + 2 * o * plane + at;
				const float *mask = s->mask ? (const float *)c->in[4]->data + o * plane + at : NULL;
				look_up(s, oy + r, tap, dy, dy + plane, mask, &t);
				for (int64_t ch = og * per; ch < (og + 1) * per; ch++)
					sample(planes + ch * framed, t.at, t.weight[0], t.weight[1], t.weight[2],
					       t.weight[3], pitch, width,
					       columns + ((ch * taps + tap) * rows + r) * width);
			}
}

/* One image's planes in frames of zeros. */
static void frame(const struct deform *s, const float *x, float *out)
{
	int64_t h = s->w.in[0], w = s->w.in[1], pitch = w + 2;

	memset(out, 0, (size_t)(s->channels * (h + 2) * pitch) * sizeof *out);
	for (int64_t ch = 0; ch < s->channels; ch++, out += (h + 2) * pitch)
		for (int64_t r = 0; r < h; r++, x += w)
			memcpy(out + (r + 1) * pitch + 1, x, (size_t)w * sizeof *x);
}

OQZ_KERNEL static void add_to(float *y, int64_t n, float v)
{
	for (int64_t i = 0; i < n; i++)
		y[i] += v;
}

static enum oqz_status deform_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct deform *s = state;
	char *scratch = c->scratch;
	int64_t width = s->w.out[1], plane = s->w.out[0] * width;
	int64_t k = s->channels / s->group * s->w.kernel[0] * s->w.kernel[1], m = s->outputs / s->group;
	const float *x = c->in[0]->data, *weights = c->in[1]->data, *columns = (const float *)(scratch + s->at_columns);
	float *y = c->out[0]->data;

	for (int64_t n = 0; n < s->images; n++, y += s->outputs * plane) {
		frame(s, x + n * s->channels * s->w.in[0] * s->w.in[1], (float *)(scratch + s->at_planes));
		for (int64_t oy = 0; oy < s->w.out[0]; oy += s->rows) {
			bool whole = s->w.out[0] - oy >= s->rows;
			int64_t rows = whole ? s->rows : s->w.out[0] - oy;
			fill_columns(s, c, n, oy, rows, scratch);
			for (int64_t g = 0; g < s->group; g++)
				OQZ_TRY(oqz_dnnl_prim_run(s->prim[!whole],
				                          (const void *[]) { weights + g * m * k,
				                                             columns + g * k * rows * width,
				                                             y + g * m * plane + oy * width },
				                          scratch + s->at_prim, err));
		}
		for (int64_t o = 0; s->bias && o < s->outputs; o++)
			add_to(y + o * plane, plane, s->bias[o]);
	}
	return OQZ_OK;
}

/* ---- planning -----------------------------------------------------------------------------------------------------
 */

static const char *refuse(const struct oqz_step_desc *d)
{
	if (d->group || d->act || d->add)
		return "on its own only";
	for (int i = 0; i < d->n_in; i++) {
		if (oqz_step_has(d, i) && d->in_type[i].dtype != OQZ_DT_F32)
			return "float32 only";
		if (oqz_step_has(d, i) && oqz_shape_nelem(&d->in_type[i].shape) == 0)
			return "an empty tensor";
	}
	if (oqz_step_has(d, 3) && !d->constant[3])
		return "a bias that is computed";
	return oqz_shape_nelem(&d->out_type[0].shape) == 0 ? "an empty tensor" : NULL;
}

static enum oqz_status product_of(const struct deform *s, int64_t rows, struct oqz_dnnl_prim **ret, struct oqz_err *err)
{
	int64_t n = rows * s->w.out[1], k = s->channels / s->group * s->w.kernel[0] * s->w.kernel[1];
	int64_t m = s->outputs / s->group;
	struct oqz_dnnl_product g = { .nd = 2,
		                      .a = { m, k },
		                      .b = { k, n },
		                      .c = { m, n },
		                      .a_stride = { k, 1 },
		                      .b_stride = { n, 1 },
		                      .c_stride = { s->w.out[0] * s->w.out[1], 1 } };

	return oqz_dnnl_product_new(&g, ret, err);
}

/* Places in scratch memory, and how many rows are sampled at a time. */
static bool lay_out(struct deform *s, size_t *ret)
{
	int64_t width = s->w.out[1], taps, column, framed, planes, numbers;

	if (!oqz_i64_mul(s->w.kernel[0], s->w.kernel[1], &taps) || !oqz_i64_mul(taps, s->channels, &column) ||
	    !oqz_i64_mul(column, width, &numbers) || !oqz_i64_mul(s->w.in[0] + 2, s->w.in[1] + 2, &framed) ||
	    framed > INT32_MAX || !oqz_i64_mul(framed, s->channels, &planes))
		return false;
	s->rows = numbers < COLUMNS ? COLUMNS / numbers : 1;
	s->rows = s->rows < s->w.out[0] ? s->rows : s->w.out[0];
	*ret = 0;
	return oqz_dnnl_take(ret, planes, &s->at_planes) && oqz_dnnl_take(ret, 5 * width, &s->at_table) &&
	       oqz_dnnl_take(ret, numbers * s->rows, &s->at_columns);
}

static enum oqz_status deform_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(deform_free_cleanup) struct deform *s = NULL;
	const struct oqz_shape *x = &d->in_type[0].shape, *y = &d->out_type[0].shape;
	struct oqz_conv_params p = *OQZ_PARAMS(d->node, struct oqz_conv_params);
	const char *reason = refuse(d);
	size_t scratch, more, first;

	if (reason)
		return oqz_dnnl_decline(why, why_size, "%s", reason);
	if (!(s = calloc(1, sizeof *s)))
		return oqz_err_nomem(err, "a convolution", sizeof *s);
	p.auto_pad = "NOTSET"; /* which the operator does not have */
	OQZ_TRY(oqz_conv_window(&p, x, &d->in_type[1].shape, &s->w, err));
	s->images = x->dim[0];
	s->channels = x->dim[1];
	s->outputs = y->dim[1];
	s->group = p.group;
	s->offset_group = p.offset_group;
	s->mask = oqz_step_has(d, 4);
	if (!lay_out(s, &scratch))
		return oqz_dnnl_decline(why, why_size, "more memory than there can be");
	for (int i = 0; i < 2; i++) {
		int64_t rows = i ? s->w.out[0] % s->rows : s->rows;
		enum oqz_status st = rows ? product_of(s, rows, &s->prim[i], err) : OQZ_OK;
		if (st == OQZ_E_UNSUPPORTED)
			return oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
		OQZ_TRY(st);
	}
	if (d->constant[3]) {
		s->bias = malloc((size_t)s->outputs * sizeof *s->bias);
		if (!s->bias)
			return oqz_err_nomem(err, "a bias", (size_t)s->outputs * sizeof *s->bias);
		memcpy(s->bias, d->constant[3]->data, (size_t)s->outputs * sizeof *s->bias);
	}
	first = oqz_dnnl_prim_scratch(s->prim[0]);
	more = s->prim[1] ? oqz_dnnl_prim_scratch(s->prim[1]) : 0;
	oqz_dnnl_choice(ret, s->prim[0], "deform");
	if (!oqz_size_take(&scratch, first > more ? first : more, &s->at_prim))
		return oqz_dnnl_decline(why, why_size, "more memory than there can be");
	ret->scratch_bytes = scratch;
	for (int i = 0; i < d->n_in; i++)
		ret->uses_constant[i] = i != 3;
	ret->state = oqz_steal(s);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_deform = { "dnnl.deform", deform_create, deform_run, deform_free };
