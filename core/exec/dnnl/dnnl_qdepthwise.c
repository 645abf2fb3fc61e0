/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise Conv in two dimensions on small-float grids (FP8 and narrower). Such layers compute little and read much:
 * codes lie as bfloat16, and are computed with in float32. oneDNN has one or the other: its bfloat16 kernel is slower
 * than its float32 one, for which codes take twice the memory (of four lanes of a MobileNet, a tenth of all that goes
 * beyond the cache).
 *
 * A block of pixels is done for 16 channels at a time, with sums in registers, over kernel rows and then columns.
 * Products of small floats are exact, so the sums are those of oneDNN's newer float32 kernel, bit for bit. Pixels of
 * the padding are read from a line of zeros; the last block of a row and the last channels overlap those before them,
 * where the same numbers are written twice.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_bands.h"
#include "core/exec/dnnl/dnnl_grid.h"

#include <stdio.h>
#include <string.h>

enum { LANES = 16, PIXELS = 7 /* divides 7, 14, 28, 56 and 112 */, COLUMNS = 512 /* of input that a block reads */ };

struct depthwise {
	struct oqz_dnnl_source source;
	struct oqz_window w;
	int64_t batch, channels;
	int64_t wide;                  /* columns of input that a block reads, of each row */
	float *weights, *bias, *scale; /* (kernel rows, columns, channels); (channels) */
	uint16_t *zeros;               /* (channels) */
	float lo, hi;                  /* what the outputs are clamped to; infinities: no bound */
	int64_t band_rows;
	size_t n; /* elements of the input */
};

static void depthwise_free(void *state)
{
	struct depthwise *s = state;

	if (s) {
		free(s->weights);
		free(s->bias);
		free(s->scale);
		free(s->zeros);
	}
	free(s);
}

/* ---- the kernel ---- */

typedef float v16 __attribute__((vector_size(64)));
typedef uint16_t u16 __attribute__((vector_size(32)));
typedef uint32_t u32 __attribute__((vector_size(64)));

/* Products are exact: with one rounding or two the sum is the same. */
#if defined(OQZ_TARGET_CLONES) || defined(__FMA__)
#define MULTIPLY_ADD(x, w, sum) __builtin_fmaf(x, w, sum)
#else
#define MULTIPLY_ADD(x, w, sum) ((sum) + (x) * (w))
#endif

static inline __attribute__((always_inline)) void block(const struct depthwise *s, const uint16_t *const *column,
                                                        int64_t lo, int64_t hi, float *y, int pixels, int64_t kernel,
                                                        int64_t stride, int64_t dilation)
{
	const int64_t channels = s->channels;

	for (int64_t first = 0; first < channels; first += LANES) {
		int64_t c = first + LANES <= channels ? first : channels - LANES;
		v16 sum[PIXELS], bias, scale;
		for (int p = 0; p < pixels; p++)
			sum[p] = (v16) { 0 };
		for (int64_t kh = lo; kh < hi; kh++) {
			const uint16_t *const *x = column + kh * s->wide;
			const float *weights = s->weights + kh * kernel * channels + c;
#pragma GCC unroll 5
			for (int64_t kw = 0; kw < kernel; kw++) {
				v16 w;
				memcpy(&w, weights + kw * channels, sizeof w);
#pragma GCC unroll 7
				for (int p = 0; p < pixels; p++) {
					u16 half;
					memcpy(&half, x[p * stride + kw * dilation] + c, sizeof half);
					u32 bits = __builtin_convertvector(half, u32) << 16;
					v16 v;
					memcpy(&v, &bits, sizeof v);
					for (int i = 0; i < LANES; i++)
						sum[p][i] = MULTIPLY_ADD(v[i], w[i], sum[p][i]);
				}
			}
		}
		memcpy(&bias, s->bias + c, sizeof bias);
		memcpy(&scale, s->scale + c, sizeof scale);
#pragma GCC unroll 7
		for (int p = 0; p < pixels; p++) {
			v16 v = (sum[p] + bias) * scale;
			for (int i = 0; i < LANES; i++) {
				v[i] = v[i] < s->lo ? s->lo : v[i];
				v[i] = v[i] > s->hi ? s->hi : v[i];
			}
			memcpy(y + p * channels + c, &v, sizeof v);
		}
	}
}

/* The block at output column ox of output row oy, whose first input row is iy. */
static inline __attribute__((always_inline)) void block_at(const struct depthwise *s, const uint16_t *x, int64_t iy,
                                                           int64_t lo, int64_t hi, int64_t ox, float *y, int pixels,
                                                           int64_t kernel, int64_t stride, int64_t dilation)
{
	const uint16_t *column[COLUMNS];
	int64_t ix = ox * stride - s->w.pad_begin[1], n = (pixels - 1) * stride + (kernel - 1) * dilation + 1;

	for (int64_t kh = lo; kh < hi; kh++) {
		const uint16_t *row = x + ((iy + kh * s->w.dilation[0]) * s->w.in[1] + ix) * s->channels;
		for (int64_t i = 0; i < n; i++)
			column[kh * s->wide + i] =
			    ix + i < 0 || ix + i >= s->w.in[1] ? s->zeros : row + i * s->channels;
	}
	block(s, column, lo, hi, y + ox * s->channels, pixels, kernel, stride, dilation);
}

static inline __attribute__((always_inline)) void row_of(const struct depthwise *s, const uint16_t *x, int64_t oy,
                                                         float *y, int64_t kernel, int64_t stride, int64_t dilation)
{
	int64_t d = s->w.dilation[0], iy = oy * s->w.stride[0] - s->w.pad_begin[0], left = s->w.in[0] - iy;
	int64_t lo = iy < 0 ? (-iy + d - 1) / d : 0, hi = left <= 0 ? 0 : (left + d - 1) / d, out = s->w.out[1];

	hi = hi < s->w.kernel[0] ? hi : s->w.kernel[0];
	for (int64_t ox = 0; ox < out && out >= PIXELS; ox += PIXELS)
		block_at(s, x, iy, lo, hi, ox + PIXELS <= out ? ox : out - PIXELS, y, PIXELS, kernel, stride, dilation);
	for (int64_t ox = 0; ox < out && out < PIXELS; ox++)
		block_at(s, x, iy, lo, hi, ox, y, 1, kernel, stride, dilation);
}

/* One row of the output of the image x, to y. */
OQZ_KERNEL static void run_row(const struct depthwise *s, const uint16_t *x, int64_t oy, float *y)
{
	int64_t kernel = s->w.kernel[1], stride = s->w.stride[1], dilation = s->w.dilation[1];

	if (dilation == 1 && kernel == 3 && stride == 1)
		row_of(s, x, oy, y, 3, 1, 1);
	else if (dilation == 1 && kernel == 3 && stride == 2)
		row_of(s, x, oy, y, 3, 2, 1);
	else if (dilation == 1 && kernel == 5 && stride == 1)
		row_of(s, x, oy, y, 5, 1, 1);
	else if (dilation == 1 && kernel == 5 && stride == 2)
		row_of(s, x, oy, y, 5, 2, 1);
	else
		row_of(s, x, oy, y, kernel, stride, dilation);
}

/* ---- planning ---- */

static enum oqz_status pack(struct depthwise *s, const struct oqz_dnnl_weights *w, struct oqz_err *err)
{
	size_t channels = (size_t)s->channels, taps = (size_t)(s->w.kernel[0] * s->w.kernel[1]);
	const float *codes = w->codes;

	s->weights = malloc(channels * taps * sizeof *s->weights);
	s->scale = malloc(channels * sizeof *s->scale);
	s->zeros = calloc(channels, sizeof *s->zeros);
	if (!s->weights || !s->scale || !s->zeros)
		return oqz_err_nomem(err, "a depthwise convolution", channels * taps * sizeof *s->weights);
	for (size_t c = 0; c < channels; c++) {
		s->scale[c] = w->scales_left ? w->out_scale[c] : 1;
		for (size_t k = 0; k < taps; k++)
			s->weights[k * channels + c] = codes[c * taps + k];
	}
	return OQZ_OK;
}

/* Everything that can be refused before numbers are made. */
static bool accepts(const struct oqz_step_desc *d, struct depthwise *s, struct oqz_dnnl_conv_geom *g, char *why,
                    size_t why_size)
{
	const struct oqz_step_quant *q = &d->quant[1];
	const struct oqz_shape *in = &d->in_type[0].shape, *w = q->codes ? &q->codes->shape : NULL;
	struct oqz_err err = { 0 };

	if (!d->group || !q->present || !w || w->rank != 4 || in->rank != 4 || w->dim[0] != in->dim[1] ||
	    w->dim[1] != 1 || OQZ_PARAMS(d->node, struct oqz_conv_params)->group != in->dim[1] || in->dim[1] < LANES)
		return oqz_dnnl_decline(why, why_size, "not one filter for each of at least %d channels", LANES), false;
	if (oqz_step_has(d, 2) && (!d->constant[2] || d->constant[2]->dtype != OQZ_DT_F32))
		return oqz_dnnl_decline(why, why_size, "the bias is not a float32 constant"), false;
	if (!oqz_dnnl_act_clamps(d->act, &s->lo, &s->hi))
		return oqz_dnnl_decline(why, why_size, "activation %s does not only clamp", d->act->op_type), false;
	if (!oqz_dnnl_source_init(&s->source, d, 0, why, why_size) || !oqz_dnnl_conv_geometry(d, w, g, why, why_size))
		return false;
	if (s->source.type != dnnl_bf16)
		return oqz_dnnl_decline(why, why_size, "no small floats"), false;
	if (oqz_conv_window(OQZ_PARAMS(d->node, struct oqz_conv_params), in, w, &s->w, &err) != OQZ_OK)
		return oqz_dnnl_decline(why, why_size, "%s", err.msg), false;
	s->wide = (PIXELS - 1) * s->w.stride[1] + (s->w.kernel[1] - 1) * s->w.dilation[1] + 1;
	if (s->wide > COLUMNS / s->w.kernel[0])
		return oqz_dnnl_decline(why, why_size, "a window too large"), false;
	s->batch = in->dim[0];
	s->channels = in->dim[1];
	s->n = (size_t)oqz_shape_nelem(in);
	return true;
}

static enum oqz_status depthwise_init(struct depthwise *s, const struct oqz_step_desc *d, struct oqz_step_choice *ret,
                                      char *why, size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_weights_release) struct oqz_dnnl_weights w = { 0 };
	const struct oqz_tensor *b = d->constant[2];
	struct oqz_dnnl_conv_geom g;

	if (!accepts(d, s, &g, why, why_size))
		return OQZ_E_UNSUPPORTED;
	struct oqz_dnnl_source wide = s->source;
	wide.type = dnnl_f32; /* the weights' type */
	OQZ_TRY(oqz_dnnl_weights_init(&w, d, 1, 0, &wide, why, why_size, err));
	if (!(s->bias = calloc((size_t)s->channels, sizeof *s->bias)))
		return oqz_err_nomem(err, "a bias", (size_t)s->channels * sizeof *s->bias);
	if (!oqz_dnnl_out_scales(&wide, &w, 1, b ? b->data : NULL, b ? oqz_tensor_nelem(b) : 0, s->bias, why, why_size))
		return OQZ_E_UNSUPPORTED;
	OQZ_TRY(pack(s, &w, err));
	oqz_dnnl_source_bind(&s->source);
	size_t out_row = (size_t)(s->batch * s->w.out[1] * s->channels);
	s->band_rows = oqz_dnnl_bands_rows(&g, s->batch, s->w.out[0], out_row);
	ret->band = (size_t)s->band_rows * out_row;
	ret->scratch_bytes = oqz_align_up(s->n * sizeof(uint16_t), 64);
	ret->state_bytes = ((size_t)(s->w.kernel[0] * s->w.kernel[1]) + 2) * (size_t)s->channels * sizeof(float);
	return OQZ_OK;
}

static enum oqz_status depthwise_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                        size_t why_size, struct oqz_err *err)
{
	struct depthwise *s = calloc(1, sizeof *s);

	if (!s)
		return oqz_err_nomem(err, "a depthwise convolution", sizeof *s);
	enum oqz_status st = depthwise_init(s, d, ret, why, why_size, err);
	if (st != OQZ_OK) {
		depthwise_free(s);
		return st;
	}
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->ahead[0] = true;
	ret->inplace_input = -1;
	snprintf(ret->name, sizeof ret->name, "own.qconv.depthwise:bf16");
	ret->state = s;
	return OQZ_OK;
}

/* ---- running ---- */

static void depthwise_ahead(const void *state, const struct oqz_step_call *c, int k, const float *x, size_t first,
                            size_t n)
{
	const struct depthwise *s = state;

	oqz_dnnl_source_codes(&s->source, x, n, (uint16_t *)c->scratch + first);
}

static enum oqz_status depthwise_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct depthwise *s = state;
	const uint16_t *x = c->scratch;
	float *y = c->out[0]->data;

	if (!c->ahead)
		depthwise_ahead(s, c, 0, c->in[0]->data, 0, s->n);
	for (int64_t i = 0; i < s->batch; i++, x += s->w.in[0] * s->w.in[1] * s->channels)
		for (int64_t oy = 0; oy < s->w.out[0]; oy++, y += s->w.out[1] * s->channels)
			run_row(s, x, oy, y);
	return OQZ_OK;
}

static enum oqz_status depthwise_band(const void *state, const struct oqz_step_call *c, size_t i, float *out,
                                      struct oqz_err *err)
{
	const struct depthwise *s = state;
	int64_t first = (int64_t)i * s->band_rows, end = first + s->band_rows;

	if (s->band_rows == s->w.out[0]) { /* one band: all images */
		struct oqz_tensor whole = *c->out[0], *outs[] = { &whole };
		struct oqz_step_call call = { .in = c->in, .out = outs, .scratch = c->scratch, .ahead = c->ahead };
		whole.data = out;
		return depthwise_run(s, &call, err);
	}
	if (i == 0 && !c->ahead)
		depthwise_ahead(s, c, 0, c->in[0]->data, 0, s->n);
	end = end < s->w.out[0] ? end : s->w.out[0];
	for (int64_t oy = first; oy < end; oy++, out += s->w.out[1] * s->channels)
		run_row(s, c->scratch, oy, out);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_qdepthwise = { "own.qconv.depthwise", depthwise_create, depthwise_run,
	                                      depthwise_free,        depthwise_ahead,  depthwise_band };
