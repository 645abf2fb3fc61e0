/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening one plugin. The checks come in the order in which the descriptor can be believed: magic before size, size
 * before anything behind the head, tables before callbacks. Each refusal says what is wrong and what was expected,
 * because its reader is the plugin's author.
 */
#include "plugins/loader.h"
#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/params.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DESCRIPTOR = 1 << 16, MAX_METRICS = 512 };

const char *oqz_plugin_kind_name(enum oqz_plugin_kind kind)
{
	switch (kind) {
	case OQZ_KIND_QUANTIZER: return "quantizer";
	case OQZ_KIND_TASK: return "task";
	}
	return "unknown";
}

static enum oqz_status check_word(const char *s, const char *what, struct oqz_err *err)
{
	if (!s || !*s)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "it has no %s", what);
	if (strpbrk(s, "\r\n"))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its %s is more than one line", what);
	return OQZ_OK;
}

static enum oqz_status check_head(const struct oqz_plugin *d, struct oqz_err *err)
{
	OQZ_TRY(check_word(d->name, "name", err));
	if (strlen(d->name) > 63 || strspn(d->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(d->name))
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its name '%.80s' is not [a-z0-9-]+ of at most 63 characters", d->name);
	OQZ_TRY(check_word(d->version, "version", err));
	OQZ_TRY(check_word(d->licence, "licence", err));
	OQZ_TRY(check_word(d->summary, "summary", err));
	return oqz_params_check_table(d->params, err);
}

enum oqz_status oqz_metrics_check(const struct oqz_metric *metrics, struct oqz_err *err)
{
	if (!metrics || !metrics[0].name)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "it declares no metrics");
	for (const struct oqz_metric *m = metrics; m->name; m++) {
		if (m - metrics >= MAX_METRICS)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "the metric table has no end within %d rows", MAX_METRICS);
		if (!*m->name || strspn(m->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(m->name))
			OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%.80s': a name is [a-z0-9_]+", m->name);
		for (const struct oqz_metric *o = metrics; o < m; o++)
			if (strcmp(o->name, m->name) == 0)
				OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s' is declared twice", m->name);
		if (m->unit > OQZ_UNIT_SCALAR)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s': unit %" PRIu32 " does not exist", m->name, m->unit);
		if (m->test > OQZ_TEST_BOOTSTRAP)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s': test %" PRIu32 " does not exist", m->name, m->test);
		if (!(m->min <= m->max))
			OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s': its range %g to %g is empty", m->name, m->min,
			         m->max);
		if (!m->help || !*m->help)
			OQZ_FAIL(err, OQZ_E_PLUGIN, "metric '%s' needs a line of help", m->name);
	}
	return OQZ_OK;
}

static enum oqz_status missing(const char *name, struct oqz_err *err)
{
	OQZ_FAIL(err, OQZ_E_PLUGIN, "the required callback '%s' is missing", name);
}

static enum oqz_status check_quantizer(const struct oqz_quantizer *q, struct oqz_err *err)
{
	if (!q->open)
		return missing("open", err);
	if (!q->close)
		return missing("close", err);
	if (!q->sites)
		return missing("sites", err);
	if (!q->plan)
		return missing("plan", err);
	return OQZ_OK;
}

static enum oqz_status check_task(const struct oqz_task *t, struct oqz_err *err)
{
	OQZ_TRY(oqz_metrics_check(t->metrics, err));
	enum oqz_status st = oqz_params_check_table(t->dataset_params, err);
	if (st != OQZ_OK)
		return oqz_err_prefix(err, "data set");
	if (!t->open)
		return missing("open", err);
	if (!t->close)
		return missing("close", err);
	if (!t->items)
		return missing("items", err);
	if (!t->score)
		return missing("score", err);
	if (t->resample_open && !t->resample)
		return missing("resample", err);
	if (t->resample_open && !t->resample_close)
		return missing("resample_close", err);
	if (!t->finish)
		return missing("finish", err);
	return OQZ_OK;
}

enum oqz_status oqz_descriptor_check(const struct oqz_plugin *d, struct oqz_module *ret, struct oqz_err *err)
{
	if (!d)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its entry gives no descriptor");
	if (d->magic != OQZ_PLUGIN_MAGIC)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its magic number is %016" PRIx64 ", not %016" PRIx64, d->magic,
		         OQZ_PLUGIN_MAGIC);
	if (strncmp(d->abi, OQZ_ABI, sizeof d->abi) != 0)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its abi is '%.*s', not '%s'", (int)sizeof d->abi, d->abi, OQZ_ABI);
	if (d->api_major != OQZ_API_MAJOR)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "it is made for api %u.%u, this program has %d.%d", d->api_major,
		         d->api_minor, OQZ_API_MAJOR, OQZ_API_MINOR);
	if (d->struct_size < sizeof *d || d->struct_size > MAX_DESCRIPTOR)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its descriptor claims a size of %" PRIu32 " bytes", d->struct_size);
	size_t ours = d->kind == OQZ_KIND_QUANTIZER ? sizeof ret->desc.quantizer
	              : d->kind == OQZ_KIND_TASK    ? sizeof ret->desc.task
	                                            : 0;
	if (ours == 0)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "its kind %" PRIu32 " is unknown", d->kind);
	memset(&ret->desc, 0, sizeof ret->desc);
	memcpy(&ret->desc, d, d->struct_size < ours ? d->struct_size : ours);
	OQZ_TRY(check_head(&ret->desc.base, err));
	return d->kind == OQZ_KIND_QUANTIZER ? check_quantizer(&ret->desc.quantizer, err)
	                                     : check_task(&ret->desc.task, err);
}

static enum oqz_status module_load(struct oqz_module *m, struct oqz_err *err)
{
	const char *why;

	m->handle = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);
	if (!m->handle) {
		/* dlerror() mostly starts with the path itself, which the caller puts in front of everything. */
		size_t n = strlen(m->path);
		why = dlerror();
		if (why && strncmp(why, m->path, n) == 0 && strncmp(why + n, ": ", 2) == 0)
			why += n + 2;
		OQZ_FAIL(err, OQZ_E_PLUGIN, "cannot be loaded: %s", why ? why : "unknown reason");
	}
	oqz_plugin_entry_fn *entry = NULL;
	void *sym = dlsym(m->handle, OQZ_PLUGIN_ENTRY_NAME);
	if (!sym)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "is not an oqz plugin: it does not export %s", OQZ_PLUGIN_ENTRY_NAME);
	memcpy(&entry, &sym, sizeof entry); /* ISO C has no cast from void * to a function */
	return oqz_descriptor_check(entry(NULL), m, err);
}

enum oqz_status oqz_module_open(const char *path, struct oqz_module **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_module_close_cleanup) struct oqz_module *m = calloc(1, sizeof *m);
	OQZ_CLEANUP(oqz_arena_free_cleanup) struct oqz_arena *arena = oqz_arena_new();

	/* Without a slash dlopen() would search the system's libraries. */
	const char *file = !arena || strchr(path, '/') ? path : oqz_path_join(arena, ".", path);
	if (m && arena && file)
		m->path = strdup(file);
	if (!m || !m->path)
		return oqz_err_nomem(err, path, sizeof *m);
	if (access(m->path, F_OK) != 0)
		OQZ_FAIL(err, OQZ_E_NOENT, "%s: no such plugin file", path);
	enum oqz_status st = module_load(m, err);
	if (st != OQZ_OK)
		return oqz_err_prefix(err, "%s", path);
	*ret = oqz_steal(m);
	return OQZ_OK;
}

void oqz_module_close(struct oqz_module *m)
{
	if (!m)
		return;
	if (m->handle)
		dlclose(m->handle);
	free(m->path);
	free(m);
}
