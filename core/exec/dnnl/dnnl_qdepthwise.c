/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise Conv in two dimensions on small-float grids (FP8 and narrower). Such layers compute little and read much:
 * codes lie as bfloat16, and are computed with in float32. oneDNN has one or the other: its bfloat16 kernel is slower
 * than its float32 one, for which codes take twice the memory (of four lanes of a MobileNet, a tenth of all that goes
 * beyond the cache).
 *
 * A block of pixels is done for 32 channels at a time, with sums in registers, over kernel rows and then columns. One
 * word of memory holds two codes: shifted up it is the first as float32, with its low half cleared the second, so sums
 * are kept of even and of odd channels. Products of small floats are exact, so the sums are those of oneDNN's newer
 * float32 kernel, bit for bit. Pixels of the padding are read from a line of zeros; the last block of a row and the
 * last channels overlap those before them, where the same numbers are written twice.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_bands.h"
#include "core/exec/dnnl/dnnl_grid.h"

#include <stdio.h>
#include <string.h>

enum {
	HALF = 16,
	LANES = 2 * HALF,
	PIXELS = 7 /* divides 7, 14, 28, 56 and 112 */,
	COLUMNS = 512 /* of input that a block reads */
};

typedef float v16 __attribute__((vector_size(4 * HALF)));
typedef uint32_t u16x2 __attribute__((vector_size(4 * HALF)));

/* Numbers of 32 channels. */
struct pair {
	v16 even, odd;
};

struct depthwise {
	struct oqz_dnnl_source source;
	struct oqz_window w;
	int64_t batch, channels, blocks;
	int64_t wide;              /* columns of input that a block reads, of each row */
	struct pair *weights;      /* (blocks of channels, kernel rows, columns) */
	struct pair *bias, *scale; /* (blocks of channels) */
	uint16_t *zeros;           /* (channels) */
	float lo, hi;              /* what the outputs are clamped to; infinities: no bound */
	int64_t band_rows;
	size_t n; /* elements of the input */
};

/* Of a block of channels. */
static inline int64_t first_channel(const struct depthwise *s, int64_t block)
{
	return (block + 1) * LANES <= s->channels ? block * LANES : s->channels - LANES;
}

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

/* Only CPUs with bfloat16 instructions come here, all of which are of this level: other versions would take long to
 * compile and never run. Products are exact, so with one rounding or two the sum is the same. */
#ifdef OQZ_TARGET_CLONES
#define ONLY_KERNEL __attribute__((target("arch=x86-64-v4")))
#define ADD_PRODUCTS(sum, x, w)                                               \
	({                                                                    \
		v16 r_;                                                       \
		for (int i_ = 0; i_ < HALF; i_++)                             \
			r_[i_] = __builtin_fmaf((x)[i_], (w)[i_], (sum)[i_]); \
		r_;                                                           \
	})
#else
#define ONLY_KERNEL
#define ADD_PRODUCTS(sum, x, w) ((sum) + (x) * (w))
#endif

/* Channels from 2 * k on, 16 of them. */
#define IN_ORDER(even, odd, k)                                                                                    \
	__builtin_shufflevector(even, odd, k, k + 16, k + 1, k + 17, k + 2, k + 18, k + 3, k + 19, k + 4, k + 20, \
	                        k + 5, k + 21, k + 6, k + 22, k + 7, k + 23)
/* Numbers below lo, or above hi, replaced; NaN passes. */
static inline __attribute__((always_inline)) void clamp(v16 *x, const v16 *lo, const v16 *hi)
{
	u16x2 bits, low, high, below = (u16x2)(*x < *lo), above = (u16x2)(*x > *hi);

	memcpy(&bits, x, sizeof bits);
	memcpy(&low, lo, sizeof low);
	memcpy(&high, hi, sizeof high);
	bits = (bits & ~(below | above)) | (low & below) | (high & above);
	memcpy(x, &bits, sizeof bits);
}

static inline __attribute__((always_inline)) void block(const struct depthwise *s, const uint16_t *const *column,
                                                        int64_t lo, int64_t hi, float *y, int pixels, int64_t kernel,
                                                        int64_t stride, int64_t dilation)
{
	v16 low, high;

	for (int i = 0; i < HALF; i++) {
		low[i] = s->lo;
		high[i] = s->hi;
	}
	for (int64_t b = 0; b < s->blocks; b++) {
		int64_t c = first_channel(s, b);
		v16 even[PIXELS], odd[PIXELS];
		for (int p = 0; p < pixels; p++)
			even[p] = odd[p] = (v16) { 0 };
		for (int64_t kh = lo; kh < hi; kh++) {
			const uint16_t *const *x = column + kh * s->wide;
			const struct pair *weights = s->weights + (b * s->w.kernel[0] + kh) * kernel;
#pragma GCC unroll 5
			for (int64_t kw = 0; kw < kernel; kw++) {
				v16 w0 = weights[kw].even, w1 = weights[kw].odd;
#pragma GCC unroll 7
				for (int p = 0; p < pixels; p++) {
					u16x2 codes, bits0, bits1;
					v16 v0, v1;
					memcpy(&codes, x[p * stride + kw * dilation] + c, sizeof codes);
					bits0 = codes << 16;
					bits1 = codes & 0xffff0000;
					memcpy(&v0, &bits0, sizeof v0);
					memcpy(&v1, &bits1, sizeof v1);
					even[p] = ADD_PRODUCTS(even[p], v0, w0);
					odd[p] = ADD_PRODUCTS(odd[p], v1, w1);
				}
			}
		}
		v16 bias0 = s->bias[b].even, bias1 = s->bias[b].odd, scale0 = s->scale[b].even,
		    scale1 = s->scale[b].odd;
#pragma GCC unroll 7
		for (int p = 0; p < pixels; p++) {
			v16 y0 = (even[p] + bias0) * scale0, y1 = (odd[p] + bias1) * scale1;
			clamp(&y0, &low, &high);
			clamp(&y1, &low, &high);
			v16 first = IN_ORDER(y0, y1, 0), second = IN_ORDER(y0, y1, 8);
			memcpy(y + p * s->channels + c, &first, sizeof first);
			memcpy(y + p * s->channels + c + HALF, &second, sizeof second);
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
                                                         float *y, int pixels, int64_t kernel, int64_t stride,
                                                         int64_t dilation)
{
	int64_t d = s->w.dilation[0], iy = oy * s->w.stride[0] - s->w.pad_begin[0], left = s->w.in[0] - iy;
	int64_t lo = iy < 0 ? (-iy + d - 1) / d : 0, hi = left <= 0 ? 0 : (left + d - 1) / d, out = s->w.out[1];

	hi = hi < s->w.kernel[0] ? hi : s->w.kernel[0];
	for (int64_t ox = 0; ox < out; ox += pixels)
		block_at(s, x, iy, lo, hi, ox + pixels <= out ? ox : out - pixels, y, pixels, kernel, stride, dilation);
}

/* One row of the output of the image x, to y. */
ONLY_KERNEL static void run_row(const struct depthwise *s, const uint16_t *x, int64_t oy, float *y)
{
	int64_t kernel = s->w.kernel[1], stride = s->w.stride[1], dilation = s->w.dilation[1];

	if (s->w.out[1] < PIXELS)
		row_of(s, x, oy, y, 1, kernel, stride, dilation);
	else if (dilation == 1 && kernel == 3 && stride == 1)
		row_of(s, x, oy, y, PIXELS, 3, 1, 1);
	else if (dilation == 1 && kernel == 3 && stride == 2)
		row_of(s, x, oy, y, PIXELS, 3, 2, 1);
	else if (dilation == 1 && kernel == 5 && stride == 1)
		row_of(s, x, oy, y, PIXELS, 5, 1, 1);
	else if (dilation == 1 && kernel == 5 && stride == 2)
		row_of(s, x, oy, y, PIXELS, 5, 2, 1);
	else
		row_of(s, x, oy, y, PIXELS, kernel, stride, dilation);
}

/* ---- planning ---- */

static struct pair *pairs(int64_t n) { return aligned_alloc(sizeof(v16), (size_t)n * sizeof(struct pair)); }

/* Numbers of a block's channels, `step` apart. */
static struct pair pair_of(const float *x, size_t step)
{
	struct pair p;

	for (size_t i = 0; i < HALF; i++) {
		p.even[i] = x[2 * i * step];
		p.odd[i] = x[(2 * i + 1) * step];
	}
	return p;
}

static enum oqz_status pack(struct depthwise *s, const struct oqz_dnnl_weights *w, const float *bias,
                            struct oqz_err *err)
{
	int64_t taps = s->w.kernel[0] * s->w.kernel[1];

	s->weights = pairs(s->blocks * taps);
	s->bias = pairs(s->blocks);
	s->scale = pairs(s->blocks);
	s->zeros = calloc((size_t)s->channels, sizeof *s->zeros);
	if (!s->weights || !s->bias || !s->scale || !s->zeros)
		return oqz_err_nomem(err, "a depthwise convolution", (size_t)(s->blocks * taps) * sizeof *s->weights);
	for (int64_t b = 0; b < s->blocks; b++) {
		int64_t c = first_channel(s, b);
		const float *codes = (const float *)w->codes + c * taps, one = 1;
		s->bias[b] = pair_of(bias + c, 1);
		s->scale[b] = w->scales_left ? pair_of(w->out_scale + c, 1) : pair_of(&one, 0);
		for (int64_t k = 0; k < taps; k++)
			s->weights[b * taps + k] = pair_of(codes + k, (size_t)taps);
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
	s->blocks = (s->channels + LANES - 1) / LANES;
	s->n = (size_t)oqz_shape_nelem(in);
	return true;
}

static enum oqz_status depthwise_init(struct depthwise *s, const struct oqz_step_desc *d, struct oqz_step_choice *ret,
                                      char *why, size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_weights_release) struct oqz_dnnl_weights w = { 0 };
	OQZ_CLEANUP_FREE float *bias = NULL;
	const struct oqz_tensor *b = d->constant[2];
	struct oqz_dnnl_conv_geom g;

	if (!accepts(d, s, &g, why, why_size))
		return OQZ_E_UNSUPPORTED;
	struct oqz_dnnl_source wide = s->source;
	wide.type = dnnl_f32; /* the weights' type */
	OQZ_TRY(oqz_dnnl_weights_init(&w, d, 1, 0, &wide, why, why_size, err));
	if (!(bias = calloc((size_t)s->channels, sizeof *bias)))
		return oqz_err_nomem(err, "a bias", (size_t)s->channels * sizeof *bias);
	if (!oqz_dnnl_out_scales(&wide, &w, 1, b ? b->data : NULL, b ? oqz_tensor_nelem(b) : 0, bias, why, why_size))
		return OQZ_E_UNSUPPORTED;
	OQZ_TRY(pack(s, &w, bias, err));
	oqz_dnnl_source_bind(&s->source);
	size_t out_row = (size_t)(s->batch * s->w.out[1] * s->channels);
	s->band_rows = oqz_dnnl_bands_rows(&g, s->batch, s->w.out[0], out_row);
	ret->band = (size_t)s->band_rows * out_row;
	ret->scratch_bytes = oqz_align_up(s->n * sizeof(uint16_t), 64);
	ret->state_bytes = (size_t)((s->w.kernel[0] * s->w.kernel[1] + 2) * s->blocks) * sizeof(struct pair);
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
