/* SPDX-License-Identifier: Apache-2.0
 *
 * Dropout. Inference hands the input on. In training mode the draws are those of ONNX's reference implementation,
 * NumPy's RandomState(seed), so that a result with a seed can be compared; without one the seed follows from the node's
 * name.
 */
#include "core/base/hash.h"
#include "core/base/twister.h"
#include "core/ops/ops_util.h"
#include "core/ops/strided.h"

struct dropout {
	int64_t seed;
};

static enum oqz_status infer_dropout(struct oqz_infer *c, struct oqz_err *err)
{
	(void)err;
	c->out[0] = *c->in[0];
	c->out[1] = *c->in[0];
	c->out[1].dtype = OQZ_DT_BOOL;
	return OQZ_OK;
}

static enum oqz_status drop(const struct oqz_call *c, double ratio, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	struct oqz_twister t;
	uint64_t seed = (uint64_t)OQZ_PARAMS(c->node, struct dropout)->seed;

	if (!(ratio >= 0 && ratio < 1))
		OQZ_FAIL(err, OQZ_E_DATA, "a ratio of %g, should be in [0, 1)", ratio);
	if (!oqz_node_attr(c->node, "seed"))
		seed = oqz_hash64(c->node->name, strlen(c->node->name));
	oqz_twister_init(&t, (uint32_t)seed);
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(x); i++) {
		bool keep = oqz_twister_f64(&t) >= ratio;
		double v = keep ? oqz_load_f(x->dtype, x->data, i) / (1 - ratio) : 0;

		oqz_store_f(x->dtype, c->out[0]->data, i, v);
		if (c->out[1])
			((uint8_t *)c->out[1]->data)[i] = keep;
	}
	return OQZ_OK;
}

/* An optional scalar input. */
static double scalar(const struct oqz_tensor *t, double otherwise)
{
	return t && oqz_tensor_nelem(t) > 0 ? oqz_load_f(t->dtype, t->data, 0) : otherwise;
}

static enum oqz_status run_dropout(const struct oqz_call *c, struct oqz_err *err)
{
	static const uint8_t yes = 1;
	double ratio = scalar(c->in[1], 0.5);

	if (scalar(c->in[2], 0) != 0 && ratio != 0)
		return drop(c, ratio, err);
	memcpy(c->out[0]->data, c->in[0]->data, oqz_tensor_bytes(c->in[0]));
	if (c->out[1])
		oqz_fill(c->out[1]->data, (size_t)oqz_tensor_nelem(c->out[1]), 1, &yes);
	return OQZ_OK;
}

static const struct oqz_attr_spec dropout_attrs[] = { OQZ_A_INT(struct dropout, seed, 0), { .name = NULL } };

const struct oqz_op oqz_ops_dropout[] = {
	{ OQZ_ROW(DROPOUT), OQZ_ROW_PARAMS(struct dropout, dropout_attrs), .infer = infer_dropout, .run = run_dropout },
	{ .name = NULL },
};
