/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulation of quantized layers: the layer's float implementation on inputs that were put on their grid first.
 */
#include "core/exec/gridder.h"
#include "core/exec/impl.h"
#include "core/exec/layout.h"
#include "core/base/checked.h"

#include <stdio.h>
#include <string.h>

struct sim_input {
	bool active, constant;
	struct oqz_gridder g;
	struct oqz_tensor value; /* constant: the dequantized weights; else type and layout of the scratch tensor */
	size_t at;               /* in scratch */
	oqz_row1_fn *pre;        /* applied before the quantizer, into scratch at pre_at; NULL: nothing */
	struct oqz_row_params pre_params;
	size_t pre_at;
};

struct sim {
	struct oqz_step_desc inner; /* the layer without quantization */
	const struct oqz_impl *impl;
	struct oqz_step_choice choice;
	struct sim_input in[3];
};

static void sim_destroy(void *state)
{
	struct sim *s = state;

	if (!s)
		return;
	if (s->impl && s->impl->destroy)
		s->impl->destroy(s->choice.state);
	for (int i = 0; i < 3; i++) {
		oqz_tensor_release(&s->in[i].value);
		oqz_gridder_release(&s->in[i].g);
	}
	free(s);
}

/* The float layer: weights dequantized, activations float32. */
static enum oqz_status sim_inner(struct sim *s, const struct oqz_step_desc *d, struct oqz_err *err)
{
	s->inner = *d;
	s->inner.group = false;
	memset(s->inner.quant, 0, sizeof s->inner.quant);
	for (int i = 0; i < 3; i++) {
		if (!d->quant[i].present)
			continue;
		s->in[i].active = true;
		s->inner.in_type[i].dtype = OQZ_DT_F32;
		s->inner.constant[i] = NULL;
		if (d->quant[i].codes) {
			s->in[i].constant = true;
			OQZ_TRY(oqz_group_weight(d, i, &s->in[i].value, err));
			s->inner.constant[i] = &s->in[i].value;
		}
	}
	return oqz_choose_float(&s->inner, &s->impl, &s->choice, err);
}

/* The float layer's constant in the layout it asks for. */
static enum oqz_status sim_weight(struct sim_input *in, enum oqz_layout layout, struct oqz_err *err)
{
	struct oqz_tensor t = { 0 };

	if (layout == in->value.layout || oqz_layouts_same(&in->value.shape))
		return OQZ_OK;
	OQZ_TRY(oqz_tensor_alloc(&t, in->value.dtype, &in->value.shape, err));
	t.layout = layout;
	oqz_tensor_relayout(&t, &in->value);
	oqz_tensor_release(&in->value);
	in->value = t;
	return OQZ_OK;
}

static enum oqz_status sim_input_init(struct sim *s, int i, const struct oqz_step_desc *d, struct oqz_step_choice *ret,
                                      struct oqz_err *err)
{
	const struct oqz_step_quant *q = &d->quant[i];
	struct sim_input *in = &s->in[i];

	if (in->constant) {
		ret->uses_constant[i] = false;
		if (!s->choice.uses_constant[i]) {
			oqz_tensor_release(&in->value);
			return OQZ_OK;
		}
		ret->state_bytes += oqz_tensor_bytes(&in->value);
		return sim_weight(in, s->choice.in_layout[i], err);
	}
	if (q->from_float)
		OQZ_TRY(oqz_gridder_float(&in->g, q, &d->in_type[i].shape, s->choice.in_layout[i], err));
	else
		OQZ_TRY(oqz_gridder_codes(&in->g, q, d->node->in[i]->producer, err));
	if (oqz_gridder_plain(&in->g) && s->choice.in_layout[i] != OQZ_LAYOUT_PLAIN &&
	    !oqz_layouts_same(&d->in_type[i].shape)) {
		/* row-major in, the kernel, then the layout that the layer wants: two tensors */
		ret->in_layout[i] = OQZ_LAYOUT_PLAIN;
		ret->scratch_bytes +=
		    oqz_align_up((size_t)oqz_shape_nelem(&d->in_type[i].shape) * sizeof(float), OQZ_EXEC_ALIGN);
	}
	in->value =
	    (struct oqz_tensor) { .dtype = OQZ_DT_F32, .shape = d->in_type[i].shape, .layout = s->choice.in_layout[i] };
	in->at = ret->scratch_bytes;
	ret->scratch_bytes += oqz_align_up(oqz_tensor_bytes(&in->value), OQZ_EXEC_ALIGN);
	if (q->pre) {
		in->pre = q->pre_row;
		in->pre_params = q->pre_params;
		in->pre_at = ret->scratch_bytes;
		ret->scratch_bytes += oqz_align_up(oqz_tensor_bytes(&in->value), OQZ_EXEC_ALIGN);
	}
	return OQZ_OK;
}

static enum oqz_status sim_init(struct sim *s, const struct oqz_step_desc *d, struct oqz_step_choice *ret,
                                struct oqz_err *err)
{
	OQZ_TRY(sim_inner(s, d, err));
	*ret = s->choice;
	ret->state = NULL;
	ret->inplace_input = -1;
	ret->scratch_bytes = oqz_align_up(s->choice.scratch_bytes, OQZ_EXEC_ALIGN);
	for (int i = 0; i < 3; i++)
		if (s->in[i].active)
			OQZ_TRY(sim_input_init(s, i, d, ret, err));
	return OQZ_OK;
}

static enum oqz_status sim_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                  size_t why_size, struct oqz_err *err)
{
	struct sim *s = calloc(1, sizeof *s);

	if (!s)
		return oqz_err_nomem(err, "a layer", sizeof *s);
	enum oqz_status st = sim_init(s, d, ret, err);
	if (st != OQZ_OK) {
		sim_destroy(s);
		snprintf(why, why_size, "the float layer is not possible");
		return st;
	}
	snprintf(ret->name, sizeof ret->name, "sim+%.*s", (int)sizeof ret->name - 5, s->choice.name);
	ret->state = s;
	return OQZ_OK;
}

/* One input of the inner layer, computed. */
static enum oqz_status sim_input_make(const struct sim_input *x, const struct oqz_tensor *given, void *scratch,
                                      struct oqz_tensor *value, struct oqz_err *err)
{
	struct oqz_tensor from = *given;

	if (x->pre) {
		from.data = (char *)scratch + x->pre_at;
		x->pre(given->data, from.data, (size_t)oqz_tensor_nelem(&from), &x->pre_params);
	}
	if (from.layout == x->value.layout || !oqz_gridder_plain(&x->g))
		return oqz_gridder_run(&x->g, &from, value, err);
	struct oqz_tensor plain = *value;
	plain.layout = OQZ_LAYOUT_PLAIN;
	plain.data = (char *)value->data - oqz_align_up(oqz_tensor_bytes(value), OQZ_EXEC_ALIGN);
	OQZ_TRY(oqz_gridder_run(&x->g, &from, &plain, err));
	oqz_tensor_relayout(value, &plain);
	return OQZ_OK;
}

/* The inner layer's inputs; `make`: those that are computed are computed now, else they are there already. */
static enum oqz_status sim_inputs(const struct sim *s, const struct oqz_step_call *c, bool make,
                                  const struct oqz_tensor **in, struct oqz_tensor *value, struct oqz_err *err)
{
	memcpy(in, c->in, sizeof(in[0]) * (size_t)s->inner.n_in);
	for (int i = 0; i < 3; i++) {
		const struct sim_input *x = &s->in[i];
		if (!x->active)
			continue;
		in[i] = x->constant ? (x->value.data ? &x->value : NULL) : &value[i];
		if (x->constant)
			continue;
		value[i] = x->value;
		value[i].data = (char *)c->scratch + x->at;
		if (make)
			OQZ_TRY(sim_input_make(x, c->in[i], c->scratch, &value[i], err));
	}
	return OQZ_OK;
}

static enum oqz_status sim_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct sim *s = state;
	const struct oqz_tensor *in[OQZ_STEP_MAX_IN];
	struct oqz_tensor value[3];

	OQZ_TRY(sim_inputs(s, c, true, in, value, err));
	struct oqz_step_call call = { .in = in, .out = c->out, .scratch = c->scratch };
	return s->impl->run(s->choice.state, &call, err);
}

static enum oqz_status sim_band(const void *state, const struct oqz_step_call *c, size_t i, float *out,
                                struct oqz_err *err)
{
	const struct sim *s = state;
	const struct oqz_tensor *in[OQZ_STEP_MAX_IN];
	struct oqz_tensor value[3];

	OQZ_TRY(sim_inputs(s, c, i == 0, in, value, err));
	struct oqz_step_call call = { .in = in, .out = c->out, .scratch = c->scratch };
	return s->impl->band(s->choice.state, &call, i, out, err);
}

const struct oqz_impl oqz_impl_sim = { "sim", sim_create, sim_run, sim_destroy, NULL, sim_band };
