/* SPDX-License-Identifier: Apache-2.0
 *
 * The edges of a graph: which values it gives, and of which sizes it takes its inputs. Both before anything else is
 * done with a model, so that names are those of its file.
 */
#include "core/graph/graph_impl.h"
#include "core/base/str.h"

#include <string.h>

enum oqz_status oqz_graph_need_value(const struct oqz_graph *g, const char *name, struct oqz_value **ret,
                                     struct oqz_err *err)
{
	OQZ_CLEANUP_FREE const char **names = calloc(g->values.n + 1, sizeof *names);

	*ret = oqz_graph_value(g, name);
	if (*ret && (*ret)->graph == g)
		return OQZ_OK;
	for (size_t i = 0; names && i < g->values.n; i++)
		names[i] = g->values.v[i]->name;
	const char *near = names ? oqz_str_nearest(name, names, g->values.n) : NULL;
	OQZ_FAIL(err, OQZ_E_USAGE, "%s has no value `%s`%s%s%s", g->source, name, near ? "; did you mean `" : "",
	         near ? near : "", near ? "`?" : "");
}

static enum oqz_status add_output(struct oqz_graph *g, const char *name, struct oqz_err *err)
{
	struct oqz_value *v;

	OQZ_TRY(oqz_graph_need_value(g, name, &v, err));
	if (v->is_output)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s: `%s` is an output already", g->source, name);
	v->is_output = true;
	return oqz_vec_push(&g->outputs, v) ? OQZ_OK : oqz_graph_nomem(g, err);
}

static enum oqz_status drop_output(struct oqz_graph *g, const char *name, struct oqz_err *err)
{
	for (size_t i = 0; i < g->outputs.n; i++) {
		if (strcmp(g->outputs.v[i]->name, name) != 0)
			continue;
		g->outputs.v[i]->is_output = false;
		memmove(&g->outputs.v[i], &g->outputs.v[i + 1], (g->outputs.n - i - 1) * sizeof *g->outputs.v);
		g->outputs.n--;
		return OQZ_OK;
	}
	OQZ_FAIL(err, OQZ_E_USAGE, "%s has no output `%s`", g->source, name);
}

enum oqz_status oqz_graph_set_outputs(struct oqz_graph *g, const char *const *names, size_t n, struct oqz_err *err)
{
	bool edit = n && (names[0][0] == '+' || names[0][0] == '-');

	for (size_t i = 0; i < n; i++)
		if ((names[i][0] == '+' || names[i][0] == '-') != edit)
			OQZ_FAIL(err, OQZ_E_USAGE, "outputs: either all begin with + or -, or none (`%s`, `%s`)",
			         names[0], names[i]);
	while (!edit && g->outputs.n)
		g->outputs.v[--g->outputs.n]->is_output = false;
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(edit && names[i][0] == '-' ? drop_output(g, names[i] + 1, err)
		                                   : add_output(g, names[i] + edit, err));
	if (g->outputs.n == 0)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s: no output is left", g->source);
	return OQZ_OK;
}

enum oqz_status oqz_graph_set_input(struct oqz_graph *g, const char *name, const struct oqz_shape *shape,
                                    struct oqz_err *err)
{
	char want[OQZ_SHAPE_STR], have[OQZ_SHAPE_STR];
	struct oqz_value *v = oqz_graph_value(g, name);

	if (!v || !v->is_input || v->graph != g)
		OQZ_FAIL(err, OQZ_E_USAGE, "%s has no input `%s`", g->source, name);
	struct oqz_shape *s = &v->type.shape;
	bool fits = s->rank < 0 || s->rank == shape->rank;
	for (int i = 0; fits && i < s->rank; i++)
		fits = s->dim[i] < 0 || shape->dim[i] < 0 || s->dim[i] == shape->dim[i];
	if (!fits)
		OQZ_FAIL(err, OQZ_E_USAGE,
		         "%s: input `%s` is %s, which cannot become %s: only sizes that the file leaves "
		         "open can be set",
		         g->source, name, oqz_shape_str(s, have, sizeof have), oqz_shape_str(shape, want, sizeof want));
	for (int i = 0; i < shape->rank; i++)
		if (s->rank < 0 || s->dim[i] < 0)
			s->dim[i] = shape->dim[i];
	s->rank = shape->rank;
	return OQZ_OK;
}
