/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers: from the `seed` attribute, or from the node's name where there is none, so that a run can be repeated
 * on any machine. The numbers are this program's own: ONNX does not say which generator an engine uses.
 */
#include "core/ops/ops_util.h"

#include "core/base/hash.h"
#include "core/base/rng.h"

struct draw {
	float high, low, mean, scale, seed;
	int64_t dtype, sample_size;
	struct oqz_ints shape;
};

static enum oqz_status infer_random(struct oqz_infer *c, struct oqz_err *err)
{
	const struct draw *p = OQZ_PARAMS(c->node, struct draw);
	struct oqz_type t = oqz_in_type(c, 0);

	enum oqz_op_id id = c->node->op->id;
	if (id == OQZ_OP_RANDOM_NORMAL || id == OQZ_OP_RANDOM_UNIFORM) {
		if (!oqz_node_attr(c->node, "shape"))
			OQZ_FAIL(err, OQZ_E_DATA, "attribute shape is missing");
		if (p->shape.n > OQZ_MAX_RANK)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a result of rank %zu", p->shape.n);
		t.shape = oqz_shape_of((int)p->shape.n, p->shape.v);
		for (size_t d = 0; d < p->shape.n; d++)
			if (p->shape.v[d] < 0)
				OQZ_FAIL(err, OQZ_E_DATA, "dimension %lld", (long long)p->shape.v[d]);
	}
	if (p->dtype)
		t.dtype = (enum oqz_dtype)p->dtype;
	if ((p->dtype || (id != OQZ_OP_BERNOULLI && !c->in[0])) &&
	    (p->dtype < 1 || p->dtype >= OQZ_DT_COUNT || oqz_dtype_size(t.dtype) == 0))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "element type %lld", (long long)p->dtype);
	c->out[0] = t;
	return OQZ_OK;
}

static void seed_of(const struct oqz_node *n, struct oqz_rng *r)
{
	float seed = OQZ_PARAMS(n, struct draw)->seed;

	oqz_rng_init(r,
	             oqz_node_attr(n, "seed") ? oqz_hash64(&seed, sizeof seed) : oqz_hash64(n->name, strlen(n->name)));
}

static enum oqz_status run_random(const struct oqz_call *c, struct oqz_err *err)
{
	const struct draw *p = OQZ_PARAMS(c->node, struct draw);
	struct oqz_tensor *out = c->out[0];
	int64_t n = oqz_tensor_nelem(out);
	enum oqz_op_id id = c->node->op->id;
	struct oqz_rng r;

	(void)err;
	seed_of(c->node, &r);
	for (int64_t i = 0; i < n; i++) {
		double x;

		if (id == OQZ_OP_BERNOULLI)
			x = oqz_rng_f64(&r) < oqz_load_f(c->in[0]->dtype, c->in[0]->data, (size_t)i);
		else if (id == OQZ_OP_RANDOM_NORMAL || id == OQZ_OP_RANDOM_NORMAL_LIKE)
			x = (double)p->mean + (double)p->scale * oqz_rng_normal(&r);
		else
			x = (double)p->low + ((double)p->high - (double)p->low) * oqz_rng_f64(&r);
		oqz_store_f(out->dtype, out->data, (size_t)i, x);
	}
	return OQZ_OK;
}

/* ---- Multinomial: classes drawn by their unnormalised log probabilities ---- */

static enum oqz_status infer_multinomial(struct oqz_infer *c, struct oqz_err *err)
{
	const struct draw *p = OQZ_PARAMS(c->node, struct draw);

	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_need_rank(c, 0, 2, 2, err));
	if (p->sample_size < 0 || (p->dtype != OQZ_DT_I32 && p->dtype != OQZ_DT_I64))
		OQZ_FAIL(err, OQZ_E_DATA, "%lld samples of element type %lld", (long long)p->sample_size,
		         (long long)p->dtype);
	c->out[0].dtype = (enum oqz_dtype)p->dtype;
	c->out[0].shape = oqz_shape_unknown(2);
	if (oqz_in_rank(c, 0) == 2)
		c->out[0].shape.dim[0] = c->in[0]->shape.dim[0];
	c->out[0].shape.dim[1] = p->sample_size;
	return OQZ_OK;
}

/* The class at which the running sum of exp(x - top) passes `at` of the whole. */
static int64_t pick(const struct oqz_tensor *x, int64_t row, int64_t classes, double at)
{
	double top = -INFINITY, sum = 0, run = 0;

	for (int64_t k = 0; k < classes; k++)
		top = fmax(top, oqz_load_f(x->dtype, x->data, (size_t)(row * classes + k)));
	for (int64_t k = 0; k < classes; k++)
		sum += exp(oqz_load_f(x->dtype, x->data, (size_t)(row * classes + k)) - top);
	for (int64_t k = 0; k < classes; k++) {
		run += exp(oqz_load_f(x->dtype, x->data, (size_t)(row * classes + k)) - top);
		if (run > at * sum)
			return k;
	}
	return classes - 1;
}

static enum oqz_status run_multinomial(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	int64_t classes = x->shape.dim[1], samples = c->out[0]->shape.dim[1];
	struct oqz_rng r;

	if (classes == 0 && oqz_tensor_nelem(c->out[0]))
		OQZ_FAIL(err, OQZ_E_DATA, "samples of no classes");
	seed_of(c->node, &r);
	for (int64_t i = 0, n = oqz_tensor_nelem(c->out[0]); i < n; i++)
		oqz_store_i(c->out[0]->dtype, c->out[0]->data, (size_t)i,
		            pick(x, i / samples, classes, oqz_rng_f64(&r)));
	return OQZ_OK;
}

#define NORMAL OQZ_A_FLOAT(struct draw, mean, 0), OQZ_A_FLOAT(struct draw, scale, 1), OQZ_A_FLOAT(struct draw, seed, 0)
#define UNIFORM OQZ_A_FLOAT(struct draw, high, 1), OQZ_A_FLOAT(struct draw, low, 0), OQZ_A_FLOAT(struct draw, seed, 0)

static const struct oqz_attr_spec bernoulli_attrs[] = { OQZ_A_INT(struct draw, dtype, 0),
	                                                OQZ_A_FLOAT(struct draw, seed, 0),
	                                                { .name = NULL } };
static const struct oqz_attr_spec normal_attrs[] = {
	NORMAL, OQZ_A_INT(struct draw, dtype, 1), OQZ_A_REQUIRED(struct draw, shape, OQZ_ATTR_INTS), { .name = NULL }
};
static const struct oqz_attr_spec uniform_attrs[] = {
	UNIFORM, OQZ_A_INT(struct draw, dtype, 1), OQZ_A_REQUIRED(struct draw, shape, OQZ_ATTR_INTS), { .name = NULL }
};
static const struct oqz_attr_spec normal_like_attrs[] = { NORMAL, OQZ_A_INT(struct draw, dtype, 0), { .name = NULL } };
static const struct oqz_attr_spec uniform_like_attrs[] = { UNIFORM,
	                                                   OQZ_A_INT(struct draw, dtype, 0),
	                                                   { .name = NULL } };

#define ROW(id, table)                                                                                     \
	{                                                                                                  \
		OQZ_ROW(id), OQZ_ROW_PARAMS(struct draw, table), .infer = infer_random, .run = run_random, \
		                                                 .random = true                            \
	}

static const struct oqz_attr_spec multinomial_attrs[] = { OQZ_A_INT(struct draw, dtype, OQZ_DT_I32),
	                                                  OQZ_A_INT(struct draw, sample_size, 1),
	                                                  OQZ_A_FLOAT(struct draw, seed, 0),
	                                                  { .name = NULL } };

const struct oqz_op oqz_ops_random[] = {
	ROW(BERNOULLI, bernoulli_attrs),
	{ OQZ_ROW(MULTINOMIAL), OQZ_ROW_PARAMS(struct draw, multinomial_attrs), .infer = infer_multinomial,
	  .run = run_multinomial, .random = true },
	ROW(RANDOM_NORMAL, normal_attrs),
	ROW(RANDOM_NORMAL_LIKE, normal_like_attrs),
	ROW(RANDOM_UNIFORM, uniform_attrs),
	ROW(RANDOM_UNIFORM_LIKE, uniform_like_attrs),
	{ .name = NULL },
};
