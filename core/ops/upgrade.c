/* SPDX-License-Identifier: Apache-2.0
 *
 * Old forms of operators, one row per rule: what changed below which operator set, and how the newest form says it. A
 * model is translated when it is resolved, so type rules and kernels know one form only, and a graph that was resolved
 * can be saved with one operator set. Source: the "Version" sections of the ONNX operator pages.
 */
#include "core/ops/ops_util.h"

struct rule {
	const char *op; /* NULL: every operator */
	int below;      /* applies to nodes of an operator set < below */
	enum oqz_status (*apply)(struct oqz_node *n, const struct rule *r, struct oqz_err *err);
	const char *attr;
	int input;
};

/* The attribute changed nothing (hints to allocators of 2017), or says what the newest form always does. */
static enum oqz_status drop_attr(struct oqz_node *n, const struct rule *r, struct oqz_err *err)
{
	(void)err;
	oqz_node_remove_attr(n, r->attr);
	return OQZ_OK;
}

static const struct rule rules[] = {
	{ NULL, 7, drop_attr, "consumed_inputs", 0 },
};

bool oqz_upgrade_known(const struct oqz_node *n)
{
	(void)n;
	return false;
}

enum oqz_status oqz_upgrade_node(struct oqz_node *n, struct oqz_err *err)
{
	if (*n->domain != 0)
		return OQZ_OK;
	for (size_t i = 0; i < OQZ_COUNTOF(rules); i++) {
		const struct rule *r = &rules[i];
		if (n->opset < r->below && (!r->op || strcmp(r->op, n->op_type) == 0))
			OQZ_TRY(r->apply(n, r, err));
	}
	if (n->opset < OQZ_OPSET_NEWEST)
		n->opset = OQZ_OPSET_NEWEST;
	return OQZ_OK;
}
