/* SPDX-License-Identifier: Apache-2.0
 *
 * Constants and nodes that whoever rewrites a graph adds to it, under names that say what they are for.
 */
#include "core/graph/graph_impl.h"

#include <stdarg.h>
#include <stdio.h>

/* The format's text, with a number behind it when something has that name. */
static const char *fresh(struct oqz_graph *g, const char *fmt, va_list ap)
{
	char *base = oqz_arena_vprintf(g->arena, fmt, ap);

	return base ? oqz_graph_fresh_name(g, base) : NULL;
}

enum oqz_status oqz_graph_insert_constant(struct oqz_graph *g, const struct oqz_tensor *t, struct oqz_value **ret,
                                          struct oqz_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const char *name = fresh(g, fmt, ap);
	va_end(ap);
	return name ? oqz_graph_add_constant(g, name, t, ret, err) : oqz_graph_nomem(g, err);
}

enum oqz_status oqz_graph_insert_number(struct oqz_graph *g, float x, struct oqz_value **ret, struct oqz_err *err,
                                        const char *fmt, ...)
{
	struct oqz_tensor t = { 0 };
	va_list ap;

	va_start(ap, fmt);
	const char *name = fresh(g, fmt, ap);
	va_end(ap);
	if (!name)
		return oqz_graph_nomem(g, err);
	OQZ_TRY(oqz_tensor_alloc(&t, OQZ_DT_F32, &(struct oqz_shape) { 0 }, err));
	*(float *)t.data = x;
	enum oqz_status st = oqz_graph_add_constant(g, name, &t, ret, err);
	oqz_tensor_release(&t);
	return st;
}

enum oqz_status oqz_graph_insert_node(struct oqz_graph *g, struct oqz_node *before, const char *domain, const char *op,
                                      int opset, struct oqz_value *const *in, int n_in, struct oqz_node **ret,
                                      struct oqz_err *err, const char *fmt, ...)
{
	struct oqz_value *out;
	va_list ap;

	va_start(ap, fmt);
	const char *name = fresh(g, fmt, ap);
	va_end(ap);
	if (!name)
		return oqz_graph_nomem(g, err);
	OQZ_TRY(oqz_graph_add_value(g, name, &out, err));
	return oqz_graph_add_node(g, name, domain, op, opset, in, n_in, &out, 1, before, ret, err);
}
