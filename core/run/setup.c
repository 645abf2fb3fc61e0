/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a job: the task and its data, the schemes' plugins, the float graph, and the identity (hashes) of all of
 * them.
 */
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/onnx/onnx.h"
#include "core/run/digests.h"
#include "core/run/foreign.h"
#include "core/run/improvements.h"
#include "core/run/job.h"
#include "core/run/overrides.h"
#include "core/run/pool.h"
#include "core/run/prepare_spec.h"
#include "core/run/prepared.h"
#include "core/run/selection.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void data_release(struct oqz_data *d)
{
	oqz_task_close(d->instance);
	oqz_item_list_release(&d->items);
	oqz_params_free(d->params);
	oqz_prepare_free(d->prepare);
}

void oqz_job_close(struct oqz_job *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->n_schemes; i++) {
		oqz_qplan_free(j->schemes[i].plan);
		oqz_qplan_free(j->schemes[i].improved);
		oqz_graph_free(j->schemes[i].graph);
		oqz_overrides_close(&j->schemes[i]);
		oqz_improvements_free(j->schemes[i].improve, j->schemes[i].n_improve);
		oqz_graph_free(j->schemes[i].base);
		oqz_params_free(j->schemes[i].params);
		oqz_module_close(j->schemes[i].module);
	}
	data_release(&j->test);
	data_release(&j->calib);
	oqz_params_free(j->task_params);
	oqz_module_close(j->task_module);
	oqz_graph_free(j->graph);
	oqz_prepared_close(j->prepared);
	oqz_digests_free(j->digests);
	oqz_arena_free(j->arena);
	free(j);
}

/* A path of a data set as what it holds: files by their contents, folders (whose files are items, or nothing that
 * counts) by nothing. So the same data in another place are the same data. */
struct contents {
	struct oqz_digests *digests;
	char hex[OQZ_DIGEST];
};

static const char *path_contents(void *ctx, const char *path)
{
	struct contents *c = ctx;
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return "";
	oqz_digests_file(c->digests, path, c->hex);
	return c->hex;
}

/* Identity of a data set's list: parameters, the files that the task read to know its items, id and tag of every item.
 * The items' own files are not read here: each row of the ledger knows what it was made from. */
static enum oqz_status hash_data(struct oqz_data *d, const struct oqz_source *lists, struct oqz_err *err)
{
	struct oqz_sha256 h;
	struct oqz_str s = { 0 };
	struct contents c = { .digests = lists->digests };

	oqz_sha256_init(&h);
	oqz_params_text(d->params, path_contents, &c, &s);
	oqz_sha256_add(&h, oqz_str_get(&s), s.len + 1);
	oqz_source_hash(oqz_str_get(&lists->text), &h);
	for (size_t i = 0; i < d->items.items.n; i++) {
		const struct oqz_item *it = &d->items.items.v[i];
		oqz_sha256_add(&h, it->id, strlen(it->id) + 1);
		oqz_sha256_add(&h, &it->tag, sizeof it->tag);
		if (it->has_box)
			oqz_sha256_add(&h, it->box, sizeof it->box);
	}
	oqz_str_clear(&s);
	oqz_prepare_canonical(d->prepare, &s);
	oqz_sha256_add(&h, oqz_str_get(&s), s.len + 1);
	oqz_sha256_hex(&h, d->sha256);
	bool ok = oqz_str_ok(&s) && oqz_str_ok(&lists->text);
	oqz_str_release(&s);
	return ok ? OQZ_OK : oqz_err_nomem(err, "a data set", 1);
}

static enum oqz_status open_items(struct oqz_job *j, struct oqz_data *d, const char *name, struct oqz_err *err)
{
	OQZ_TRY(oqz_task_open(j->task_module, &j->host, j->task_params, d->params, &d->instance, err));
	if (oqz_task_items(d->instance, &d->items, err) != OQZ_OK)
		return oqz_err_prefix(err, "data set `%s`", name);
	d->n = d->items.items.n;
	return OQZ_OK;
}

static enum oqz_status open_data(struct oqz_job *j, const struct oqz_dataset *spec, struct oqz_data *d,
                                 struct oqz_err *err)
{
	const struct oqz_yaml *prepare = j->spec->model->prepare ? j->spec->model->prepare : spec->prepare;
	const char *owner = oqz_arena_printf(j->arena, "data set `%s`", spec->name);

	OQZ_TRY(oqz_manifest_params(j->arena, spec->node, OQZ_SECTION_DATASET, j->task_module->desc.task.dataset_params,
	                            owner, &d->params, err));
	OQZ_TRY(oqz_prepare_from_yaml(j->arena, prepare, &d->prepare, err));
	OQZ_CLEANUP(oqz_source_release) struct oqz_source lists = { 0 };
	oqz_source_begin(&lists, j->digests, NULL);
	oqz_source_watch(&lists);
	enum oqz_status st = open_items(j, d, spec->name, err);
	oqz_source_unwatch();
	return st == OQZ_OK ? hash_data(d, &lists, err) : st;
}

/* Whether anything of the job is quantized here. */
static bool calibrated(const struct oqz_job *j)
{
	bool any = false;

	for (size_t i = 0; i < j->n_schemes; i++)
		any |= j->schemes[i].module != NULL;
	return any;
}

static enum oqz_status open_task(struct oqz_job *j, struct oqz_err *err)
{
	const struct oqz_task_spec *t = j->spec->model->task;
	const struct oqz_limits *limits = &j->manifest->limits;
	struct oqz_str s = { 0 };

	OQZ_TRY(oqz_registry_load(j->registry, OQZ_KIND_TASK, t->plugin, &j->task_module, err));
	OQZ_TRY(oqz_manifest_params(j->arena, t->node, OQZ_SECTION_TASK, j->task_module->desc.base.params,
	                            oqz_arena_printf(j->arena, "task `%s`", t->name), &j->task_params, err));
	oqz_str_addf(&s, "%s:", t->plugin);
	oqz_params_canonical(j->task_params, &s);
	j->task_canonical = oqz_arena_strdup(j->arena, oqz_str_get(&s));
	oqz_str_release(&s);
	if (!j->task_canonical)
		return oqz_err_nomem(err, "a task", 1);
	OQZ_TRY(open_data(j, t->test, &j->test, err));
	if (limits->images && (size_t)limits->images < j->test.n)
		j->test.n = (size_t)limits->images;
	if (t->calib && calibrated(j)) {
		OQZ_TRY(open_data(j, t->calib, &j->calib, err));
		int64_t wanted = j->spec->model->calib_images;
		if (wanted && (size_t)wanted < j->calib.n)
			j->calib.n = (size_t)wanted;
		if (limits->calib_images && (size_t)limits->calib_images < j->calib.n)
			j->calib.n = (size_t)limits->calib_images;
	}
	return OQZ_OK;
}

/* A lane's graph needs the float one. What is wrong with its file fails the lane, not the job. */
static void open_lane(struct oqz_job *j, struct oqz_scheme *s)
{
	struct oqz_err why = { 0 };

	if (oqz_foreign_open(j, s, &why) == OQZ_OK)
		return;
	s->status = why.code;
	s->message = oqz_arena_strdup(j->arena, why.msg);
	s->message = s->message ? s->message : "out of memory";
}

static enum oqz_status open_scheme(struct oqz_job *j, struct oqz_scheme *s, struct oqz_err *err)
{
	struct oqz_str text = { 0 };

	OQZ_TRY(oqz_registry_load(j->registry, OQZ_KIND_QUANTIZER, s->spec->plugin, &s->module, err));
	s->node = oqz_scheme_node(j->arena, s->spec, j->spec->model, s->module->desc.base.params);
	if (!s->node)
		return oqz_err_nomem(err, "a scheme", 1);
	OQZ_TRY(oqz_manifest_params(j->arena, s->node, OQZ_SECTION_SCHEME, s->module->desc.base.params,
	                            oqz_arena_printf(j->arena, "scheme `%s`", s->spec->name), &s->params, err));
	oqz_str_addf(&text, "%s:", s->spec->plugin);
	oqz_params_canonical(s->params, &text);
	enum oqz_status st = oqz_selection_canonical(j->arena, &s->spec->select, &text, err);
	if (st == OQZ_OK)
		st = oqz_selection_canonical(j->arena, &j->spec->model->quantize, &text, err);
	if (st == OQZ_OK)
		st = oqz_overrides_open(j, s, &text, err);
	if (st == OQZ_OK)
		st = oqz_improvements_read(j->arena, s->spec->node, &s->improve, &s->n_improve, err);
	oqz_improvements_canonical(s->improve, s->n_improve, &text);
	s->canonical = oqz_arena_strdup(j->arena, oqz_str_get(&text));
	oqz_str_release(&text);
	OQZ_TRY(st);
	return s->canonical ? OQZ_OK : oqz_err_nomem(err, "a scheme", 1);
}

/* Monitored values for OQE: those the manifest names, else the graph's outputs. Only float tensors can be compared. */
static enum oqz_status find_watch(struct oqz_job *j, struct oqz_err *err)
{
	const struct oqz_model_spec *m = j->spec->model;
	size_t n = m->n_watch ? m->n_watch : j->graph->outputs.n;
	const char **names = OQZ_ARENA_NEW_N(j->arena, const char *, n + 1);

	if (!names)
		return oqz_err_nomem(err, "monitored values", n);
	for (size_t i = 0; i < n; i++) {
		struct oqz_value *v = j->graph->outputs.v[m->n_watch ? 0 : i];
		if (m->n_watch && oqz_graph_need_value(j->graph, m->watch[i], &v, err) != OQZ_OK)
			return oqz_err_prefix(err, "%s: watch, after the passes",
			                      oqz_yaml_where(j->arena, oqz_yaml_get(m->node, "watch")));
		if (v->type.dtype == OQZ_DT_F32)
			names[j->n_watch++] = v->name;
		else if (m->n_watch)
			return oqz_yaml_fail(oqz_yaml_get(m->node, "watch"), err, OQZ_E_USAGE,
			                     "watch: `%s` is %s, not float32", v->name, oqz_dtype_name(v->type.dtype));
	}
	j->watch = names;
	return OQZ_OK;
}

/* `inputs: {images: [1, 3, 640, 640]}`; a dimension that is "?" stays open. */
static enum oqz_status set_inputs(struct oqz_job *j, struct oqz_graph *g, struct oqz_err *err)
{
	const struct oqz_yaml *inputs = j->spec->model->inputs;

	for (size_t i = 0; inputs && i < inputs->n; i++) {
		struct oqz_shape shape = { 0 };
		const char **dims;
		size_t n;
		OQZ_TRY(oqz_yaml_strings(j->arena, inputs->pairs[i].value, &dims, &n, err));
		if (n > OQZ_MAX_RANK)
			return oqz_yaml_fail(inputs->pairs[i].value, err, OQZ_E_USAGE, "more than %d dimensions",
			                     OQZ_MAX_RANK);
		for (size_t k = 0; k < n; k++) {
			long long v = OQZ_DIM_UNKNOWN;
			if (strcmp(dims[k], "?") != 0 && (!oqz_parse_i64(dims[k], &v) || v < 1))
				return oqz_yaml_fail(inputs->pairs[i].value, err, OQZ_E_USAGE,
				                     "`%s` is no size of a dimension", dims[k]);
			shape.dim[shape.rank++] = v;
		}
		if (oqz_graph_set_input(g, inputs->pairs[i].key, &shape, err) != OQZ_OK)
			return oqz_err_prefix(err, "%s", oqz_yaml_where(j->arena, inputs));
	}
	return OQZ_OK;
}

/* The model as its file has it, rewired as the manifest says, then through the passes: so names are those of the file.
 */
static enum oqz_status open_model(struct oqz_job *j, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *g = NULL;
	const struct oqz_model_spec *m = j->spec->model;

	OQZ_TRY(oqz_onnx_load(m->file, &g, err));
	if (m->n_outputs && oqz_graph_set_outputs(g, m->outputs, m->n_outputs, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s", oqz_yaml_where(j->arena, oqz_yaml_get(m->node, "outputs")));
	OQZ_TRY(set_inputs(j, g, err));
	OQZ_TRY(oqz_model_prepare(g, m->passes, err));
	j->graph = oqz_steal(g);
	return OQZ_OK;
}

/* The model's hash and the model, which take as long: half as long on two threads. */
struct opening {
	struct oqz_job *job;
	struct oqz_err whys[2];
};

static enum oqz_status open_half(void *ctx, int worker, size_t unit, struct oqz_err *err)
{
	struct opening *o = ctx;

	if (unit == 0)
		(void)oqz_sha256_file(o->job->spec->model->file, o->job->model_sha256, &o->whys[0]);
	else
		(void)open_model(o->job, &o->whys[1]);
	return OQZ_OK;
}

static enum oqz_status open_and_hash(struct oqz_job *j, struct oqz_err *err)
{
	struct opening o = { .job = j };
	struct oqz_pool_job pool = { .n_units = 2, .ctx = &o, .unit = open_half };

	OQZ_TRY(oqz_pool_run(&pool, j->threads > 1 ? 2 : 1, err));
	for (int i = 0; i < 2; i++)
		if (o.whys[i].code != OQZ_OK)
			OQZ_FAIL(err, o.whys[i].code, "%s", o.whys[i].msg);
	oqz_digests_model(j->digests, j->graph, j->model_sha256);
	return OQZ_OK;
}

static enum oqz_status open_all(struct oqz_job *j, struct oqz_err *err)
{

	j->schemes = OQZ_ARENA_NEW_N(j->arena, struct oqz_scheme, j->spec->n_schemes + 1);
	if (!j->schemes)
		return oqz_err_nomem(err, "schemes", j->spec->n_schemes);
	j->n_schemes = j->spec->n_schemes;
	for (size_t i = 0; i < j->n_schemes; i++) {
		j->schemes[i].spec = j->spec->schemes[i];
		if (!j->schemes[i].spec->file)
			OQZ_TRY(open_scheme(j, &j->schemes[i], err));
	}
	OQZ_TRY(open_and_hash(j, err));
	OQZ_TRY(find_watch(j, err));
	for (size_t i = 0; i < j->n_schemes; i++)
		if (j->schemes[i].spec->file)
			open_lane(j, &j->schemes[i]);
	OQZ_TRY(open_task(j, err));
	const struct oqz_task_spec *t = j->spec->model->task;
	if (calibrated(j) && !j->calib.instance)
		return oqz_yaml_fail(t->node, err, OQZ_E_USAGE,
		                     "task `%s` needs `calib`: schemes are calibrated on images of their own", t->name);
	return OQZ_OK;
}

enum oqz_status oqz_job_open(const struct oqz_manifest *m, const struct oqz_job_spec *spec,
                             const struct oqz_registry *reg, struct oqz_ledger *ledger,
                             const struct oqz_job_options *opt, struct oqz_job **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_job_close_cleanup) struct oqz_job *j = calloc(1, sizeof *j);

	if (!j || !(j->arena = oqz_arena_new()))
		return oqz_err_nomem(err, "a job", sizeof *j);
	j->manifest = m;
	j->spec = spec;
	j->registry = reg;
	j->ledger = ledger;
	j->threads = opt->threads;
	j->stop = opt->stop;
	j->progress = opt->progress;
	j->progress_ctx = opt->progress_ctx;
	j->planned = opt->planned;
	j->crashed = opt->crashed;
	if (!oqz_engine_parse(spec->model->engine, &j->engine))
		OQZ_FAIL(err, OQZ_E_USAGE, "engine `%s`", spec->model->engine);
	oqz_plugin_host_init(&j->host, opt->log, opt->log_ctx);
	OQZ_TRY(oqz_digests_new(ledger, &j->digests, err));
	OQZ_TRY(open_all(j, err));
	*ret = oqz_steal(j);
	return OQZ_OK;
}

enum oqz_status oqz_job_input_shape(const struct oqz_graph *g, const struct oqz_view *image, struct oqz_shape *ret,
                                    struct oqz_err *err)
{
	char want[OQZ_SHAPE_STR], have[OQZ_SHAPE_STR];

	if (g->inputs.n != 1)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "the model has %zu inputs; a model that takes one image has one",
		         g->inputs.n);
	const struct oqz_type *t = &g->inputs.v[0]->type;
	bool fits = t->dtype == OQZ_DT_F32 && (t->shape.rank == image->shape.rank || t->shape.rank < 0);
	for (int i = 0; fits && i < t->shape.rank; i++)
		fits = t->shape.dim[i] < 0 || t->shape.dim[i] == image->shape.dim[i];
	if (!fits)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "input `%s` is %s%s, the prepared image is float32%s: check `prepare`",
		         g->inputs.v[0]->name, oqz_dtype_name(t->dtype), oqz_shape_str(&t->shape, want, sizeof want),
		         oqz_shape_str(&image->shape, have, sizeof have));
	*ret = image->shape;
	return OQZ_OK;
}
