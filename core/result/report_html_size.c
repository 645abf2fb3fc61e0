/* SPDX-License-Identifier: Apache-2.0
 *
 * What the page has room for. A browser takes about a second for 300,000 elements and holds each picture twice, so that
 * a page on a thousand models with everything about each would take a minute to open. Within the limits below nothing
 * is left out; beyond them the models that lost most keep their details, and the page says where the rest is.
 */
#include "core/result/report_html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	DETAIL_BYTES = 24 << 20, /* pictures, mostly */
	DETAIL_TAGS = 300000,
	METRIC_ROWS = 4000, /* of the result table, a thousand bytes each */
};

struct standing {
	double loss; /* the largest of its cells, in percent of the float value; -inf without any */
	size_t model;
};

static int by_loss(const void *a, const void *b)
{
	const struct standing *x = a, *y = b;

	if (x->loss != y->loss)
		return x->loss > y->loss ? -1 : 1;
	return (x->model > y->model) - (x->model < y->model);
}

static bool rank_models(struct oqz_html *h)
{
	OQZ_CLEANUP_FREE struct standing *s = calloc(h->n_models + 1, sizeof *s);

	h->by_loss = calloc(h->n_models + 1, sizeof *h->by_loss);
	if (!s || !h->by_loss)
		return false;
	for (size_t i = 0; i < h->n_models; i++)
		s[i] = (struct standing) { -INFINITY, i };
	for (size_t i = 0; i < h->r->cells.n; i++) {
		const struct oqz_cell_result *c = h->r->cells.v[i];
		if (c->status != OQZ_CELL_OK || !c->metrics.n)
			continue;
		double loss = oqz_html_relative_loss(&c->metrics.v[0], c->metrics.v[0].delta);
		struct standing *of = &s[oqz_html_model(h, c->model)];
		if (loss > of->loss)
			of->loss = loss;
	}
	qsort(s, h->n_models, sizeof *s, by_loss);
	for (size_t i = 0; i < h->n_models; i++)
		h->by_loss[i] = s[i].model;
	return true;
}

static size_t count_tags(const char *s)
{
	size_t n = 0;

	for (; (s = strchr(s, '<')) != NULL; s++)
		n++;
	return n;
}

bool oqz_html_choose_details(struct oqz_html *h)
{
	struct oqz_str text = { 0 };
	struct oqz_html trial = *h;
	size_t bytes = 0, tags = 0;
	bool ok = rank_models(h);

	trial.out = &text;
	for (h->n_detailed = 0; ok && h->n_detailed < h->n_models; h->n_detailed++) {
		const char *model = h->models[h->by_loss[h->n_detailed]];
		struct oqz_profile p = { 0 };
		oqz_str_clear(&text);
		ok = oqz_html_profile_make(h->r, model, &p);
		if (ok)
			oqz_html_model_details(&trial, model, &p);
		oqz_html_profile_release(&p);
		ok = ok && oqz_str_ok(&text);
		bytes += text.len;
		tags += count_tags(oqz_str_get(&text));
		if (bytes > DETAIL_BYTES || tags > DETAIL_TAGS)
			break;
	}
	oqz_str_release(&text);
	return ok;
}

size_t oqz_html_table_metrics(const struct oqz_html *h)
{
	size_t most = 1, rows = h->r->cells.n;

	for (;; most++) {
		size_t more = 0;
		for (size_t i = 0; i < h->r->cells.n; i++)
			more += h->r->cells.v[i]->metrics.n > most;
		rows += more;
		if (!more)
			return SIZE_MAX;
		if (rows > METRIC_ROWS)
			return most;
	}
}
