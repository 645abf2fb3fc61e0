/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounding optimisation: the layer-wise problem of Nagel, Amjad, van Baalen, Louizos, Blankevoort, "Up or Down?
 * Adaptive Rounding for Post-Training Quantization" (ICML 2020), equations 11 and 13. Rounding every weight to the
 * nearest code is not what changes a layer's output least; with D the change of one output channel's weights and H =
 * E[x x'] of its inputs, the output's mean square error is D' H D, to be minimised over rounding each weight down or
 * up.
 *
 * The publication relaxes this and descends by gradients; here it is solved directly by coordinate descent from nearest
 * rounding: flip the weight that lowers the error most, until none does. Every flip is exact, nothing is random, and
 * the result cannot be worse than nearest rounding on the samples. H comes from the quantized inputs of the layer on
 * calibration images, at positions spread evenly over each output.
 */
#include "core/quant/improve.h"
#include "core/ops/op.h"
#include "core/ops/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct oqz_param params[] = {
	OQZ_IMPROVE_IMAGES("16", "inputs are taken from"),
	{ .name = "positions",
	  .type = OQZ_P_INT,
	  .dflt = "128",
	  .min = 1,
	  .max = 1000000,
	  .help = "positions of the output that are taken from each image" },
	{ .name = "max_inputs",
	  .type = OQZ_P_INT,
	  .dflt = "4608",
	  .min = 1,
	  .max = 65536,
	  .help = "layers with more inputs to an output keep nearest rounding: time and memory grow with the square" },
	{ 0 },
};

/* A layer and the second moments of its inputs, one matrix per group. */
struct layer {
	struct oqz_node *node;
	const struct oqz_qplan_site *site;
	struct oqz_weight_form form;
	int64_t k; /* inputs to an output: form.in / groups * inner */
	double *h; /* [groups][k][k], lower triangle until finished */
	float *x;  /* one input vector */
};

struct state {
	struct layer l;
	int64_t positions, seen;
};

/* ------------------------------------------------------------------------------------------------ inputs */

static bool is_transposed(const struct layer *l) { return l->node->op->id == OQZ_OP_CONV_TRANSPOSE; }

static bool is_convolution(const struct layer *l) { return l->node->op->id == OQZ_OP_CONV || is_transposed(l); }

static void add_moment(struct layer *l, int64_t group)
{
	double *h = l->h + group * l->k * l->k;

	for (int64_t i = 0; i < l->k; i++) {
		double xi = (double)l->x[i];
		double *row = h + i * l->k;
		if (xi == 0)
			continue;
		for (int64_t j = 0; j <= i; j++)
			row[j] += xi * (double)l->x[j];
	}
}

/* The geometry over an input, always with three spatial dims. */
static enum oqz_status window_of(const struct layer *l, const struct oqz_shape *x, struct oqz_window *ret,
                                 struct oqz_err *err)
{
	const struct oqz_conv_params *p = OQZ_PARAMS(l->node, struct oqz_conv_params);
	const struct oqz_shape *w = &l->node->in[1]->constant->shape;
	struct oqz_window win;

	OQZ_TRY(is_transposed(l) ? oqz_conv_transpose_window(p, x, w, &win, err) : oqz_conv_window(p, x, w, &win, err));
	*ret = oqz_window_3d(&win);
	return OQZ_OK;
}

/* What element k of the kernel reads for output position `at`, along one dim; -1: nothing, which is 0. */
static int64_t reads(const struct oqz_window *w, int dim, bool transposed, int64_t at, int64_t k)
{
	int64_t x = transposed ? at + w->pad_begin[dim] - k * w->dilation[dim]
	                       : at * w->stride[dim] + k * w->dilation[dim] - w->pad_begin[dim];

	if (transposed && x % w->stride[dim] != 0)
		return -1; /* falls between two inputs */
	if (transposed)
		x /= w->stride[dim];
	return x >= 0 && x < w->in[dim] ? x : -1;
}

/* The inputs of one output position, in the order of the weights' elements. */
static void gather(struct layer *l, const struct oqz_window *w, const float *x, int64_t image, int64_t group,
                   const int64_t at[3])
{
	const int64_t per_in = l->form.in / l->form.groups, plane = w->in[0] * w->in[1] * w->in[2];
	float *to = l->x;

	for (int64_t c = 0; c < per_in; c++) {
		const float *from = x + (image * l->form.in + group * per_in + c) * plane;
		for (int64_t k = 0; k < l->form.inner; k++) {
			const int64_t kd[3] = { k / w->kernel[2] / w->kernel[1], k / w->kernel[2] % w->kernel[1],
				                k % w->kernel[2] };
			int64_t i[3];
			for (int d = 0; d < 3; d++)
				i[d] = reads(w, d, is_transposed(l), at[d], kd[d]);
			*to++ = i[0] < 0 || i[1] < 0 || i[2] < 0 ? 0 : from[(i[0] * w->in[1] + i[1]) * w->in[2] + i[2]];
		}
	}
}

static enum oqz_status see_conv(struct state *s, const struct oqz_tensor *in, struct oqz_err *err)
{
	struct oqz_window w;

	OQZ_TRY(window_of(&s->l, &in->shape, &w, err));
	int64_t plane = w.out[0] * w.out[1] * w.out[2], total = in->shape.dim[0] * plane;
	for (int64_t i = 0; i < s->positions && i < total; i++) {
		/* evenly spread, another offset for every image */
		int64_t at = ((total < s->positions ? i : i * total / s->positions) + s->seen * 7) % total;
		const int64_t o[3] = { at % plane / w.out[2] / w.out[1], at / w.out[2] % w.out[1], at % w.out[2] };
		for (int64_t g = 0; g < s->l.form.groups; g++) {
			gather(&s->l, &w, in->data, at / plane, g, o);
			add_moment(&s->l, g);
		}
	}
	s->seen++;
	return OQZ_OK;
}

static enum oqz_status see_rows(struct state *s, const struct oqz_tensor *in, struct oqz_err *err)
{
	int64_t n = oqz_tensor_nelem(in), rows = n / s->l.k;

	if (in->shape.rank < 1 || in->shape.dim[in->shape.rank - 1] != s->l.k)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "a product of another width");
	for (int64_t i = 0; i < s->positions && i < rows; i++) {
		int64_t at = ((rows < s->positions ? i : i * rows / s->positions) + s->seen * 7) % rows;
		memcpy(s->l.x, (const float *)in->data + at * s->l.k, (size_t)s->l.k * sizeof(float));
		add_moment(&s->l, 0);
	}
	s->seen++;
	return OQZ_OK;
}

static enum oqz_status see(void *ctx, size_t image, const struct oqz_tensor *const *taps, struct oqz_err *err)
{
	struct state *s = ctx;

	(void)image;
	if (taps[0]->dtype != OQZ_DT_F32)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "the input of '%s' is not float32", s->l.node->name);
	return is_convolution(&s->l) ? see_conv(s, taps[0], err) : see_rows(s, taps[0], err);
}

/* ------------------------------------------------------------------------------------------------ rounding */

/* Scale and zero point of a weight; the site's scales run along an axis, in blocks, or are one. */
static void step_of(const struct oqz_qspec *q, const struct oqz_shape *s, size_t at, double *scale, double *zero)
{
	size_t i = 0;

	if (q->axis >= 0) {
		size_t behind = 1, index;
		for (int k = q->axis + 1; k < s->rank; k++)
			behind *= (size_t)s->dim[k];
		index = at / behind % (size_t)s->dim[q->axis];
		i = index;
		if (q->block > 0) {
			size_t blocks = ((size_t)s->dim[q->axis] + (size_t)q->block - 1) / (size_t)q->block;
			size_t before = at / behind / (size_t)s->dim[q->axis];
			i = (before * blocks + index / (size_t)q->block) * behind + at % behind;
		}
	}
	*scale = (double)q->scale[i];
	*zero = q->zero ? q->zero[i] : 0;
}

/* One output channel being rounded: value and its alternative (the other neighbour), and H d. */
struct row {
	double *d, *flip; /* change of each weight now; what flipping adds to it (0: cannot be flipped) */
	double *hd;       /* H d */
};

static void start_row(const struct layer *l, int64_t o, struct row *r)
{
	const struct oqz_qspec *q = &l->site->spec;
	const struct oqz_shape *shape = &l->node->in[1]->constant->shape;
	int64_t per_in = l->form.in / l->form.groups;

	for (int64_t i = 0; i < per_in; i++)
		for (int64_t e = 0; e < l->form.inner; e++) {
			size_t at = oqz_weight_at(&l->form, o, i) + (size_t)e;
			int64_t k = i * l->form.inner + e;
			double s, z, w = (double)l->form.w[at];
			step_of(q, shape, at, &s, &z);
			double lo = q->grid.qmin - z, hi = q->grid.qmax - z, x = w / s;
			double c = fmin(fmax(nearbyint(x), lo), hi), other = x > c ? c + 1 : c - 1;
			r->d[k] = c * s - w;
			r->flip[k] = x == c || other < lo || other > hi ? 0 : (other - c) * s;
		}
}

static void multiply(const double *h, int64_t k, const double *d, double *hd)
{
	for (int64_t i = 0; i < k; i++) {
		double sum = 0;
		for (int64_t j = 0; j < k; j++)
			sum += h[i * k + j] * d[j];
		hd[i] = sum;
	}
}

/* Flips the best weight until none lowers the error; at most 4 k flips, far more than are ever used. */
static void descend(const double *h, int64_t k, struct row *r)
{
	for (int64_t round = 0; round < 4 * k; round++) {
		double best = 0;
		int64_t at = -1;
		for (int64_t i = 0; i < k; i++) {
			double gain = r->flip[i] * (2 * r->hd[i] + r->flip[i] * h[i * k + i]);
			if (gain < best) {
				best = gain;
				at = i;
			}
		}
		/* what is lost in rounding of these sums is no gain */
		if (at < 0 || -best < 1e-12 * fabs(h[at * k + at]) * r->flip[at] * r->flip[at])
			return;
		double f = r->flip[at];
		for (int64_t i = 0; i < k; i++)
			r->hd[i] += h[i * k + at] * f;
		r->d[at] += f;
		r->flip[at] = -f;
	}
}

/* Weights that lie on the chosen codes. */
static enum oqz_status round_layer(const struct layer *l, struct oqz_tensor *ret, struct oqz_err *err)
{
	const struct oqz_tensor *w = l->node->in[1]->constant;
	OQZ_CLEANUP_FREE double *room = calloc((size_t)l->k * 3 + 1, sizeof *room);
	struct row r = { .d = room, .flip = room + l->k, .hd = room + 2 * l->k };
	int64_t per_out = l->form.out / l->form.groups;

	if (!room)
		return oqz_err_nomem(err, "a layer's weights", (size_t)l->k);
	OQZ_TRY(oqz_tensor_alloc(ret, OQZ_DT_F32, &w->shape, err));
	for (int64_t o = 0; o < l->form.out; o++) {
		const double *h = l->h + o / per_out * l->k * l->k;
		start_row(l, o, &r);
		multiply(h, l->k, r.d, r.hd);
		descend(h, l->k, &r);
		for (int64_t k = 0; k < l->k; k++) {
			size_t at = oqz_weight_at(&l->form, o, k / l->form.inner) + (size_t)(k % l->form.inner);
			double s, z;
			step_of(&l->site->spec, &w->shape, at, &s, &z);
			/* the float32 that dequantization gives */
			double code = nearbyint(((double)l->form.w[at] + r.d[k]) / s);
			((float *)ret->data)[at] = (float)code * (float)s;
		}
	}
	return OQZ_OK;
}

static void mirror(struct layer *l)
{
	for (int64_t g = 0; g < l->form.groups; g++)
		for (int64_t i = 0; i < l->k; i++)
			for (int64_t j = 0; j < i; j++)
				l->h[(g * l->k + j) * l->k + i] = l->h[(g * l->k + i) * l->k + j];
}

/* Inputs as the quantized network gives them, layers before already rounded anew. */
static enum oqz_status improve_layer(const struct oqz_graph *g, struct oqz_qplan *p, struct state *s, size_t images,
                                     const struct oqz_improve_data *data, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *q = NULL;
	struct layer *l = &s->l;
	struct oqz_tensor w = { 0 };

	OQZ_TRY(oqz_qplan_apply(p, g, &q, err));
	const struct oqz_node *n = oqz_graph_node(q, l->node->name);
	const char *taps[] = { n->in[0]->name };
	OQZ_TRY(data->run(data->ctx, q, taps, 1, images, see, s, err));
	mirror(l);
	enum oqz_status st = round_layer(l, &w, err);
	if (st == OQZ_OK)
		st = oqz_qplan_set_constant(p, l->node->name, 1, &w, err);
	oqz_tensor_release(&w);
	return st;
}

static enum oqz_status run(const struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_params *given,
                           const struct oqz_improve_data *data, struct oqz_err *err)
{
	size_t images = oqz_improve_images(given, data);

	for (size_t i = 0; i < g->nodes.n; i++) {
		struct state s = { .positions = oqz_params_int(given, "positions") };
		struct layer *l = &s.l;
		l->node = g->nodes.v[i];
		l->site = oqz_improve_site(p, l->node->name, 1);
		if (!l->site || !oqz_weight_form(l->node, &l->form))
			continue;
		if (l->site->spec.grid.kind != OQZ_GRID_AFFINE || l->site->spec.dynamic)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
			         "adaround needs weights on an integer grid, those of '%s' are not", l->node->name);
		l->k = l->form.in / l->form.groups * l->form.inner;
		if (l->k > oqz_params_int(given, "max_inputs"))
			continue;
		l->h = calloc((size_t)(l->form.groups * l->k * l->k), sizeof *l->h);
		l->x = calloc((size_t)l->k, sizeof *l->x);
		enum oqz_status st = l->h && l->x ? improve_layer(g, p, &s, images, data, err)
		                                  : oqz_err_nomem(err, "second moments", (size_t)(l->k * l->k * 8));
		free(l->h);
		free(l->x);
		OQZ_TRY(st);
	}
	return OQZ_OK;
}

const struct oqz_improve oqz_improve_adaround = {
	.name = "adaround",
	.summary = "weights rounded up or down so that each layer's outputs change least on calibration images",
	.source = "Nagel et al. 2020 (ICML), equations 11 and 13, solved by coordinate descent",
	.params = params,
	.on_plan = run,
};
