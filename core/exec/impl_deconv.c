/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise ConvTranspose (one filter per channel, as upsampling layers of light networks have it) in two dimensions,
 * channels-last. oneDNN has only a training kernel for it, a hundred times slower than memory. Each output pixel
 * gathers the few inputs that reach it, along all channels at once; the sums run over kernel rows, then columns.
 */
#include "core/exec/eltwise_rows.h"
#include "core/exec/impl.h"
#include "core/ops/window.h"

#include <stdio.h>
#include <string.h>

struct deconv {
	int64_t n, c, in_h, in_w, out_h, out_w;
	struct oqz_window w;
	float *weights; /* (kh, kw, C) */
	float *bias;    /* (C) */
	oqz_row1_fn *act;
	struct oqz_row_params act_p;
};

static void deconv_destroy(void *state)
{
	struct deconv *s = state;

	if (s) {
		free(s->weights);
		free(s->bias);
	}
	free(s);
}

static const char *refuse(const struct oqz_step_desc *d)
{
	const struct oqz_conv_params *p = OQZ_PARAMS(d->node, struct oqz_conv_params);
	const struct oqz_tensor *w = d->constant[1];

	if (d->in_type[0].dtype != OQZ_DT_F32 || d->in_type[0].shape.rank != 4 || !w || w->dtype != OQZ_DT_F32)
		return "not (N,C,H,W) in float32 with constant weights";
	if (p->group != d->in_type[0].shape.dim[1] || w->shape.dim[1] != 1 || w->shape.dim[0] != p->group)
		return "not one filter per channel";
	if (oqz_step_has(d, 2) && (!d->constant[2] || d->constant[2]->dtype != OQZ_DT_F32))
		return "a bias that is not constant";
	return oqz_shape_nelem(&d->out_type[0].shape) == 0 ? "an empty tensor" : NULL;
}

static enum oqz_status deconv_pack(struct deconv *s, const struct oqz_step_desc *d, struct oqz_err *err)
{
	const float *w = d->constant[1]->data, *b = d->n_in > 2 && d->constant[2] ? d->constant[2]->data : NULL;
	int64_t k = s->w.kernel[0] * s->w.kernel[1];

	s->weights = malloc((size_t)(k * s->c) * sizeof(float));
	s->bias = calloc((size_t)s->c, sizeof(float));
	if (!s->weights || !s->bias)
		return oqz_err_nomem(err, "weights", (size_t)(k * s->c) * sizeof(float));
	for (int64_t c = 0; c < s->c; c++)
		for (int64_t i = 0; i < k; i++)
			s->weights[i * s->c + c] = w[c * k + i];
	if (b)
		memcpy(s->bias, b, (size_t)s->c * sizeof(float));
	return OQZ_OK;
}

static enum oqz_status deconv_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	const char *reason = refuse(d);
	const struct oqz_shape *in = &d->in_type[0].shape, *out = &d->out_type[0].shape;
	struct deconv want = { 0 };

	if (!reason && d->act && !(want.act = oqz_row1_of(d->act, &want.act_p)))
		reason = "no row function for the activation";
	if (reason) {
		snprintf(why, why_size, "%s", reason);
		return OQZ_E_UNSUPPORTED;
	}
	struct deconv *s = malloc(sizeof *s);
	if (!s)
		return oqz_err_nomem(err, "a step", sizeof *s);
	*s = want;
	s->n = in->dim[0];
	s->c = in->dim[1];
	s->in_h = in->dim[2];
	s->in_w = in->dim[3];
	s->out_h = out->dim[2];
	s->out_w = out->dim[3];
	enum oqz_status st = oqz_conv_transpose_window(OQZ_PARAMS(d->node, struct oqz_conv_params), in,
	                                               &d->constant[1]->shape, &s->w, err);
	if (st == OQZ_OK)
		st = deconv_pack(s, d, err);
	if (st != OQZ_OK) {
		deconv_destroy(s);
		return st;
	}
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->state_bytes = (size_t)((s->w.kernel[0] * s->w.kernel[1] + 1) * s->c) * sizeof(float);
	snprintf(ret->name, sizeof ret->name, "own.deconv_dw");
	ret->state = s;
	return OQZ_OK;
}

OQZ_KERNEL static void add_products(const float *restrict x, const float *restrict w, float *restrict y, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] += x[i] * w[i];
}

/* Input position that kernel tap k brings to output position o, or -1. */
static int64_t reaches(const struct oqz_window *w, int axis, int64_t o, int64_t k, int64_t n_in)
{
	int64_t at = o + w->pad_begin[axis] - k * w->dilation[axis];

	if (at < 0 || at % w->stride[axis])
		return -1;
	at /= w->stride[axis];
	return at < n_in ? at : -1;
}

static void deconv_pixel(const struct deconv *s, const float *in, int64_t oy, int64_t ox, float *y)
{
	memcpy(y, s->bias, (size_t)s->c * sizeof *y);
	for (int64_t ky = 0; ky < s->w.kernel[0]; ky++) {
		int64_t iy = reaches(&s->w, 0, oy, ky, s->in_h);
		for (int64_t kx = 0; iy >= 0 && kx < s->w.kernel[1]; kx++) {
			int64_t ix = reaches(&s->w, 1, ox, kx, s->in_w);
			if (ix >= 0)
				add_products(in + (iy * s->in_w + ix) * s->c,
				             s->weights + (ky * s->w.kernel[1] + kx) * s->c, y, s->c);
		}
	}
}

static enum oqz_status deconv_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct deconv *s = state;
	const float *in = c->in[0]->data;
	float *out = c->out[0]->data;

	for (int64_t n = 0; n < s->n; n++, in += s->in_h * s->in_w * s->c)
		for (int64_t oy = 0; oy < s->out_h; oy++)
			for (int64_t ox = 0; ox < s->out_w; ox++, out += s->c) {
				deconv_pixel(s, in, oy, ox, out);
				if (s->act)
					s->act(out, out, (size_t)s->c, &s->act_p);
			}
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_deconv_dw = { "own.deconv_dw", deconv_create, deconv_run, deconv_destroy };
