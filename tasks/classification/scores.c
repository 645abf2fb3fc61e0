/* SPDX-License-Identifier: Apache-2.0
 *
 * An image's scores and the rank of its label among them. Ties are broken by index (rank = scores above + equal scores
 * at lower indices), which makes the rank a function of the scores alone; torch.topk leaves it open.
 */
#include "classification.h"

#include <inttypes.h>
#include <math.h>

/* Scores of one image as doubles, whatever the model gives: all dimensions but one are 1. */
struct scores {
	const struct oqz_view *view;
	int64_t first, n; /* without a background class */
};

static double score_at(const struct scores *s, int64_t i)
{
	const void *data = s->view->data;

	i += s->first;
	switch (s->view->dtype) {
	case OQZ_DT_F32: return ((const float *)data)[i];
	case OQZ_DT_F64: return ((const double *)data)[i];
	case OQZ_DT_U8: return ((const uint8_t *)data)[i];
	case OQZ_DT_I8: return ((const int8_t *)data)[i];
	case OQZ_DT_I32: return ((const int32_t *)data)[i];
	default: return (double)((const int64_t *)data)[i];
	}
}

static enum oqz_status open_scores(const struct task *t, const struct oqz_output *o, struct scores *ret,
                                   struct oqz_failure *f)
{
	int64_t n = 1, wide = 0;

	for (int i = 0; i < o->view.shape.rank; i++) {
		int64_t d = o->view.shape.dim[i];
		wide += d != 1;
		if (d != 1)
			n = d;
	}
	switch (o->view.dtype) {
	case OQZ_DT_F32:
	case OQZ_DT_F64:
	case OQZ_DT_U8:
	case OQZ_DT_I8:
	case OQZ_DT_I32:
	case OQZ_DT_I64: break;
	default:
		return t->host->fail(f, OQZ_E_UNSUPPORTED,
		                     "output '%s' has element type %d, scores are f32, f64 or integers", o->name,
		                     (int)o->view.dtype);
	}
	if (wide > 1 || n < 1 || n >= UINT32_MAX)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' is not one score per class: it has %" PRId64
		                     " dimensions larger than 1",
		                     o->name, wide);
	bool drop = t->background == BACKGROUND_DROP || (t->background == BACKGROUND_AUTO && n == 1001);
	if (drop && n < 2)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' has one score: no background class to drop",
		                     o->name);
	*ret = (struct scores) { &o->view, drop, n - drop };
	return OQZ_OK;
}

/* Rank of the label and the best class; NaN counts as -inf. */
static void rank_scores(const struct scores *s, uint32_t label, struct record *ret)
{
	double y = score_at(s, label), best = -INFINITY;
	bool label_nan = isnan(y);
	uint32_t above = 0;

	*ret = (struct record) { .label = label, .nan = label_nan };
	if (label_nan)
		y = -INFINITY;
	for (int64_t j = 0; j < s->n; j++) {
		double x = score_at(s, j);
		if (isnan(x)) {
			ret->nan = true;
			x = -INFINITY;
		}
		above += x > y || (x == y && j < label);
		if (x > best) {
			best = x;
			ret->best = (uint32_t)j;
		}
	}
	ret->rank = label_nan ? RANK_MISS : above;
	ret->best_score = (float)best;
}

enum oqz_status classification_rank(struct task *t, const char *id, const struct oqz_output *o, uint64_t label,
                                    struct record *ret, struct oqz_failure *f)
{
	struct scores s = { 0 };
	enum oqz_status st = open_scores(t, o, &s, f);

	if (st != OQZ_OK)
		return st;
	if (label == NO_LABEL)
		return t->host->fail(f, OQZ_E_DATA, "'%s' has no label: the reader 'images' is for calibration", id);
	if (label >= (uint64_t)s.n)
		return t->host->fail(f, OQZ_E_DATA,
		                     "'%s' has the label %" PRIu64 ", but the model has %" PRId64 " classes", id, label,
		                     s.n);
	if (t->n_classes && (int64_t)t->n_classes != s.n && !atomic_exchange(&t->warned, true))
		t->host->log(t->host, OQZ_LOG_WARN,
		             "classification: %zu classes in the data set, %" PRId64 " in the model%s", t->n_classes,
		             s.n, t->class_names.n ? "" : ": labels are probably shifted; give 'synsets'");
	rank_scores(&s, (uint32_t)label, ret);
	return OQZ_OK;
}

bool classification_hit(const struct record *r, int64_t k) { return r->rank != RANK_MISS && (int64_t)r->rank < k; }

enum oqz_status classification_score(void *self, const struct oqz_item *item, const struct oqz_output *outputs,
                                     size_t n_outputs, const struct oqz_geometry *geometry, void *record_sink,
                                     struct oqz_failure *f)
{
	struct task *t = self;
	struct record r;

	const struct oqz_output *o = common_output(t->host, t->output, "scores", outputs, n_outputs, f);
	if (!o)
		return OQZ_E_MISMATCH;
	enum oqz_status st = classification_rank(t, item->id, o, item->tag, &r, f);
	return st == OQZ_OK ? classification_record_add(t, &r, record_sink, f) : st;
}
