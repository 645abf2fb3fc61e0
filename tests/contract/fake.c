/* SPDX-License-Identifier: Apache-2.0
 *
 * The recording host. The graph: Conv(x, w, b) -> Relu -> Reshape(.., shape) -> Gemm(.., w, b).
 */
#include "tests/contract/fake.h"
#include "core/base/file.h"
#include "core/base/params.h"
#include "core/quant/format.h"
#include "core/quant/observe.h"
#include "plugins/host.h"
#include "plugins/registry.h"
#include "plugins/walk.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct fake_record fake;
static atomic_long allocs, frees; /* score() may be called from threads */

void fake_reset(void)
{
	ck_assert_msg(atomic_load(&allocs) == atomic_load(&frees),
	              "%ld pieces of memory taken from the host, %ld given back", atomic_load(&allocs),
	              atomic_load(&frees));
	oqz_vec_release(&fake.sites);
	memset(&fake, 0, sizeof fake);
	allocs = frees = 0;
}

/* -------------------------------------------------------------------------------------------------- services */

static enum oqz_status record_fail(struct oqz_failure *f, enum oqz_status code, const char *fmt, ...)
{
	va_list ap;

	fake.fails++;
	va_start(ap, fmt);
	vsnprintf(fake.message, sizeof fake.message, fmt, ap);
	va_end(ap);
	ck_assert_msg(code < 0, "host->fail(\"%s\") with the status %d", fake.message, (int)code);
	return oqz_err_set(f->err, code, "%s", fake.message);
}

static void record_log(const struct oqz_host *host, enum oqz_log_level level, const char *fmt, ...)
{
	ck_assert_ptr_eq(host, &fake_host);
	fake.logs++;
}

static void *record_alloc(size_t size)
{
	atomic_fetch_add(&allocs, 1);
	return calloc(1, size ? size : 1);
}

static void record_free(void *p)
{
	if (p)
		atomic_fetch_add(&frees, 1);
	free(p);
}

static enum oqz_status record_read_file(const char *path, char **ret, size_t *ret_size, struct oqz_failure *f)
{
	enum oqz_status st = oqz_file_read(path, 1 << 20, ret, ret_size, f->err);

	if (st == OQZ_OK)
		atomic_fetch_add(&allocs, 1);
	else
		fake.fails++;
	return st;
}

static enum oqz_status record_walk(const char *root, const char *const *suffixes,
                                   enum oqz_status (*each)(void *ctx, const char *relative_path), void *ctx,
                                   struct oqz_failure *f)
{
	enum oqz_status st = oqz_walk(root, suffixes, each, ctx, f->err);

	fake.fails += st != OQZ_OK;
	return st;
}

static enum oqz_status record_list_dirs(const char *root, enum oqz_status (*each)(void *ctx, const char *name),
                                        void *ctx, struct oqz_failure *f)
{
	enum oqz_status st = oqz_list_dirs(root, each, ctx, f->err);

	fake.fails += st != OQZ_OK;
	return st;
}

static enum oqz_status record_load_image(const char *path, uint32_t mode, struct oqz_picture *ret,
                                         struct oqz_failure *f)
{
	enum oqz_status st = oqz_host_load_image(path, mode, ret, f);

	if (st == OQZ_OK)
		atomic_fetch_add(&allocs, 1);
	else
		fake.fails++;
	return st;
}

static enum oqz_status record_load_array(const char *path, struct oqz_view *ret, struct oqz_failure *f)
{
	enum oqz_status st = oqz_host_load_array(path, ret, f);

	if (st == OQZ_OK)
		atomic_fetch_add(&allocs, 1);
	else
		fake.fails++;
	return st;
}

const struct oqz_host fake_host = {
	.struct_size = sizeof fake_host,
	.api_major = OQZ_API_MAJOR,
	.api_minor = OQZ_API_MINOR,
	.fail = record_fail,
	.log = record_log,
	.param_bool = oqz_params_bool,
	.param_int = oqz_params_int,
	.param_float = oqz_params_float,
	.param_string = oqz_params_string,
	.param_ints = oqz_params_ints,
	.param_floats = oqz_params_floats,
	.param_strings = oqz_params_strings,
	.read_file = record_read_file,
	.walk = record_walk,
	.alloc = record_alloc,
	.free_mem = record_free,
	.list_dirs = record_list_dirs,
	.load_image = record_load_image,
	.load_array = record_load_array,
};

/* -------------------------------------------------------------------------------------------------- graph */

enum { CONV_W = 4 * 3 * 3 * 3, FC_W = 10 * 256 };
static float weights[FC_W];

struct fake_input {
	const char *name;
	enum oqz_input_role role;
	int32_t axis, producer;
	bool constant, selected;
	struct oqz_shape shape;
};

static const struct fake_node {
	const char *name, *op;
	int n;
	struct fake_input in[3], out;
} nodes[] = {
	{ "conv",
	  "Conv",
	  3,
	  { { "x", OQZ_INPUT_ACTIVATION, -1, -1, false, true, { 4, { 1, 3, 8, 8 } } },
	    { "conv.w", OQZ_INPUT_WEIGHT, 0, -1, true, true, { 4, { 4, 3, 3, 3 } } },
	    { "conv.b", OQZ_INPUT_BIAS, -1, -1, true, false, { 1, { 4 } } } },
	  { "conv.y", OQZ_SITE_OUTPUT, -1, 0, false, true, { 4, { 1, 4, 8, 8 } } } },
	{ "relu",
	  "Relu",
	  1,
	  { { "conv.y", OQZ_INPUT_ACTIVATION, -1, 0, false, false, { 4, { 1, 4, 8, 8 } } } },
	  { "relu.y", OQZ_SITE_OUTPUT, -1, 1, false, false, { 4, { 1, 4, 8, 8 } } } },
	{ "flat",
	  "Reshape",
	  2,
	  { { "relu.y", OQZ_INPUT_ACTIVATION, -1, 1, false, false, { 4, { 1, 4, 8, 8 } } },
	    { "shape", OQZ_INPUT_INDEX, -1, -1, true, false, { 1, { 2 } } } },
	  { "flat.y", OQZ_SITE_OUTPUT, -1, 2, false, false, { 2, { 1, 256 } } } },
	{ "fc",
	  "Gemm",
	  3,
	  { { "flat.y", OQZ_INPUT_ACTIVATION, -1, 2, false, true, { 2, { 1, 256 } } },
	    { "fc.w", OQZ_INPUT_WEIGHT, 0, -1, true, true, { 2, { 10, 256 } } },
	    { NULL, OQZ_INPUT_BIAS, -1, -1, false, false, { 0 } } },
	  { "fc.y", OQZ_SITE_OUTPUT, -1, 3, false, true, { 2, { 1, 10 } } } },
};

static const struct fake_input *input_at(int32_t node, int32_t input)
{
	ck_assert_msg(node >= 0 && node < (int32_t)OQZ_COUNTOF(nodes), "node %d does not exist", node);
	if (input == -1)
		return &nodes[node].out;
	ck_assert_msg(input >= 0 && input < nodes[node].n, "node %d has no input %d", node, input);
	return &nodes[node].in[input];
}

bool fake_input_shape(int32_t node, int32_t input, struct oqz_shape *ret)
{
	const struct fake_input *i = input_at(node, input);

	*ret = i->shape;
	return i->name != NULL;
}

static int32_t node_count(const struct oqz_graph_view *g) { return OQZ_COUNTOF(nodes); }
static const char *node_name(const struct oqz_graph_view *g, int32_t node) { return nodes[node].name; }
static const char *node_op(const struct oqz_graph_view *g, int32_t node) { return nodes[node].op; }
static int32_t input_count(const struct oqz_graph_view *g, int32_t node) { return nodes[node].n; }

static const char *input_name(const struct oqz_graph_view *g, int32_t node, int32_t input)
{
	return input_at(node, input)->name;
}

static enum oqz_input_role input_role(const struct oqz_graph_view *g, int32_t node, int32_t input)
{
	return input_at(node, input)->role;
}

static int32_t channel_axis(const struct oqz_graph_view *g, int32_t node, int32_t input)
{
	return input_at(node, input)->axis;
}

static bool input_type(const struct oqz_graph_view *g, int32_t node, int32_t input, enum oqz_dtype *dtype,
                       struct oqz_shape *shape)
{
	const struct fake_input *i = input_at(node, input);

	*dtype = i->role == OQZ_INPUT_INDEX ? OQZ_DT_I64 : OQZ_DT_F32;
	*shape = i->shape;
	return i->name != NULL;
}

static bool input_constant(const struct oqz_graph_view *g, int32_t node, int32_t input, struct oqz_view *ret)
{
	const struct fake_input *i = input_at(node, input);

	if (!i->constant || i->role == OQZ_INPUT_INDEX)
		return false;
	for (int k = 0; k < FC_W; k++)
		weights[k] = (float)(k % 37 - 18) / 16;
	*ret = (struct oqz_view) { OQZ_DT_F32, i->shape, weights };
	return true;
}

static int32_t producer(const struct oqz_graph_view *g, int32_t node, int32_t input)
{
	return input_at(node, input)->producer;
}

static bool attr_int(const struct oqz_graph_view *g, int32_t node, const char *name, int64_t *ret) { return false; }

static bool selected(const struct oqz_graph_view *g, int32_t node, int32_t input)
{
	return input_at(node, input)->selected;
}

static enum oqz_status add_site(void *sink, const struct oqz_site *site, struct oqz_failure *f)
{
	const struct fake_input *in = input_at(site->node, site->input);

	ck_assert_ptr_eq(sink, &fake);
	ck_assert_msg(in->name && in->selected, "site %s/%d was not selected", nodes[site->node].name, site->input);
	ck_assert_msg(site->axis >= -1 && site->axis < in->shape.rank, "axis %d of %s", site->axis, in->name);
	ck_assert_msg(site->calibrator &&
	                  (strcmp(site->calibrator, "none") == 0 || oqz_calibrator_find(site->calibrator)),
	              "calibrator '%s' does not exist", site->calibrator);
	for (size_t i = 0; i < fake.sites.n; i++)
		ck_assert_msg(fake.sites.v[i].node != site->node || fake.sites.v[i].input != site->input,
		              "site %s/%d is asked for twice", nodes[site->node].name, site->input);
	ck_assert(oqz_vec_push(&fake.sites, *site));
	return OQZ_OK;
}

static const struct oqz_graph_api graph_api = {
	.struct_size = sizeof graph_api,
	.node_count = node_count,
	.node_name = node_name,
	.node_op = node_op,
	.input_count = input_count,
	.input_name = input_name,
	.input_role = input_role,
	.channel_axis = channel_axis,
	.input_type = input_type,
	.input_constant = input_constant,
	.producer = producer,
	.attr_int = attr_int,
	.selected = selected,
};

const struct oqz_quantizer_host fake_quantizer_host = {
	.struct_size = sizeof fake_quantizer_host,
	.base = &fake_host,
	.graph = &graph_api,
	.add_site = add_site,
	.affine_from_range = oqz_affine_from_range,
};

/* -------------------------------------------------------------------------------------------------- parameter sets */

static bool names_row(const char *fixed, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = fixed; s && *s; s = *s ? s + 1 : s) {
		if (strncmp(s, name, n) == 0 && s[n] == '=')
			return true;
		s += strcspn(s, ",");
		if (!*s)
			break;
	}
	return false;
}

/* Another legal value than the default; false when the row does not say enough to make one up. */
static bool other_value(const struct oqz_param *row, char *text, size_t size)
{
	const char *dflt = row->dflt ? row->dflt : "";
	double x = strcmp(dflt, "") == 0 || strtod(dflt, NULL) != row->max ? row->max : row->min;

	switch (row->type) {
	case OQZ_P_BOOL: snprintf(text, size, "%s", strcmp(dflt, "true") == 0 ? "false" : "true"); return true;
	case OQZ_P_INT:
	case OQZ_P_INTS: snprintf(text, size, "%.0f", x); return row->min != 0 || row->max != 0;
	case OQZ_P_FLOAT:
	case OQZ_P_FLOATS: snprintf(text, size, "%.9g", x); return row->min != 0 || row->max != 0;
	case OQZ_P_STRING:
	case OQZ_P_STRINGS:
		for (size_t i = 0; row->choices && row->choices[i]; i++)
			if (strcmp(row->choices[i], dflt) != 0) {
				snprintf(text, size, "%s", row->choices[i]);
				return true;
			}
		return false;
	case OQZ_P_PATH: return false;
	}
	return false;
}

const char *fake_params(const struct oqz_param *table, const char *fixed, size_t i)
{
	static char text[2000];
	char value[200];

	if (i == 0) {
		snprintf(text, sizeof text, "%s", fixed);
		return text;
	}
	for (const struct oqz_param *r = table; r && r->name; r++) {
		if (names_row(fixed, r->name) || !other_value(r, value, sizeof value) || --i)
			continue;
		snprintf(text, sizeof text, "%s%s%s=%s", fixed, *fixed ? "," : "", r->name, value);
		return text;
	}
	return NULL;
}

/* -------------------------------------------------------------------------------------------------- plugins */

fake_modules_t fake_open_all(enum oqz_plugin_kind kind)
{
	fake_modules_t all = { 0 };
	OQZ_CLEANUP(oqz_registry_free_cleanup) struct oqz_registry *r = NULL;
	const struct oqz_registry_options o = { .plugindir = "" };

	ck_ok(oqz_registry_new(&o, &r, err));
	for (size_t i = 0; i < oqz_registry_count(r); i++) {
		const struct oqz_plugin_info *p = oqz_registry_at(r, i);
		struct oqz_module *m = NULL;
		ck_assert_msg(!p->refused, "%s: %s", p->path, p->refused);
		if (p->kind != kind)
			continue;
		ck_ok(oqz_module_open(p->path, &m, err));
		ck_assert(oqz_vec_push(&all, m));
	}
	return all;
}

void fake_close_all(fake_modules_t *m)
{
	for (size_t i = 0; i < m->n; i++)
		oqz_module_close(m->v[i]);
	oqz_vec_release(m);
}
