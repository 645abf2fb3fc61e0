/* SPDX-License-Identifier: Apache-2.0
 *
 * Outputs of pose models to keypoints in network pixels: heatmaps with the quarter shift, SimCC's two
 * distributions, coordinates. float32, as the originals.
 */
#include "pose.h"

#include <math.h>
#include <string.h>

enum { MAX_OUTPUTS = 4 };

static size_t n_wanted(enum pose_head head) { return head == HEAD_SIMCC ? 2 : head == HEAD_OFFSETS ? 4 : 1; }

/* The head's outputs: those that are named, in that order, or else all. */
static enum oqz_status find_outputs(const struct task *t, const struct oqz_output *outputs, size_t n,
                                    const struct oqz_output *ret[MAX_OUTPUTS], struct oqz_failure *f)
{
	size_t have = t->n_output_names ? t->n_output_names : n, want = n_wanted(t->head);

	if (have != want)
		return t->host->fail(f, OQZ_E_MISMATCH, "%zu outputs, the head takes %zu; say which in `outputs`", have,
		                     want);
	for (size_t i = 0; i < want; i++) {
		ret[i] = t->n_output_names ? NULL : &outputs[i];
		for (size_t k = 0; k < n && !ret[i]; k++)
			if (strcmp(outputs[k].name, t->output_names[i]) == 0)
				ret[i] = &outputs[k];
		if (!ret[i])
			return common_no_output(t->host, t->output_names[i], outputs, n, f);
		if (ret[i]->view.dtype != OQZ_DT_F32)
			return t->host->fail(f, OQZ_E_UNSUPPORTED, "output '%s' is not float32", ret[i]->name);
	}
	return OQZ_OK;
}

static float sign(float x) { return (float)((x > 0) - (x < 0)); }

int64_t first_maximum(const float *x, int64_t n)
{
	int64_t best = -1;

	for (int64_t i = 0; i < n; i++)
		if (!isnan(x[i]) && (best < 0 || x[i] > x[best]))
			best = i;
	return best;
}

void heatmap_peak(const float *map, int64_t h, int64_t w, bool shift, bool reject, float ret[3])
{
	int64_t at = first_maximum(map, h * w), x, y;

	ret[0] = ret[1] = -1;
	ret[2] = at < 0 ? 0 : map[at];
	if (at < 0 || (reject && map[at] <= 0))
		return;
	x = at % w;
	y = at / w;
	ret[0] = (float)x;
	ret[1] = (float)y;
	/* The original's bounds, odd as they are: x = 1 is left alone, and y = 0 keeps x from moving. */
	if (shift && 1 < x && x < w - 1 && 0 < y)
		ret[0] += 0.25f * sign(map[at + 1] - map[at - 1]);
	if (shift && 1 < y && y < h - 1 && 0 < x)
		ret[1] += 0.25f * sign(map[at + w] - map[at - w]);
}

static enum oqz_status decode_heatmap(const struct task *t, const struct oqz_output *o, const struct oqz_geometry *g,
                                      struct keypoints *ret, struct oqz_failure *f)
{
	const int64_t *d = o->view.shape.dim;

	if (o->view.shape.rank != 4 || d[0] != 1 || d[1] != COCO_KEYPOINTS || d[2] < 1 || d[3] < 1)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is not (1, 17, H, W)", o->name);
	const float sx = (float)((double)g->net_width / (double)d[3]),
	            sy = (float)((double)g->net_height / (double)d[2]);
	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		heatmap_peak((const float *)o->view.data + k * d[2] * d[3], d[2], d[3], t->shift, t->reject, ret->v[k]);
		ret->v[k][0] *= sx;
		ret->v[k][1] *= sy;
	}
	return OQZ_OK;
}

static bool is_axis(const struct task *t, const struct oqz_output *o, int32_t side)
{
	const struct oqz_shape *s = &o->view.shape;

	return s->rank == 3 && s->dim[0] == 1 && s->dim[1] == COCO_KEYPOINTS &&
	       s->dim[2] == (int64_t)rint(side * t->split);
}

static enum oqz_status decode_simcc(const struct task *t, const struct oqz_output *x, const struct oqz_output *y,
                                    const struct oqz_geometry *g, struct keypoints *ret, struct oqz_failure *f)
{
	if (!is_axis(t, x, g->net_width) && is_axis(t, y, g->net_width)) {
		const struct oqz_output *other = x;
		x = y;
		y = other;
	}
	if (!is_axis(t, x, g->net_width) || !is_axis(t, y, g->net_height))
		return t->host->fail(f, OQZ_E_MISMATCH, "outputs '%s' and '%s' are not (1, 17, %g) and (1, 17, %g)",
		                     x->name, y->name, g->net_width * t->split, g->net_height * t->split);
	const struct oqz_output *axes[2] = { x, y };
	for (int k = 0; k < COCO_KEYPOINTS; k++) {
		float *v = ret->v[k];
		v[2] = INFINITY;
		for (int a = 0; a < 2; a++) {
			int64_t n = axes[a]->view.shape.dim[2];
			const float *p = (const float *)axes[a]->view.data + k * n;
			int64_t at = first_maximum(p, n);
			v[a] = (float)at;
			v[2] = fminf(v[2], at < 0 ? 0 : p[at]);
		}
		for (int a = 0; a < 2; a++)
			v[a] = (v[2] <= 0 && t->reject ? -1 : v[a]) / (float)t->split;
	}
	return OQZ_OK;
}

static enum oqz_status decode_regression(const struct task *t, const struct oqz_output *o, const struct oqz_geometry *g,
                                         struct keypoints *ret, struct oqz_failure *f)
{
	int64_t n = 1;

	for (int i = 0; i < o->view.shape.rank; i++)
		n *= o->view.shape.dim[i];
	if (n != 2 * COCO_KEYPOINTS && n != 4 * COCO_KEYPOINTS)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' has %lld values, not 17 times 2 or 4", o->name,
		                     (long long)n);
	const float *p = o->view.data;
	for (int k = 0; k < COCO_KEYPOINTS; k++, p += n / COCO_KEYPOINTS) {
		ret->v[k][0] = p[0] * (float)g->net_width;
		ret->v[k][1] = p[1] * (float)g->net_height;
		ret->v[k][2] = 1;
	}
	return OQZ_OK;
}

enum oqz_status pose_decode(const struct task *t, const struct oqz_output *outputs, size_t n,
                            const struct oqz_geometry *g, struct keypoints *ret, struct oqz_failure *f)
{
	const struct oqz_output *o[MAX_OUTPUTS];

	TRY(find_outputs(t, outputs, n, o, f));
	switch (t->head) {
	case HEAD_HEATMAP: return decode_heatmap(t, o[0], g, ret, f);
	case HEAD_SIMCC: return decode_simcc(t, o[0], o[1], g, ret, f);
	case HEAD_OFFSETS: return decode_offsets(t, o, g, ret, f);
	case HEAD_ROWS: return decode_rows(t, o[0], g, ret, f);
	default: return decode_regression(t, o[0], g, ret, f);
	}
}
