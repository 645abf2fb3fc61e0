/* SPDX-License-Identifier: Apache-2.0
 *
 * SmoothQuant: Xiao, Lin, Seznec, Wu, Demouth, Han, "SmoothQuant: Accurate and Efficient Post-Training Quantization for
 * Large Language Models" (ICML 2023), equation 4. A few channels of an activation are much larger than the others and
 * take the whole scale; dividing them by s and multiplying the weights that read them moves the difficulty into the
 * weights, which have a scale per channel or are smoother:
 *
 *   s = max|X|^alpha / max|W|^(1 - alpha)        per channel
 *
 * The division goes into what makes the activation: a LayerNormalization, or the layer before it when only activations
 * that pass factors lie between. Elsewhere, behind SiLU or HardSwish say, `insert` multiplies the layer's input before
 * it is quantized, one multiplication per element more at run time; NVIDIA's ModelOpt knows that as pre_quant_scale.
 * |X| is taken over the calibration images.
 */
#include "core/quant/improve_groups.h"
#include "core/ops/op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct oqz_param params[] = {
	{ .name = "alpha",
	  .type = OQZ_P_FLOAT,
	  .dflt = "0.5",
	  .min = 0,
	  .max = 1,
	  .help = "how much of the difference goes from activations to weights" },
	OQZ_IMPROVE_IMAGES("32", "the activations are observed on"),
	{ .name = "insert",
	  .type = OQZ_P_BOOL,
	  .dflt = "false",
	  .help = "where no layer before can take the factors, multiply the input by them before it is quantized" },
	{ 0 },
};

/* A group and what its readers see, or a layer whose input is multiplied, the group's only reader then. */
struct observed {
	struct oqz_channel_group group;
	const char *value; /* what the first reader reads */
	float *peak;       /* [channels] */
};

struct observation {
	OQZ_VEC(struct observed) v;
};

static void release(struct observation *o)
{
	for (size_t i = 0; i < o->v.n; i++) {
		oqz_channel_group_release(&o->v.v[i].group);
		free(o->v.v[i].peak);
	}
	oqz_vec_release(&o->v);
}

static enum oqz_status see(void *ctx, size_t image, const struct oqz_tensor *const *taps, struct oqz_err *err)
{
	struct observation *o = ctx;

	(void)image;
	for (size_t i = 0; i < o->v.n; i++) {
		const struct oqz_tensor *t = taps[i];
		const struct oqz_channel_group *c = &o->v.v[i].group;
		int64_t inner;
		OQZ_TRY(oqz_channel_inner(c->readers.v[0], t, c->channels, &inner, err));
		for (int64_t k = 0; k < oqz_tensor_nelem(t); k++) {
			float x = fabsf(((const float *)t->data)[k]), *to = &o->v.v[i].peak[k / inner % c->channels];
			*to = x > *to ? x : *to;
		}
	}
	return OQZ_OK;
}

/* Takes the group over on success. */
static enum oqz_status observe(struct observation *o, struct oqz_channel_group *group, struct oqz_err *err)
{
	struct observed x = { .group = *group, .value = group->readers.v[0]->in[0]->name };

	x.peak = calloc((size_t)x.group.channels + 1, sizeof *x.peak);
	if (x.peak && oqz_vec_push(&o->v, x)) {
		*group = (struct oqz_channel_group) { 0 };
		return OQZ_OK;
	}
	free(x.peak);
	return oqz_err_nomem(err, "activations", (size_t)x.group.channels);
}

/* Whether a layer reads what a group's factors reach. */
static bool is_reader(const struct observation *o, const struct oqz_node *n)
{
	for (size_t k = 0; k < o->v.n; k++) {
		const struct oqz_channel_group *c = &o->v.v[k].group;
		for (size_t m = 0; m < c->readers.n; m++)
			if (c->readers.v[m] == n)
				return true;
	}
	return false;
}

static enum oqz_status collect_groups(struct oqz_graph *g, struct observation *o, struct oqz_err *err)
{
	for (size_t i = 0; i < g->nodes.n; i++) {
		OQZ_CLEANUP(oqz_channel_group_release) struct oqz_channel_group group = { 0 };
		bool found;
		if (!g->nodes.v[i]->op)
			continue;
		OQZ_TRY(oqz_channel_group_find(g, g->nodes.v[i], OQZ_GROUP_LAYERNORM, &group, &found, err));
		if (found) /* without sums a group has one maker */
			OQZ_TRY(observe(o, &group, err));
	}
	return OQZ_OK;
}

/* Layers that no group's factors reach. */
static enum oqz_status collect_others(struct oqz_graph *g, struct observation *o, struct oqz_err *err)
{
	for (size_t i = 0; i < g->nodes.n; i++) {
		OQZ_CLEANUP(oqz_channel_group_release) struct oqz_channel_group group = { 0 };
		struct oqz_node *n = g->nodes.v[i];
		struct oqz_weight_form f;
		if (!oqz_weight_form(n, &f) || !n->in[0] || n->in[0]->constant || n->in[0]->is_input ||
		    n->in[0]->type.shape.rank < 1 || is_reader(o, n))
			continue;
		group.channels = f.in;
		if (!oqz_vec_push(&group.readers, n))
			return oqz_err_nomem(err, "a layer", 1);
		OQZ_TRY(observe(o, &group, err));
	}
	return OQZ_OK;
}

/* The layer reads x * factor from now on, and its weights are divided by it. */
static enum oqz_status multiply_input(struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_channel_group *c,
                                      float *factor, struct oqz_err *err)
{
	struct oqz_node *n = c->readers.v[0];
	const struct oqz_qplan_gain *before = oqz_qplan_gain(p, n->in[0]->name);
	int axis = oqz_channel_axis(n, n->in[0]->type.shape.rank);
	struct oqz_shape shape = { .rank = n->in[0]->type.shape.rank - axis };
	struct oqz_tensor t = { 0 };

	OQZ_TRY(oqz_channel_group_rescale(g, p, c, factor, err));
	for (int i = 0; i < shape.rank; i++)
		shape.dim[i] = i ? 1 : c->channels;
	OQZ_TRY(oqz_tensor_alloc(&t, OQZ_DT_F32, &shape, err));
	memcpy(t.data, factor, (size_t)c->channels * sizeof *factor);
	enum oqz_status st = oqz_improve_set(g, p, n, 0, &t, err);
	oqz_tensor_release(&t);
	for (int64_t i = 0; before && i < c->channels; i++)
		factor[i] *= before->factor[i];
	return st == OQZ_OK ? oqz_qplan_add_gain(p, n->in[0]->name, axis, (size_t)c->channels, factor, err) : st;
}

static enum oqz_status migrate(struct oqz_graph *g, struct oqz_qplan *p, const struct observed *x, double alpha,
                               struct oqz_err *err)
{
	size_t n = (size_t)x->group.channels;
	OQZ_CLEANUP_FREE float *w = calloc(2 * n + 1, sizeof *w);

	if (!w)
		return oqz_err_nomem(err, "a group of layers", n);
	oqz_channel_peaks(x->group.readers.v, x->group.readers.n, false, w);
	for (size_t i = 0; i < n; i++) {
		double s =
		    x->peak[i] > 0 && w[i] > 0 ? pow((double)x->peak[i], alpha) / pow((double)w[i], 1 - alpha) : 1;
		w[n + i] = (float)(1 / fmin(fmax(s, 1e-3), 1e3));
	}
	return x->group.makers.n ? oqz_channel_group_rescale(g, p, &x->group, w + n, err)
	                         : multiply_input(g, p, &x->group, w + n, err);
}

static enum oqz_status run(struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_params *given,
                           const struct oqz_improve_data *data, struct oqz_err *err)
{
	OQZ_CLEANUP(release) struct observation o = { 0 };

	OQZ_TRY(collect_groups(g, &o, err));
	if (oqz_params_bool(given, "insert"))
		OQZ_TRY(collect_others(g, &o, err));
	OQZ_CLEANUP_FREE const char **taps = calloc(o.v.n + 1, sizeof *taps);
	if (!taps)
		return oqz_err_nomem(err, "taps", o.v.n);
	for (size_t i = 0; i < o.v.n; i++)
		taps[i] = o.v.v[i].value;
	if (o.v.n)
		OQZ_TRY(data->run(data->ctx, g, taps, o.v.n, oqz_improve_images(given, data), see, &o, err));
	for (size_t i = 0; i < o.v.n; i++)
		OQZ_TRY(migrate(g, p, &o.v.v[i], oqz_params_float(given, "alpha"), err));
	return OQZ_OK;
}

const struct oqz_improve oqz_improve_migrate = {
	.name = "migrate",
	.summary = "SmoothQuant: large channels of activations made smaller, the weights that read them larger",
	.source = "Xiao et al. 2023 (ICML), equation 4",
	.params = params,
	.on_graph = run,
};
