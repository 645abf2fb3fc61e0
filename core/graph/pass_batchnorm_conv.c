/* SPDX-License-Identifier: Apache-2.0
 *
 * A BatchNormalization that joined no layer becomes a depthwise 1x1 Conv: what PPQ 0.6 does, so that under the
 *QuantZoo's rules it is a layer and is quantized. On request only, since it adds an error that nothing asks for.
 *
 *	W = scale / sqrt(var + epsilon)     b = bias - W * mean     in float32, in this order
 *
 * The rank of the input must be known and at least 3, the parameters constant, and the node in inference form.
 */
#include "core/graph/pass_impl.h"

#include <math.h>

static bool is_vector(const struct oqz_tensor *t, int64_t n)
{
	return t && t->shape.rank == 1 && (n < 0 || t->shape.dim[0] == n) && t->dtype == OQZ_DT_F32;
}

/* The number of channels; -1 when the node has to stay. */
static int64_t channels_of(const struct oqz_node *bn)
{
	const struct oqz_value *x = oqz_node_in(bn, 0);
	const struct oqz_tensor *scale = oqz_node_constant(bn, 1);

	if (!x || x->constant || x->type.dtype != OQZ_DT_F32 || x->type.shape.rank < 3 || !is_vector(scale, -1) ||
	    !oqz_node_out(bn, 0))
		return -1;
	for (int i = 2; i < 5; i++)
		if (!is_vector(oqz_node_constant(bn, i), scale->shape.dim[0]))
			return -1;
	for (int i = 1; i < bn->n_out; i++)
		if (bn->out[i] && (bn->out[i]->is_output || bn->out[i]->uses.n))
			return -1; /* training form */
	if (oqz_node_int(bn, "training_mode", 0) != 0 || oqz_node_int(bn, "spatial", 1) != 1)
		return -1;
	return scale->shape.dim[0] > 0 ? scale->shape.dim[0] : -1;
}

/* W and b; *ret_usable false when a variance is not above -epsilon. */
static enum oqz_status parameters(struct oqz_graph *g, const struct oqz_node *bn, int64_t channels,
                                  struct oqz_value *ret[2], bool *ret_usable, struct oqz_err *err)
{
	const float *p[5], eps = (float)oqz_node_float(bn, "epsilon", 1e-5f);
	struct oqz_shape s = { .rank = bn->in[0]->type.shape.rank };
	struct oqz_tensor w = { 0 }, b = { 0 };

	for (int i = 0; i < s.rank; i++)
		s.dim[i] = i ? 1 : channels;
	for (int i = 1; i < 5; i++)
		p[i] = oqz_node_constant(bn, i)->data;
	enum oqz_status st = oqz_tensor_alloc(&w, OQZ_DT_F32, &s, err);
	if (st == OQZ_OK)
		st = oqz_tensor_alloc(&b, OQZ_DT_F32, &bn->in[1]->constant->shape, err);
	*ret_usable = true;
	for (int64_t c = 0; st == OQZ_OK && c < channels; c++) {
		float gain = p[1][c] / sqrtf(p[4][c] + eps);
		*ret_usable = *ret_usable && isfinite(gain);
		((float *)w.data)[c] = gain;
		((float *)b.data)[c] = p[2][c] - gain * p[3][c];
	}
	if (st == OQZ_OK && *ret_usable)
		st = oqz_graph_insert_constant(g, &w, &ret[0], err, "%s/weight", bn->name);
	if (st == OQZ_OK && *ret_usable)
		st = oqz_graph_insert_constant(g, &b, &ret[1], err, "%s/bias", bn->name);
	oqz_tensor_release(&w);
	oqz_tensor_release(&b);
	return st;
}

static enum oqz_status convert(struct oqz_graph *g, struct oqz_node *bn, bool *ret, struct oqz_err *err)
{
	int64_t channels = oqz_node_is(bn, "BatchNormalization") ? channels_of(bn) : -1;
	struct oqz_value *in[3] = { bn->in[0] };
	struct oqz_node *n;

	*ret = false;
	if (channels < 0)
		return OQZ_OK;
	OQZ_TRY(parameters(g, bn, channels, &in[1], ret, err));
	if (!*ret)
		return OQZ_OK;
	OQZ_TRY(oqz_node_become(bn, "Conv", 11, in, 3, &n, err));
	return oqz_node_set_int(n, "group", channels, err);
}

enum oqz_status oqz_pass_batchnorm_conv(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	return oqz_pass_nodes(g, convert, ret_changed, err);
}
