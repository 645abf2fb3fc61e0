/* SPDX-License-Identifier: Apache-2.0
 *
 * Concat -> BatchNormalization (-> activation) of channels-last tensors, as dense networks have it in front of every
 * layer: one pass that reads the parts where they lie and writes each channel scaled, shifted and activated. The
 * concatenation, which grows with the depth and which nobody else looks at, is never made.
 */
#include "core/exec/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CN_BLOCK = 32 }; /* pixels at a time: their outputs stay near for the activation */

struct concat_norm {
	int n;
	int64_t part[OQZ_STEP_MAX_IN]; /* channels of each input */
	int64_t pixels, channels;
	float *scale, *shift; /* by channel of the output */
	float lo, hi;         /* the activation when it only clamps, else -inf and inf and */
	oqz_row1_fn *act;     /* this (NULL: none) */
	struct oqz_row_params act_p;
};

static void concat_norm_destroy(void *state)
{
	struct concat_norm *s = state;

	if (s) {
		free(s->scale);
		free(s->shift);
	}
	free(s);
}

/* y = x scale + shift, clamped (NaN passes), for n channels of `pixels` pixels; y's pixels are `step` apart. */
OQZ_KERNEL static void affine(const float *restrict x, float *restrict y, int64_t pixels, int64_t n, int64_t step,
                              const float *restrict scale, const float *restrict shift, float lo, float hi)
{
	for (int64_t p = 0; p < pixels; p++, x += n, y += step)
		for (int64_t c = 0; c < n; c++) {
			float v = x[c] * scale[c] + shift[c];
			v = v < lo ? lo : v;
			y[c] = v > hi ? hi : v;
		}
}

static enum oqz_status concat_norm_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct concat_norm *s = state;
	float *y = c->out[0]->data;

	for (int64_t p = 0; p < s->pixels; p += CN_BLOCK, y += CN_BLOCK * s->channels) {
		int64_t block = s->pixels - p < CN_BLOCK ? s->pixels - p : CN_BLOCK, at = 0;
		for (int i = 0; i < s->n; at += s->part[i++])
			affine((const float *)c->in[i]->data + p * s->part[i], y + at, block, s->part[i], s->channels,
			       s->scale + at, s->shift + at, s->lo, s->hi);
		if (s->act)
			s->act(y, y, (size_t)(block * s->channels), &s->act_p);
	}
	return OQZ_OK;
}

static const struct oqz_impl oqz_impl_concat_norm = { "own.concat_norm", .run = concat_norm_run,
	                                              .destroy = concat_norm_destroy };

/* A constant with one float32 per channel. */
static const float *per_channel(const struct oqz_node *n, int i, int64_t channels)
{
	const struct oqz_tensor *t = i < n->n_in && n->in[i] ? n->in[i]->constant : NULL;

	return t && t->dtype == OQZ_DT_F32 && oqz_tensor_nelem(t) == channels ? t->data : NULL;
}

/* The BatchNormalization that alone reads the concatenation; inference with constant parameters. */
static struct oqz_node *find_norm(const struct oqz_planner *pl, const struct oqz_node *concat)
{
	const struct oqz_value *v = concat->out[0];
	const struct oqz_attr *training;

	if (!v || !oqz_value_private(pl, v) || v->type.dtype != OQZ_DT_F32 || !oqz_type_concrete(&v->type) ||
	    v->type.shape.rank < 3 || oqz_shape_nelem(&v->type.shape) == 0)
		return NULL;
	struct oqz_node *n = v->uses.v[0];
	if (!n->op || n->op->id != OQZ_OP_BATCH_NORMALIZATION || n->dead || n->graph != concat->graph ||
	    n->in[0] != v || n->n_out != 1 || !n->out[0] || pl->groups[n->index].group)
		return NULL;
	if ((training = oqz_node_attr(n, "training_mode")) && training->i)
		return NULL;
	for (int i = 1; i < 5; i++)
		if (!per_channel(n, i, v->type.shape.dim[1]))
			return NULL;
	return n;
}

/* Channels are concatenated, of computed tensors, one of which at least lies channels-last. */
static bool parts_fit(const struct oqz_planner *pl, const struct oqz_node *concat, int rank)
{
	const struct oqz_attr *axis = oqz_node_attr(concat, "axis");
	bool last = false;

	if (!axis || (axis->i != 1 && axis->i != 1 - rank) || concat->n_in > OQZ_STEP_MAX_IN)
		return false;
	for (int i = 0; i < concat->n_in; i++) {
		const struct oqz_value *v = concat->in[i];
		if (!v || v->constant || pl->made[v->id] < 0)
			return false;
		const struct oqz_slot *s = &pl->p->slots.v[pl->made[v->id]];
		if (s->kind == OQZ_SLOT_HEAP || s->tensor.dtype != OQZ_DT_F32 || oqz_shape_nelem(&s->tensor.shape) == 0)
			return false;
		last |= s->tensor.layout == OQZ_LAYOUT_CHANNELS_LAST && !oqz_layouts_same(&s->tensor.shape);
	}
	return last;
}

static enum oqz_status state_new(const struct oqz_node *concat, const struct oqz_node *norm, const struct oqz_node *act,
                                 struct concat_norm **ret, struct oqz_err *err)
{
	const struct oqz_shape *shape = &concat->out[0]->type.shape;
	const struct oqz_attr *epsilon = oqz_node_attr(norm, "epsilon");
	struct concat_norm *s = calloc(1, sizeof *s);
	const float *v[5];

	if (!s)
		return oqz_err_nomem(err, "a step", sizeof *s);
	s->channels = shape->dim[1];
	s->pixels = oqz_shape_nelem(shape) / s->channels;
	s->n = concat->n_in;
	s->scale = malloc((size_t)s->channels * sizeof(float));
	s->shift = malloc((size_t)s->channels * sizeof(float));
	if (!s->scale || !s->shift) {
		concat_norm_destroy(s);
		return oqz_err_nomem(err, "a step", (size_t)s->channels * sizeof(float));
	}
	for (int i = 0; i < s->n; i++)
		s->part[i] = oqz_value_type(concat->in[i]).shape.dim[1];
	for (int i = 1; i < 5; i++)
		v[i] = per_channel(norm, i, s->channels);
	for (int64_t c = 0; c < s->channels; c++) {
		double scale = v[1][c] / sqrt((double)v[4][c] + (epsilon ? epsilon->f : 1e-5f));
		s->scale[c] = (float)scale;
		s->shift[c] = (float)(v[2][c] - v[3][c] * scale);
	}
	s->lo = -INFINITY;
	s->hi = INFINITY;
	if (act && !oqz_row1_clamps(act, &s->lo, &s->hi)) {
		s->lo = -INFINITY;
		s->hi = INFINITY;
		s->act = oqz_row1_of(act, &s->act_p);
	}
	*ret = s;
	return OQZ_OK;
}

static enum oqz_status connect(struct oqz_planner *pl, const struct oqz_node *concat, struct oqz_value *out,
                               struct oqz_step *s, struct oqz_err *err)
{
	struct oqz_program *p = pl->p;

	for (int i = 0; i < concat->n_in; i++) {
		OQZ_TRY(oqz_slot_get(pl, concat->in[i], OQZ_LAYOUT_CHANNELS_LAST, &s->in[i], err));
		s->bytes += p->slots.v[s->in[i]].bytes;
	}
	struct oqz_type t = oqz_value_type(out);
	int slot = oqz_slot_add(p, out, OQZ_SLOT_ARENA, &t, OQZ_LAYOUT_CHANNELS_LAST);
	if (slot < 0)
		return oqz_err_nomem(err, "the plan", sizeof(struct oqz_slot));
	s->out[0] = slot;
	s->bytes += p->slots.v[slot].bytes;
	p->slots.v[slot].pinned = pl->tapped[out->id];
	if (!oqz_vec_push(&p->steps, *s))
		return oqz_err_nomem(err, "the plan", sizeof *s);
	pl->made[out->id] = pl->slot[out->id][OQZ_LAYOUT_CHANNELS_LAST] = slot;
	return OQZ_OK;
}

enum oqz_status oqz_plan_concat_norm(struct oqz_planner *pl, struct oqz_node *concat, struct oqz_node **ret_last,
                                     struct oqz_err *err)
{
	struct oqz_row_params unused;
	struct concat_norm *state = NULL;
	struct oqz_step s;

	*ret_last = NULL;
	struct oqz_node *norm = concat->op->id == OQZ_OP_CONCAT ? find_norm(pl, concat) : NULL;
	if (!norm || !parts_fit(pl, concat, concat->out[0]->type.shape.rank))
		return OQZ_OK;
	struct oqz_node *act = pl->groups[norm->index].act;
	if (act && !oqz_row1_of(act, &unused))
		act = NULL;
	if (!oqz_step_init(pl->p, norm, concat->n_in, 1, &s))
		return oqz_err_nomem(err, "the plan", sizeof s);
	s.impl = &oqz_impl_concat_norm;
	s.choice.inplace_input = -1;
	snprintf(s.choice.name, sizeof s.choice.name, "%s", s.impl->name);
	OQZ_TRY(state_new(concat, norm, act, &state, err));
	s.choice.state = state;
	enum oqz_status st = connect(pl, concat, act ? act->out[0] : norm->out[0], &s, err);
	if (st != OQZ_OK) {
		concat_norm_destroy(state);
		return st;
	}
	pl->skip[norm->index] = true;
	if (act)
		pl->skip[act->index] = true;
	*ret_last = act ? act : norm;
	return OQZ_OK;
}
