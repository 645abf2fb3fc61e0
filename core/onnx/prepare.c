/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file to the float graph that everything starts from. This is the one place that knows the loader, the
 * operators and the passes, and therefore the pipeline's order: types and constants first, because passes look at both;
 * then what stands between a convolution and its neighbours goes; then neighbours are merged.
 */
#include "core/base/str.h"
#include "core/graph/pass.h"
#include "core/onnx/onnx.h"
#include "core/ops/fold.h"

#include <string.h>

static enum oqz_status fold(struct oqz_graph *g, int *ret_changed, struct oqz_err *err)
{
	return oqz_fold_constants(g, 0, ret_changed, err);
}

const struct oqz_pass *oqz_model_pass(size_t i)
{
	static const struct oqz_pass folding = { "fold-constants", "evaluates what does not depend on the inputs",
		                                 fold };

	for (size_t k = 0; k + 1 < i; k++)
		if (!oqz_passes[k].name)
			return NULL;
	if (i == 0)
		return &folding;
	return oqz_passes[i - 1].name ? &oqz_passes[i - 1] : NULL;
}

static enum oqz_status find_pass(const char *name, const struct oqz_pass **ret, struct oqz_err *err)
{
	const char *names[64];
	const struct oqz_pass *p;
	size_t n = 0;

	for (size_t i = 0; (p = oqz_model_pass(i)); i++) {
		if (n < OQZ_COUNTOF(names))
			names[n++] = p->name;
		if (strcmp(p->name, name) == 0) {
			*ret = p;
			return OQZ_OK;
		}
	}
	const char *near = oqz_str_nearest(name, names, n);
	OQZ_FAIL(err, OQZ_E_USAGE, "there is no pass '%s'%s%s%s", name, near ? " (did you mean '" : "",
	         near ? near : "", near ? "'?)" : "");
}

static enum oqz_status run_pass(const struct oqz_pass *p, struct oqz_graph *g, struct oqz_err *err)
{
	int changed;

	if (p->run(g, &changed, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s: pass %s", g->source, p->name);
	return changed ? oqz_ops_resolve(g, err) : OQZ_OK;
}

static bool is_edit(const char *name) { return *name == '+' || *name == '-'; }

enum oqz_status oqz_model_check_passes(const char *const *passes, struct oqz_err *err)
{
	const struct oqz_pass *p;

	for (size_t i = 0; passes && passes[i]; i++) {
		if (is_edit(passes[i]) != is_edit(passes[0]))
			OQZ_FAIL(err, OQZ_E_USAGE, "passes: either all begin with + or -, or none ('%s', '%s')",
			         passes[0], passes[i]);
		OQZ_TRY(find_pass(passes[i] + is_edit(passes[i]), &p, err));
	}
	return OQZ_OK;
}

/* Whether a pass of the default pipeline's order runs; the last edit that names it decides. */
static bool wanted(const struct oqz_pass *p, const char *const *edits)
{
	bool yes = !p->on_request;

	for (size_t i = 0; edits && edits[i]; i++)
		if (strcmp(edits[i] + 1, p->name) == 0)
			yes = edits[i][0] == '+';
	return yes;
}

enum oqz_status oqz_model_prepare(struct oqz_graph *g, const char *const *passes, struct oqz_err *err)
{
	const struct oqz_pass *p = NULL;

	bool list = passes && passes[0] && !is_edit(passes[0]), none = passes && !passes[0];

	OQZ_TRY(oqz_model_check_passes(passes, err));
	OQZ_TRY(oqz_ops_resolve(g, err));
	OQZ_TRY(oqz_infer_types(g, err));
	for (size_t i = 0; !list && !none && (p = oqz_model_pass(i)); i++)
		if (wanted(p, passes))
			OQZ_TRY(run_pass(p, g, err));
	for (size_t i = 0; list && passes[i]; i++) {
		OQZ_TRY(find_pass(passes[i], &p, err));
		OQZ_TRY(run_pass(p, g, err));
	}
	return oqz_infer_types(g, err);
}

enum oqz_status oqz_model_open(const char *path, const char *const *passes, struct oqz_graph **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;

	OQZ_TRY(oqz_onnx_load(path, &g, err));
	OQZ_TRY(oqz_model_prepare(g, passes, err));
	*ret = oqz_steal(g);
	return OQZ_OK;
}
