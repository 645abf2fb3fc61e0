/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference kernels as implementations. `reference` is one kernel; `reference.group` is the chain of a quantized
 * layer (QuantizeLinear, DequantizeLinear or FakeQuant, operator), each by its own kernel with the tensors between in
 * scratch memory, so that such a layer can be run alone under every engine. Row-major throughout.
 */
#include "core/exec/impl.h"
#include "core/base/checked.h"

#include <string.h>

static enum oqz_status reference_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                        size_t why_size, struct oqz_err *err)
{
	for (int i = 0; i < d->n_in; i++)
		ret->uses_constant[i] = d->constant[i] != NULL;
	ret->state = (void *)(uintptr_t)d; /* read only; nothing to free */
	return OQZ_OK;
}

/* Kernels count on output 0, also where only others are wanted: then all outputs are made aside. */
static enum oqz_status call_aside(const struct oqz_node *n, const struct oqz_tensor *const *in,
                                  struct oqz_tensor *const *out, int n_out, struct oqz_err *err)
{
	struct oqz_tensor made[OQZ_STEP_MAX_OUT] = { 0 };

	OQZ_TRY(oqz_op_run(n, in, made, err));
	for (int i = 0; i < n_out; i++) {
		if (out[i] && out[i]->data) {
			memcpy(out[i]->data, made[i].data, oqz_tensor_bytes(out[i]));
			oqz_tensor_release(&made[i]);
		} else if (out[i]) {
			*out[i] = made[i];
		}
	}
	return OQZ_OK;
}

/* Kernels may look at every input and output that the operator can have: NULL beyond the node's own. */
static enum oqz_status call_kernel(const struct oqz_node *n, const struct oqz_tensor *const *in, int n_in,
                                   struct oqz_tensor *const *out, int n_out, struct oqz_err *err)
{
	const struct oqz_tensor *ins[OQZ_STEP_MAX_IN] = { 0 };
	struct oqz_tensor *outs[OQZ_STEP_MAX_OUT] = { 0 };
	struct oqz_call call = { .node = n, .n_in = n->n_in, .n_out = n->n_out, .in = ins, .out = outs };

	memcpy(ins, in, sizeof(ins[0]) * (size_t)n_in);
	memcpy(outs, out, sizeof(outs[0]) * (size_t)n_out);
	if (!n->op->run)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s has no kernel", n->op_type);
	if (n_out > 1 && !outs[0] && n->op->min_out > 0)
		return call_aside(n, ins, outs, n_out, err);
	return oqz_op_call(&call, err);
}

static enum oqz_status reference_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct oqz_step_desc *d = state;

	return call_kernel(d->node, c->in, d->n_in, c->out, d->n_out, err);
}

const struct oqz_impl oqz_impl_reference = { "reference", reference_create, reference_run, NULL };

struct ref_input {
	const struct oqz_node *pre, *q, *dq; /* NULL: not that one */
	struct oqz_tensor codes, value;      /* scratch tensors (data NULL), or the constant's value */
	size_t pre_at, codes_at, value_at;
};

struct ref_group {
	const struct oqz_step_desc *d;
	struct ref_input in[3];
};

enum oqz_status oqz_group_weight(const struct oqz_step_desc *d, int i, struct oqz_tensor *ret, struct oqz_err *err)
{
	const struct oqz_value *v = d->node->in[i];
	const struct oqz_tensor *in[3] = { 0 };

	if (v->constant) {
		oqz_tensor_share(ret, v->constant);
		return OQZ_OK;
	}
	for (int k = 0; k < v->producer->n_in && k < 3; k++)
		in[k] = v->producer->in[k] ? v->producer->in[k]->constant : NULL;
	struct oqz_tensor out = { 0 };
	if (oqz_op_run(v->producer, in, &out, err) != OQZ_OK)
		return oqz_node_err(v->producer, err);
	*ret = out;
	return OQZ_OK;
}

static void group_destroy(void *state)
{
	struct ref_group *g = state;

	for (int i = 0; g && i < 3; i++)
		oqz_tensor_release(&g->in[i].value);
	free(g);
}

static size_t reserve(struct oqz_step_choice *c, const struct oqz_tensor *t)
{
	size_t at = c->scratch_bytes;

	c->scratch_bytes += oqz_align_up(oqz_tensor_bytes(t), OQZ_EXEC_ALIGN);
	return at;
}

static enum oqz_status group_create(const struct oqz_step_desc *d, struct oqz_step_choice *ret, char *why,
                                    size_t why_size, struct oqz_err *err)
{
	struct ref_group *g = calloc(1, sizeof *g);

	if (!g)
		return oqz_err_nomem(err, "a layer", sizeof *g);
	g->d = d;
	for (int i = 0; i < d->n_in; i++)
		ret->uses_constant[i] = d->constant[i] != NULL && !(i < 3 && d->quant[i].present);
	for (int i = 0; i < 3; i++) {
		struct ref_input *r = &g->in[i];
		if (!d->quant[i].present)
			continue;
		if (d->quant[i].codes) {
			enum oqz_status st = oqz_group_weight(d, i, &r->value, err);
			if (st != OQZ_OK) {
				group_destroy(g);
				return st;
			}
			ret->state_bytes += oqz_tensor_bytes(&r->value);
			continue;
		}
		r->dq = d->node->in[i]->producer;
		if (d->quant[i].from_float && !d->quant[i].fake) {
			r->q = r->dq->in[0]->producer;
			r->codes = (struct oqz_tensor) { .dtype = d->quant[i].dtype, .shape = d->in_type[i].shape };
			r->codes_at = reserve(ret, &r->codes);
		}
		r->value = (struct oqz_tensor) { .dtype = OQZ_DT_F32, .shape = d->in_type[i].shape };
		r->value_at = reserve(ret, &r->value);
		r->pre = d->quant[i].pre;
		r->pre_at = r->pre ? reserve(ret, &r->value) : 0;
	}
	ret->state = g;
	return OQZ_OK;
}

/* Q, DQ, FakeQuant or what is applied before: input 0 from the step, the rest constants of the node. */
static enum oqz_status run_quant(const struct oqz_node *n, const struct oqz_tensor *x, struct oqz_tensor *y,
                                 struct oqz_err *err)
{
	const struct oqz_tensor *in[4] = { x };

	for (int k = 1; k < n->n_in && k < 4; k++)
		in[k] = n->in[k] ? n->in[k]->constant : NULL;
	return call_kernel(n, in, n->n_in < 4 ? n->n_in : 4, &y, 1, err);
}

static enum oqz_status group_run(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	const struct ref_group *g = state;
	const struct oqz_tensor *in[OQZ_STEP_MAX_IN];
	struct oqz_tensor pre[3], codes[3], value[3];

	memcpy(in, c->in, sizeof(in[0]) * (size_t)g->d->n_in);
	for (int i = 0; i < 3; i++) {
		const struct ref_input *r = &g->in[i];
		if (!g->d->quant[i].present)
			continue;
		value[i] = pre[i] = r->value;
		codes[i] = r->codes;
		if (r->pre) {
			pre[i].data = (char *)c->scratch + r->pre_at;
			OQZ_TRY(run_quant(r->pre, in[i], &pre[i], err));
			in[i] = &pre[i];
		}
		if (r->q) {
			codes[i].data = (char *)c->scratch + r->codes_at;
			OQZ_TRY(run_quant(r->q, in[i], &codes[i], err));
			in[i] = &codes[i];
		}
		if (r->dq) {
			value[i].data = (char *)c->scratch + r->value_at;
			OQZ_TRY(run_quant(r->dq, in[i], &value[i], err));
		}
		in[i] = &value[i];
	}
	return call_kernel(g->d->node, in, g->d->n_in, c->out, g->d->n_out, err);
}

const struct oqz_impl oqz_impl_reference_group = { "reference.group", group_create, group_run, group_destroy };
