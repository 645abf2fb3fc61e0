/* SPDX-License-Identifier: Apache-2.0
 *
 * MoveNet: the person's centre first, from there a rough place of each keypoint by regression, then the heatmap's
 * maximum near that place, moved by the offset that the network gives for its cell. As the public PyTorch version
 * decodes it (movenetDecode): of a heatmap's values those near the rough place weigh more, by 1 / (distance + 1.8) in
 * cells, and regressed places are rounded by adding a half and cutting. Among centres those near the middle of the
 * frame weigh more by the same rule, for pictures with several persons. float32 as there.
 */
#include "pose.h"

#include <math.h>

/* First maximum of map / (distance to (x, y) + 1.8); NaN left out. -1 without any. */
static int64_t nearest_maximum(const float *map, int64_t h, int64_t w, float x, float y)
{
	int64_t best = -1;
	float most = 0;

	for (int64_t i = 0; i < h * w; i++) {
		float dx = (float)(i % w) - x, dy = (float)(i / w) - y;
		float v = map[i] / (sqrtf(dx * dx + dy * dy) + 1.8f);
		if (isnan(v) || (best >= 0 && v <= most))
			continue;
		best = i;
		most = v;
	}
	return best;
}

static enum oqz_status check_maps(const struct task *t, const struct oqz_output *const o[4], struct oqz_failure *f)
{
	static const int64_t channels[4] = { COCO_KEYPOINTS, 1, 2 * COCO_KEYPOINTS, 2 * COCO_KEYPOINTS };
	const int64_t *first = o[0]->view.shape.dim;

	for (int i = 0; i < 4; i++) {
		const struct oqz_shape *s = &o[i]->view.shape;
		if (s->rank != 4 || s->dim[0] != 1 || s->dim[1] != channels[i] || s->dim[2] < 1 || s->dim[3] < 1 ||
		    s->dim[2] != first[2] || s->dim[3] != first[3])
			return t->host->fail(
			    f, OQZ_E_MISMATCH,
			    "output '%s' is not (1, %lld, H, W) of one size with the others: heatmaps, "
			    "centres, regression, offsets, in this order",
			    o[i]->name, (long long)channels[i]);
	}
	return OQZ_OK;
}

enum oqz_status decode_offsets(const struct task *t, const struct oqz_output *const o[4], const struct oqz_geometry *g,
                               struct keypoints *ret, struct oqz_failure *f)
{
	TRY(check_maps(t, o, f));
	const int64_t h = o[0]->view.shape.dim[2], w = o[0]->view.shape.dim[3], n = h * w;
	const float *heat = o[0]->view.data, *regression = o[2]->view.data, *offset = o[3]->view.data;
	const float sx = (float)((double)g->net_width / (double)w), sy = (float)((double)g->net_height / (double)h);
	int64_t centre = nearest_maximum(o[1]->view.data, h, w, (float)(w - 1) / 2, (float)(h - 1) / 2);

	for (int k = 0; k < COCO_KEYPOINTS; k++, heat += n, regression += 2 * n, offset += 2 * n) {
		float *v = ret->v[k], rough[2] = { 0, 0 };
		if (centre >= 0) {
			rough[0] = truncf(regression[centre] + 0.5f) + (float)(centre % w);
			rough[1] = truncf(regression[n + centre] + 0.5f) + (float)(centre / w);
		}
		int64_t at = nearest_maximum(heat, h, w, rough[0], rough[1]);
		v[0] = v[1] = -1;
		v[2] = at < 0 ? 0 : heat[at];
		if (at < 0 || (t->reject && v[2] <= 0))
			continue;
		v[0] = ((float)(at % w) + offset[at]) * sx;
		v[1] = ((float)(at / w) + offset[n + at]) * sy;
	}
	return OQZ_OK;
}

enum oqz_status decode_rows(const struct task *t, const struct oqz_output *o, const struct oqz_geometry *g,
                            struct keypoints *ret, struct oqz_failure *f)
{
	const struct oqz_shape *s = &o->view.shape;
	const float *p = o->view.data;
	int64_t n = 1;

	for (int i = 0; i < s->rank; i++)
		n *= s->dim[i];
	if (n != 3 * COCO_KEYPOINTS || s->dim[s->rank - 1] != 3)
		return t->host->fail(f, OQZ_E_MISMATCH, "output '%s' is not 17 rows of y, x and score", o->name);
	for (int k = 0; k < COCO_KEYPOINTS; k++, p += 3) {
		ret->v[k][0] = p[1] * (float)g->net_width;
		ret->v[k][1] = p[0] * (float)g->net_height;
		ret->v[k][2] = p[2];
	}
	return OQZ_OK;
}
