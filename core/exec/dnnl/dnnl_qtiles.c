/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantized layers that are one product of a matrix of codes with constant weights, on tile instructions
 * (core/tensor/tile_product.h): Gemm and MatMul, and Conv with a window of one pixel, of which MobileNets have most of
 * their layers and ResNets two of three. With strides the pixels that are looked at are put side by side first. What
 * this declines dnnl_qconv.c and dnnl_qmatmul.c take.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_bands.h"
#include "core/exec/dnnl/dnnl_grid.h"
#include "core/exec/dnnl/dnnl_matmul.h"
#include "core/tensor/tile_product.h"

#include <stdio.h>
#include <string.h>

enum { DIMS = 3 }; /* missing ones, in front, are of size 1 */

struct tiled {
	struct oqz_dnnl_source source;
	struct oqz_tile_product *product;
	int64_t batch, in[DIMS], out[DIMS], stride[DIMS]; /* of a matrix product: one image of one row */
	bool strided;
	int64_t band_rows;
	size_t n, codes_bytes, pixel; /* elements of the input; of scratch; bytes of a pixel's codes */
};

static void tiled_free(void *state)
{
	struct tiled *s = state;

	if (s)
		oqz_tile_product_free(s->product);
	free(s);
}

static enum oqz_tile_type tile_type(const struct tiled *s)
{
	return s->source.type == dnnl_bf16 ? OQZ_TILE_BF16 : s->source.type == dnnl_s8 ? OQZ_TILE_S8 : OQZ_TILE_U8;
}

static int64_t rows_of(const struct tiled *s) { return s->batch * s->out[0] * s->out[1] * s->out[2]; }

/* Everything about weights and source that can be refused before numbers are made. */
static bool accepts(const struct oqz_step_desc *d, struct tiled *s, char *why, size_t why_size)
{
	const struct oqz_step_quant *q = &d->quant[1];

	if (!oqz_dnnl_tiles())
		return oqz_dnnl_decline(why, why_size, "no tile instructions on this CPU"), false;
	if (!d->group || !q->present || !q->codes)
		return oqz_dnnl_decline(why, why_size, "weights are not quantized constants"), false;
	s->n = (size_t)oqz_shape_nelem(&d->in_type[0].shape);
	return oqz_dnnl_source_init(&s->source, d, 0, why, why_size);
}

/* The product, once source and geometry are known: codes of weights along `axis` (the output channels), their element
 * (n, k) the (n * stride_n + k * stride_k)-th; bias of n_bias numbers or NULL; products times `factor`. */
static enum oqz_status finish(struct tiled *s, const struct oqz_step_desc *d, int axis, int64_t k, int64_t stride_n,
                              int64_t stride_k, double factor, const float *row, int64_t n_row,
                              struct oqz_step_choice *ret, char *why, size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_weights_release) struct oqz_dnnl_weights w = { 0 };
	OQZ_CLEANUP_FREE float *bias = NULL;
	struct oqz_tile_spec spec = {
		.type = tile_type(s), .k = k, .stride_n = stride_n, .stride_k = stride_k, .zero = s->source.zero
	};

	if (!oqz_tile_takes(spec.type, k))
		return oqz_dnnl_decline(why, why_size, "%lld channels do not divide into blocks", (long long)k);
	if (!oqz_dnnl_act_clamps(d->act, &spec.lo, &spec.hi))
		return oqz_dnnl_decline(why, why_size, "activation %s does not only clamp", d->act->op_type);
	OQZ_TRY(oqz_dnnl_weights_init(&w, d, 1, axis, &s->source, why, why_size, err));
	if (!(bias = calloc((size_t)w.channels, sizeof *bias)))
		return oqz_err_nomem(err, "a bias", (size_t)w.channels * sizeof *bias);
	if (!oqz_dnnl_out_scales(&s->source, &w, factor, row, n_row, bias, why, why_size))
		return OQZ_E_UNSUPPORTED;
	spec.n = w.channels;
	spec.weights = w.codes;
	spec.bias = bias;
	spec.scale = w.scales_left ? w.out_scale : NULL;
	OQZ_TRY(oqz_tile_product_new(&spec, &s->product, err));
	oqz_dnnl_source_bind(&s->source);
	s->pixel = (size_t)k * oqz_dnnl_source_size(&s->source);
	s->codes_bytes = s->source.from_float ? oqz_align_up(s->n * oqz_dnnl_source_size(&s->source), 64) : 0;
	ret->scratch_bytes = s->codes_bytes + (s->strided ? oqz_align_up((size_t)rows_of(s) * s->pixel, 64) : 0);
	ret->state_bytes = oqz_tile_product_bytes(s->product);
	ret->ahead[0] = s->source.from_float;
	ret->inplace_input = -1;
	return OQZ_OK;
}

static void name_choice(const struct tiled *s, const char *family, struct oqz_step_choice *ret)
{
	snprintf(ret->name, sizeof ret->name, "own.%s.tiles:amx_%s", family,
	         tile_type(s) == OQZ_TILE_BF16 ? "bf16" : "int8");
}

/* ---- Conv ---- */

/* One pixel for each output, nothing beyond the edges. */
static bool is_pointwise(const struct oqz_dnnl_conv_geom *g)
{
	bool one = g->group == 1;

	for (int i = 0; i < g->win.nsp; i++)
		one &= g->win.kernel[i] == 1 && g->win.pad_l[i] == 0 && g->win.pad_r[i] <= 0;
	return one;
}

static void set_geometry(struct tiled *s, const struct oqz_step_desc *d, const struct oqz_dnnl_conv_geom *g)
{
	const struct oqz_shape *in = &d->in_type[0].shape, *out = &d->out_type[0].shape;

	for (int i = 0; i < DIMS; i++) {
		int k = i - (DIMS - g->win.nsp);
		s->in[i] = k < 0 ? 1 : in->dim[2 + k];
		s->out[i] = k < 0 ? 1 : out->dim[2 + k];
		s->stride[i] = k < 0 ? 1 : g->win.stride[k];
		s->strided |= s->stride[i] > 1;
	}
	s->batch = in->dim[0];
}

/* Bands as the other lanes have them; false: one has too few pixels. */
static bool set_bands(struct tiled *s, const struct oqz_step_desc *d, const struct oqz_dnnl_conv_geom *g,
                      struct oqz_step_choice *ret)
{
	int64_t rows = s->out[1], last = rows, pixels = rows_of(s) / rows;
	size_t out_row = (size_t)(pixels * d->out_type[0].shape.dim[1]);

	if (g->win.nsp == 2 && (s->band_rows = oqz_dnnl_bands_rows(g, s->batch, rows, out_row)) > 0)
		last = (rows - 1) % s->band_rows + 1;
	ret->band = (size_t)s->band_rows * out_row;
	return last * pixels >= OQZ_TILE_ROWS;
}

static enum oqz_status conv_init(struct tiled *s, const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                 size_t why_size, struct oqz_err *err)
{
	int64_t channels = d->in_type[0].shape.dim[1];
	const struct oqz_tensor *b = d->constant[2];
	struct oqz_dnnl_conv_geom g;

	if (!accepts(d, s, why, why_size))
		return OQZ_E_UNSUPPORTED;
	if (oqz_step_has(d, 2) && (!b || b->dtype != OQZ_DT_F32))
		return oqz_dnnl_decline(why, why_size, "the bias is not a float32 constant");
	if (!oqz_dnnl_conv_geometry(d, &d->quant[1].codes->shape, &g, why, why_size))
		return OQZ_E_UNSUPPORTED;
	if (!is_pointwise(&g))
		return oqz_dnnl_decline(why, why_size, "a window of more than one pixel");
	set_geometry(s, d, &g);
	if (!set_bands(s, d, &g, ret))
		return oqz_dnnl_decline(why, why_size, "fewer than %d pixels", OQZ_TILE_ROWS);
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	return finish(s, d, 0, channels, channels, 1, 1, b ? b->data : NULL, b ? oqz_tensor_nelem(b) : 0, ret, why,
	              why_size, err);
}

/* ---- Gemm, MatMul ---- */

static enum oqz_status matmul_init(struct tiled *s, const struct oqz_step_desc *d, struct oqz_step_choice *ret,
                                   char *why, size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE float *row = NULL;
	struct oqz_dnnl_mm g;

	if (!accepts(d, s, why, why_size))
		return OQZ_E_UNSUPPORTED;
	const struct oqz_shape *b = &d->quant[1].codes->shape;
	if (b->rank != 2 || !oqz_dnnl_mm_init(&g, d, &d->in_type[0].shape, b, why, why_size) || g.trans_a)
		return oqz_dnnl_decline(why, why_size, "not one matrix of weights");
	if (g.c[0] < OQZ_TILE_ROWS)
		return oqz_dnnl_decline(why, why_size, "fewer than %d rows", OQZ_TILE_ROWS);
	OQZ_TRY(oqz_dnnl_mm_bias(&g, d, &row, why, why_size, err));
	s->batch = 1;
	for (int i = 0; i < DIMS; i++)
		s->in[i] = s->out[i] = i == DIMS - 1 ? g.c[0] : 1;
	int64_t k = g.b[0], n = g.b[1];
	return finish(s, d, !g.trans_b, k, g.trans_b ? k : 1, g.trans_b ? 1 : n, g.alpha, row, n, ret, why, why_size,
	              err);
}

typedef enum oqz_status init_fn(struct tiled *, const struct oqz_step_desc *, struct oqz_step_choice *, char *, size_t,
                                struct oqz_err *);

static enum oqz_status create(init_fn *init, const char *family, const struct oqz_step_desc *d,
                              struct oqz_step_choice *ret, char *why, size_t why_size, struct oqz_err *err)
{
	struct tiled *s = calloc(1, sizeof *s);

	if (!s)
		return oqz_err_nomem(err, "a product", sizeof *s);
	enum oqz_status st = init(s, d, ret, why, why_size, err);
	if (st != OQZ_OK) {
		tiled_free(s);
		return st;
	}
	name_choice(s, family, ret);
	ret->state = s;
	return OQZ_OK;
}

static enum oqz_status conv_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                   size_t why_size, struct oqz_err *err)
{
	return create(conv_init, "qconv", d, ret, why, why_size, err);
}

static enum oqz_status matmul_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                     size_t why_size, struct oqz_err *err)
{
	return create(matmul_init, "qmatmul", d, ret, why, why_size, err);
}

/* ---- running ---- */

static void tiled_ahead(const void *state, const struct oqz_step_call *c, int k, const float *x, size_t first, size_t n)
{
	const struct tiled *s = state;

	oqz_dnnl_source_codes(&s->source, x, n, (char *)c->scratch + first * oqz_dnnl_source_size(&s->source));
}

/* The pixels that rows [first, end) of every plane of the output look at, side by side. */
static void gather(const struct tiled *s, const char *x, int64_t first, int64_t end, char *to)
{
	int64_t step = s->stride[2] * (int64_t)s->pixel;

	for (int64_t image = 0; image < s->batch; image++)
		for (int64_t plane = 0; plane < s->out[0]; plane++)
			for (int64_t row = first; row < end; row++) {
				int64_t from =
				    (image * s->in[0] + plane * s->stride[0]) * s->in[1] + row * s->stride[1];
				const char *pixel = x + from * s->in[2] * (int64_t)s->pixel;
				for (int64_t i = 0; i < s->out[2]; i++, to += s->pixel, pixel += step)
					memcpy(to, pixel, s->pixel);
			}
}

/* Rows [first, end) of every plane, to y. If these are not all rows, there is one plane. */
static void run_rows(const struct tiled *s, const struct oqz_step_call *c, int64_t first, int64_t end, float *y)
{
	const char *x = s->source.from_float ? c->scratch : c->in[0]->data;
	char *gathered = (char *)c->scratch + s->codes_bytes;

	if (first == 0 && s->source.from_float && !c->ahead)
		tiled_ahead(s, c, 0, c->in[0]->data, 0, s->n);
	if (s->strided)
		gather(s, x, first, end, gathered);
	oqz_tile_product_run(s->product, s->strided ? gathered : x + first * s->in[2] * (int64_t)s->pixel,
	                     s->batch * s->out[0] * (end - first) * s->out[2], y);
}

static enum oqz_status tiled_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct tiled *s = state;

	run_rows(s, c, 0, s->out[1], c->out[0]->data);
	return OQZ_OK;
}

static enum oqz_status tiled_band(const void *state, const struct oqz_step_call *c, size_t i, float *out,
                                  struct oqz_err *err)
{
	const struct tiled *s = state;
	int64_t first = (int64_t)i * s->band_rows, end = first + s->band_rows;

	run_rows(s, c, first, end < s->out[1] ? end : s->out[1], out);
	return OQZ_OK;
}

const struct oqz_impl oqz_impl_qconv_tiles = { "own.qconv.tiles", conv_create, tiled_run,
	                                       tiled_free,        tiled_ahead, tiled_band };
const struct oqz_impl oqz_impl_qmatmul_tiles = { "own.qmatmul.tiles", matmul_create, tiled_run, tiled_free,
	                                         tiled_ahead };
