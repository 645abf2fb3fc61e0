/* SPDX-License-Identifier: Apache-2.0
 *
 * See lock.h. Everything in it is known from provenance; a failed cell has none and is left out.
 */
#include "core/run/lock.h"
#include "core/base/str.h"
#include "core/manifest/yaml.h"
#include "core/run/cells.h"

#include <string.h>

/* "    key: "value"" with a line end; nothing without a value. JSON's strings are YAML's, too. */
static void entry(struct oqz_str *out, const char *indent, const char *key, const char *value)
{
	if (!value)
		return;
	oqz_str_addf(out, "%s%s: ", indent, key);
	oqz_str_add_json(out, value);
	oqz_str_add(out, "\n");
}

static void models(const struct oqz_results *r, struct oqz_str *out)
{
	oqz_str_add(out, r->floats.n ? "models:\n" : "models: []\n");
	for (size_t i = 0; i < r->floats.n; i++) {
		const struct oqz_float_result *f = &r->floats.v[i];
		entry(out, "  - ", "id", f->model);
		entry(out, "    ", "sha256", f->provenance.model_sha256);
		entry(out, "    ", "dataset_sha256", f->provenance.dataset_sha256);
		entry(out, "    ", "task", f->provenance.task);
		entry(out, "    ", "plugin", f->provenance.task_plugin);
		entry(out, "    ", "engine", f->provenance.engine);
		oqz_str_addf(out, "    images: %lld\n    limited: %s\n", (long long)f->images,
		             f->provenance.limited ? "true" : "false");
	}
}

static void cells(const struct oqz_results *r, struct oqz_str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < r->cells.n; i++)
		n += r->cells.v[i]->status == OQZ_CELL_OK;
	oqz_str_add(out, n ? "cells:\n" : "cells: []\n");
	for (size_t i = 0; i < r->cells.n; i++) {
		const struct oqz_cell_result *c = r->cells.v[i];
		if (c->status != OQZ_CELL_OK)
			continue;
		entry(out, "  - ", "model", c->model);
		entry(out, "    ", "name", c->scheme);
		entry(out, "    ", "scheme", c->provenance.scheme);
		entry(out, "    ", "plugin", c->provenance.scheme_plugin);
		entry(out, "    ", "plan_sha256", c->provenance.plan_sha256);
	}
}

/* A literal block: every line of the text, two blanks in. */
static void block(const char *text, struct oqz_str *out)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		oqz_str_add(out, "  ");
		oqz_str_addn(out, text, n);
		oqz_str_add(out, "\n");
		text += n + (text[n] == '\n');
	}
}

void oqz_run_lock(const struct oqz_manifest *m, const struct oqz_results *r, struct oqz_str *out)
{
	struct oqz_str text = { 0 };
	const char *library = NULL;

	for (size_t i = 0; i < r->floats.n && !library; i++)
		library = r->floats.v[i].provenance.library;
	oqz_str_add(out, "# What the results beside this file were made from.\n");
	entry(out, "", "oqz", r->version);
	entry(out, "", "numerics", oqz_cell_numerics());
	entry(out, "", "library", library);
	entry(out, "", "manifest_sha256", r->manifest_sha256);
	oqz_str_add(out, m->environment->n ? "environment:\n" : "environment: {}\n");
	for (size_t i = 0; i < m->environment->n; i++)
		entry(out, "  ", m->environment->pairs[i].key, m->environment->pairs[i].value->scalar);
	models(r, out);
	cells(r, out);
	oqz_yaml_dump(m->root, &text);
	oqz_str_add(out, "manifest: |\n");
	block(oqz_str_get(&text), out);
	if (!oqz_str_ok(&text))
		out->failed = true;
	oqz_str_release(&text);
}
