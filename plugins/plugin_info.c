/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptor -> bytes -> plain structs. The reader believes nothing: the child that wrote the bytes had a stranger's
 * code in its memory.
 */
#include "plugins/plugin_info.h"
#include "core/base/arena.h"
#include "core/base/params.h"
#include "core/base/str.h"
#include "plugins/loader.h"

#include <string.h>

#define NO_STRING UINT32_MAX
#define NO_TABLE UINT32_MAX
enum { MAX_ROWS = 4096 };

/* -------------------------------------------------------------------------------------------------- writing */

static void put_u32(struct oqz_str *out, uint32_t x) { oqz_str_addn(out, &x, sizeof x); }
static void put_f64(struct oqz_str *out, double x) { oqz_str_addn(out, &x, sizeof x); }

static void put_string(struct oqz_str *out, const char *s)
{
	if (!s) {
		put_u32(out, NO_STRING);
		return;
	}
	size_t n = strlen(s);
	if (n > 1 << 16)
		n = 1 << 16;
	put_u32(out, (uint32_t)n);
	oqz_str_addn(out, s, n);
}

static void put_params(struct oqz_str *out, const struct oqz_param *t)
{
	uint32_t n = 0;

	while (t && t[n].name)
		n++;
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t choices = 0;
		put_string(out, t[i].name);
		put_u32(out, t[i].type);
		put_string(out, t[i].dflt);
		put_f64(out, t[i].min);
		put_f64(out, t[i].max);
		while (t[i].choices && t[i].choices[choices])
			choices++;
		put_u32(out, t[i].choices ? choices : NO_TABLE);
		for (uint32_t c = 0; c < choices; c++)
			put_string(out, t[i].choices[c]);
		put_string(out, t[i].unit);
		put_string(out, t[i].help);
	}
}

static void put_metrics(struct oqz_str *out, const struct oqz_metric *t)
{
	uint32_t n = 0;

	while (t[n].name)
		n++;
	put_u32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		put_string(out, t[i].name);
		put_u32(out, t[i].unit);
		put_u32(out, t[i].test);
		put_u32(out, t[i].higher_is_better);
		put_f64(out, t[i].min);
		put_f64(out, t[i].max);
		put_string(out, t[i].help);
	}
}

void oqz_plugin_info_write(const struct oqz_module *m, struct oqz_str *out)
{
	const struct oqz_plugin *b = &m->desc.base;
	char abi[sizeof b->abi + 1];

	memcpy(abi, b->abi, sizeof b->abi);
	abi[sizeof b->abi] = 0;
	put_u32(out, b->kind);
	put_u32(out, b->api_major);
	put_u32(out, b->api_minor);
	put_string(out, abi);
	put_string(out, b->name);
	put_string(out, b->version);
	put_string(out, b->licence);
	put_string(out, b->summary);
	put_params(out, b->params);
	if (b->kind == OQZ_KIND_TASK) {
		put_params(out, m->desc.task.dataset_params);
		put_metrics(out, m->desc.task.metrics);
	}
}

/* -------------------------------------------------------------------------------------------------- reading */

struct reader {
	const char *p;
	size_t left;
	struct oqz_arena *arena;
	bool bad; /* sticky: all further reads give zeros */
};

static void get(struct reader *r, void *into, size_t n)
{
	if (r->bad || n > r->left) {
		r->bad = true;
		memset(into, 0, n);
		return;
	}
	memcpy(into, r->p, n);
	r->p += n;
	r->left -= n;
}

static uint32_t get_u32(struct reader *r)
{
	uint32_t x;

	get(r, &x, sizeof x);
	return x;
}

static double get_f64(struct reader *r)
{
	double x;

	get(r, &x, sizeof x);
	return x;
}

static const char *get_string(struct reader *r)
{
	uint32_t n = get_u32(r);

	if (r->bad || n == NO_STRING)
		return NULL;
	if (n > r->left || memchr(r->p, 0, n)) {
		r->bad = true;
		return NULL;
	}
	const char *s = oqz_arena_strndup(r->arena, r->p, n);
	r->bad = !s;
	r->p += n;
	r->left -= n;
	return s;
}

/* Room for the table's rows and its end. Every row takes more than a byte, so `left` bounds what is believed. */
static void *get_table(struct reader *r, uint32_t n, size_t row)
{
	if (r->bad || n > MAX_ROWS || n > r->left) {
		r->bad = true;
		return NULL;
	}
	void *t = oqz_arena_calloc(r->arena, n + (size_t)1, row);
	r->bad = !t;
	return t;
}

static const struct oqz_param *get_params(struct reader *r)
{
	uint32_t n = get_u32(r);
	struct oqz_param *t = get_table(r, n, sizeof *t);

	for (uint32_t i = 0; i < n && !r->bad; i++) {
		t[i].name = get_string(r);
		t[i].type = get_u32(r);
		t[i].dflt = get_string(r);
		t[i].min = get_f64(r);
		t[i].max = get_f64(r);
		uint32_t n_choices = get_u32(r);
		if (n_choices != NO_TABLE) {
			const char **choices = get_table(r, n_choices, sizeof *choices);
			for (uint32_t c = 0; c < n_choices && !r->bad; c++)
				choices[c] = get_string(r);
			t[i].choices = choices;
		}
		t[i].unit = get_string(r);
		t[i].help = get_string(r);
		r->bad |= !t[i].name;
	}
	return t;
}

static const struct oqz_metric *get_metrics(struct reader *r)
{
	uint32_t n = get_u32(r);
	struct oqz_metric *t = get_table(r, n, sizeof *t);

	for (uint32_t i = 0; i < n && !r->bad; i++) {
		t[i].name = get_string(r);
		t[i].unit = get_u32(r);
		t[i].test = get_u32(r);
		t[i].higher_is_better = get_u32(r) != 0;
		t[i].min = get_f64(r);
		t[i].max = get_f64(r);
		t[i].help = get_string(r);
		r->bad |= !t[i].name;
	}
	return t;
}

enum oqz_status oqz_plugin_info_read(const void *data, size_t size, struct oqz_arena *arena,
                                     struct oqz_plugin_info *ret, struct oqz_err *err)
{
	struct reader r = { data, size, arena, false };
	struct oqz_plugin_info info = { .path = ret->path };

	info.kind = get_u32(&r);
	info.api_major = get_u32(&r);
	info.api_minor = get_u32(&r);
	info.abi = get_string(&r);
	info.name = get_string(&r);
	info.version = get_string(&r);
	info.licence = get_string(&r);
	info.summary = get_string(&r);
	info.params = get_params(&r);
	if (info.kind == OQZ_KIND_TASK) {
		info.dataset_params = get_params(&r);
		info.metrics = get_metrics(&r);
	}
	if (r.bad || r.left || !info.name || !info.version || !info.licence || !info.summary)
		OQZ_FAIL(err, OQZ_E_PLUGIN, "sent an incomplete description of itself");
	OQZ_TRY(oqz_params_check_table(info.params, err));
	OQZ_TRY(oqz_params_check_table(info.dataset_params, err));
	*ret = info;
	return OQZ_OK;
}
