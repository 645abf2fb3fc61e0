/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs that end in their own suppression: boxes, scores, labels, maybe a number of detections. Rows
 * with label -1 fill up the output. Outputs go by their names, since shapes do not tell labels from scores when a
 * rewired graph has them all in float32.
 */
#include "heads.h"

#include <math.h>
#include <string.h>

enum { BOXES, SCORES, LABELS, NUMBER, N_FINAL };

static const char *const known_names[][N_FINAL] = {
	{ "boxes", "scores", "labels", "num_dets" },
	{ "boxes", "/Split_output_1", "labels", "num_dets" },
	{ "det_boxes", "det_scores", "det_classes", "num_dets" },
	{ "detection_boxes", "detection_scores", "detection_classes", "num_detections" },
};

static int kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof known_names / sizeof *known_names; i++)
		for (int k = 0; k < N_FINAL; k++)
			if (strcmp(known_names[i][k], name) == 0)
				return k;
	return -1;
}

static int64_t count(const struct oqz_output *o)
{
	int64_t n = 1;

	for (int i = 0; i < o->view.shape.rank; i++)
		n *= o->view.shape.dim[i];
	return n;
}

/* An element of float32 or an integer type; NaN for others. */
static double value(const struct oqz_output *o, int64_t i)
{
	switch (o->view.dtype) {
	case OQZ_DT_F32: return ((const float *)o->view.data)[i];
	case OQZ_DT_I32: return ((const int32_t *)o->view.data)[i];
	case OQZ_DT_I64: return (double)((const int64_t *)o->view.data)[i];
	default: return NAN;
	}
}

static enum oqz_status find(const struct task *t, const struct oqz_output *const *outputs, size_t n,
                            const struct oqz_output *ret[N_FINAL], struct oqz_failure *f)
{
	memset(ret, 0, N_FINAL * sizeof *ret);
	/* Named in order by the parameter `outputs`, or else by the names that exporters give. */
	for (size_t i = 0; i < n; i++) {
		int k = t->n_output_names ? (int)i : kind_of(outputs[i]->name);
		if (k >= N_FINAL || (k >= 0 && ret[k]))
			return t->host->fail(f, OQZ_E_MISMATCH, "the output '%s' is one too many", outputs[i]->name);
		if (k >= 0)
			ret[k] = outputs[i];
	}
	for (int k = 0; k < NUMBER; k++)
		if (!ret[k])
			return t->host->fail(f, OQZ_E_MISMATCH,
			                     "none of the outputs is called '%s'; say in `outputs` which hold boxes, "
			                     "scores and labels, in this order",
			                     known_names[0][k]);
	int64_t rows = count(ret[SCORES]);
	if (count(ret[BOXES]) != 4 * rows || count(ret[LABELS]) != rows)
		return t->host->fail(f, OQZ_E_MISMATCH, "%lld boxes, %lld scores and %lld labels",
		                     (long long)count(ret[BOXES]) / 4, (long long)rows, (long long)count(ret[LABELS]));
	return OQZ_OK;
}

enum oqz_status decode_final(const struct task *t, const struct oqz_output *const *outputs, size_t n,
                             struct candidates *ret, struct oqz_failure *f)
{
	const struct oqz_output *of[N_FINAL];

	TRY(find(t, outputs, n, of, f));
	int64_t rows = count(of[SCORES]);
	if (of[NUMBER] && count(of[NUMBER]) == 1 && value(of[NUMBER], 0) < (double)rows)
		rows = value(of[NUMBER], 0) > 0 ? (int64_t)value(of[NUMBER], 0) : 0;
	TRY(candidates_reserve(t, ret, (size_t)rows, f));
	for (int64_t i = 0; i < rows; i++) {
		double label = value(of[LABELS], i), score = value(of[SCORES], i);
		if (label == -1 || !(t->inclusive ? score >= t->score_threshold : score > t->score_threshold))
			continue;
		if (!(label >= 0 && label < (double)t->n_classes))
			return t->host->fail(f, OQZ_E_DATA, "the label %g, but there are %zu classes", label,
			                     t->n_classes);
		for (int k = 0; k < 4; k++)
			ret->boxes[i][k] = (float)value(of[BOXES], 4 * i + k);
		TRY(candidates_add(t, ret, (float)score, (uint32_t)lrint(label), (uint32_t)i, f));
	}
	return OQZ_OK;
}
