/* SPDX-License-Identifier: Apache-2.0
 *
 * Real models through the reference kernels, against ONNX Runtime's outputs ($OQZ_SHARED/golden/ort). Each runs twice:
 * as the file has it, and prepared (folding and the default passes), so that a pass that changes a result is seen here.
 * Only models that the plain kernels finish in seconds are in the suite; `test_ops_golden NAME...` runs any others.
 */
#include "core/onnx/backend_case.h"
#include "core/onnx/onnx.h"
#include "core/ops/fold.h"
#include "core/ops/interpret.h"
#include "core/tensor/npy.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_IO = 16 };

static const char *const cases[] = {
	"classification/mobilenet_v2_1.0_224_tf2ptq_deq_f32",
	"classification/mobilenet_v2_1.0_224_tf2ptq_qdq_int8",
	"classification/squeezenet1.1_mxnet",
	"detection/picodet_s_320",
	"detection/yolov5n_320",
	"detection/yolox_nano_kazuhito",
	"ocr/en_number_mobile_v2.0_rec_infer",
	"pose/simplepose_nano",
	"segmentation/espnetv2_s0.5_city_256x512",
	"superres/fsrcnn_x4",
	"superres/realesr_animevideov3_x4",
	"superres/super_resolution_10",
};

/* Of a large output the golden file has every stride-th element. */
static void subsample(struct oqz_tensor *t, const char *stem, size_t output)
{
	const char *path = shared_path("golden/ort/%s/case.json", stem);
	json_error_t jerr;
	json_t *json = json_load_file(path, 0, &jerr), *out;
	struct oqz_shape flat = { .rank = 1 };
	struct oqz_tensor part = { 0 };

	ck_assert_msg(json != NULL, "%s: %s", path, jerr.text);
	out = json_array_get(json_object_get(json, "outputs"), output);
	int64_t stride = json_integer_value(json_object_get(out, "stride"));
	json_decref(json);
	if (stride <= 1)
		return;
	flat.dim[0] = (oqz_tensor_nelem(t) + stride - 1) / stride;
	ck_ok(oqz_tensor_alloc(&part, t->dtype, &flat, err));
	for (int64_t i = 0; i < flat.dim[0]; i++)
		((float *)part.data)[i] = ((const float *)t->data)[i * stride];
	oqz_tensor_release(t);
	*t = part;
}

/* rtol 1e-3, atol 1e-4 of the largest magnitude: what the order of float32 sums may change. Two right implementations
 * of one quantized graph part within a few layers, because single roundings differ; there only the size of the error is
 * tested. */
static void compare(const char *name, size_t i, const struct oqz_tensor *have, const struct oqz_tensor *want)
{
	struct oqz_err err = { 0 };
	double top = 0, diff = 0, ref = 0;

	for (int64_t k = 0; k < oqz_tensor_nelem(want); k++) {
		double w = oqz_load_f(want->dtype, want->data, (size_t)k),
		       h = oqz_load_f(have->dtype, have->data, (size_t)k);
		top = fmax(top, fabs(w));
		diff += (w - h) * (w - h);
		ref += w * w;
	}
	if (strstr(name, "qdq")) {
		ck_assert(oqz_shape_equal(&have->shape, &want->shape));
		ck_assert_msg(sqrt(diff / ref) < 0.15, "%s, output %zu: relative difference %g", name, i,
		              sqrt(diff / ref));
		return;
	}
	if (oqz_tensor_close(have, want, 1e-3, 1e-4 * top, &err) != OQZ_OK)
		ck_abort_msg("%s, output %zu: %s", name, i, err.msg);
}

static enum oqz_status open_raw(const char *path, struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_TRY(oqz_onnx_load(path, ret, err));
	OQZ_TRY(oqz_ops_resolve(*ret, err));
	return oqz_infer_types(*ret, err);
}

static void run_model(const char *name, const char *stem, bool prepared)
{
	struct oqz_tensor in[MAX_IO] = { 0 }, out[MAX_IO] = { 0 };
	const struct oqz_tensor *ins[MAX_IO];
	struct oqz_shape shapes[MAX_IO];
	struct oqz_graph *g = NULL;
	clock_t start = clock();

	if (prepared)
		ck_ok(oqz_model_open(shared_path("zoo/models/%s.onnx", name), NULL, &g, err));
	else
		ck_ok(open_raw(shared_path("zoo/models/%s.onnx", name), &g, err));
	ck_assert(g->inputs.n <= MAX_IO && g->outputs.n <= MAX_IO);
	for (size_t i = 0; i < g->inputs.n; i++) {
		ck_ok(oqz_npy_read(shared_path("golden/ort/%s/input_%zu.npy", stem, i), &in[i], err));
		ins[i] = &in[i];
		shapes[i] = in[i].shape;
	}
	if (prepared)
		ck_ok(oqz_bind_shapes(g, shapes, err));
	ck_ok(oqz_interpret(g, ins, out, NULL, NULL, err));
	for (size_t i = 0; i < g->outputs.n; i++) {
		struct oqz_tensor want = { 0 };
		ck_ok(oqz_npy_read(shared_path("golden/ort/%s/output_%zu.npy", stem, i), &want, err));
		subsample(&out[i], stem, i);
		compare(name, i, &out[i], &want);
		oqz_tensor_release(&want);
		oqz_tensor_release(&out[i]);
	}
	for (size_t i = 0; i < g->inputs.n; i++)
		oqz_tensor_release(&in[i]);
	printf("%s %s: %zu nodes, %.1f s\n", name, prepared ? "prepared" : "as it is", g->nodes.n,
	       (double)(clock() - start) / CLOCKS_PER_SEC);
	oqz_graph_free(g);
}

static void run_both(const char *name)
{
	const char *stem = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;

	if (!shared_path("zoo/models/%s.onnx", name) || !shared_path("golden/ort/%s/output_0.npy", stem)) {
		printf("skipped: %s is not here\n", name);
		return;
	}
	run_model(name, stem, false);
	run_model(name, stem, true);
}

START_TEST(model_agrees_with_onnx_runtime) { run_both(cases[_i]); }
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("ops_golden");
	TCase *t = tcase_create("models");
	bool all = argc == 1;

	shared_require("golden/ort");
	for (int i = 0; i < (int)OQZ_COUNTOF(cases); i++) {
		bool wanted = all;
		for (int k = 1; k < argc; k++)
			wanted |= strstr(cases[i], argv[k]) != NULL;
		if (wanted)
			tcase_add_loop_test(t, model_agrees_with_onnx_runtime, i, i + 1);
	}
	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
