/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_spot.c: right results pass, whatever the layer, and wrong ones do not. That right results pass is
 * also tested by everything that runs a layer, as all of these are looked at.
 */
#include "core/exec/dnnl/dnnl_spot.h"
#include "tests/support/support.h"

#include <string.h>

enum { MOST = 4096 };

/* A primitive, run once on random numbers, and what a look at it needs. */
struct layer {
	dnnl_primitive_desc_t pd;
	struct oqz_dnnl_spot *spot;
	bool constant;                   /* the weights */
	dnnl_memory_desc_t have, src_md; /* of the weights, before packing */
	_Alignas(64) unsigned char src[MOST], weights[MOST];
	_Alignas(64) float dst[MOST], before[MOST];
	float bias[64], factor[64];
	size_t n_dst;
};

static void fill(unsigned char *p, dnnl_data_type_t t, size_t n, uint32_t *seed)
{
	for (size_t i = 0; i < n; i++) {
		float v = (float)((*seed = *seed * 1664525u + 1013904223u) >> 24) / 64 - 2;
		if (t == dnnl_f32)
			memcpy(p + 4 * i, &v, 4);
		else if (t == dnnl_bf16)
			memcpy(p + 2 * i, (char *)&v + 2, 2);
		else
			p[i] = (unsigned char)(*seed >> 16);
	}
}

static size_t count(const dnnl_memory_desc_t *md)
{
	size_t n = 1;

	for (int i = 0; i < md->ndims; i++)
		n *= (size_t)md->dims[i];
	ck_assert(n <= MOST / 4);
	return n;
}

/* Runs the primitive as the program does and begins a look of the same turn. `factors`: the first post-operation
 * multiplies by these. */
static void layer_run(struct layer *l, const void *desc, struct oqz_dnnl_attr *attr, bool bias, bool factors,
                      struct oqz_dnnl_look *look)
{
	struct oqz_dnnl_prim *p;
	uint32_t seed = 7;
	int64_t channels;

	ck_ok(oqz_dnnl_attr_finish(attr, err));
	ck_ok(oqz_dnnl_prim_new(desc, attr->attr, &p, err));
	ck_assert(dnnl_primitive_desc_create(&l->pd, desc, attr->attr, oqz_dnnl_engine(), NULL) == dnnl_success);
	ck_ok(oqz_dnnl_spot_new(l->pd, &l->spot, err));
	ck_assert_ptr_nonnull(l->spot);
	const dnnl_memory_desc_t *dst = oqz_dnnl_prim_md(p, dnnl_query_dst_md);
	int dim = l->constant && dst->ndims > 2 ? 1 : dst->ndims - 1;
	channels = dst->dims[dim];
	l->n_dst = count(dst);
	fill(l->src, l->src_md.data_type, count(&l->src_md), &seed);
	fill(l->weights, l->have.data_type, count(&l->have), &seed);
	fill((unsigned char *)l->before, dnnl_f32, l->n_dst, &seed);
	fill((unsigned char *)l->bias, dnnl_f32, (size_t)channels, &seed);
	fill((unsigned char *)l->factor, dnnl_f32, (size_t)channels, &seed);
	dnnl_memory_desc_t row = oqz_dnnl_md_dims(1, &channels, dnnl_f32);
	dnnl_dims_t wide = { 1, 1, 1, 1 };
	wide[dim] = channels;
	dnnl_memory_desc_t along = oqz_dnnl_md_dims(dst->ndims, wide, dnnl_f32);
	struct constant {
		bool used;
		int arg;
		const dnnl_memory_desc_t *md, *want;
		const void *data;
	} constants[] = {
		{ l->constant, DNNL_ARG_WEIGHTS, &l->have, oqz_dnnl_prim_md(p, dnnl_query_weights_md), l->weights },
		{ bias, DNNL_ARG_BIAS, &row, &row, l->bias },
		{ factors, DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, &along, &along, l->factor },
	};
	for (size_t i = 0; i < OQZ_COUNTOF(constants); i++) {
		const struct constant *c = &constants[i];
		if (!c->used)
			continue;
		ck_ok(oqz_dnnl_prim_pack(p, c->arg, c->md, c->data, c->want, err));
		ck_ok(oqz_dnnl_spot_keep(l->spot, c->arg, c->md, c->data, err));
	}
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &l->src_md);
	if (!l->constant)
		oqz_dnnl_prim_arg(p, DNNL_ARG_WEIGHTS, &l->have);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, dst);
	memcpy(l->dst, l->before, sizeof l->dst);
	*look = (struct oqz_dnnl_look) { .dst = l->dst, .turn = 1 };
	oqz_dnnl_spot_begin(l->spot, look);
	void *scratch = aligned_alloc(64, oqz_dnnl_prim_scratch(p) + 64);
	const void *two[] = { l->src, l->dst }, *three[] = { l->src, l->weights, l->dst };
	ck_ok(oqz_dnnl_prim_run(p, l->constant ? two : three, scratch, err));
	free(scratch);
	oqz_dnnl_prim_free(p);
	oqz_dnnl_attr_release(attr);
}

/* Right as it is; wrong when the results, the weights or the input are others. */
static void expect_to_notice(struct layer *l, struct oqz_dnnl_look *look)
{
	const void *w = l->constant ? NULL : l->weights;

	ck_ok(oqz_dnnl_spot_end(l->spot, look, l->src, w, err));
	memcpy(l->before, l->dst, sizeof l->dst);
	for (size_t i = 0; i < l->n_dst; i++)
		l->dst[i] = l->dst[i] * 1.01f + 0.01f;
	ck_fails(oqz_dnnl_spot_end(l->spot, look, l->src, w, err), OQZ_E_INTERNAL, "plain sums give");
	for (size_t i = 0; i < l->n_dst; i++)
		l->dst[i] = NAN;
	ck_fails(oqz_dnnl_spot_end(l->spot, look, l->src, w, err), OQZ_E_INTERNAL, "gives nan");
	memcpy(l->dst, l->before, sizeof l->dst);
	ck_ok(oqz_dnnl_spot_end(l->spot, look, l->src, w, err));
	size_t bytes = count(&l->have) * dnnl_data_type_size(l->have.data_type);
	for (size_t i = 0; i < bytes; i++)
		l->weights[i] = (unsigned char)(l->weights[i] + (i % 2 ? 1 : 0));
	if (l->constant) {
		struct oqz_dnnl_spot *other;
		ck_ok(oqz_dnnl_spot_new(l->pd, &other, err));
		ck_ok(oqz_dnnl_spot_keep(other, DNNL_ARG_WEIGHTS, &l->have, l->weights, err));
		ck_fails(oqz_dnnl_spot_end(other, look, l->src, NULL, err), OQZ_E_INTERNAL, "plain sums give");
		oqz_dnnl_spot_free(other);
	} else {
		ck_fails(oqz_dnnl_spot_end(l->spot, look, l->src, w, err), OQZ_E_INTERNAL, "plain sums give");
	}
	oqz_dnnl_spot_free(l->spot);
	dnnl_primitive_desc_destroy(l->pd);
}

static dnnl_memory_desc_t channels_last(dnnl_data_type_t t, int64_t n, int64_t c, int64_t h, int64_t w)
{
	struct oqz_shape s = { .rank = 4, .dim = { n, c, h, w } };
	dnnl_memory_desc_t r;

	ck_assert(oqz_dnnl_md(&s, t, OQZ_LAYOUT_CHANNELS_LAST, &r));
	return r;
}

/* float32, in two groups, strided, padded, added to what is there, with a slope; and the like on 8 bits with a zero
 * point and a scale per channel, and in bfloat16 with scales as an argument. */
START_TEST(convolutions)
{
	static const dnnl_data_type_t types[] = { dnnl_f32, dnnl_u8, dnnl_s8, dnnl_bf16 };
	enum { OC = 6, GROUPS = 2 };

	for (size_t t = 0; t < OQZ_COUNTOF(types); t++) {
		bool integers = types[t] == dnnl_u8 || types[t] == dnnl_s8, half = types[t] == dnnl_bf16;
		if ((integers && !oqz_dnnl_exact_int8()) || (half && !oqz_dnnl_native_bf16()))
			continue;
		struct layer l = { .constant = true };
		struct oqz_dnnl_attr attr;
		struct oqz_dnnl_look look;
		dnnl_convolution_desc_t cd;
		float scales[OC] = { 0.5f, 0.25f, 0.125f, 0.1f, 0.2f, 0.3f };
		int32_t zero = 3;
		const dnnl_dims_t wdims = { GROUPS, OC / GROUPS, 4, 3, 2 }, stride = { 2, 1 }, dilate = { 0, 1 },
		                  pad = { 1, 1 };
		l.src_md = channels_last(types[t], 2, 4 * GROUPS, 7, 6);
		l.have = oqz_dnnl_md_dims(5, wdims, integers ? dnnl_s8 : types[t]);
		dnnl_memory_desc_t dst = channels_last(dnnl_f32, 2, OC, 4, 6), any = oqz_dnnl_md_any(&l.have);
		dnnl_memory_desc_t bias = oqz_dnnl_md_dims(1, &dst.dims[1], dnnl_f32);
		ck_assert(dnnl_dilated_convolution_forward_desc_init(&cd, dnnl_forward_inference,
		                                                     dnnl_convolution_direct, &l.src_md, &any, &bias,
		                                                     &dst, stride, dilate, pad, pad) == dnnl_success);
		ck_ok(oqz_dnnl_attr_init(&attr, err));
		if (integers) {
			dnnl_primitive_attr_set_output_scales(attr.attr, OC, 1 << 1, scales);
			dnnl_primitive_attr_set_zero_points(attr.attr, DNNL_ARG_SRC, 1, 0, &zero);
		} else if (half) {
			dnnl_dims_t d = { 1, OC, 1, 1 };
			dnnl_memory_desc_t md = oqz_dnnl_md_dims(4, d, dnnl_f32);
			dnnl_post_ops_append_binary(attr.ops, dnnl_binary_mul, &md);
		} else {
			dnnl_post_ops_append_sum(attr.ops, 1);
		}
		dnnl_post_ops_append_eltwise(attr.ops, 1, dnnl_eltwise_relu, 0.25f, 0);
		layer_run(&l, &cd, &attr, true, half, &look);
		expect_to_notice(&l, &look);
	}
}
END_TEST

START_TEST(transposed_convolutions)
{
	struct layer l = { .constant = true };
	struct oqz_dnnl_attr attr;
	struct oqz_dnnl_look look;
	dnnl_deconvolution_desc_t dd;
	const dnnl_dims_t wdims = { 5, 3, 3, 3 }, stride = { 2, 2 }, dilate = { 0, 0 }, pad = { 1, 0 };

	l.src_md = channels_last(dnnl_f32, 1, 3, 4, 5);
	l.have = oqz_dnnl_md_dims(4, wdims, dnnl_f32);
	dnnl_memory_desc_t dst = channels_last(dnnl_f32, 1, 5, 7, 11), any = oqz_dnnl_md_any(&l.have);
	dnnl_memory_desc_t bias = oqz_dnnl_md_dims(1, &dst.dims[1], dnnl_f32);
	ck_assert(dnnl_dilated_deconvolution_forward_desc_init(&dd, dnnl_forward_inference, dnnl_deconvolution_direct,
	                                                       &l.src_md, &any, &bias, &dst, stride, dilate, pad,
	                                                       pad) == dnnl_success);
	ck_ok(oqz_dnnl_attr_init(&attr, err));
	layer_run(&l, &dd, &attr, true, false, &look);
	expect_to_notice(&l, &look);
}
END_TEST

/* Constant weights, and two activations of which the second is the same for all of the batch. */
START_TEST(matrix_products)
{
	for (int pair = 0; pair < 2; pair++) {
		struct layer l = { .constant = !pair };
		struct oqz_dnnl_attr attr;
		struct oqz_dnnl_look look;
		dnnl_matmul_desc_t md;
		const dnnl_dims_t a = { 3, 5, 7 }, b = { 1, 7, 9 }, c = { 3, 5, 9 };
		l.src_md = oqz_dnnl_md_dims(2 + pair, a + !pair, dnnl_f32);
		l.have = oqz_dnnl_md_dims(2 + pair, b + !pair, dnnl_f32);
		dnnl_memory_desc_t dst = oqz_dnnl_md_dims(2 + pair, c + !pair, dnnl_f32),
		                   any = oqz_dnnl_md_any(&l.have);
		ck_assert(dnnl_matmul_desc_init(&md, &l.src_md, pair ? &l.have : &any, NULL, &dst) == dnnl_success);
		ck_ok(oqz_dnnl_attr_init(&attr, err));
		dnnl_post_ops_append_eltwise(attr.ops, 1, dnnl_eltwise_gelu_erf, 0, 0);
		layer_run(&l, &md, &attr, false, false, &look);
		expect_to_notice(&l, &look);
	}
}
END_TEST

/* A product that is written over its own input: what plain sums are made from afterwards is no longer what the kernel
 * has read. It is noticed in runs 1, 2 and 4, as nobody looks at run 3. */
START_TEST(runs_are_looked_at_and_fail)
{
	enum { M = 5, N = 16 };
	static _Alignas(64) float weights[N * N], data[M * N];
	const dnnl_dims_t a = { M, N }, b = { N, N };
	dnnl_memory_desc_t x = oqz_dnnl_md_dims(2, a, dnnl_f32), w = oqz_dnnl_md_dims(2, b, dnnl_f32),
	                   any = oqz_dnnl_md_any(&w);
	struct oqz_dnnl_prim *p;
	dnnl_matmul_desc_t md;
	uint32_t seed = 3;

	ck_assert(dnnl_matmul_desc_init(&md, &x, &any, NULL, &x) == dnnl_success);
	ck_ok(oqz_dnnl_prim_new(&md, NULL, &p, err));
	fill((unsigned char *)weights, dnnl_f32, N * N, &seed);
	ck_ok(oqz_dnnl_prim_pack(p, DNNL_ARG_WEIGHTS, &w, weights, oqz_dnnl_prim_md(p, dnnl_query_weights_md), err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &x);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &x);
	void *scratch = aligned_alloc(64, oqz_dnnl_prim_scratch(p) + 64);
	for (int run = 1; run <= 4; run++) {
		const void *same[] = { data, data };
		fill((unsigned char *)data, dnnl_f32, M * N, &seed);
		if (run == 3)
			ck_ok(oqz_dnnl_prim_run(p, same, scratch, err));
		else
			ck_fails(oqz_dnnl_prim_run(p, same, scratch, err), OQZ_E_INTERNAL, "plain sums give");
	}
	free(scratch);
	oqz_dnnl_prim_free(p);
}
END_TEST

START_TEST(what_has_no_formula_is_not_checked)
{
	const dnnl_dims_t a = { 2, 3 }, b = { 3, 4 }, c = { 2, 4 };
	dnnl_memory_desc_t x = oqz_dnnl_md_dims(2, a, dnnl_f32), w = oqz_dnnl_md_dims(2, b, dnnl_f32),
	                   y = oqz_dnnl_md_dims(2, c, dnnl_f32);
	struct oqz_dnnl_attr attr;
	struct oqz_dnnl_spot *s;
	dnnl_primitive_desc_t pd;
	dnnl_matmul_desc_t md;

	ck_assert(dnnl_matmul_desc_init(&md, &x, &w, NULL, &y) == dnnl_success);
	ck_ok(oqz_dnnl_attr_init(&attr, err));
	dnnl_post_ops_append_eltwise(attr.ops, 1, dnnl_eltwise_sqrt, 0, 0);
	ck_ok(oqz_dnnl_attr_finish(&attr, err));
	ck_assert(dnnl_primitive_desc_create(&pd, &md, attr.attr, oqz_dnnl_engine(), NULL) == dnnl_success);
	ck_ok(oqz_dnnl_spot_new(pd, &s, err));
	ck_assert_ptr_null(s);
	dnnl_primitive_desc_destroy(pd);
	oqz_dnnl_attr_release(&attr);
}
END_TEST

OQZ_TEST_MAIN("dnnl_spot", convolutions, transposed_convolutions, matrix_products, runs_are_looked_at_and_fail,
              what_has_no_formula_is_not_checked)
