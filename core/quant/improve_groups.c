/* SPDX-License-Identifier: Apache-2.0
 *
 * See improve_groups.h. The search is a closure: from a value to all its consumers, from an Add to its other operand
 * and from there to that one's maker, until nothing is new. One dead end makes the whole group none.
 */
#include "core/quant/improve_groups.h"
#include "core/ops/op.h"

#include <float.h>
#include <math.h>
#include <string.h>

void oqz_channel_group_release(struct oqz_channel_group *c)
{
	oqz_vec_release(&c->makers);
	oqz_vec_release(&c->readers);
	oqz_vec_release(&c->clips);
	oqz_vec_release(&c->values);
}

static bool is_op(const struct oqz_node *n, enum oqz_op_id id) { return n && n->op && n->op->id == id; }

/* f(k x) = k f(x) for k > 0, channel by channel. Poolings join what lies along the axes behind the second. */
static bool is_homogeneous(const struct oqz_node *n, int channels)
{
	switch (n->op ? n->op->id : OQZ_OP_CONV) {
	case OQZ_OP_RELU:
	case OQZ_OP_LEAKY_RELU:
	case OQZ_OP_IDENTITY: return true;
	case OQZ_OP_PRELU: return n->in[1] && n->in[1]->constant; /* the slope is not rescaled */
	case OQZ_OP_MAX_POOL:
	case OQZ_OP_AVERAGE_POOL:
	case OQZ_OP_GLOBAL_AVERAGE_POOL:
	case OQZ_OP_GLOBAL_MAX_POOL: return channels == 1;
	default: return false;
	}
}

/* (N, C, 1, 1) -> (N, C): channels stay channels. */
static bool is_flattening(const struct oqz_node *n)
{
	const struct oqz_shape *x, *y;

	if (!is_op(n, OQZ_OP_FLATTEN) && !is_op(n, OQZ_OP_RESHAPE) && !is_op(n, OQZ_OP_SQUEEZE))
		return false;
	x = &n->in[0]->type.shape;
	y = &n->out[0]->type.shape;
	if (x->rank != 4 || y->rank != 2 || x->dim[1] < 1 || x->dim[1] != y->dim[1])
		return false;
	return x->dim[2] == 1 && x->dim[3] == 1;
}

static const struct oqz_tensor *float_constant(const struct oqz_node *n, int input)
{
	const struct oqz_value *v = n->n_in > input ? n->in[input] : NULL;

	return v && v->constant && v->constant->dtype == OQZ_DT_F32 ? v->constant : NULL;
}

/* Clip from 0 to a limit, or without one. */
static bool is_clip(const struct oqz_node *n)
{
	const struct oqz_tensor *lo = is_op(n, OQZ_OP_CLIP) ? float_constant(n, 1) : NULL;

	return lo && *(const float *)lo->data == 0 && (n->n_in < 3 || !n->in[2] || float_constant(n, 2));
}

/* Never negative. */
static bool is_rectifier(const struct oqz_node *n) { return n && (is_op(n, OQZ_OP_RELU) || is_clip(n)); }

/* The limits per channel that a Clip was given before: the Min in front of it (core/quant/qplan_extras.c). */
static const struct oqz_node *limits_of(const struct oqz_node *clip)
{
	const struct oqz_node *n = clip->in[0] ? clip->in[0]->producer : NULL;
	size_t len = strlen(clip->name);

	return is_op(n, OQZ_OP_MIN) && n->n_in == 2 && float_constant(n, 1) && strncmp(n->name, clip->name, len) == 0 &&
	               strcmp(n->name + len, "/limit") == 0
	           ? n
	           : NULL;
}

static bool is_limit(const struct oqz_node *n)
{
	const struct oqz_node *clip = is_op(n, OQZ_OP_MIN) ? oqz_value_sole_use(n->out[0]) : NULL;

	return clip && is_clip(clip) && limits_of(clip) == n;
}

static int channel_axis(const struct oqz_node *layer, const struct oqz_value *v)
{
	return oqz_channel_axis(layer, v->type.shape.rank);
}

static bool is_layernorm(const struct oqz_node *n)
{
	const struct oqz_tensor *scale = oqz_node_constant(n, 1);
	const struct oqz_tensor *bias = oqz_node_constant(n, 2);

	return is_op(n, OQZ_OP_LAYER_NORMALIZATION) && scale && scale->shape.rank == 1 && scale->dtype == OQZ_DT_F32 &&
	       (n->n_in < 3 || !n->in[2] || (bias && bias->dtype == OQZ_DT_F32));
}

/* A bias that can be rescaled with the weights: none, or a constant with one number per channel. */
static bool bias_fits(const struct oqz_node *n, int64_t channels)
{
	return n->n_in < 3 || !n->in[2] || oqz_channel_bias(n, channels);
}

struct search {
	struct oqz_graph *g;
	unsigned through;
	struct oqz_channel_group *c;
	bool dead;
	size_t next; /* values behind this one were not looked at yet */
	struct oqz_err *err;
};

#define PUSH_ONCE(s, vec, item)                                                 \
	do {                                                                    \
		bool known_ = false;                                            \
		for (size_t k_ = 0; k_ < (vec)->n; k_++)                        \
			known_ |= (vec)->v[k_] == (item);                       \
		if (!known_ && !oqz_vec_push(vec, item))                        \
			return oqz_err_nomem((s)->err, "a group of layers", 1); \
	} while (0)

/* What nothing makes, inputs and constants, ends the group when its turn comes. */
static enum oqz_status add_value(struct search *s, struct oqz_value *v)
{
	if (!v || v->is_output || v->graph != s->g || v->type.shape.rank < 1)
		s->dead = true;
	else
		PUSH_ONCE(s, &s->c->values, v);
	return OQZ_OK;
}

/* Whether a layer has the channels of a value where the group has them: a product and a convolution may agree on their
 * number and not on their place. */
static bool same_axis(const struct search *s, const struct oqz_node *layer, const struct oqz_value *v)
{
	return channel_axis(layer, v) == channel_axis(s->c->makers.v[0], v);
}

static enum oqz_status add_maker(struct search *s, struct oqz_node *n)
{
	struct oqz_weight_form f;
	int64_t channels = -1;

	if ((s->through & OQZ_GROUP_LAYERNORM) && is_layernorm(n))
		channels = n->in[1]->constant->shape.dim[0];
	else if (oqz_weight_form(n, &f) && bias_fits(n, f.out))
		channels = f.out;
	if (channels < 1 || (s->c->channels && s->c->channels != channels)) {
		s->dead = true;
		return OQZ_OK;
	}
	s->c->channels = channels;
	PUSH_ONCE(s, &s->c->makers, n);
	s->dead |= !same_axis(s, n, n->out[0]);
	return add_value(s, n->out[0]);
}

/* Whether a node passes factors through, from the first of its inputs, of Add and Sub from both. */
static bool passes(const struct search *s, const struct oqz_node *n)
{
	if (is_homogeneous(n, channel_axis(s->c->makers.v[0], n->out[0])) || is_flattening(n))
		return true;
	if ((is_op(n, OQZ_OP_ADD) || is_op(n, OQZ_OP_SUB)) && (s->through & OQZ_GROUP_ADD))
		return n->in[0] && n->in[1] && oqz_shape_equal(&n->in[0]->type.shape, &n->in[1]->type.shape);
	return (s->through & (OQZ_GROUP_LIMIT | OQZ_GROUP_OPEN)) && (is_clip(n) || is_limit(n));
}

static enum oqz_status join(struct search *s, struct oqz_node *n)
{
	if (is_op(n, OQZ_OP_CLIP))
		PUSH_ONCE(s, &s->c->clips, n);
	OQZ_TRY(add_value(s, n->out[0]));
	OQZ_TRY(add_value(s, n->in[0]));
	return is_op(n, OQZ_OP_ADD) || is_op(n, OQZ_OP_SUB) ? add_value(s, n->in[1]) : OQZ_OK;
}

static enum oqz_status add_reader(struct search *s, struct oqz_node *n, const struct oqz_value *v)
{
	struct oqz_weight_form f;

	/* its weights are constants, so it may read the value as its input, or as a bias */
	if (n->graph != s->g || !oqz_weight_form(n, &f) || f.in != s->c->channels || !same_axis(s, n, v) ||
	    (n->n_in > 2 && n->in[2] == v))
		s->dead = true;
	else
		PUSH_ONCE(s, &s->c->readers, n);
	return OQZ_OK;
}

/* Backwards to what makes the value, forwards to all that read it. */
static enum oqz_status look_around(struct search *s, struct oqz_value *v)
{
	struct oqz_node *p = v->producer;

	if (!p)
		s->dead = true;
	else if (passes(s, p))
		OQZ_TRY(join(s, p));
	else
		OQZ_TRY(add_maker(s, p));
	for (size_t i = 0; i < v->uses.n && !s->dead; i++) {
		struct oqz_node *n = v->uses.v[i];
		if (n->graph == s->g && passes(s, n))
			OQZ_TRY(join(s, n));
		else
			OQZ_TRY(add_reader(s, n, v));
	}
	return OQZ_OK;
}

enum oqz_status oqz_channel_group_find(struct oqz_graph *g, struct oqz_node *seed, unsigned through,
                                       struct oqz_channel_group *ret, bool *ret_found, struct oqz_err *err)
{
	struct search s = { .g = g, .through = through, .c = ret, .err = err };

	*ret_found = false;
	ret->open = (through & OQZ_GROUP_OPEN) != 0;
	OQZ_TRY(add_maker(&s, seed));
	for (; s.next < ret->values.n && !s.dead; s.next++)
		OQZ_TRY(look_around(&s, ret->values.v[s.next]));
	*ret_found = !s.dead && ret->makers.n && ret->readers.n;
	ret->rectified = true;
	for (size_t i = 0; i < ret->readers.n; i++)
		ret->rectified &= is_rectifier(ret->readers.v[i]->in[0]->producer);
	return OQZ_OK;
}

/* ------------------------------------------------------------------------------------------------ rescaling */

static enum oqz_status copy_constant(const struct oqz_node *n, int input, struct oqz_tensor *ret, struct oqz_err *err)
{
	const struct oqz_tensor *t = n->in[input]->constant;

	OQZ_TRY(oqz_tensor_alloc(ret, OQZ_DT_F32, &t->shape, err));
	memcpy(ret->data, t->data, oqz_tensor_bytes(t));
	return OQZ_OK;
}

/* Vectors with one number per channel: biases, a LayerNormalization's scale. */
static enum oqz_status rescale_vector(struct oqz_graph *g, struct oqz_qplan *p, struct oqz_node *n, int input,
                                      const float *factor, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	if (input >= n->n_in || !n->in[input])
		return OQZ_OK;
	OQZ_TRY(copy_constant(n, input, &t, err));
	for (int64_t i = 0; i < oqz_tensor_nelem(&t); i++)
		((float *)t.data)[i] *= factor[i];
	enum oqz_status st = oqz_improve_set(g, p, n, input, &t, err);
	oqz_tensor_release(&t);
	return st;
}

static enum oqz_status rescale_weights(struct oqz_graph *g, struct oqz_qplan *p, struct oqz_node *n, bool maker,
                                       const float *factor, struct oqz_err *err)
{
	struct oqz_weight_form f;
	struct oqz_tensor t = { 0 };

	if (!oqz_weight_form(n, &f))
		OQZ_FAIL(err, OQZ_E_INTERNAL, "'%s' has lost its weights", n->name);
	OQZ_TRY(copy_constant(n, 1, &t, err));
	int64_t per_out = f.out / f.groups, per_in = f.in / f.groups;
	for (int64_t o = 0; o < f.out; o++)
		for (int64_t i = 0; i < per_in; i++) {
			float *w = (float *)t.data + oqz_weight_at(&f, o, i);
			float k = maker ? factor[o] : 1 / factor[o / per_out * per_in + i];
			for (int64_t e = 0; e < f.inner; e++)
				w[e] *= k;
		}
	enum oqz_status st = oqz_improve_set(g, p, n, 1, &t, err);
	oqz_tensor_release(&t);
	return st;
}

static enum oqz_status open_clip(struct oqz_graph *g, struct oqz_qplan *p, struct oqz_node *n, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	if (!float_constant(n, 2))
		return OQZ_OK; /* it has no limit */
	OQZ_TRY(copy_constant(n, 2, &t, err));
	*(float *)t.data = FLT_MAX;
	enum oqz_status st = oqz_improve_set(g, p, n, 2, &t, err);
	oqz_tensor_release(&t);
	return st;
}

/* min(k x, k limit) = k min(x, limit): a limit for each channel, [C, 1, ..] behind a convolution, [C] behind a product.
 */
static enum oqz_status rescale_limits(struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_channel_group *c,
                                      struct oqz_node *n, const float *factor, struct oqz_err *err)
{
	const struct oqz_node *limits = limits_of(n);
	const struct oqz_tensor *old = limits ? float_constant(limits, 1) : float_constant(n, 2);
	int rank = n->out[0]->type.shape.rank, axis = channel_axis(c->makers.v[0], n->out[0]);
	struct oqz_shape shape = { .rank = rank - axis };
	struct oqz_tensor t = { 0 };

	if (!old)
		return OQZ_OK;
	for (int i = 0; i < shape.rank; i++)
		shape.dim[i] = i ? 1 : c->channels;
	OQZ_TRY(oqz_tensor_alloc(&t, OQZ_DT_F32, &shape, err));
	for (int64_t i = 0; i < c->channels; i++)
		((float *)t.data)[i] = ((const float *)old->data)[limits ? i : 0] * factor[i];
	enum oqz_status st = oqz_improve_set(g, p, n, 2, &t, err);
	oqz_tensor_release(&t);
	return st;
}

void oqz_channel_peaks(struct oqz_node *const *nodes, size_t n, bool maker, float *peak)
{
	for (size_t k = 0; k < n; k++) {
		struct oqz_weight_form f;
		if (!oqz_weight_form(nodes[k], &f))
			continue;
		int64_t per_out = f.out / f.groups, per_in = f.in / f.groups;
		for (int64_t o = 0; o < f.out; o++)
			for (int64_t i = 0; i < per_in; i++) {
				const float *w = f.w + oqz_weight_at(&f, o, i);
				float *to = &peak[maker ? o : o / per_out * per_in + i];
				for (int64_t e = 0; e < f.inner; e++)
					*to = fabsf(w[e]) > *to ? fabsf(w[e]) : *to;
			}
	}
}

enum oqz_status oqz_channel_group_rescale(struct oqz_graph *g, struct oqz_qplan *p, const struct oqz_channel_group *c,
                                          const float *factor, struct oqz_err *err)
{
	for (size_t i = 0; i < c->makers.n; i++) {
		struct oqz_node *n = c->makers.v[i];
		if (is_layernorm(n))
			OQZ_TRY(rescale_vector(g, p, n, 1, factor, err));
		else
			OQZ_TRY(rescale_weights(g, p, n, true, factor, err));
		OQZ_TRY(rescale_vector(g, p, n, 2, factor, err));
	}
	for (size_t i = 0; i < c->readers.n; i++)
		OQZ_TRY(rescale_weights(g, p, c->readers.v[i], false, factor, err));
	for (size_t i = 0; i < c->clips.n; i++)
		OQZ_TRY(c->open ? open_clip(g, p, c->clips.v[i], err)
		                : rescale_limits(g, p, c, c->clips.v[i], factor, err));
	for (size_t i = 0; i < c->values.n; i++) {
		if (c->values.v[i]->producer && is_limit(c->values.v[i]->producer))
			continue; /* the float graph has no such value */
		OQZ_TRY(oqz_qplan_add_gain(p, c->values.v[i]->name, channel_axis(c->makers.v[0], c->values.v[i]),
		                           (size_t)c->channels, factor, err));
	}
	return OQZ_OK;
}
