/* SPDX-License-Identifier: Apache-2.0
 *
 * The built plugin int4 against its definition, block by block; its plans become DequantizeLinear of 4-bit codes.
 */
#include "tests/unit/plugin_case.h"

enum { A = 5, B = 45, C = 6 };
static float x[A * B * C];

static void fill(void)
{
	struct oqz_rng rng;

	oqz_rng_init(&rng, 4);
	for (int i = 0; i < A * B * C; i++)
		x[i] = (float)(oqz_rng_normal(&rng) * (i % 31 ? 1 : 6) + (i % 7 == 0 ? 1 : 0));
}

/* Squared error; checks each value when there is no search. */
static double against_definition(const float *y, int per, bool symmetric, bool exact)
{
	double sum = 0;

	for (int a = 0; a < A; a++)
		for (int c = 0; c < C; c++)
			for (int from = 0; from < B; from += per) {
				int to = from + per < B ? from + per : B;
				double lo = 0, hi = 0;
				for (int b = from; b < to; b++) {
					lo = fmin(lo, (double)x[(a * B + b) * C + c]);
					hi = fmax(hi, (double)x[(a * B + b) * C + c]);
				}
				float s = (float)((symmetric ? 2 * fmax(-lo, hi) : hi - lo) / 15);
				float z = symmetric ? 0 : rintf((float)(-lo / ((hi - lo) / 15)));
				float min = symmetric ? -8 : 0, max = symmetric ? 7 : 15;
				for (int b = from; b < to; b++) {
					int k = (a * B + b) * C + c;
					float t = fminf(fmaxf(rintf(x[k] / s) + z, min), max);
					ck_assert_msg(!exact || y[k] == (t - z) * s, "(%d,%d,%d): %g, not %g", a, b, c,
					              (double)y[k], (double)((t - z) * s));
					sum += pow((double)y[k] - (double)x[k], 2);
				}
			}
	return sum;
}

START_TEST(blocks_follow_the_definition)
{
	const struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(A, B, C), .data = x };
	struct oqz_tensor y = { 0 };
	struct oqz_qplan *plan = NULL;
	double plain[2];

	fill();
	for (int sym = 0; sym < 2; sym++) {
		plugin_qdq("int4", sym ? "block=16" : "block=16,symmetric=false", &t, OQZ_INPUT_WEIGHT, 0, &y, &plan);
		const struct oqz_qspec *q = &plan->sites.v[0].spec;
		ck_assert(q->axis == 1 && q->block == 16 && q->n_scale == A * 3 * C);
		ck_assert_int_eq(oqz_qspec_dtype(q), sym ? OQZ_DT_I4 : OQZ_DT_U4);
		plain[sym] = against_definition(y.data, 16, sym, true);
		oqz_tensor_release(&y);
		oqz_qplan_free(plan);
		plugin_qdq("int4", sym ? "block=16,scale=mse" : "block=16,symmetric=false,scale=mse", &t,
		           OQZ_INPUT_WEIGHT, 0, &y, NULL);
		double searched = against_definition(y.data, 16, sym, false);
		ck_assert_msg(searched < plain[sym] * 0.98, "search: %g, without %g", searched, plain[sym]);
		oqz_tensor_release(&y);
	}
	plugin_qdq("int4", "block=256", &t, OQZ_INPUT_WEIGHT, 0, &y, NULL);
	against_definition(y.data, 256, true, true);
	oqz_tensor_release(&y);
}
END_TEST

/* `scale: mse` tries the whole range of a block and 16 shorter ones, by thirty-seconds, down to a half. */
START_TEST(parts_of_the_range_are_tried)
{
	enum { N = 256 };
	float v[N];
	struct oqz_tensor t = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(1, N), .data = v }, y = { 0 };
	struct oqz_qplan *plan = NULL;
	double least = INFINITY;
	float best = 0;
	static const int k[] = { 1, 5, 7 };

	v[0] = -1;
	for (int i = 1; i < N; i++)
		v[i] = (float)k[(i - 1) % 3] / 15;
	for (int part = 32; part >= 16; part--) {
		float s = (float)(2 * (part / 32.0) / 15);
		double e = 0;
		for (int i = 0; i < N; i++) {
			double d = (double)(fminf(fmaxf(rintf(v[i] / s), -8), 7) * s) - (double)v[i];
			e += d * d;
		}
		best = e < least ? s : best;
		least = fmin(e, least);
	}
	ck_assert(best == (float)(2 * (19 / 32.0) / 15));
	plugin_qdq("int4", "block=256,scale=mse", &t, OQZ_INPUT_WEIGHT, 0, &y, &plan);
	ck_assert(plan->sites.v[0].spec.n_scale == 1);
	ck_assert_msg(plan->sites.v[0].spec.scale[0] == best, "%g, not %g", (double)plan->sites.v[0].spec.scale[0],
	              (double)best);
	oqz_tensor_release(&y);
	oqz_qplan_free(plan);
	/* the last of them: many small values, which only the finest grid tells from 0 */
	for (int i = 0; i < N; i++)
		v[i] = i ? 0.1f : 2;
	plugin_qdq("int4", "block=256,scale=mse", &t, OQZ_INPUT_WEIGHT, 0, &y, &plan);
	ck_assert(plan->sites.v[0].spec.scale[0] == (float)(2 * 1.0 / 15));
	oqz_tensor_release(&y);
	oqz_qplan_free(plan);
}
END_TEST

START_TEST(only_weights_become_codes)
{
	float none;
	const struct oqz_tensor empty = { .dtype = OQZ_DT_F32, .shape = GB_DIMS(0, 4), .data = &none };
	struct oqz_tensor y = { 0 };
	struct oqz_params *p = plugin_params("int4", "");

	ck_fails(oqz_qdq_tensor(plugin_open("int4"), &plugin_host.table, p, "int4", &empty, OQZ_INPUT_WEIGHT, 0, &y,
	                        NULL, err),
	         OQZ_E_UNSUPPORTED, "int4: 0 scales");
	oqz_params_free(p);
	for (int sym = 0; sym < 2; sym++) {
		struct gb b;
		struct oqz_graph *q = NULL;
		int n = 0;
		layers_make(&b);
		struct oqz_qplan *plan = plugin_plan(&b, "int4", sym ? "" : "symmetric=false", 1);
		ck_assert_int_eq((int)plan->sites.n, 6);
		ck_ok(oqz_qplan_apply(plan, b.g, &q, err));
		for (size_t i = 0; i < q->nodes.n; i++) {
			const struct oqz_node *d = q->nodes.v[i];
			ck_assert(strcmp(d->op_type, "QuantizeLinear") && strcmp(d->op_type, "FakeQuant"));
			if (strcmp(d->op_type, "DequantizeLinear") != 0)
				continue;
			ck_assert(d->in[0]->constant && d->in[0]->type.dtype == (sym ? OQZ_DT_I4 : OQZ_DT_U4));
			ck_assert_int_eq((int)oqz_node_attr(d, "block_size")->i, 32);
			n++;
		}
		ck_assert_int_eq(n, 6);
		oqz_graph_free(q);
		layers_agree(&b, plan, 2e-6, "");
		oqz_qplan_free(plan);
		oqz_graph_free(b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("int4_plugin", blocks_follow_the_definition, parts_of_the_range_are_tried, only_weights_become_codes)
