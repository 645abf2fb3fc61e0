/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/improve_adaround against a transcription of its problem: the second moments of a layer's inputs gathered
 * here by the layer's definition, and of all single flips the one taken after which D' H D, computed anew as a whole,
 * is least. Which layers are left alone, and which are refused.
 */
#include "tests/unit/improve_case.h"

/* A layer over (n, c, h, w); a product is one over (rows, inputs, 1, 1), its weights by rows or `columns`. */
struct layer_case {
	const char *op;
	struct oqz_shape input;
	int64_t n, c, h, w;
	int64_t m, kernel, groups, stride, pad;
	bool columns, zero_points;
	int64_t block; /* scales per so many input channels; 0: one per output channel */
	int64_t positions;
};

enum { MOST = 64 }; /* inputs to an output */

struct sums {
	double h[4][MOST][MOST];
};

static int64_t inputs_of(const struct layer_case *l) { return l->c / l->groups * l->kernel * l->kernel; }
static int64_t extent(const struct layer_case *l, int64_t in) { return (in + 2 * l->pad - l->kernel) / l->stride + 1; }

/* What output position `at` (image, row, column) of a group reads. */
static void read_inputs(const struct layer_case *l, const float *x, int64_t at, int64_t group, double *to)
{
	int64_t oh = extent(l, l->h), ow = extent(l, l->w), per = l->c / l->groups;
	int64_t image = at / (oh * ow), oy = at / ow % oh, ox = at % ow;

	for (int64_t c = 0; c < per; c++)
		for (int64_t ky = 0; ky < l->kernel; ky++)
			for (int64_t kx = 0; kx < l->kernel; kx++) {
				int64_t y = oy * l->stride + ky - l->pad, z = ox * l->stride + kx - l->pad;
				bool in = y >= 0 && y < l->h && z >= 0 && z < l->w;
				*to++ = in ? (double)x[((image * l->c + group * per + c) * l->h + y) * l->w + z] : 0;
			}
}

static void sum_up(const struct layer_case *l, const struct bench *data, struct sums *s)
{
	int64_t total = l->n * extent(l, l->h) * extent(l, l->w), k = inputs_of(l);
	double x[MOST];

	memset(s, 0, sizeof *s);
	for (int64_t image = 0; image < IMAGES; image++)
		for (int64_t i = 0; i < l->positions && i < total; i++)
			for (int64_t g = 0; g < l->groups; g++) {
				/* all of them, or evenly spread; seven further on with each image */
				int64_t at = (l->positions < total ? i * total / l->positions : i) + 7 * image;
				read_inputs(l, data->input[image].data, at % total, g, x);
				for (int64_t a = 0; a < k; a++)
					for (int64_t b = 0; b < k; b++)
						s->h[g][a][b] += x[a] * x[b];
			}
}

static double error_of(const double h[MOST][MOST], int64_t k, const double *d)
{
	double sum = 0;

	for (int64_t a = 0; a < k; a++)
		for (int64_t b = 0; b < k; b++)
			sum += d[a] * h[a][b] * d[b];
	return sum;
}

/* Codes of one output channel: `low` and `high` are the ends of the grid, zero point taken off. *flips counts, *back
 * those of weights that had been flipped before. */
static void round_row(const double h[MOST][MOST], int64_t k, const double *w, const double *s, const double *low,
                      const double *high, double *code, int *flips, int *back)
{
	double d[MOST], other[MOST];
	bool flipped[MOST] = { false };

	for (int64_t i = 0; i < k; i++) {
		double x = w[i] / s[i];
		code[i] = fmin(fmax(rint(x), low[i]), high[i]);
		other[i] = x > code[i] ? code[i] + 1 : x < code[i] ? code[i] - 1 : code[i];
		other[i] = other[i] < low[i] || other[i] > high[i] ? code[i] : other[i];
		d[i] = code[i] * s[i] - w[i];
	}
	for (;;) {
		double now = error_of(h, k, d), least = now;
		int64_t best = -1;
		for (int64_t i = 0; i < k; i++) {
			double was = d[i];
			d[i] = other[i] * s[i] - w[i];
			double e = error_of(h, k, d);
			if (e < least - 1e-9 * now) {
				least = e;
				best = i;
			}
			d[i] = was;
		}
		if (best < 0)
			return;
		double to = other[best];
		other[best] = code[best];
		code[best] = to;
		d[best] = to * s[best] - w[best];
		*back += flipped[best];
		flipped[best] = true;
		++*flips;
	}
}

/* Where weight (o, k) lies. */
static size_t weight_at(const struct layer_case *l, int64_t o, int64_t k)
{
	return (size_t)(l->columns ? k * l->m + o : o * inputs_of(l) + k);
}

static struct oqz_shape weight_shape(const struct layer_case *l)
{
	if (strcmp(l->op, "Conv") == 0)
		return GB_DIMS(l->m, l->c / l->groups, l->kernel, l->kernel);
	return l->columns ? GB_DIMS(l->c, l->m) : GB_DIMS(l->m, l->c);
}

/* Scales by block of input channels lie as the weights do, those of a convolution for each place of its window. */
static size_t scale_at(const struct layer_case *l, int64_t o, int64_t k)
{
	int64_t window = l->kernel * l->kernel, blocks = l->block ? (l->c / l->groups + l->block - 1) / l->block : 1;
	int64_t in_block = l->block ? k / window / l->block : 0;

	if (l->block == 0)
		return (size_t)o;
	return (size_t)(l->columns ? in_block * l->m + o : (o * blocks + in_block) * window + k % window);
}

static struct oqz_node *build(struct gb *b, const struct layer_case *l, uint64_t seed)
{
	gb_init(b, seed);
	GB_OP(b, l->op, gb_input(b, "x", l->input), gb_weights(b, OQZ_DT_F32, weight_shape(l), 0.8));
	if (strcmp(l->op, "Conv") == 0) {
		GB_INTS(b, "strides", l->stride, l->stride);
		GB_INTS(b, "pads", l->pad, l->pad, l->pad, l->pad);
		ck_ok(oqz_node_set_int(b->last, "group", l->groups, err));
	}
	if (strcmp(l->op, "Gemm") == 0)
		ck_ok(oqz_node_set_int(b->last, "transB", !l->columns, err));
	gb_finish(b);
	return b->g->nodes.v[0];
}

/* The plan's site on the weights: 3 bits. */
static struct oqz_qplan *plan_weights(const struct layer_case *l, const struct oqz_node *n, float *scale, int32_t *zero)
{
	struct oqz_qplan *p = oqz_qplan_new();
	int64_t k = inputs_of(l);
	size_t count = scale_at(l, l->m - 1, k - 1) + 1;

	for (size_t i = 0; i < count; i++) {
		scale[i] = 0.25f + 0x1p-6f * (float)(i * 7 % 13);
		zero[i] = l->zero_points ? (int32_t)(i % 3) - 1 : 0;
	}
	const struct oqz_qplan_site site = {
		.node = n->name,
		.input = 1,
		.tensor = n->in[1]->name,
		.role = OQZ_INPUT_WEIGHT,
		.rule = "test",
		.spec = { .grid = { .kind = OQZ_GRID_AFFINE, .bits = 3, .qmin = -4, .qmax = 3 },
		          .axis = l->block ? !l->columns : l->columns,
		          .block = l->block,
		          .n_scale = count,
		          .scale = scale,
		          .zero = l->zero_points ? zero : NULL },
	};
	ck_ok(oqz_qplan_add(p, &site, err));
	return p;
}

static void improve(struct gb *b, struct bench *data, struct oqz_qplan *p, const char *text)
{
	const struct oqz_improve_data host = { .ctx = data, .n_images = IMAGES, .run = run_images };
	struct oqz_params *params = params_of(&oqz_improve_adaround, text);

	ck_ok(oqz_improve_adaround.on_plan(b->g, p, params, &host, err));
	oqz_params_free(params);
}

/* Inputs that are whole numbers, so that all sums are exact. */
static void whole_inputs(struct bench *data, struct oqz_shape s)
{
	bench_init(data, s);
	for (int i = 0; i < IMAGES; i++)
		for (int64_t k = 0; k < oqz_tensor_nelem(&data->input[i]); k++) {
			float *x = (float *)data->input[i].data + k;
			*x = roundf(2 * *x + 1);
		}
}

static void ck_case(const struct layer_case *l, uint64_t seed, int *flips, int *back)
{
	static struct sums sums;
	float scale[512];
	int32_t zero[512];
	struct gb b;
	struct bench data;
	char text[32];
	struct oqz_node *n = build(&b, l, seed);
	struct oqz_qplan *p = plan_weights(l, n, scale, zero);
	int64_t k = inputs_of(l);

	ck_assert(k <= MOST && l->groups <= 4);
	/* some weights are codes, which have no other neighbour */
	for (int64_t i = 0; i < l->m * k; i += 7)
		((float *)n->in[1]->constant->data)[weight_at(l, i / k, i % k)] = scale[scale_at(l, i / k, i % k)];
	whole_inputs(&data, l->input);
	snprintf(text, sizeof text, "positions=%d", (int)l->positions);
	improve(&b, &data, p, text);
	ck_assert_int_eq((int)p->constants.n, 1);
	const float *weights = n->in[1]->constant->data, *rounded = p->constants.v[0].value.data;
	sum_up(l, &data, &sums);
	for (int64_t o = 0; o < l->m; o++) {
		double w[MOST], s[MOST], low[MOST], high[MOST], code[MOST];
		for (int64_t i = 0; i < k; i++) {
			size_t at = scale_at(l, o, i);
			w[i] = (double)weights[weight_at(l, o, i)];
			s[i] = (double)scale[at];
			low[i] = -4 - zero[at];
			high[i] = 3 - zero[at];
		}
		round_row((const double(*)[MOST])sums.h[o / (l->m / l->groups)], k, w, s, low, high, code, flips, back);
		for (int64_t i = 0; i < k; i++)
			ck_assert_msg(rounded[weight_at(l, o, i)] == (float)code[i] * (float)s[i],
			              "%s, seed %d, output %d, input %d: %g, not %g of %g", l->op, (int)seed, (int)o,
			              (int)i, (double)rounded[weight_at(l, o, i)], code[i], s[i]);
	}
	oqz_qplan_free(p);
	bench_release(&data);
	oqz_graph_free(b.g);
}

START_TEST(rounding_is_the_transcription_s)
{
	const struct layer_case cases[] = {
		{ "Conv", GB_DIMS(2, 6, 9, 7), 2, 6, 9, 7, 4, 3, 2, 2, 1, .positions = 1000 },
		{ "Conv", GB_DIMS(1, 6, 8, 9), 1, 6, 8, 9, 4, 3, 1, 1, 0, .positions = 11 },
		{ "Conv", GB_DIMS(1, 4, 8, 8), 1, 4, 8, 8, 8, 3, 4, 1, 1, .positions = 50, .zero_points = true },
		{ "Conv", GB_DIMS(1, 5, 6, 6), 1, 5, 6, 6, 4, 3, 1, 1, 1, .positions = 20, .block = 2 },
		{ "Gemm", GB_DIMS(9, 40), 9, 40, 1, 1, 5, 1, 1, 1, 0, .positions = 4 },
		{ "Gemm", GB_DIMS(9, 40), 9, 40, 1, 1, 5, 1, 1, 1, 0, .columns = true, .positions = 100 },
		{ "MatMul", GB_DIMS(2, 5, 30), 10, 30, 1, 1, 6, 1, 1, 1, 0, .columns = true, .positions = 7,
		  .block = 16, .zero_points = true },
		{ "MatMul", GB_DIMS(20), 1, 20, 1, 1, 3, 1, 1, 1, 0, .columns = true, .positions = 3 },
	};
	int flips = 0, back = 0;

	for (size_t i = 0; i < OQZ_COUNTOF(cases); i++)
		for (uint64_t seed = 1; seed <= 10; seed++)
			ck_case(&cases[i], seed, &flips, &back);
	/* it was no trivial matter: weights were flipped, some of them twice */
	ck_assert_msg(flips > 1000 && back > 5, "%d flips, %d back", flips, back);
}
END_TEST

/* Time grows with the square of the inputs: layers with more than are allowed keep nearest rounding. */
START_TEST(wide_layers_are_left_alone)
{
	const struct layer_case l = { "Conv", GB_DIMS(1, 5, 6, 6), 1, 5, 6, 6, 4, 3, 1, 1, 1 };
	float scale[4];
	int32_t zero[4];
	struct gb b;
	struct bench data;
	struct oqz_node *n = build(&b, &l, 1);
	struct oqz_qplan *p = plan_weights(&l, n, scale, zero);

	bench_init(&data, l.input);
	improve(&b, &data, p, "max_inputs=44");
	ck_assert_int_eq((int)p->constants.n, 0);
	improve(&b, &data, p, "max_inputs=45");
	ck_assert_int_eq((int)p->constants.n, 1);
	oqz_qplan_free(p);
	bench_release(&data);
	oqz_graph_free(b.g);
}
END_TEST

/* Grids with more than two neighbours to choose from, or with scales that are made later. */
START_TEST(other_grids_are_refused)
{
	const struct layer_case l = { "Conv", GB_DIMS(1, 5, 6, 6), 1, 5, 6, 6, 4, 3, 1, 1, 1 };
	const float one = 1;

	for (int dynamic = 0; dynamic < 2; dynamic++) {
		struct gb b;
		struct bench data;
		struct oqz_node *n = build(&b, &l, 1);
		struct oqz_qplan *p = oqz_qplan_new();
		struct oqz_params *params = params_of(&oqz_improve_adaround, "");
		struct oqz_qplan_site s = { .node = n->name,
			                    .input = 1,
			                    .tensor = n->in[1]->name,
			                    .role = OQZ_INPUT_WEIGHT,
			                    .rule = "test",
			                    .spec = { .axis = dynamic ? 1 : -1, .n_scale = 1, .scale = &one } };
		if (dynamic) {
			s.spec.grid =
			    (struct oqz_grid) { .kind = OQZ_GRID_AFFINE, .bits = 8, .qmin = -127, .qmax = 127 };
			s.spec.dynamic = OQZ_SCALE_E8M0;
			s.spec.block = 32;
		} else {
			s.spec.grid = (struct oqz_grid) { .kind = OQZ_GRID_MINIFLOAT,
				                          .bits = 8,
				                          .exp_bits = 4,
				                          .man_bits = 3,
				                          .bias = 7,
				                          .special = OQZ_GRID_FN,
				                          .max = 448 };
		}
		bench_init(&data, l.input);
		const struct oqz_improve_data host = { .ctx = &data, .n_images = IMAGES, .run = run_images };
		ck_ok(oqz_qplan_add(p, &s, err));
		ck_fails(oqz_improve_adaround.on_plan(b.g, p, params, &host, err), OQZ_E_UNSUPPORTED, n->name);
		oqz_params_free(params);
		oqz_qplan_free(p);
		bench_release(&data);
		oqz_graph_free(b.g);
	}
}
END_TEST

OQZ_TEST_MAIN("adaround", rounding_is_the_transcription_s, wide_layers_are_left_alone, other_grids_are_refused)
