/* SPDX-License-Identifier: Apache-2.0
 *
 * Real models, start to finish, against outputs of ONNX Runtime: the float models to the accuracy of float32 sums. The
 * quantized one is only asked for what two correct implementations have in common (see the trap in exec_graph.h's
 * layers): the same decisions on average, not the same numbers.
 */
#include "core/onnx/onnx.h"
#include "core/tensor/npy.h"
#include "tests/unit/exec_graph.h"

struct golden_case {
	json_t *json;
	struct oqz_graph *g;
	struct oqz_tensor in[4], out[16];
	size_t n_in, n_out, stride[16];
};

static void load_arrays(const char *name, json_t *list, struct oqz_tensor *t, size_t *n)
{
	*n = json_array_size(list);
	for (size_t i = 0; i < *n; i++) {
		const char *file = json_string_value(json_object_get(json_array_get(list, i), "file"));
		t[i] = (struct oqz_tensor) { 0 };
		ck_ok(oqz_npy_read(shared_path("golden/ort/%s/%s", name, file), &t[i], err));
	}
}

static void case_open(struct golden_case *c, const char *name)
{
	json_error_t e;

	memset(c, 0, sizeof *c);
	c->json = json_load_file(shared_path("golden/ort/%s/case.json", name), 0, &e);
	ck_assert_msg(c->json != NULL, "%s: %s", name, e.text);
	load_arrays(name, json_object_get(c->json, "inputs"), c->in, &c->n_in);
	load_arrays(name, json_object_get(c->json, "outputs"), c->out, &c->n_out);
	for (size_t i = 0; i < c->n_out; i++) {
		json_t *s = json_object_get(json_array_get(json_object_get(c->json, "outputs"), i), "stride");
		c->stride[i] = s ? (size_t)json_integer_value(s) : 1;
	}
	const char *model = shared_path("zoo/models/%s.onnx", json_string_value(json_object_get(c->json, "model")));
	ck_assert_msg(model != NULL, "%s: the model is not here", name);
	ck_ok(oqz_model_open(model, NULL, &c->g, err));
}

static void case_close(struct golden_case *c)
{
	for (size_t i = 0; i < c->n_in; i++)
		oqz_tensor_release(&c->in[i]);
	for (size_t i = 0; i < c->n_out; i++)
		oqz_tensor_release(&c->out[i]);
	oqz_graph_free(c->g);
	json_decref(c->json);
}

/* Elements further off than rtol 1e-3 and atol 1e-4 of the largest. Large outputs are kept as every stride-th element.
 */
static size_t count_bad(const struct oqz_tensor *a, const struct oqz_tensor *b, size_t stride, double *worst)
{
	const float *x = a->data, *y = b->data;
	size_t n = (size_t)oqz_tensor_nelem(b), bad = 0;
	double top = 0;

	ck_assert_uint_eq(((size_t)oqz_tensor_nelem(a) + stride - 1) / stride, n);

	for (size_t i = 0; i < n; i++)
		top = fmax(top, fabs((double)y[i]));
	*worst = 0;
	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)x[i * stride] - (double)y[i]);
		bad += !(d <= 1e-3 * fabs((double)y[i]) + 1e-4 * top);
		*worst = fmax(*worst, d / top);
	}
	return bad;
}

static size_t arg_max(const struct oqz_tensor *t)
{
	const float *x = t->data;
	size_t best = 0;

	for (size_t i = 1; i < (size_t)oqz_tensor_nelem(t); i++)
		if (x[i] > x[best])
			best = i;
	return best;
}

static void run_case(const char *name, enum oqz_engine engine, bool quantized)
{
	OQZ_CLEANUP(oqz_program_free_cleanup) struct oqz_program *p = NULL;
	OQZ_CLEANUP(oqz_context_free_cleanup) struct oqz_context *ctx = NULL;
	struct oqz_exec_options opt = { .engine = engine };
	struct oqz_shape shapes[4];
	struct golden_case c;
	double worst;

	case_open(&c, name);
	for (size_t i = 0; i < c.n_in; i++)
		shapes[i] = c.in[i].shape;
	ck_ok(oqz_program_new(c.g, &opt, shapes, &p, err));
	ck_ok(oqz_context_new(p, &ctx, err));
	fill_inputs(ctx, p, c.in);
	ck_ok(oqz_context_run(ctx, 0, oqz_program_nsteps(p), err));
	for (size_t i = 0; i < c.n_out; i++) {
		if (c.stride[i] == 1)
			ck_assert(oqz_shape_equal(&oqz_context_output(ctx, i)->shape, &c.out[i].shape));
		size_t bad = count_bad(oqz_context_output(ctx, i), &c.out[i], c.stride[i], &worst);
		printf("%s, output %zu: largest difference %.3g of the largest number\n", name, i, worst);
		if (quantized) {
			ck_assert_uint_eq(arg_max(oqz_context_output(ctx, i)), arg_max(&c.out[i]));
			ck_assert_msg(worst < 0.15, "%s: output %zu is off by %g", name, i, worst);
		} else {
			ck_assert_msg(bad == 0, "%s: output %zu: %zu elements are off, by %g at most", name, i, bad,
			              worst);
		}
	}
	case_close(&c);
}

#define GOLDEN(id, name, engine, quantized)                   \
	START_TEST(id) { run_case(name, engine, quantized); } \
	END_TEST

GOLDEN(squeezenet, "squeezenet1.1_mxnet", OQZ_ENGINE_AUTO, false)
GOLDEN(mobilenet, "mobilenet_v2_1.0_224_tf2ptq_deq_f32", OQZ_ENGINE_AUTO, false)
GOLDEN(mobilenet_int8, "mobilenet_v2_1.0_224_tf2ptq_qdq_int8", OQZ_ENGINE_AUTO, true)
GOLDEN(mobilenet_int8_sim, "mobilenet_v2_1.0_224_tf2ptq_qdq_int8", OQZ_ENGINE_SIM, true)
GOLDEN(yolox, "yolox_nano_kazuhito", OQZ_ENGINE_AUTO, false)
GOLDEN(yolov5, "yolov5n_320", OQZ_ENGINE_AUTO, false)
GOLDEN(picodet, "picodet_s_320", OQZ_ENGINE_AUTO, false)
GOLDEN(simplepose, "simplepose_nano", OQZ_ENGINE_AUTO, false)
GOLDEN(espnet, "espnetv2_s0.5_city_256x512", OQZ_ENGINE_AUTO, false)
GOLDEN(ocr, "en_number_mobile_v2.0_rec_infer", OQZ_ENGINE_AUTO, false)
GOLDEN(fsrcnn, "fsrcnn_x4", OQZ_ENGINE_AUTO, false)
GOLDEN(realesr, "realesr_animevideov3_x4", OQZ_ENGINE_AUTO, false)
GOLDEN(super_resolution, "super_resolution_10", OQZ_ENGINE_AUTO, false)
GOLDEN(super_resolution_reference, "super_resolution_10", OQZ_ENGINE_REFERENCE, false)

int main(void)
{
	const TTest *const tests[] = { squeezenet,
		                       mobilenet,
		                       mobilenet_int8,
		                       mobilenet_int8_sim,
		                       yolox,
		                       yolov5,
		                       picodet,
		                       simplepose,
		                       espnet,
		                       ocr,
		                       fsrcnn,
		                       realesr,
		                       super_resolution,
		                       super_resolution_reference };

	shared_require("golden/ort");
	shared_require("zoo/models");
	return oqz_test_run("exec_golden", tests, OQZ_COUNTOF(tests));
}
