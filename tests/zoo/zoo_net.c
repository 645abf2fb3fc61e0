/* SPDX-License-Identifier: Apache-2.0
 *
 * See zoo_net.h. All of them pool the image coarsely first, so that inputs of the real sizes cost next to nothing.
 */
#include "tests/zoo/zoo_net.h"
#include "core/base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OPSET = 13, WIDTH = 8 };

struct builder {
	struct oqz_graph *g;
	struct oqz_node *last;
	struct oqz_rng rng;
	struct oqz_err *err;
	int fresh;
	bool failed;
};

static void check(struct builder *b, enum oqz_status st) { b->failed |= st != OQZ_OK; }

/* A constant of normal numbers, or of the given ones. */
static struct oqz_value *constant(struct builder *b, const double *v, double deviation, int rank, const int64_t *dims)
{
	struct oqz_shape s = oqz_shape_of(rank, dims);
	struct oqz_tensor t = { 0 };
	struct oqz_value *ret = NULL;
	char name[32];

	if (b->failed)
		return NULL;
	check(b, oqz_tensor_alloc(&t, OQZ_DT_F32, &s, b->err));
	for (int64_t i = 0; !b->failed && i < oqz_tensor_nelem(&t); i++)
		((float *)t.data)[i] = (float)(v ? v[i] : deviation * oqz_rng_normal(&b->rng));
	snprintf(name, sizeof name, "w%d", b->fresh++);
	if (!b->failed)
		check(b, oqz_graph_add_constant(b->g, name, &t, &ret, b->err));
	oqz_tensor_release(&t);
	return ret;
}

static struct oqz_value *integers(struct builder *b, const int64_t *v, size_t n)
{
	struct oqz_tensor t = { 0 };
	struct oqz_value *ret = NULL;
	char name[32];

	if (b->failed)
		return NULL;
	check(b, oqz_tensor_from_ints(&t, v, n, b->err));
	snprintf(name, sizeof name, "i%d", b->fresh++);
	if (!b->failed)
		check(b, oqz_graph_add_constant(b->g, name, &t, &ret, b->err));
	oqz_tensor_release(&t);
	return ret;
}

/* An operator with up to three inputs; `name` of the output may be NULL. */
static struct oqz_value *op(struct builder *b, const char *type, const char *name, struct oqz_value *x,
                            struct oqz_value *y, struct oqz_value *z)
{
	struct oqz_value *in[3] = { x, y, z };
	struct oqz_value *out = NULL;
	char text[64];

	if (b->failed)
		return NULL;
	snprintf(text, sizeof text, "v%d", b->fresh++);
	check(b, oqz_graph_add_value(b->g, name ? name : text, &out, b->err));
	if (!b->failed)
		check(b, oqz_graph_add_node(b->g, text, "", type, OPSET, in,
		                            z   ? 3
		                            : y ? 2
		                                : 1,
		                            &out, 1, NULL, &b->last, b->err));
	return out;
}

static void ints(struct builder *b, const char *attr, size_t n, const int64_t *v)
{
	if (!b->failed)
		check(b, oqz_node_set_ints(b->last, attr, v, n, b->err));
}

static void number(struct builder *b, const char *attr, int64_t v)
{
	if (!b->failed)
		check(b, oqz_node_set_int(b->last, attr, v, b->err));
}

static struct oqz_value *pool(struct builder *b, struct oqz_value *x, int64_t h, int64_t w)
{
	struct oqz_value *y = op(b, "AveragePool", NULL, x, NULL, NULL);

	ints(b, "kernel_shape", 2, (int64_t[]) { h, w });
	ints(b, "strides", 2, (int64_t[]) { h, w });
	return y;
}

static struct oqz_value *conv(struct builder *b, const char *name, struct oqz_value *x, int64_t in, int64_t out,
                              int64_t k)
{
	struct oqz_value *w = constant(b, NULL, 1.5 / sqrt((double)(in * k * k)), 4, (int64_t[]) { out, in, k, k });
	struct oqz_value *bias = constant(b, NULL, 0.1, 1, &out);
	struct oqz_value *y = op(b, "Conv", name, x, w, bias);

	ints(b, "kernel_shape", 2, (int64_t[]) { k, k });
	ints(b, "pads", 4, (int64_t[]) { k / 2, k / 2, k / 2, k / 2 });
	return y;
}

/* Convolution and Relu, whose output may have a name. */
static struct oqz_value *layer(struct builder *b, const char *name, struct oqz_value *x, int64_t in, int64_t out)
{
	return op(b, "Relu", name, conv(b, NULL, x, in, out, 3), NULL, NULL);
}

static struct oqz_value *dense(struct builder *b, const char *name, struct oqz_value *x, int64_t in, int64_t out)
{
	struct oqz_value *y =
	    op(b, "MatMul", NULL, x, constant(b, NULL, 2 / sqrt((double)in), 2, (int64_t[]) { in, out }), NULL);

	return op(b, "Add", name, y, constant(b, NULL, 0.1, 1, &out), NULL);
}

static struct oqz_value *reshape(struct builder *b, struct oqz_value *x, size_t n, const int64_t *dims)
{
	return op(b, "Reshape", NULL, x, integers(b, dims, n), NULL);
}

static struct oqz_value *transpose(struct builder *b, struct oqz_value *x, size_t n, const int64_t *perm)
{
	struct oqz_value *y = op(b, "Transpose", NULL, x, NULL, NULL);

	ints(b, "perm", n, perm);
	return y;
}

static void output(struct builder *b, struct oqz_value *v)
{
	if (b->failed)
		return;
	v->is_output = true;
	check(b, oqz_vec_push(&b->g->outputs, v) ? OQZ_OK : OQZ_E_NOMEM);
}

/* ------------------------------------------------------------------------------------------------ heads */

static struct oqz_value *reduce(struct builder *b, const char *type, struct oqz_value *x, int64_t axis)
{
	struct oqz_value *y = op(b, type, NULL, x, NULL, NULL);

	ints(b, "axes", 1, &axis);
	number(b, "keepdims", 1);
	return y;
}

static void classes(struct builder *b, struct oqz_value *x, const char *watch)
{
	x = layer(b, watch, x, 3, WIDTH);
	x = op(b, "GlobalAveragePool", NULL, x, NULL, NULL);
	output(b, dense(b, "output", op(b, "Flatten", NULL, x, NULL, NULL), WIDTH, 1000));
}

/* Layer normalisation as exporters write it out. */
static void transformer(struct builder *b, struct oqz_value *x, const char *watch)
{
	const int64_t one = 1, width = WIDTH;
	const double two = 2, eps = 1e-6;

	x = layer(b, NULL, x, 3, WIDTH);
	x = transpose(b, reshape(b, x, 3, (int64_t[]) { 1, WIDTH, 49 }), 3, (int64_t[]) { 0, 2, 1 });
	x = dense(b, NULL, x, WIDTH, WIDTH);
	struct oqz_value *d = op(b, "Sub", NULL, x, reduce(b, "ReduceMean", x, -1), NULL);
	struct oqz_value *v = reduce(b, "ReduceMean", op(b, "Pow", NULL, d, constant(b, &two, 0, 0, NULL), NULL), -1);
	v = op(b, "Sqrt", NULL, op(b, "Add", NULL, v, constant(b, &eps, 0, 0, NULL), NULL), NULL, NULL);
	x = op(b, "Mul", NULL, op(b, "Div", NULL, d, v, NULL), constant(b, NULL, 1, 1, &width), NULL);
	x = op(b, "Add", watch, x, constant(b, NULL, 0.1, 1, &width), NULL);
	x = reshape(b, reduce(b, "ReduceMean", x, 1), 2, (int64_t[]) { one, WIDTH });
	output(b, dense(b, "output", x, WIDTH, 1000));
}

/* Rows of 100 cells: (1, c, 10, 10) -> (1, 100, c). */
static struct oqz_value *cells(struct builder *b, struct oqz_value *x, int64_t c)
{
	x = reshape(b, conv(b, NULL, x, WIDTH, c, 1), 3, (int64_t[]) { 1, c, 100 });
	return op(b, "Sigmoid", NULL, transpose(b, x, 3, (int64_t[]) { 0, 2, 1 }), NULL, NULL);
}

static void boxes(struct builder *b, struct oqz_value *x, const char *const *watch)
{
	/* centre and size to corners, by a matrix, as the exported graphs do it */
	static const double corners[16] = { 1, 0, 1, 0, 0, 1, 0, 1, -.5, 0, .5, 0, 0, -.5, 0, .5 };
	const double size = 640;
	const int64_t two = 2;
	int64_t in = 3;

	for (int i = 0; i < 3 && watch[i]; i++, in = WIDTH)
		x = layer(b, watch[i], x, in, WIDTH);
	struct oqz_value *box =
	    op(b, "MatMul", NULL, cells(b, x, 4), constant(b, corners, 0, 2, (int64_t[]) { 4, 4 }), NULL);
	struct oqz_value *of = cells(b, x, 80);
	struct oqz_value *labels = op(b, "ArgMax", NULL, of, NULL, NULL);
	number(b, "axis", 2);
	number(b, "keepdims", 0);
	struct oqz_value *best = op(b, "ReduceMax", "/Split_output_1", of, NULL, NULL);
	ints(b, "axes", 1, &two);
	number(b, "keepdims", 1);
	struct oqz_value *scores = op(b, "Squeeze", "scores", best, integers(b, &two, 1), NULL);
	struct oqz_value *n = op(b, "Cast", "num_dets", reduce(b, "ReduceMax", scores, 1), NULL, NULL);
	number(b, "to", OQZ_DT_I32);
	output(b, n);
	output(b, op(b, "Mul", "boxes", box, constant(b, &size, 0, 0, NULL), NULL));
	output(b, scores);
	output(b, op(b, "Cast", "labels", labels, NULL, NULL));
	number(b, "to", OQZ_DT_I32);
}

static void text(struct builder *b, struct oqz_value *x, const char *watch, int64_t n)
{
	const int64_t two = 2;
	bool last = strncmp(watch, "save_infer_model", 16) == 0; /* the output itself is what is monitored */

	x = layer(b, NULL, x, 3, WIDTH);
	x = op(b, "Squeeze", NULL, x, integers(b, &two, 1), NULL);
	x = transpose(b, x, 3, (int64_t[]) { 0, 2, 1 });
	x = op(b, "Relu", last ? NULL : watch, dense(b, NULL, x, WIDTH, WIDTH), NULL, NULL);
	x = op(b, "Softmax", last ? watch : "probabilities", dense(b, NULL, x, WIDTH, n), NULL, NULL);
	number(b, "axis", 2);
	output(b, x);
}

static void larger(struct builder *b, struct oqz_value *x, const char *watch)
{
	const double gray = 0.4;
	bool last = strcmp(watch, "output") == 0;

	x = op(b, "DepthToSpace", NULL, conv(b, NULL, layer(b, NULL, x, 3, WIDTH), WIDTH, 48, 3), NULL, NULL);
	number(b, "blocksize", 4);
	x = conv(b, last ? NULL : watch, x, 3, 3, 3);
	output(b, op(b, "Add", "output", x, constant(b, &gray, 0, 0, NULL), NULL));
}

static void keypoints(struct builder *b, struct oqz_value *x, enum zoo_head head, const char *watch)
{
	x = layer(b, watch, layer(b, NULL, x, 3, WIDTH), WIDTH, WIDTH);
	if (head == ZOO_HEATMAP) {
		output(b, conv(b, "output", x, WIDTH, 17, 1));
	} else if (head == ZOO_SIMCC) {
		x = reshape(b, conv(b, NULL, x, WIDTH, 17, 1), 3, (int64_t[]) { 1, 17, 192 });
		output(b, dense(b, "simcc_x", x, 192, 384));
		output(b, dense(b, "simcc_y", x, 192, 512));
	} else {
		x = op(b, "Flatten", NULL, op(b, "GlobalAveragePool", NULL, x, NULL, NULL), NULL, NULL);
		x = op(b, "Sigmoid", NULL, dense(b, NULL, x, WIDTH, 34), NULL, NULL);
		output(b, op(b, "Reshape", "output", x, integers(b, (int64_t[]) { 1, 17, 2 }, 3), NULL));
	}
}

/* ------------------------------------------------------------------------------------------------ the whole */

static struct oqz_value *input(struct builder *b, const struct zoo_model *m)
{
	bool open = m->head == ZOO_LARGER;
	struct oqz_value *x = NULL;

	check(b, oqz_graph_add_value(b->g, m->head == ZOO_BOXES ? "images" : "input", &x, b->err));
	if (b->failed)
		return NULL;
	x->is_input = true;
	x->type =
	    (struct oqz_type) { OQZ_DT_F32,
		                oqz_shape_of(4, (int64_t[]) { 1, 3, open ? -1 : m->height, open ? -1 : m->width }) };
	if (!oqz_vec_push(&b->g->inputs, x) ||
	    !oqz_vec_push(&b->g->opsets, ((struct oqz_opset) { .domain = "", .version = OPSET })))
		check(b, oqz_err_nomem(b->err, m->file, 1));
	return x;
}

static void build(struct builder *b, const struct zoo_model *m)
{
	struct oqz_value *x = input(b, m);

	switch (m->head) {
	case ZOO_CLASSES: classes(b, pool(b, x, 32, 32), m->watch[0]); break;
	case ZOO_TRANSFORMER: transformer(b, pool(b, x, 32, 32), m->watch[0]); break;
	case ZOO_PIXELS:
		x = layer(b, m->watch[0], layer(b, NULL, pool(b, x, 64, 64), 3, WIDTH), WIDTH, WIDTH);
		output(b, conv(b, "output", x, WIDTH, 19, 1));
		break;
	case ZOO_BOXES: boxes(b, pool(b, x, 64, 64), m->watch); break;
	case ZOO_TEXT: text(b, pool(b, x, m->height, 4), m->watch[0], m->classes); break;
	case ZOO_LARGER: larger(b, x, m->watch[0]); break;
	default:
		keypoints(b, pool(b, x, m->head == ZOO_SIMCC ? 16 : 4, m->head == ZOO_SIMCC ? 16 : 4), m->head,
		          m->watch[0]);
	}
	if (!b->failed)
		check(b, oqz_graph_finish(b->g, b->err));
}

enum oqz_status zoo_net(const struct zoo_model *m, struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = oqz_graph_new();
	struct builder b = { .g = g, .err = err };
	uint64_t seed = 1;

	if (!g)
		return oqz_err_nomem(err, m->file, 1);
	for (const char *p = m->file; *p; p++)
		seed = seed * 31 + (unsigned char)*p;
	g->name = "stand-in";
	oqz_rng_init(&b.rng, seed);
	build(&b, m);
	if (b.failed)
		return err->code != OQZ_OK ? err->code : OQZ_E_NOMEM;
	*ret = oqz_steal(g);
	return OQZ_OK;
}
