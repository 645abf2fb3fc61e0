/* SPDX-License-Identifier: Apache-2.0
 *
 * make_tiny DIR: writes a complete small evaluation into DIR: an ONNX classifier that classifies (trained here, by
 * ridge regression on pictures of its own), pictures as PNG for test and calibration, their lists, a manifest.
 * Everything comes from one seed, so there is nothing binary to keep; the pictures' streams are disjoint, no test
 * picture is trained on. The features of training are rounded, so that the last bits of a machine's arithmetic do not
 * reach the model.
 */
#include "demo/tiny/tiny.h"
#include "core/base/file.h"
#include "core/base/str.h"
#include "core/exec/exec.h"
#include "core/onnx/onnx.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

enum { SEED = 20240607, TRAIN = 400, TEST = 24, CALIB = 8 };
enum part { PART_TRAIN, PART_TEST, PART_CALIB };

static const char manifest[] =
    "# A network of a few thousand weights on pictures of textures: float against int8 in two forms.\n"
    "oqz: 1\n"
    "datasets:\n"
    "  test: {reader: list, root: test, list: test.txt}\n"
    "  calib: {reader: list, root: calib, list: calib.txt}\n"
    "schemes:\n"
    "  # Weights with a scale per output channel, activations with one per tensor.\n"
    "  channel: {plugin: int8, granularity: channel, calibrate: {method: percentile, q: 0.9999}}\n"
    "  # One power of two per tensor, as hardware without multipliers has.\n"
    "  pow2: {plugin: int8, granularity: tensor, scale: pow2, calibrate: {method: percentile, q: 0.9999}}\n"
    "tasks:\n"
    "  classify: {plugin: classification, k: [1, 3], test: test, calib: calib}\n"
    "models:\n"
    "  - id: tiny\n"
    "    file: tiny.onnx\n"
    "    task: classify\n"
    "    prepare:\n"
    "      - normalize: {scale: 127.5, mean: 1}\n"
    "matrix:\n"
    "  - {models: [tiny], schemes: [\"*\"]}\n";

/* The stream of one picture: no two pictures share one. */
static void draw(enum part part, int class, int index, unsigned char *rgb)
{
	struct oqz_rng r;

	oqz_rng_init(&r, SEED + ((uint64_t)part << 40) + ((uint64_t) class << 20) + (uint64_t)index);
	oqz_rng_init(&r, oqz_rng_u64(&r));
	tiny_draw(class, &r, rgb);
}

/* ------------------------------------------------------------------------------------------------ pictures */

static enum oqz_status write_png(const char *path, const unsigned char *rgb, struct oqz_err *err)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION, .width = TINY_SIZE, .height = TINY_SIZE, .format = PNG_FORMAT_RGB
	};

	if (!png_image_write_to_file(&image, path, 0, rgb, 0, NULL))
		OQZ_FAIL(err, OQZ_E_IO, "%s: %s", path, image.message);
	return OQZ_OK;
}

static enum oqz_status write_part(const char *dir, const char *name, enum part part, int each, struct oqz_err *err)
{
	unsigned char rgb[TINY_PIXELS];
	struct oqz_str list = { 0 };
	enum oqz_status st = OQZ_OK;
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	OQZ_TRY(oqz_mkdirs(path, err));
	for (int i = 0; i < each * TINY_CLASSES && st == OQZ_OK; i++) {
		int class = i % TINY_CLASSES; /* classes take turns, so that any beginning of the list is balanced */
		draw(part, class, i / TINY_CLASSES, rgb);
		snprintf(path, sizeof path, "%s/%s/%s-%02d.png", dir, name, tiny_class_names[class], i / TINY_CLASSES);
		oqz_str_addf(&list, "%s-%02d.png %d\n", tiny_class_names[class], i / TINY_CLASSES, class);
		st = write_png(path, rgb, err);
	}
	snprintf(path, sizeof path, "%s/%s.txt", dir, name);
	if (st == OQZ_OK)
		st = oqz_str_ok(&list) ? oqz_file_write(path, oqz_str_get(&list), list.len, err)
		                       : oqz_err_nomem(err, path, 1);
	oqz_str_release(&list);
	return st;
}

/* ------------------------------------------------------------------------------------------------ training */

struct training {
	struct oqz_program *program;
	struct oqz_context *context;
	size_t n;      /* features and a constant 1 */
	double *a, *b; /* (n,n), (n,classes): sums of x x^T and x y^T */
	double *x;     /* (n) */
};

/* As the manifest's `prepare`. */
static void enter_image(struct oqz_context *c, const unsigned char *rgb)
{
	float *to = oqz_context_input(c, 0)->data;

	for (int k = 0; k < TINY_CHANNELS; k++)
		for (int i = 0; i < TINY_SIZE * TINY_SIZE; i++)
			to[k * TINY_SIZE * TINY_SIZE + i] = (float)rgb[i * TINY_CHANNELS + k] / 127.5f - 1;
}

static enum oqz_status add_image(struct training *t, int class, int index, struct oqz_err *err)
{
	unsigned char rgb[TINY_PIXELS];

	draw(PART_TRAIN, class, index, rgb);
	enter_image(t->context, rgb);
	OQZ_TRY(oqz_context_run(t->context, 0, oqz_program_nsteps(t->program), err));
	const float *f = oqz_context_output(t->context, 0)->data;
	for (size_t i = 0; i + 1 < t->n; i++)
		t->x[i] = nearbyint((double)f[i] * 4096) / 4096;
	t->x[t->n - 1] = 1;
	for (size_t i = 0; i < t->n; i++) {
		for (size_t k = 0; k <= i; k++)
			t->a[i * t->n + k] += t->x[i] * t->x[k];
		for (int c = 0; c < TINY_CLASSES; c++)
			t->b[i * TINY_CLASSES + (size_t)c] += t->x[i] * (c == class ? 1 : -1.0 / (TINY_CLASSES - 1));
	}
	return OQZ_OK;
}

static enum oqz_status solve(struct training *t, struct oqz_graph *g, struct oqz_err *err)
{
	size_t features = t->n - 1;
	struct oqz_tensor w = { 0 }, bias = { 0 };
	struct oqz_shape ws = oqz_shape_of(2, (int64_t[]) { TINY_CLASSES, (int64_t)features });
	struct oqz_shape bs = oqz_shape_of(1, (int64_t[]) { TINY_CLASSES });
	double trace = 0;

	for (size_t i = 0; i < features; i++)
		trace += t->a[i * t->n + i];
	OQZ_TRY(tiny_ridge(t->a, t->b, t->n, TINY_CLASSES, 1e-4 * trace / (double)features, err));
	OQZ_TRY(oqz_tensor_alloc(&w, OQZ_DT_F32, &ws, err));
	OQZ_TRY(oqz_tensor_alloc(&bias, OQZ_DT_F32, &bs, err));
	for (size_t c = 0; c < TINY_CLASSES; c++) {
		((float *)bias.data)[c] = (float)t->b[features * TINY_CLASSES + c];
		for (size_t i = 0; i < features; i++)
			((float *)w.data)[c * features + i] =
			    (float)(nearbyint(t->b[i * TINY_CLASSES + c] * 0x1p16) * 0x1p-16);
	}
	enum oqz_status st = tiny_net_add_readout(g, &w, &bias, err);
	oqz_tensor_release(&w);
	oqz_tensor_release(&bias);
	return st;
}

static enum oqz_status train(struct training *t, struct oqz_graph *g, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *run = NULL;
	struct oqz_exec_options opt = { 0 };

	OQZ_TRY(oqz_graph_clone(g, &run, err));
	OQZ_TRY(oqz_model_prepare(run, NULL, err));
	OQZ_TRY(oqz_program_new(run, &opt, &run->inputs.v[0]->type.shape, &t->program, err));
	OQZ_TRY(oqz_context_new(t->program, &t->context, err));
	t->n = (size_t)run->outputs.v[0]->type.shape.dim[1] + 1;
	t->a = calloc(t->n * t->n, sizeof *t->a);
	t->b = calloc(t->n * TINY_CLASSES, sizeof *t->b);
	t->x = calloc(t->n, sizeof *t->x);
	if (!t->a || !t->b || !t->x)
		return oqz_err_nomem(err, "the normal equations", t->n * t->n);
	for (int i = 0; i < TRAIN * TINY_CLASSES; i++)
		OQZ_TRY(add_image(t, i % TINY_CLASSES, i / TINY_CLASSES, err));
	return solve(t, g, err);
}

static enum oqz_status make(const char *dir, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	struct training t = { 0 };
	char path[4096];

	OQZ_TRY(oqz_mkdirs(dir, err));
	OQZ_TRY(write_part(dir, "test", PART_TEST, TEST, err));
	OQZ_TRY(write_part(dir, "calib", PART_CALIB, CALIB, err));
	OQZ_TRY(tiny_net_new(SEED, &g, err));
	enum oqz_status st = train(&t, g, err);
	oqz_context_free(t.context);
	oqz_program_free(t.program);
	free(t.a);
	free(t.b);
	free(t.x);
	OQZ_TRY(st);
	snprintf(path, sizeof path, "%s/tiny.onnx", dir);
	OQZ_TRY(oqz_onnx_save(g, path, err));
	snprintf(path, sizeof path, "%s/tiny.yaml", dir);
	return oqz_file_write(path, manifest, strlen(manifest), err);
}

int main(int argc, char **argv)
{
	struct oqz_err err = { 0 };

	if (argc != 2 || strlen(argv[1]) > 3000) {
		fprintf(stderr, "usage: make_tiny DIR\n");
		return 2;
	}
	if (make(argv[1], &err) != OQZ_OK) {
		fprintf(stderr, "make_tiny: %s\n", err.msg);
		return 1;
	}
	return 0;
}
