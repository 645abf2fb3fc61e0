/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv on low-precision grids: the float input becomes codes in scratch memory (or is codes already), and the output is
 * float32 with scale, bias and activation applied. On int8 grids products are summed exactly in 32 bits, so the layer
 * gives the same result on every CPU that can run it: those with AVX512-VNNI, see oqz_dnnl_exact_int8. FP8 grids run on
 * bfloat16 instructions, with float32 sums. Depthwise ones are dnnl_qdepthwise.c's; those it declines run here in
 * float32.
 *
 * Measured on Zen 4 (one core): unsigned sources 440-510 GOP/s, signed ones 430-460 and a zero point costs about the
 * same, so signed codes stay signed; they are taken as unsigned where the input cannot be negative. bfloat16 230-250
 * GFLOP/s. Depthwise layers run no faster than in float32, but reading codes saves what making them costs.
 */
#include "core/base/checked.h"
#include "core/exec/dnnl/dnnl_bands.h"
#include "core/exec/dnnl/dnnl_grid.h"

struct qconv {
	struct oqz_dnnl_prim *prim;
	struct oqz_dnnl_bands bands;
	struct oqz_dnnl_source source;
	size_t n;           /* elements of the input */
	size_t codes_bytes; /* of scratch, before the primitive's own */
};

static void qconv_free(void *state)
{
	struct qconv *q = state;

	if (q) {
		oqz_dnnl_bands_release(&q->bands);
		oqz_dnnl_prim_free(q->prim);
	}
	free(q);
}

static enum oqz_status qconv_build(const struct oqz_step_desc *d, const struct oqz_dnnl_conv_geom *g,
                                   const struct oqz_dnnl_source *source, const struct oqz_dnnl_weights *w,
                                   const float *bias, struct oqz_dnnl_attr *attr, struct qconv *ret,
                                   struct oqz_err *err)
{
	struct oqz_dnnl_prim *p;
	dnnl_memory_desc_t src, dst, wd = oqz_dnnl_md_dims(g->n_wdims, g->wdims, w->type);
	dnnl_memory_desc_t b = oqz_dnnl_md_dims(1, &w->channels, dnnl_f32), any = oqz_dnnl_md_any(&wd);
	dnnl_convolution_desc_t cd;

	oqz_dnnl_md(&d->in_type[0].shape, source->type, OQZ_LAYOUT_CHANNELS_LAST, &src);
	oqz_dnnl_md(&d->out_type[0].shape, dnnl_f32, OQZ_LAYOUT_CHANNELS_LAST, &dst);
	OQZ_TRY(oqz_dnnl_conv_desc(g, &src, &any, bias ? &b : NULL, &dst, &cd, err));
	OQZ_TRY(oqz_dnnl_prim_new(&cd, attr->attr, &ret->prim, err));
	p = ret->prim;
	OQZ_TRY(
	    oqz_dnnl_prim_pack(p, DNNL_ARG_WEIGHTS, &wd, w->codes, oqz_dnnl_prim_md(p, dnnl_query_weights_md), err));
	if (bias)
		OQZ_TRY(oqz_dnnl_prim_pack(p, DNNL_ARG_BIAS, &b, bias, &b, err));
	OQZ_TRY(oqz_dnnl_pack_scales(p, w, err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &src);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &dst);
	return oqz_dnnl_bands_init(&ret->bands, g, &src, &dst, bias ? &b : NULL, attr, p, err);
}

/* One product per weight and pixel: nothing for instructions that sum pairs of products. In float32 they run as fast on
 * the CPUs where those are fast, and up to three times as fast on the others. */
static bool depthwise(const struct oqz_step_desc *d, const struct oqz_dnnl_conv_geom *g)
{
	const struct oqz_shape *w = &d->quant[1].codes->shape;

	return g->group > 1 && w->dim[0] == g->group && w->dim[1] == 1;
}

/* Everything that can be refused before oneDNN is asked. */
static bool qconv_accepts(const struct oqz_step_desc *d, struct oqz_dnnl_source *source, struct oqz_dnnl_conv_geom *g,
                          char *why, size_t why_size)
{
	bool has_bias = oqz_step_has(d, 2);

	if (!d->group || !d->quant[1].present || !d->quant[1].codes)
		return oqz_dnnl_decline(why, why_size, "weights are not quantized constants"), false;
	if (has_bias && (!d->constant[2] || d->constant[2]->dtype != OQZ_DT_F32))
		return oqz_dnnl_decline(why, why_size, "the bias is not a float32 constant"), false;
	if (!oqz_dnnl_source_init(source, d, 0, why, why_size) ||
	    !oqz_dnnl_conv_geometry(d, &d->quant[1].codes->shape, g, why, why_size))
		return false;
	if (source->type == dnnl_bf16 && depthwise(d, g))
		source->type = dnnl_f32;
	return true;
}

static enum oqz_status qconv_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                    size_t why_size, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_attr_release) struct oqz_dnnl_attr attr = { 0 };
	OQZ_CLEANUP(oqz_dnnl_weights_release) struct oqz_dnnl_weights w = { 0 };
	OQZ_CLEANUP_FREE float *bias = NULL;
	struct oqz_dnnl_source source;
	struct oqz_dnnl_conv_geom g;
	const struct oqz_tensor *b = d->constant[2];

	if (!qconv_accepts(d, &source, &g, why, why_size))
		return OQZ_E_UNSUPPORTED;
	OQZ_TRY(oqz_dnnl_weights_init(&w, d, 1, 0, &source, why, why_size, err));
	OQZ_TRY(oqz_dnnl_attr_init(&attr, err));
	bias = malloc((size_t)w.channels * sizeof *bias);
	struct qconv *q = calloc(1, sizeof *q);
	if (!q || !bias) {
		free(q);
		return oqz_err_nomem(err, "a convolution", sizeof *q);
	}
	enum oqz_status st = OQZ_E_UNSUPPORTED;
	if (oqz_dnnl_set_scales(&attr, &source, &w, d->in_type[0].shape.rank, 1, 1, b ? b->data : NULL,
	                        b ? oqz_tensor_nelem(b) : 0, bias, why, why_size) &&
	    (oqz_dnnl_attr_act(&attr, d->act) ||
	     (oqz_dnnl_decline(why, why_size, "activation %s cannot be fused", d->act->op_type), false))) {
		st = oqz_dnnl_attr_finish(&attr, err);
		if (st == OQZ_OK)
			st = qconv_build(d, &g, &source, &w, b ? bias : NULL, &attr, q, err);
		if (st == OQZ_E_UNSUPPORTED)
			oqz_dnnl_decline(why, why_size, "oneDNN has no kernel for it");
	}
	if (st != OQZ_OK) {
		qconv_free(q);
		return st;
	}
	q->source = source;
	oqz_dnnl_source_bind(&q->source);
	q->n = (size_t)oqz_shape_nelem(&d->in_type[0].shape);
	q->codes_bytes = source.from_float ? oqz_align_up(q->n * oqz_dnnl_source_size(&source), 64) : 0;
	oqz_dnnl_choice(ret, q->prim, "qconv");
	size_t scratch = oqz_dnnl_bands_scratch(&q->bands);
	ret->scratch_bytes = (scratch > ret->scratch_bytes ? scratch : ret->scratch_bytes) + q->codes_bytes;
	ret->in_layout[0] = ret->out_layout[0] = OQZ_LAYOUT_CHANNELS_LAST;
	ret->ahead[0] = source.from_float;
	ret->band = oqz_dnnl_bands_size(&q->bands);
	ret->state = q;
	return OQZ_OK;
}

static void qconv_ahead(const void *state, const struct oqz_step_call *c, int k, const float *x, size_t first, size_t n)
{
	const struct qconv *q = state;

	oqz_dnnl_source_codes(&q->source, x, n, (char *)c->scratch + first * oqz_dnnl_source_size(&q->source));
}

/* The codes that the primitive reads. */
static const void *codes_of(const struct qconv *q, const struct oqz_step_call *c, bool make)
{
	const struct oqz_tensor *x = c->in[0];

	if (!q->source.from_float)
		return x->data;
	if (make && !c->ahead)
		qconv_ahead(q, c, 0, x->data, 0, q->n);
	return c->scratch;
}

static enum oqz_status qconv_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct qconv *q = state;

	return oqz_dnnl_prim_run(q->prim, (const void *[]) { codes_of(q, c, true), c->out[0]->data },
	                         (char *)c->scratch + q->codes_bytes, err);
}

static enum oqz_status qconv_band(const void *state, const struct oqz_step_call *c, size_t i, float *out,
                                  struct oqz_err *err)
{
	const struct qconv *q = state;

	return oqz_dnnl_bands_run(&q->bands, i, codes_of(q, c, i == 0), oqz_dnnl_source_size(&q->source), out,
	                          (char *)c->scratch + q->codes_bytes, err);
}

const struct oqz_impl oqz_impl_dnnl_qconv = {
	"dnnl.qconv", qconv_create, qconv_run, qconv_free, qconv_ahead, qconv_band
};
