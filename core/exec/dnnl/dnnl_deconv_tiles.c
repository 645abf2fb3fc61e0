/* SPDX-License-Identifier: Apache-2.0
 *
 * ConvTranspose whose windows do not overlap (kernel = stride, no padding), as U-Nets and segmentation heads enlarge
 *by: each input pixel makes a tile of the output of its own, so each row of the kernel is a matrix product
 *
 *	(W, channels) x (channels, KW * M)
 *
 * that fills one row of the output, channels-last, without a gap. oneDNN's own kernel for it reaches an eighth of what
 * its matrix product does.
 */
#include "core/exec/dnnl/dnnl_matmul.h"

#include <string.h>

enum { ROWS_MAX = 16 };

struct tiles {
	struct oqz_dnnl_prim *prim[ROWS_MAX]; /* by row of the kernel */
	int64_t kh, rows;                     /* rows: of the input, all images */
	size_t in_row, out_row;               /* bytes */
};

static void tiles_free(void *state)
{
	struct tiles *t = state;

	for (int i = 0; t && i < ROWS_MAX; i++)
		oqz_dnnl_prim_free(t->prim[i]);
	free(t);
}

static const char *refuse(const struct oqz_step_desc *d, struct oqz_window *g)
{
	const struct oqz_conv_params *p = OQZ_PARAMS(d->node, struct oqz_conv_params);
	const struct oqz_shape *x = &d->in_type[0].shape, *y = &d->out_type[0].shape;
	const struct oqz_tensor *w = d->constant[1];
	bool has_bias = oqz_step_has(d, 2);
	struct oqz_err err;

	if (d->group || d->in_type[0].dtype != OQZ_DT_F32 || x->rank != 4 || !w || w->dtype != OQZ_DT_F32 ||
	    (has_bias && (!d->constant[2] || d->constant[2]->dtype != OQZ_DT_F32)))
		return "not (N,C,H,W) in float32 with constant weights";
	if (p->group != 1 || oqz_shape_nelem(x) == 0 || oqz_shape_nelem(y) == 0)
		return "groups, or an empty tensor";
	if (oqz_conv_transpose_window(p, x, &w->shape, g, &err) != OQZ_OK)
		return "no window";
	for (int i = 0; i < 2; i++)
		if (g->kernel[i] != g->stride[i] || g->dilation[i] != 1 || g->pad_begin[i] || g->pad_end[i] ||
		    y->dim[i + 2] != x->dim[i + 2] * g->stride[i])
			return "windows that overlap or are padded";
	return g->kernel[0] > ROWS_MAX ? "a kernel of many rows" : NULL;
}

/* Row kh of the kernel as a matrix (channels, KW * M), and the bias as often as the kernel is wide. */
static void gather(const struct oqz_step_desc *d, const struct oqz_window *g, int64_t kh, float *b, float *bias)
{
	const struct oqz_shape *s = &d->constant[1]->shape;
	const float *w = d->constant[1]->data;
	int64_t m = s->dim[1], kw = g->kernel[1];

	for (int64_t c = 0; c < s->dim[0]; c++)
		for (int64_t o = 0; o < m; o++)
			for (int64_t k = 0; k < kw; k++)
				b[(c * kw + k) * m + o] = w[((c * m + o) * g->kernel[0] + kh) * kw + k];
	for (int64_t i = 0; bias && i < kw * m; i++)
		bias[i] = ((const float *)d->constant[2]->data)[i % m];
}

static enum oqz_status build(struct tiles *t, const struct oqz_step_desc *d, const struct oqz_window *g,
                             struct oqz_dnnl_attr *attr, struct oqz_err *err)
{
	const struct oqz_shape *x = &d->in_type[0].shape;
	int64_t channels = x->dim[1], n = g->kernel[1] * d->constant[1]->shape.dim[1];
	struct oqz_dnnl_mm mm = { .nd = 2,
		                  .a = { x->dim[3], channels },
		                  .b = { channels, n },
		                  .c = { x->dim[3], n },
		                  .alpha = 1,
		                  .beta = 1 };
	bool has_bias = oqz_step_has(d, 2);
	OQZ_CLEANUP_FREE float *b = malloc((size_t)(channels * n) * sizeof *b);
	OQZ_CLEANUP_FREE float *bias = malloc((size_t)n * sizeof *bias);

	if (!b || !bias)
		return oqz_err_nomem(err, "weights", (size_t)(channels * n) * sizeof *b);
	t->kh = g->kernel[0];
	t->rows = x->dim[0] * x->dim[2];
	t->in_row = (size_t)(x->dim[3] * channels) * sizeof(float);
	t->out_row = (size_t)(x->dim[3] * n) * sizeof(float);
	for (int64_t k = 0; k < t->kh; k++) {
		gather(d, g, k, b, has_bias ? bias : NULL);
		OQZ_TRY(oqz_dnnl_mm_build(&mm, dnnl_f32, dnnl_f32, b, has_bias ? bias : NULL, attr, &t->prim[k], err));
	}
	return OQZ_OK;
}

static enum oqz_status tiles_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                    size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };
	struct oqz_window g;
	const char *reason = refuse(d, &g);

	if (reason)
		return oqz_dnnl_decline(why, why_size, "%s", reason);
	OQZ_TRY(oqz_dnnl_attr_init(&attr, err));
	if (!oqz_dnnl_attr_act(&attr, d->act))
		return oqz_dnnl_decline(why, why_size, "activation %s cannot be fused", d->act->op_type);
	OQZ_TRY(oqz_dnnl_attr_finish(&attr, err));
	struct tiles *t = calloc(1, sizeof *t);
	if (!t)
		return oqz_err_nomem(err, "a step", sizeof *t);
	enum oqz_status st = build(t, d, &g, &attr, err);
	if (st != OQZ_OK) {
		tiles_free(t);
		return st == OQZ_E_UNSUPPORTED ? oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it") : st;
	}
	oqz_dnnl_choice(ret, t->prim[0], "deconv.tiles");
	ret->state_bytes *= (size_t)t->kh;
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->state = t;
	return OQZ_OK;
}

static enum oqz_status tiles_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct tiles *t = state;
	const char *in = c->in[0]->data;
	char *out = c->out[0]->data;

	for (int64_t y = 0; y < t->rows; y++, in += t->in_row)
		for (int64_t k = 0; k < t->kh; k++, out += t->out_row)
			OQZ_TRY(oqz_dnnl_prim_run(t->prim[k], (const void *[]) { in, out }, c->scratch, err));
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_dnnl_deconv_tiles = { "dnnl.deconv.tiles", tiles_create, tiles_run, tiles_free };
