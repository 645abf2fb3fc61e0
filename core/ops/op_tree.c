/* SPDX-License-Identifier: Apache-2.0
 *
 * TreeEnsemble (ai.onnx.ml, operator set 5): decision trees as flat lists of nodes and leaves. A row of features walks
 * from each root to one leaf, whose weight counts for one target. Walks are bounded by the number of nodes, so that
 * lists that run in circles are an error and not an endless loop.
 */
#include "core/ops/ops_util.h"

enum { LEQ, LT, GTE, GT, EQ, NEQ, MEMBER, N_MODES };
enum { AVERAGE, SUM, MIN, MAX };
enum { PLAIN, SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT };

struct trees {
	int64_t aggregate_function, post_transform, n_targets;
	const struct oqz_tensor *leaf_weights, *membership_values, *nodes_hitrates, *nodes_modes, *nodes_splits;
	struct oqz_ints leaf_targetids, nodes_falseleafs, nodes_falsenodeids, nodes_featureids,
	    nodes_missing_value_tracks_true, nodes_trueleafs, nodes_truenodeids, tree_roots;
};

static enum oqz_status check_lists(const struct trees *p, struct oqz_err *err)
{
	size_t n = p->nodes_featureids.n, leaves = p->leaf_targetids.n;

	if (!p->nodes_modes || !p->nodes_splits || !p->leaf_weights)
		OQZ_FAIL(err, OQZ_E_DATA, "nodes_modes, nodes_splits or leaf_weights is missing");
	if ((size_t)oqz_tensor_nelem(p->nodes_modes) != n || (size_t)oqz_tensor_nelem(p->nodes_splits) != n ||
	    p->nodes_falseleafs.n != n || p->nodes_falsenodeids.n != n || p->nodes_trueleafs.n != n ||
	    p->nodes_truenodeids.n != n ||
	    (p->nodes_missing_value_tracks_true.v && p->nodes_missing_value_tracks_true.n != n))
		OQZ_FAIL(err, OQZ_E_DATA, "lists of %zu nodes differ in length", n);
	if ((size_t)oqz_tensor_nelem(p->leaf_weights) != leaves)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu targets of leaves, %lld weights", leaves,
		         (long long)oqz_tensor_nelem(p->leaf_weights));
	if (p->n_targets < 1 || p->n_targets > 1 << 24 || p->aggregate_function < AVERAGE ||
	    p->aggregate_function > MAX || p->post_transform < PLAIN || p->post_transform > PROBIT)
		OQZ_FAIL(err, OQZ_E_DATA, "n_targets %lld, aggregate_function %lld, post_transform %lld",
		         (long long)p->n_targets, (long long)p->aggregate_function, (long long)p->post_transform);
	return OQZ_OK;
}

/* Every number that the walks use as an index is one. */
static enum oqz_status check_indices(const struct trees *p, struct oqz_err *err)
{
	int64_t n = (int64_t)p->nodes_featureids.n, leaves = (int64_t)p->leaf_targetids.n;

	for (int64_t i = 0; i < n; i++) {
		int64_t yes = p->nodes_truenodeids.v[i], no = p->nodes_falsenodeids.v[i];
		int64_t mode = oqz_load_i(p->nodes_modes->dtype, p->nodes_modes->data, (size_t)i);

		if (yes < 0 || yes >= (p->nodes_trueleafs.v[i] ? leaves : n) || no < 0 ||
		    no >= (p->nodes_falseleafs.v[i] ? leaves : n) || mode < 0 || mode >= N_MODES ||
		    p->nodes_featureids.v[i] < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "node %lld of the trees: mode %lld, branches to %lld and %lld",
			         (long long)i, (long long)mode, (long long)yes, (long long)no);
	}
	for (int64_t i = 0; i < leaves; i++)
		if (p->leaf_targetids.v[i] < 0 || p->leaf_targetids.v[i] >= p->n_targets)
			OQZ_FAIL(err, OQZ_E_DATA, "leaf %lld is of target %lld", (long long)i,
			         (long long)p->leaf_targetids.v[i]);
	for (size_t i = 0; i < p->tree_roots.n; i++)
		if (p->tree_roots.v[i] < 0 || p->tree_roots.v[i] >= n)
			OQZ_FAIL(err, OQZ_E_DATA, "root %lld of %lld nodes", (long long)p->tree_roots.v[i],
			         (long long)n);
	return OQZ_OK;
}

static enum oqz_status infer_trees(struct oqz_infer *c, struct oqz_err *err)
{
	const struct trees *p = OQZ_PARAMS(c->node, struct trees);

	OQZ_TRY(check_lists(p, err));
	OQZ_TRY(check_indices(p, err));
	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_need_rank(c, 0, 2, 2, err));
	c->out[0] = *c->in[0];
	if (c->out[0].shape.rank == 2)
		c->out[0].shape.dim[1] = p->n_targets;
	return OQZ_OK;
}

/* Where each member node's set begins in membership_values: sets stand in the order of those nodes, NaN ends each. */
static enum oqz_status find_sets(const struct trees *p, size_t *begin, struct oqz_err *err)
{
	const struct oqz_tensor *m = p->membership_values;
	size_t n = m ? (size_t)oqz_tensor_nelem(m) : 0, at = 0;

	for (size_t i = 0; i < p->nodes_featureids.n; i++) {
		if (oqz_load_i(p->nodes_modes->dtype, p->nodes_modes->data, i) != MEMBER)
			continue;
		begin[i] = at;
		while (at < n && !isnan(oqz_load_f(m->dtype, m->data, at)))
			at++;
		if (at++ >= n)
			OQZ_FAIL(err, OQZ_E_DATA, "membership_values has no set for node %zu", i);
	}
	return OQZ_OK;
}

static bool is_member(const struct oqz_tensor *m, size_t from, double x)
{
	for (double v; !isnan(v = oqz_load_f(m->dtype, m->data, from)); from++)
		if (v == x)
			return true;
	return false;
}

static bool test(const struct trees *p, const size_t *set, size_t node, double x)
{
	double split = oqz_load_f(p->nodes_splits->dtype, p->nodes_splits->data, node);

	if (isnan(x) && p->nodes_missing_value_tracks_true.v && p->nodes_missing_value_tracks_true.v[node])
		return true;
	switch (oqz_load_i(p->nodes_modes->dtype, p->nodes_modes->data, node)) {
	case LEQ: return x <= split;
	case LT: return x < split;
	case GTE: return x >= split;
	case GT: return x > split;
	case EQ: return x == split;
	case NEQ: return x != split;
	default: return is_member(p->membership_values, set[node], x);
	}
}

/* The leaf that a row of features comes to. A root whose branches are one leaf is that leaf. */
static enum oqz_status walk(const struct trees *p, const size_t *set, const struct oqz_tensor *x, int64_t row,
                            int64_t root, int64_t *ret_leaf, struct oqz_err *err)
{
	int64_t width = x->shape.dim[1], node = root;

	for (size_t steps = 0; steps <= p->nodes_featureids.n; steps++) {
		int64_t feature = p->nodes_featureids.v[node];

		if (feature >= width)
			OQZ_FAIL(err, OQZ_E_DATA, "node %lld asks for feature %lld of %lld", (long long)node,
			         (long long)feature, (long long)width);
		bool yes = test(p, set, (size_t)node, oqz_load_f(x->dtype, x->data, (size_t)(row * width + feature)));
		bool leaf = (yes ? p->nodes_trueleafs : p->nodes_falseleafs).v[node] != 0;
		node = (yes ? p->nodes_truenodeids : p->nodes_falsenodeids).v[node];
		if (leaf) {
			*ret_leaf = node;
			return OQZ_OK;
		}
	}
	OQZ_FAIL(err, OQZ_E_DATA, "the tree from node %lld has no end", (long long)root);
}

static void collect(const struct trees *p, double *score, bool *seen, int64_t target, double w)
{
	bool first = !seen[target];

	seen[target] = true;
	if (p->aggregate_function == AVERAGE)
		w /= (double)p->tree_roots.n;
	if (p->aggregate_function <= SUM)
		score[target] += w;
	else if (first || (p->aggregate_function == MIN ? w < score[target] : w > score[target]))
		score[target] = w;
}

/* Softmax; `sparing`: zeroes stay zero and take no part. */
static void softmax(double *v, int64_t n, bool sparing)
{
	double top = -INFINITY, sum = 0;

	for (int64_t i = 0; i < n; i++)
		top = v[i] > top ? v[i] : top;
	for (int64_t i = 0; i < n; i++)
		sum += v[i] = sparing && v[i] == 0 ? 0 : exp(v[i] - top);
	for (int64_t i = 0; i < n && sum > 0; i++)
		v[i] /= sum;
}

/* The inverse of the error function, by Winitzki's formula and two steps of Newton's method. */
static double inverse_erf(double y)
{
	const double a = 0.147, pi = acos(-1);
	double l = log(1 - y * y), b = 2 / (pi * a) + l / 2, x = copysign(sqrt(sqrt(b * b - l / a) - b), y);

	for (int i = 0; i < 2 && isfinite(x); i++)
		x -= (erf(x) - y) / (2 / sqrt(pi) * exp(-x * x));
	return x;
}

static void transform(const struct trees *p, double *v)
{
	int64_t n = p->n_targets;

	if (p->post_transform == SOFTMAX || p->post_transform == SOFTMAX_ZERO)
		softmax(v, n, p->post_transform == SOFTMAX_ZERO);
	for (int64_t i = 0; i < n; i++)
		if (p->post_transform == LOGISTIC)
			v[i] = 1 / (1 + exp(-v[i]));
		else if (p->post_transform == PROBIT)
			v[i] = sqrt(2) * inverse_erf(2 * v[i] - 1);
}

static enum oqz_status run_trees(const struct oqz_call *c, struct oqz_err *err)
{
	const struct trees *p = OQZ_PARAMS(c->node, struct trees);
	const struct oqz_tensor *x = c->in[0], *w = p->leaf_weights;
	size_t targets = (size_t)p->n_targets;
	OQZ_CLEANUP_FREE size_t *set = calloc(p->nodes_featureids.n + 1, sizeof *set);
	OQZ_CLEANUP_FREE double *score = calloc(targets, sizeof *score);
	OQZ_CLEANUP_FREE bool *seen = calloc(targets, sizeof *seen);
	int64_t leaf = 0;

	if (!set || !score || !seen)
		return oqz_err_nomem(err, "trees", targets * sizeof *score);
	OQZ_TRY(find_sets(p, set, err));
	for (int64_t row = 0; row < x->shape.dim[0]; row++) {
		memset(score, 0, targets * sizeof *score);
		memset(seen, 0, targets * sizeof *seen);
		for (size_t t = 0; t < p->tree_roots.n; t++) {
			OQZ_TRY(walk(p, set, x, row, p->tree_roots.v[t], &leaf, err));
			collect(p, score, seen, p->leaf_targetids.v[leaf], oqz_load_f(w->dtype, w->data, (size_t)leaf));
		}
		transform(p, score);
		for (size_t t = 0; t < targets; t++)
			oqz_store_f(x->dtype, c->out[0]->data, (size_t)row * targets + t, score[t]);
	}
	return OQZ_OK;
}

static const struct oqz_attr_spec tree_attrs[] = {
	OQZ_A_INT(struct trees, aggregate_function, SUM),
	OQZ_A_INT(struct trees, post_transform, PLAIN),
	OQZ_A_INT(struct trees, n_targets, 0),
	OQZ_A_TENSOR(struct trees, leaf_weights),
	OQZ_A_TENSOR(struct trees, membership_values),
	OQZ_A_TENSOR(struct trees, nodes_hitrates),
	OQZ_A_TENSOR(struct trees, nodes_modes),
	OQZ_A_TENSOR(struct trees, nodes_splits),
	OQZ_A_REQUIRED(struct trees, leaf_targetids, OQZ_ATTR_INTS),
	OQZ_A_REQUIRED(struct trees, nodes_falseleafs, OQZ_ATTR_INTS),
	OQZ_A_REQUIRED(struct trees, nodes_falsenodeids, OQZ_ATTR_INTS),
	OQZ_A_REQUIRED(struct trees, nodes_featureids, OQZ_ATTR_INTS),
	OQZ_A_INTS(struct trees, nodes_missing_value_tracks_true),
	OQZ_A_REQUIRED(struct trees, nodes_trueleafs, OQZ_ATTR_INTS),
	OQZ_A_REQUIRED(struct trees, nodes_truenodeids, OQZ_ATTR_INTS),
	OQZ_A_REQUIRED(struct trees, tree_roots, OQZ_ATTR_INTS),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_tree[] = {
	{ OQZ_ROW(TREE_ENSEMBLE), OQZ_ROW_PARAMS(struct trees, tree_attrs), .infer = infer_trees, .run = run_trees },
	{ .name = NULL },
};
