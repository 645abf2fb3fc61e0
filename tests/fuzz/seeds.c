/* SPDX-License-Identifier: Apache-2.0
 *
 * The seeds; see seeds.h. Small on purpose: a fuzzer changes few bytes at a time, and each of them should matter.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeds.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/onnx/onnx_impl.h"
#include "core/quant/observe.h"
#include "core/quant/qplan.h"
#include "core/result/ledger.h"
#include "core/result/results.h"
#include "core/tensor/npy.h"
#include "tests/support/support.h"

#define SEED_CHECK(call)                                                \
	do {                                                            \
		struct oqz_err seed_err_ = { 0 };                       \
		struct oqz_err *const err = &seed_err_;                 \
		if ((call) != OQZ_OK)                                   \
			fuzz_broken(seed_err_.msg, __FILE__, __LINE__); \
	} while (0)

/* The builders of the unit tests, outside of Check's runner. */
#undef ck_ok
#undef ck_assert
#undef ck_assert_msg
#define ck_ok SEED_CHECK
#define ck_assert FUZZ_CHECK
#define ck_assert_msg(cond, ...) FUZZ_CHECK(cond)
#include "tests/unit/exec_graph.h"
#include "tests/unit/image_cases.h"
#include "tests/unit/image_formats.h"

static void add(struct seeds *s, const void *data, size_t size)
{
	struct seed *x = &s->v[s->n++];

	FUZZ_CHECK(s->n <= OQZ_COUNTOF(s->v));
	FUZZ_CHECK((x->data = malloc(size ? size : 1)) != NULL);
	memcpy(x->data, data, size);
	x->size = size;
}

static void add_text(struct seeds *s, const char *text) { add(s, text, strlen(text)); }

static void add_str(struct seeds *s, struct oqz_str *b)
{
	FUZZ_CHECK(oqz_str_ok(b));
	add(s, b->s, b->len);
	oqz_str_release(b);
}

static void add_file(struct seeds *s, const char *path)
{
	char *data;
	size_t size;

	SEED_CHECK(oqz_file_read(path, 1 << 20, &data, &size, err));
	add(s, data, size);
	free(data);
}

/* ---- models ---- */

static void add_graph(struct seeds *s, struct gb *b)
{
	const char *path = fuzz_path("seed.onnx");

	gb_finish(b);
	SEED_CHECK(oqz_onnx_save(b->g, path, err));
	oqz_graph_free(b->g);
	add_file(s, path);
}

/* Convolution, normalisation, activation, pooling, a shape computation and a matrix product: what classifiers are. */
static void seed_classifier(struct seeds *s)
{
	struct gb b;

	gb_init(&b, 1);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 2, 5, 5));
	x = GB_OP(&b, "Conv", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(3, 2, 3, 3), 1));
	GB_INTS(&b, "pads", 1, 1, 1, 1);
	struct oqz_value *c = gb_weights(&b, OQZ_DT_F32, GB_DIMS(3), 0.1),
	                 *var = gb_weights(&b, OQZ_DT_F32, GB_DIMS(3), 0);
	x = GB_OP(&b, "BatchNormalization", x, c, c, c, var);
	x = GB_OP(&b, "Relu", x);
	x = GB_OP(&b, "MaxPool", x);
	GB_INTS(&b, "kernel_shape", 2, 2);
	struct oqz_value *n = GB_OP(&b, "Gather", GB_OP(&b, "Shape", x), gb_scalar(&b, OQZ_DT_I64, 0));
	n = GB_OP(&b, "Unsqueeze", n, GB_LIST(&b, 0));
	n = GB_OP(&b, "Concat", n, GB_LIST(&b, -1));
	ck_ok(oqz_node_set_int(b.last, "axis", 0, err));
	x = GB_OP(&b, "Reshape", x, n);
	x = GB_OP(&b, "Gemm", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(48, 2), 1));
	GB_OP(&b, "Softmax", GB_OP(&b, "Add", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(2), 1)));
	add_graph(s, &b);
}

/* Constants that folding computes with, types other than float32, quantization. */
static void seed_quantized(struct seeds *s)
{
	struct gb b;

	gb_init(&b, 2);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(2, 3));
	struct oqz_value *scale = gb_scalar(&b, OQZ_DT_F32, 0.5), *zero = gb_scalar(&b, OQZ_DT_I8, 3);
	x = GB_OP(&b, "DequantizeLinear", GB_OP(&b, "QuantizeLinear", x, scale, zero), scale, zero);
	struct oqz_value *w = gb_weights(&b, OQZ_DT_F16, GB_DIMS(3, 4), 1);
	w = GB_OP(&b, "Cast", w);
	ck_ok(oqz_node_set_int(b.last, "to", 1, err));
	w = GB_OP(&b, "Transpose", GB_OP(&b, "Transpose", w));
	x = GB_OP(&b, "MatMul", x, w);
	struct oqz_value *r = GB_OP(&b, "Range", gb_scalar(&b, OQZ_DT_I64, 0), gb_scalar(&b, OQZ_DT_I64, 4),
	                            gb_scalar(&b, OQZ_DT_I64, 1));
	x = GB_OP(&b, "Gather", x, GB_OP(&b, "Slice", r, GB_LIST(&b, 1), GB_LIST(&b, 3), GB_LIST(&b, 0)));
	ck_ok(oqz_node_set_int(b.last, "axis", 1, err));
	struct oqz_value *z = GB_OP(&b, "Expand", gb_scalar(&b, OQZ_DT_F32, 1), GB_LIST(&b, 2, 2));
	GB_OP(&b, "Mul", x, GB_OP(&b, "Tile", z, GB_LIST(&b, 1, 1)));
	struct oqz_value *q = GB_OP(&b, "ConstantOfShape", GB_LIST(&b, 2, 2));
	GB_OP(&b, "Pad", q, GB_LIST(&b, 0, 1, 1, 0));
	add_graph(s, &b);
}

/* Operators with many attributes and index arithmetic, on constants so that folding runs their kernels. */
static void seed_folded(struct seeds *s)
{
	struct gb b;

	gb_init(&b, 3);
	struct oqz_value *x = gb_weights(&b, OQZ_DT_F32, GB_DIMS(1, 2, 4, 4), 1), *y = gb_input(&b, "y", GB_DIMS(1));
	struct oqz_value *p = GB_OP(&b, "AveragePool", x);
	GB_INTS(&b, "kernel_shape", 2, 2);
	GB_OP(&b, "Add", y, GB_OP(&b, "ReduceSum", p, GB_LIST(&b, 1)));
	GB_OP(&b, "ConvTranspose", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(2, 2, 2, 2), 1));
	GB_INTS(&b, "strides", 2, 2);
	GB_OP(&b, "Einsum", gb_weights(&b, OQZ_DT_F32, GB_DIMS(2, 3), 1), gb_weights(&b, OQZ_DT_F32, GB_DIMS(3, 2), 1));
	ck_ok(oqz_node_set_string(b.last, "equation", "ij,jk->ik", err));
	GB_OP(&b, "OneHot", GB_LIST(&b, 0, 2), gb_scalar(&b, OQZ_DT_I64, 3), GB_LIST(&b, 0, 1));
	GB_OP(&b, "ScatterND", x, GB_LIST(&b, 0), gb_weights(&b, OQZ_DT_F32, GB_DIMS(2, 4, 4), 1));
	GB_OP(&b, "SpaceToDepth", x);
	ck_ok(oqz_node_set_int(b.last, "blocksize", 2, err));
	add_graph(s, &b);
}

/* Attention with mask and shared heads, and Einsum of what it gives. */
static void seed_attention(struct seeds *s)
{
	struct oqz_value *in[4];
	struct gb b;

	gb_init(&b, 4);
	in[0] = gb_input(&b, "q", GB_DIMS(1, 2, 3, 4));
	in[1] = gb_input(&b, "k", GB_DIMS(1, 1, 2, 4));
	in[2] = gb_input(&b, "v", GB_DIMS(1, 1, 2, 3));
	in[3] = gb_weights(&b, OQZ_DT_F32, GB_DIMS(3, 2), 1);
	struct oqz_value *y = gb_op_n(&b, "Attention", in, 4, 3);
	b.last->opset = 24;
	GB_OP(&b, "Einsum", y, in[2]);
	b.last->opset = 24;
	ck_ok(oqz_node_set_string(b.last, "equation", "bhqd,bgkd->hqk", err));
	add_graph(s, &b);
}

/* Kernels that look at where they may read: recurrences, sampling, boxes, windows. */
static void seed_kernels(struct seeds *s)
{
	struct gb b;

	gb_init(&b, 5);
	struct oqz_value *x = gb_input(&b, "x", GB_DIMS(1, 2, 4, 5)), *t = gb_input(&b, "t", GB_DIMS(3, 2, 4));
	GB_OP(&b, "GridSample", x, gb_weights(&b, OQZ_DT_F32, GB_DIMS(1, 3, 2, 2), 1));
	GB_OP(&b, "LSTM", t, gb_weights(&b, OQZ_DT_F32, GB_DIMS(1, 12, 4), 1),
	      gb_weights(&b, OQZ_DT_F32, GB_DIMS(1, 12, 3), 1));
	ck_ok(oqz_node_set_int(b.last, "hidden_size", 3, err));
	GB_OP(&b, "NonMaxSuppression", t, gb_weights(&b, OQZ_DT_F32, GB_DIMS(3, 1, 2), 1), GB_LIST(&b, 2));
	add_graph(s, &b);
}

static void seed_onnx(struct seeds *s)
{
	seed_classifier(s);
	seed_quantized(s);
	seed_folded(s);
	seed_attention(s);
	seed_kernels(s);
}

/* ---- tensors ---- */

static void seed_tensor_pb(struct seeds *s)
{
	int64_t dims[] = { 2, 3 };
	float values[] = { 1, 2, 3, 4, 5, 6 };
	int32_t narrow[] = { 1, -2, 3, -4, 5, 6 };
	uint8_t raw[24] = { 0, 0, 128, 63 }, buf[600];
	Onnx__TensorProto p = ONNX__TENSOR_PROTO__INIT;

	p.name = (char *)"t";
	p.has_data_type = true;
	p.dims = dims;
	p.n_dims = 2;
	p.data_type = OQZ_DT_F32;
	p.float_data = values;
	p.n_float_data = 6;
	add(s, buf, onnx__tensor_proto__pack(&p, buf));
	p.n_float_data = 0;
	p.has_raw_data = true;
	p.raw_data = (ProtobufCBinaryData) { .len = sizeof raw, .data = raw };
	add(s, buf, onnx__tensor_proto__pack(&p, buf));
	p.data_type = OQZ_DT_I4;
	p.raw_data.len = 3;
	add(s, buf, onnx__tensor_proto__pack(&p, buf));
	p.has_raw_data = false;
	p.data_type = OQZ_DT_I8;
	p.int32_data = narrow;
	p.n_int32_data = 6;
	add(s, buf, onnx__tensor_proto__pack(&p, buf));
}

static void seed_npy(struct seeds *s)
{
	static const enum oqz_dtype types[] = { OQZ_DT_F32, OQZ_DT_U8, OQZ_DT_I64, OQZ_DT_F16 };
	const struct oqz_shape shape = { .rank = 2, .dim = { 2, 3 } };
	const char *path = fuzz_path("seed.npy");

	for (size_t i = 0; i < OQZ_COUNTOF(types); i++) {
		struct oqz_tensor t = { 0 };
		SEED_CHECK(oqz_tensor_alloc(&t, types[i], &shape, err));
		for (size_t k = 0; k < 6; k++)
			oqz_store_f(t.dtype, t.data, k, (double)k);
		SEED_CHECK(oqz_npy_write(path, &t, err));
		oqz_tensor_release(&t);
		add_file(s, path);
	}
}

/* ---- images ---- */

static void seed_jpeg(struct seeds *s)
{
	static const struct {
		int w, h, channels;
		bool progressive;
	} kinds[] = { { 17, 9, 3, false }, { 9, 17, 3, true }, { 8, 8, 1, false }, { 5, 5, 4, false } };
	struct oqz_image img = { 0 };

	for (size_t i = 0; i < OQZ_COUNTOF(kinds); i++) {
		image_generate(&img, kinds[i].w, kinds[i].h, kinds[i].channels);
		struct encoded e = encode_jpeg(&img, 60, kinds[i].progressive);
		add(s, e.data, e.size);
		free(e.data);
	}
	oqz_image_release(&img);
}

static void seed_png(struct seeds *s)
{
	static const struct {
		int depth, color;
		bool interlaced;
	} kinds[] = { { 8, PNG_COLOR_TYPE_RGB, false },       { 8, PNG_COLOR_TYPE_RGB_ALPHA, true },
		      { 1, PNG_COLOR_TYPE_GRAY, false },      { 16, PNG_COLOR_TYPE_GRAY, true },
		      { 2, PNG_COLOR_TYPE_PALETTE, false },   { 8, PNG_COLOR_TYPE_PALETTE, true },
		      { 8, PNG_COLOR_TYPE_GRAY_ALPHA, false } };
	static const png_color palette[4] = { { 1, 2, 3 }, { 4, 5, 6 }, { 70, 80, 90 }, { 255, 0, 255 } };
	uint8_t rows[7 * 64];

	for (size_t i = 0; i < OQZ_COUNTOF(kinds); i++) {
		bool pal = kinds[i].color == PNG_COLOR_TYPE_PALETTE;
		for (size_t k = 0; k < sizeof rows; k++)
			rows[k] = (uint8_t)(pal && kinds[i].depth == 8 ? k % 4 : k * 37);
		struct encoded e = encode_png(rows, 64, 7, 7, kinds[i].depth, kinds[i].color, pal ? palette : NULL, 4,
		                              kinds[i].interlaced);
		add(s, e.data, e.size);
		free(e.data);
	}
}

static void seed_image(struct seeds *s)
{
	static void (*const make[])(struct bytes *) = {
		make_ppm,      make_bmp,
#ifdef HAVE_TIFF
		make_tiff,
#endif
#ifdef HAVE_WEBP
		make_webp,
#endif
#ifdef HAVE_OPENJPEG
		make_jpeg2000,
#endif
	};

	fill();
	for (size_t i = 0; i < OQZ_COUNTOF(make); i++) {
		struct bytes b = { .n = 0 };
		make[i](&b);
		add(s, b.data, b.n);
	}
}

/* ---- texts ---- */

static void seed_yaml(struct seeds *s)
{
	add_text(s, "oqz: 1\n"
	            "vars: {root: \"${HOME:-/x}/zoo\", n: 3}\n"
	            "datasets:\n"
	            "  base: {reader: list, root: \"${root}/data\", list: a.txt}\n"
	            "  test: {extends: base, list: test.txt}\n"
	            "schemes:\n"
	            "  int8: {plugin: int8, calibrate: {method: percentile, q: 0.9999}}\n"
	            "  pow2: {extends: int8, scale: pow2, quantize: {exclude: [\"/head/*\"]}}\n"
	            "tasks:\n"
	            "  classify: {plugin: classification, k: [1, 5], test: test, calib: base}\n"
	            "models:\n"
	            "  - {id: a, file: \"${root}/a.onnx\", task: classify, prepare: squeezenet, tags: [cnn]}\n"
	            "  - {id: b, extends: a, file: b.onnx, watch: [x, y]}\n"
	            "matrix:\n"
	            "  - {models: [\"*\"], schemes: [\"*\"], except: [{model: b, scheme: pow2}]}\n"
	            "gates:\n"
	            "  - {metric: top1, max_drop: 1.0pp, model: a}\n"
	            "limits: {memory: 2GiB, local_images: 4}\n");
	add_text(s, "a: &x {b: 1, c: [1, 'two', \"th\\\"ree\\n\", ~]}\n"
	            "d: {<<: *x, b: 2}\n"
	            "e: |\n  text\n  more\n"
	            "f: >-\n  folded\n  text\n"
	            "? g\n: - 1\n  - - 2\n    - {}\n"
	            "h: *x # comment\n");
	add_text(s, "oqz: 1\nvars: {a: \"${b}\", b: \"${c:-$${x}}\", c: \"${D:?no}\"}\nmodels: []\n");
}

static void seed_qplan(struct seeds *s)
{
	static const float scales[] = { 0.1f, 1.1754944e-38f, 3.4028235e38f, 0.0332873f };
	static const int32_t zeros[] = { 1, 3, -7, 128 };
	static const double values[] = { -1, -0.69, 0, 0.3, 1 };
	const struct oqz_grid grids[] = {
		{ .kind = OQZ_GRID_AFFINE, .bits = 8, .qmin = -128, .qmax = 127 },
		{ .kind = OQZ_GRID_MINIFLOAT,
		  .bits = 8,
		  .exp_bits = 4,
		  .man_bits = 3,
		  .bias = 7,
		  .special = 1,
		  .max = 448 },
		{ .kind = OQZ_GRID_CODEBOOK, .bits = 3, .n_values = 5, .values = values },
	};
	struct oqz_qplan *all = oqz_qplan_new();
	struct oqz_str text = { 0 };

	SEED_CHECK(oqz_qplan_set_scheme(all, "int8:bits=8", err));
	for (size_t i = 0; i < OQZ_COUNTOF(grids); i++) {
		struct oqz_qplan *p = oqz_qplan_new();
		struct oqz_qplan_site site = {
			.node = "/conv \"1\"", .input = (int)i, .tensor = "w\xc3\xa4", .rule = "minmax"
		};
		site.role = i ? OQZ_INPUT_WEIGHT : OQZ_INPUT_ACTIVATION;
		site.spec = (struct oqz_qspec) { .grid = grids[i],
			                         .axis = i ? (int)i - 1 : -1,
			                         .n_scale = i ? 4 : 1,
			                         .block = i == 1 ? 32 : 0,
			                         .scale = scales,
			                         .zero = i ? NULL : zeros };
		SEED_CHECK(oqz_qplan_set_scheme(p, "x:bits=8", err));
		SEED_CHECK(oqz_qplan_add(p, &site, err));
		SEED_CHECK(oqz_qplan_add(all, &site, err));
		SEED_CHECK(oqz_qplan_to_json(p, &text, err));
		add_str(s, &text);
		oqz_qplan_free(p);
	}
	SEED_CHECK(oqz_qplan_to_json(all, &text, err));
	add_str(s, &text);
	oqz_qplan_free(all);
}

static void seed_results(struct seeds *s)
{
	static const char *const tags[] = { "cnn", "small" };
	static const struct oqz_metric rows[] = { { "top1", OQZ_UNIT_RATIO, OQZ_TEST_MCNEMAR, true, 0, 1, "h" },
		                                  { "psnr", OQZ_UNIT_DECIBEL, OQZ_TEST_NONE, true, 0, 0, "h" } };
	static const double values[] = { 0.6976, INFINITY };
	const struct oqz_float_result f = { "m", "classify", 5000, 2, 2, rows, values };
	const struct oqz_metric_result top1 = {
		"top1", OQZ_UNIT_RATIO, OQZ_TEST_MCNEMAR, true, 0.7, 0.69, -0.01, -0.02, 0.01, 0.04, 0.003, 30, 18
	};
	const struct oqz_layer_result layer = {
		"conv1", "Conv", "int8", { 0.02, 0.025, 0.1, 9, 1, 0 }, { 0.01, 0.01, 0.02, 3, 0, 0 }, true,
		0.004,   0.5,    1180
	};
	struct oqz_results *r = oqz_results_new();
	struct oqz_str text = { 0 };

	r->version = "0.1.0";
	r->manifest_sha256 = "ff";
	for (int i = 0; i < 3; i++) {
		struct oqz_cell_result *c = oqz_results_add_cell(r);
		c->model = "m";
		c->scheme = i ? "fp8" : "int8";
		c->task = "classify";
		c->status = (enum oqz_cell_status)i;
		c->code = i ? "unsupported" : NULL;
		c->message = i ? "node a: operator Foo | is unknown\nmore" : NULL;
		if (i)
			continue;
		c->tags = tags;
		c->n_tags = 2;
		c->images = 5000;
		c->aqe = 0.02, c->mqe = INFINITY, c->mean_oqe = NAN;
		c->provenance = (struct oqz_provenance) { "aa",       "bb",    "cc",   "int8(bits=8)", "k",
			                                  "int8 1.0", "c 1.0", "auto", "lib",          false };
		FUZZ_CHECK(oqz_vec_push(&c->metrics, top1) && oqz_vec_push(&c->layers, layer));
	}
	const struct oqz_failed_image img = { "m", "a/b.jpg", "truncated" };
	const struct oqz_gate_result gate = { "m int8: drop 0.0025 > 0.001", true };
	FUZZ_CHECK(oqz_vec_push(&r->floats, f) && oqz_vec_push(&r->failed_images, img) &&
	           oqz_vec_push(&r->gates, gate));
	oqz_results_store(r, &text);
	add_str(s, &text);
	oqz_results_free(r);
}

static void seed_observer(struct seeds *s)
{
	float x[40];
	struct oqz_str text = { 0 };

	for (unsigned needs = 1; needs < 16; needs += 2) {
		struct oqz_observer *o;
		SEED_CHECK(oqz_observer_new(needs | OQZ_OBS_MINMAX, 0.99, 2, &o, err));
		for (int64_t image = 0; image < 5; image++) {
			for (int i = 0; i < 40; i++)
				x[i] = (float)(i - 7) * 0.25f * (float)(image + 1);
			x[3] = image == 2 ? INFINITY : x[3];
			SEED_CHECK(oqz_observer_add(o, image, x, 40, 8, err));
		}
		SEED_CHECK(oqz_observer_save(o, &text, err));
		add_str(s, &text);
		oqz_observer_free(o);
	}
	for (unsigned needs = OQZ_OBS_BINS_MAGNITUDE; needs & OQZ_OBS_SECOND; needs *= 2) {
		struct oqz_observer *o;
		SEED_CHECK(oqz_observe_once(needs, 0, x, 40, 0, &o, err));
		SEED_CHECK(oqz_observer_save(o, &text, err));
		add_str(s, &text);
		oqz_observer_free(o);
	}
}

static void seed_params(struct seeds *s)
{
	add_text(s, "bits=4,symmetric=no,calibrate=mse,scales=0.5:1e-3:-2,include=a\\:b:c\\,d,root=/x:y");
	add_text(s, "k=1:2:3,calibrate_q=0.5,include=a\\\\:b");
	add_text(s, "symmetric=true,scales=,include=");
}

static void seed_ledger(struct seeds *s)
{
	const char *path = fuzz_path("seed.db");
	double sums[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct oqz_ledger *l;
	int64_t cell;

	SEED_CHECK(oqz_ledger_open(path, false, &l, err));
	for (int lane = 0; lane < 2; lane++) {
		SEED_CHECK(oqz_ledger_cell(l, lane ? "bb" : "aa", "m", lane ? "int8" : "", &cell, err));
		for (int64_t item = 0; item < 4; item++) {
			struct oqz_ledger_row row = {
				.item = item, .item_id = "a.jpg", .record = "record", .record_size = 6
			};
			if (item == 3)
				row = (struct oqz_ledger_row) {
					.item = item, .item_id = "b.jpg", .status = OQZ_E_DATA, .message = "truncated"
				};
			else if (lane) {
				row.errors = sums;
				row.n_errors = 8;
				row.has_local = true;
			}
			SEED_CHECK(oqz_ledger_put(l, cell, &row, err));
		}
	}
	SEED_CHECK(oqz_ledger_put_blob(l, "plan", "{\"a\": 1}", 8, err));
	SEED_CHECK(oqz_ledger_close(l, err));
	add_file(s, path);
	remove(path);
}

static void seed_coco(struct seeds *s)
{
	add_text(s,
	         "{\"images\": [{\"id\": 9, \"file_name\": \"b.jpg\", \"width\": 64, \"height\": 48}, {\"id\": -1, "
	         "\"file_name\": \"a.jpg\"}], \"categories\": [{\"id\": 3, \"name\": \"x\"}, {\"id\": 1, \"name\": "
	         "\"person\"}], \"annotations\": [{\"id\": 7, \"image_id\": 9, \"category_id\": 1, \"bbox\": [1, 2.5, "
	         "3e1, 4], \"area\": 60, \"iscrowd\": 0, \"num_keypoints\": 1, \"keypoints\": [1, 2, 2, 0, 0, 0, 0, 0, "
	         "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	         "0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}, "
	         "{\"id\": 6, \"image_id\": 8, \"category_id\": 3, \"bbox\": [0, 0, 0, 0], \"area\": 0, "
	         "\"iscrowd\": 1}]}");
	add_text(s, "{\"images\": [{\"id\": 1, \"file_name\": \"a\"}], \"categories\": [{\"id\": 1, \"name\": \"c\"}], "
	            "\"annotations\": []}");
}

/* Pieces as fuzz_graph.c reads them: inputs (count - 1, type, rank, dimensions), then nodes (operator, inputs,
 * attributes).
 */
static void seed_graph(struct seeds *s)
{
	static const struct {
		enum oqz_op_id op;
		uint8_t head[8], n_head, tail[12], n_tail;
	} cases[] = {
		{ OQZ_OP_RELU, { 0, 0, 2, 2, 3 }, 5, { 0 }, 1 },
		{ OQZ_OP_ADD, { 1, 0, 1, 3, 0, 2, 2, 3 }, 8, { 0, 1 }, 2 },
		{ OQZ_OP_MATMUL, { 0, 0, 2, 3, 3 }, 5, { 0, 0 }, 2 },
		{ OQZ_OP_SOFTMAX, { 0, 0, 3, 2, 3, 4 }, 6, { 0, 1 }, 2 },
		{ OQZ_OP_CONV, { 0, 0, 4, 3, 3, 3, 3 }, 7, { 0, 0, 0, 1, 1, 1, 1, 1, 1 }, 9 },
		{ OQZ_OP_GLOBAL_AVERAGE_POOL, { 0, 0, 4, 1, 2, 3, 4 }, 7, { 0 }, 1 },
		{ OQZ_OP_NON_ZERO, { 0, 0, 2, 2, 3 }, 5, { 0 }, 1 },
		{ OQZ_OP_SHAPE, { 0, 0, 2, 2, 3 }, 5, { 0, 1, 1 }, 3 },
		{ OQZ_OP_ATTENTION, { 0, 0, 4, 1, 2, 3, 4 }, 7, { 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1 }, 12 },
		{ OQZ_OP_EINSUM, { 0, 0, 2, 3, 3 }, 5, { 1, 0, 0, 0, 0, 6, 6, 6, 6, 6 }, 10 },
	};

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++) {
		uint8_t buf[32];
		size_t n = cases[i].n_head;
		memcpy(buf, cases[i].head, n);
		buf[n++] = (uint8_t)((cases[i].op - 1) >> 8);
		buf[n++] = (uint8_t)(cases[i].op - 1);
		memcpy(buf + n, cases[i].tail, cases[i].n_tail);
		add(s, buf, n + cases[i].n_tail);
	}
}

static void seed_labels(struct seeds *s)
{
	static const uint8_t synsets[] = "\1n01/a.jpg 0\r\nwith blank.png\t1\n\xffn01 tench, fish\nn02\n";

	add_text(s, "\2a.jpg 3\nb/c d.png\t0\n");
	add(s, synsets, sizeof synsets - 1);
}

static void seed_ocr(struct seeds *s)
{
	static const uint8_t crowd[] = "\3dir/a.png\t\xe4\xb8\xad 1\nb.png\t\n";

	add(s, crowd, sizeof crowd - 1);
	add_text(s, "\1word_1.png, \"Tire\\\"d\"\nword_2.png, \"\"\n");
}

static void seed_split(struct seeds *s)
{
	add_text(s,
	         "{\"images\": [{\"id\": 9, \"file_name\": \"b.jpg\"}, {\"id\": 8, \"file_name\": \"x/a.jpg\"}], "
	         "\"annotations\": [{\"image_id\": 9, \"iscrowd\": 0, \"num_keypoints\": 2, \"bbox\": [1, 2, 3, 4.5]}, "
	         "{\"image_id\": 8, \"iscrowd\": 1}]}");
}

/* ---- */

static const struct {
	const char *target;
	void (*make)(struct seeds *s);
} makers[] = {
	{ "onnx", seed_onnx },         { "tensor_pb", seed_tensor_pb },
	{ "npy", seed_npy },           { "jpeg", seed_jpeg },
	{ "png", seed_png },           { "yaml", seed_yaml },
	{ "qplan", seed_qplan },       { "results", seed_results },
	{ "observer", seed_observer }, { "params", seed_params },
	{ "ledger", seed_ledger },     { "coco", seed_coco },
	{ "graph", seed_graph },       { "labels", seed_labels },
	{ "ocr", seed_ocr },           { "run", seed_onnx },
	{ "split", seed_split },       { "image", seed_image },
};
const char *const seeds_targets[] = { "onnx",    "tensor_pb", "npy",    "jpeg",   "png",  "yaml",  "qplan",
	                              "results", "observer",  "params", "ledger", "coco", "graph", "labels",
	                              "ocr",     "run",       "split",  "image",  NULL };
_Static_assert(OQZ_COUNTOF(makers) + 1 == OQZ_COUNTOF(seeds_targets), "every target has seeds");

bool seeds_make(const char *target, struct seeds *ret)
{
	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < OQZ_COUNTOF(makers); i++)
		if (strcmp(makers[i].target, target) == 0) {
			makers[i].make(ret);
			return true;
		}
	return false;
}

void seeds_free(struct seeds *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].data);
	s->n = 0;
}
