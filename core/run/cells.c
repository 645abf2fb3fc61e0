/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys are hashes over labelled lines, so that two different things can never run together to the same text.
 */
#include "core/run/cells.h"
#include "core/base/hash.h"
#include "core/base/str.h"
#include "core/run/digests.h"

#include <stdio.h>
#include <string.h>

/* Raised when numbers change for a reason that is no input: the ledger then recomputes instead of mixing. */
#define NUMERICS "14"

const char *oqz_cell_numerics(void) { return NUMERICS; }

static void line(struct oqz_sha256 *h, const char *label, const char *value)
{
	oqz_sha256_add(h, label, strlen(label) + 1);
	oqz_sha256_add(h, value, strlen(value) + 1);
}

/* Extents that the manifest gives to inputs: a name, then a scalar for each. */
static void input_lines(const struct oqz_yaml *inputs, struct oqz_sha256 *h)
{
	for (size_t i = 0; inputs && i < inputs->n; i++) {
		const struct oqz_yaml *dims = inputs->pairs[i].value;
		line(h, "input", inputs->pairs[i].key);
		if (dims->kind == OQZ_YAML_SCALAR)
			line(h, "extent", dims->scalar);
		for (size_t d = 0; d < dims->n; d++)
			line(h, "extent", dims->items[d]->scalar);
	}
}

static void model_lines(const struct oqz_job *j, struct oqz_sha256 *h)
{
	oqz_sha256_init(h);
	line(h, "numerics", NUMERICS);
	line(h, "library", oqz_exec_describe());
	line(h, "model", j->model_sha256);
	for (size_t i = 0; j->spec->model->passes && j->spec->model->passes[i]; i++)
		line(h, "pass", j->spec->model->passes[i]);
	if (j->spec->model->passes && !j->spec->model->passes[0])
		line(h, "pass", ""); /* none, not even the default ones */
	for (size_t i = 0; i < j->spec->model->n_outputs; i++)
		line(h, "output", j->spec->model->outputs[i]);
	input_lines(j->spec->model->inputs, h);
}

/* A plugin that came with the program is told by its version. Others, wherever they lie, may be being worked on: any
 * rebuilt file is another. */
static void plugin_lines(const struct oqz_job *j, const char *label, const struct oqz_module *m, struct oqz_sha256 *h)
{
	char hex[OQZ_DIGEST];

	line(h, label, m->desc.base.version);
	if (m->shipped)
		return;
	oqz_digests_file(j->digests, m->path, hex);
	line(h, "file", hex);
}

static void test_lines(const struct oqz_job *j, struct oqz_sha256 *h)
{
	model_lines(j, h);
	line(h, "engine", oqz_engine_name(j->engine));
	line(h, "data", j->test.sha256);
	line(h, "task", j->task_canonical);
	plugin_lines(j, "task version", j->task_module, h);
}

void oqz_cell_key_float(const struct oqz_job *j, char hex[65])
{
	struct oqz_sha256 h;

	test_lines(j, &h);
	oqz_sha256_hex(&h, hex);
}

void oqz_cell_key_scheme(const struct oqz_job *j, const struct oqz_scheme *s, char hex[65])
{
	struct oqz_sha256 h;
	char n[32];

	test_lines(j, &h);
	line(&h, "plan", s->plan_sha256);
	if (s->plan && oqz_qplan_is_custom(s->plan)) /* what is not in the plan is in the plugin */
		plugin_lines(j, "scheme version", s->module, &h);
	snprintf(n, sizeof n, "%lld", (long long)j->manifest->limits.local_images);
	line(&h, "local images", n);
	for (size_t i = 0; i < j->n_watch; i++)
		line(&h, "watch", j->watch[i]);
	oqz_sha256_hex(&h, hex);
}

void oqz_cell_key_plan(const struct oqz_job *j, const struct oqz_scheme *s, char hex[65])
{
	struct oqz_sha256 h;
	char n[64];

	model_lines(j, &h);
	line(&h, "engine", oqz_engine_name(j->engine)); /* float values differ in last digits */
	line(&h, "calibration", j->calib.contents);
	snprintf(n, sizeof n, "%zu/%lld%s", j->calib.n, (long long)j->spec->model->calib_batch,
	         j->spec->model->calib_quantized ? "/quantized weights" : "");
	line(&h, "images/batch", n);
	line(&h, "scheme", s->canonical);
	plugin_lines(j, "scheme version", s->module, &h);
	oqz_sha256_hex(&h, hex);
}
