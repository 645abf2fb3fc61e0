/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of improvement passes, and what they share; see improve.h.
 */
#include "core/quant/improve.h"
#include "core/ops/op.h"

#include <string.h>

const struct oqz_improve *const oqz_improves[] = { &oqz_improve_equalize, &oqz_improve_migrate, &oqz_improve_adaround,
	                                           &oqz_improve_bias, NULL };

const struct oqz_improve *oqz_improve_find(const char *name)
{
	for (size_t i = 0; oqz_improves[i]; i++)
		if (strcmp(oqz_improves[i]->name, name) == 0)
			return oqz_improves[i];
	return NULL;
}

/* Through a plan of one constant, so that graph and plan cannot disagree on what was replaced. */
enum oqz_status oqz_improve_set(struct oqz_graph *g, struct oqz_qplan *p, struct oqz_node *n, int input,
                                const struct oqz_tensor *value, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_qplan_free_cleanup) struct oqz_qplan *one = oqz_qplan_new();

	if (!one)
		return oqz_err_nomem(err, "a constant", 1);
	OQZ_TRY(oqz_qplan_set_constant(one, n->name, input, value, err));
	OQZ_TRY(oqz_qplan_replace(one, g, err));
	return oqz_qplan_set_constant(p, n->name, input, value, err);
}

size_t oqz_improve_images(const struct oqz_params *given, const struct oqz_improve_data *data)
{
	size_t wanted = (size_t)oqz_params_int(given, "images");

	return wanted < data->n_images ? wanted : data->n_images;
}

const struct oqz_qplan_site *oqz_improve_site(const struct oqz_qplan *p, const char *node, int input)
{
	for (size_t i = 0; i < p->sites.n; i++)
		if (p->sites.v[i].input == input && strcmp(p->sites.v[i].node, node) == 0)
			return &p->sites.v[i];
	return NULL;
}

static bool is_convolution(const struct oqz_node *n)
{
	return n->op && (n->op->id == OQZ_OP_CONV || n->op->id == OQZ_OP_CONV_TRANSPOSE);
}

int oqz_channel_axis(const struct oqz_node *layer, int rank) { return is_convolution(layer) ? 1 : rank - 1; }

enum oqz_status oqz_channel_inner(const struct oqz_node *layer, const struct oqz_tensor *value, int64_t channels,
                                  int64_t *ret_inner, struct oqz_err *err)
{
	const struct oqz_shape *s = &value->shape;
	int axis = oqz_channel_axis(layer, s->rank);

	if (value->dtype != OQZ_DT_F32 || axis < 0 || axis >= s->rank || s->dim[axis] != channels)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a value of layer '%s' has no axis of %lld channels", layer->name,
		         (long long)channels);
	*ret_inner = oqz_shape_span(s, axis + 1, s->rank);
	return OQZ_OK;
}

const struct oqz_tensor *oqz_channel_bias(const struct oqz_node *layer, int64_t channels)
{
	const struct oqz_tensor *b = oqz_node_constant(layer, 2);

	/* Gemm's may also be a column, one number per row */
	return b && b->dtype == OQZ_DT_F32 && oqz_tensor_nelem(b) == channels &&
	               (b->shape.rank == 0 || b->shape.dim[b->shape.rank - 1] == channels)
	           ? b
	           : NULL;
}

/* Conv (M, C/g, k...): g groups of M/g rows. ConvTranspose (C, M/g, k...): g groups of C/g inputs. */
static bool conv_form(const struct oqz_node *n, const struct oqz_shape *s, bool transposed, struct oqz_weight_form *ret)
{
	int64_t groups = oqz_node_int(n, "group", 1), inner = 1;

	if (s->rank < 3 || groups < 1 || s->dim[0] % groups != 0)
		return false;
	for (int i = 2; i < s->rank; i++)
		inner *= s->dim[i];
	*ret = (struct oqz_weight_form) { .groups = groups, .inner = inner };
	ret->out = transposed ? s->dim[1] * groups : s->dim[0];
	ret->in = transposed ? s->dim[0] : s->dim[1] * groups;
	ret->out_stride = transposed ? inner : s->dim[1] * inner;
	ret->in_stride = transposed ? s->dim[1] * inner : inner;
	ret->group_stride = s->dim[0] / groups * s->dim[1] * inner;
	return true;
}

bool oqz_weight_form(const struct oqz_node *n, struct oqz_weight_form *ret)
{
	const struct oqz_tensor *w = n->op ? oqz_node_constant(n, 1) : NULL;
	bool ok = false;

	if (!w || w->dtype != OQZ_DT_F32 || oqz_tensor_nelem(w) == 0)
		return false;
	const struct oqz_shape *s = &w->shape;
	bool by_row = n->op->id == OQZ_OP_GEMM && oqz_node_int(n, "transB", 0) != 0;
	switch (n->op->id) {
	case OQZ_OP_CONV:
	case OQZ_OP_CONV_TRANSPOSE: ok = conv_form(n, s, n->op->id == OQZ_OP_CONV_TRANSPOSE, ret); break;
	case OQZ_OP_GEMM:
	case OQZ_OP_MATMUL:
		ok = s->rank == 2 && oqz_node_int(n, "transA", 0) == 0;
		if (ok)
			*ret = (struct oqz_weight_form) { .out = s->dim[by_row ? 0 : 1],
				                          .in = s->dim[by_row ? 1 : 0],
				                          .groups = 1,
				                          .inner = 1,
				                          .out_stride = by_row ? s->dim[1] : 1,
				                          .in_stride = by_row ? 1 : s->dim[1] };
		break;
	default: break;
	}
	ret->w = w->data;
	return ok;
}
