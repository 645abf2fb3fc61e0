/* SPDX-License-Identifier: Apache-2.0
 *
 * Results as CSV (RFC 4180): one row per cell and metric, one row per layer. Numbers read back to the same double; a
 * number that does not exist is an empty field.
 */
#include "core/base/str.h"
#include "core/result/results.h"
#include "core/result/words.h"

#include <inttypes.h>
#include <math.h>

static void text(struct oqz_str *out, const char *s)
{
	if (s)
		oqz_str_add_csv(out, s);
	oqz_str_add(out, ",");
}

static void number(struct oqz_str *out, double x, const char *end)
{
	if (!isnan(x))
		oqz_str_add_double(out, x);
	oqz_str_add(out, end);
}

/* A count of images; a metric without hits has none. */
static void flips(struct oqz_str *out, int64_t n, const char *end)
{
	if (n >= 0)
		oqz_str_addf(out, "%" PRId64, n);
	oqz_str_add(out, end);
}

static void cell_head(struct oqz_str *out, const struct oqz_cell_result *c)
{
	text(out, c->model);
	text(out, c->scheme);
	text(out, c->task);
	text(out, oqz_word(oqz_cell_words, c->status));
}

void oqz_results_csv(const struct oqz_results *r, struct oqz_str *out)
{
	oqz_str_add(
	    out, "model,scheme,task,status,metric,float,quantized,delta,ci95_low,ci95_high,p,test,images,failed_images,"
	         "aqe,mqe,oqe,message,p_holm,detectable,lost,gained\n");
	for (size_t i = 0; i < r->cells.n; i++) {
		const struct oqz_cell_result *c = r->cells.v[i];
		if (c->status != OQZ_CELL_OK) {
			cell_head(out, c);
			oqz_str_add(out, ",,,,,,,,,,,,,");
			if (c->message)
				oqz_str_add_csv(out, c->message);
			oqz_str_add(out, ",,,,\n");
			continue;
		}
		for (size_t k = 0; k < c->metrics.n; k++) {
			const struct oqz_metric_result *m = &c->metrics.v[k];
			cell_head(out, c);
			text(out, m->name);
			number(out, m->value_float, ",");
			number(out, m->value_quantized, ",");
			number(out, m->delta, ",");
			number(out, m->ci_lo, ",");
			number(out, m->ci_hi, ",");
			number(out, m->p, ",");
			text(out, oqz_word(oqz_test_words, m->test));
			oqz_str_addf(out, "%" PRId64 ",%" PRId64 ",", c->images, c->failed_images);
			number(out, c->aqe, ",");
			number(out, c->mqe, ",");
			number(out, c->oqe, ",,");
			number(out, m->p_holm, ",");
			number(out, m->detectable, ",");
			flips(out, m->lost, ",");
			flips(out, m->gained, "\n");
		}
	}
}

void oqz_results_layers_csv(const struct oqz_results *r, struct oqz_str *out)
{
	oqz_str_add(
	    out,
	    "model,scheme,index,node,op,cumulative,local,cumulative_mean,cumulative_max,weight_error,input_scale,macs,"
	    "engine\n");
	for (size_t i = 0; i < r->cells.n; i++) {
		const struct oqz_cell_result *c = r->cells.v[i];
		for (size_t k = 0; k < c->layers.n; k++) {
			const struct oqz_layer_result *l = &c->layers.v[k];
			text(out, c->model);
			text(out, c->scheme);
			oqz_str_addf(out, "%zu,", k);
			text(out, l->node);
			text(out, l->op);
			number(out, l->cumulative.pooled, ",");
			number(out, l->has_local ? l->local.pooled : NAN, ",");
			number(out, l->cumulative.mean, ",");
			number(out, l->cumulative.max, ",");
			number(out, l->weight_error, ",");
			number(out, l->input_scale, ",");
			oqz_str_addf(out, "%" PRId64 ",", l->macs);
			if (l->engine)
				oqz_str_add_csv(out, l->engine);
			oqz_str_add(out, "\n");
		}
	}
}
