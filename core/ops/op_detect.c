/* SPDX-License-Identifier: Apache-2.0
 *
 * Regions and boxes: RoiAlign, MaxRoiPool, NonMaxSuppression. Where the ONNX text leaves details open, these follow
 * ONNX Runtime, whose results the ONNX test vectors record.
 */
#include "core/ops/ops_util.h"
#include "core/ops/strided.h"

#include <limits.h>
#include <stdlib.h>

/* ---- RoiAlign ---- */

struct roi_params {
	const char *coordinate_transformation_mode, *mode;
	int64_t output_height, output_width, sampling_ratio;
	float spatial_scale;
	struct oqz_ints pooled_shape; /* MaxRoiPool */
};

static const char *const roi_modes[] = { "avg", "max", NULL };
static const char *const roi_transforms[] = { "half_pixel", "output_half_pixel", NULL };

static const struct oqz_attr_spec roi_align_attrs[] = {
	OQZ_A_STRING(struct roi_params, coordinate_transformation_mode, "half_pixel", roi_transforms),
	OQZ_A_STRING(struct roi_params, mode, "avg", roi_modes),
	OQZ_A_INT(struct roi_params, output_height, 1),
	OQZ_A_INT(struct roi_params, output_width, 1),
	OQZ_A_INT(struct roi_params, sampling_ratio, 0),
	OQZ_A_FLOAT(struct roi_params, spatial_scale, 1.0f),
	{ .name = NULL },
};
static const struct oqz_attr_spec max_roi_attrs[] = {
	OQZ_A_REQUIRED(struct roi_params, pooled_shape, OQZ_ATTR_INTS),
	OQZ_A_FLOAT(struct roi_params, spatial_scale, 1.0f),
	{ .name = NULL },
};

/* X (N, C, H, W) and rois (R, columns) -> (R, C, h, w) */
static enum oqz_status infer_roi(struct oqz_infer *c, int64_t columns, int64_t h, int64_t w, struct oqz_err *err)
{
	if (h < 1 || w < 1 || h > INT_MAX || w > INT_MAX)
		OQZ_FAIL(err, OQZ_E_DATA, "an output of %lld x %lld", (long long)h, (long long)w);
	OQZ_TRY(oqz_need_float(c, 0, err));
	OQZ_TRY(oqz_need_rank(c, 0, 4, 4, err));
	OQZ_TRY(oqz_need_rank(c, 1, 2, 2, err));
	int64_t channels = oqz_in_rank(c, 0) == 4 ? c->in[0]->shape.dim[1] : OQZ_DIM_UNKNOWN;
	int64_t rois = oqz_in_rank(c, 1) == 2 ? c->in[1]->shape.dim[0] : OQZ_DIM_UNKNOWN;
	if (oqz_in_rank(c, 1) == 2)
		OQZ_TRY(oqz_need_dim(c->in[1]->shape.dim[1], columns, "columns of the regions", err));
	c->out[0] = (struct oqz_type) { oqz_in_type(c, 0).dtype, { .rank = 4, .dim = { rois, channels, h, w } } };
	return OQZ_OK;
}

static enum oqz_status infer_roi_align(struct oqz_infer *c, struct oqz_err *err)
{
	const struct roi_params *p = OQZ_PARAMS(c->node, struct roi_params);

	OQZ_TRY(oqz_need_rank(c, 2, 1, 1, err));
	OQZ_TRY(infer_roi(c, 4, p->output_height, p->output_width, err));
	if (oqz_in_rank(c, 2) == 1)
		OQZ_TRY(oqz_need_dim(c->in[2]->shape.dim[0], c->out[0].shape.dim[0], "number of batch indices", err));
	return OQZ_OK;
}

static enum oqz_status infer_max_roi(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_ints *s = &OQZ_PARAMS(c->node, struct roi_params)->pooled_shape;

	if (s->n != 2)
		OQZ_FAIL(err, OQZ_E_DATA, "pooled_shape has %zu numbers, should have 2", s->n);
	return infer_roi(c, 5, s->v[0], s->v[1], err);
}

/* One sample: up to four neighbours and their weights. */
struct sample {
	int64_t at[4];
	double weight[4];
};

/* Clamps to the plane as RoiAlign does: more than one pixel outside counts nothing. */
static bool clamp_coordinate(double *x, int64_t extent, int64_t *lo, int64_t *hi)
{
	if (!(*x >= -1 && *x <= (double)extent))
		return false;
	if (*x <= 0)
		*x = 0;
	*lo = (int64_t)*x;
	*hi = *lo + 1;
	if (*lo >= extent - 1) {
		*lo = *hi = extent - 1;
		*x = (double)*lo;
	}
	return true;
}

static struct sample sample_at(double y, double x, int64_t h, int64_t w)
{
	struct sample s = { { 0 }, { 0 } };
	int64_t y0, y1, x0, x1;

	if (!clamp_coordinate(&y, h, &y0, &y1) || !clamp_coordinate(&x, w, &x0, &x1))
		return s;
	double fy = y - (double)y0, fx = x - (double)x0;
	return (struct sample) { { y0 * w + x0, y0 * w + x1, y1 * w + x0, y1 * w + x1 },
		                 { (1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx } };
}

enum { MAX_GRID = 1 << 12 };

struct roi {
	double y, x, bin_h, bin_w; /* start and bin size in input pixels */
	int64_t grid_h, grid_w;    /* samples per bin */
};

static enum oqz_status roi_of(const struct roi_params *p, const double *box, struct roi *ret, struct oqz_err *err)
{
	bool half = strcmp(p->coordinate_transformation_mode, "half_pixel") == 0;
	double offset = half ? 0.5 : 0, scale = (double)p->spatial_scale;
	struct roi r = { .x = box[0] * scale - offset, .y = box[1] * scale - offset };
	double w = box[2] * scale - offset - r.x, h = box[3] * scale - offset - r.y;

	if (!half) { /* the older mode makes malformed regions 1 x 1 */
		w = w > 1 ? w : 1;
		h = h > 1 ? h : 1;
	}
	r.bin_h = h / (double)p->output_height;
	r.bin_w = w / (double)p->output_width;
	/* A grid is at most as fine as the region has pixels; coordinates come from data and may be anything. */
	if (!(isfinite(r.x) && isfinite(r.y) && fabs(r.bin_h) < MAX_GRID && fabs(r.bin_w) < MAX_GRID) ||
	    p->sampling_ratio >= MAX_GRID)
		OQZ_FAIL(err, OQZ_E_LIMIT, "a region is too large, or sampled too finely");
	r.grid_h = p->sampling_ratio > 0 ? p->sampling_ratio : (int64_t)ceil(r.bin_h);
	r.grid_w = p->sampling_ratio > 0 ? p->sampling_ratio : (int64_t)ceil(r.bin_w);
	*ret = r;
	return OQZ_OK;
}

/* y = max(y, w x), and w x whatever y is the first time. */
OQZ_KERNEL static void top_channels(double w, const double *restrict x, double *restrict y, int64_t n, bool first)
{
	for (int64_t i = 0; i < n; i++) {
		double v = w * x[i];
		y[i] = first || v > y[i] ? v : y[i];
	}
}

/* One bin in all channels, y, from an image (h, w, channels). Each sample's place is worked out once. */
static void roi_bin(const struct roi *r, const double *image, const struct oqz_shape *s, int64_t oy, int64_t ox,
                    bool max, double *y)
{
	int64_t count = r->grid_h * r->grid_w, channels = s->dim[1], h = s->dim[2], w = s->dim[3];
	bool first = true;

	memset(y, 0, (size_t)channels * sizeof *y);
	for (int64_t gy = 0; gy < r->grid_h; gy++)
		for (int64_t gx = 0; gx < r->grid_w; gx++) {
			double at_y = r->y + ((double)oy + ((double)gy + 0.5) / (double)r->grid_h) * r->bin_h;
			double at_x = r->x + ((double)ox + ((double)gx + 0.5) / (double)r->grid_w) * r->bin_w;
			struct sample p = sample_at(at_y, at_x, h, w);
			for (int k = 0; k < 4; k++, first = false)
				/* max is taken over the weighted neighbours, not over the interpolated samples */
				if (max)
					top_channels(p.weight[k], image + p.at[k] * channels, y, channels, first);
				else
					oqz_add_f64(p.weight[k], image + p.at[k] * channels, y, channels);
		}
	for (int64_t ch = 0; !max && ch < channels; ch++)
		y[ch] /= (double)(count > 0 ? count : 1);
}

/* (rows, columns) -> (columns, rows) */
static void turn(const double *from, int64_t rows, int64_t columns, double *to)
{
	struct oqz_box box = { .rank = 2, .dim = { rows, columns }, .src = { columns, 1 }, .dst = { 1, rows } };

	oqz_box_copy(&box, sizeof *from, from, to);
}

static enum oqz_status check_batch(int64_t b, int64_t batch, struct oqz_err *err)
{
	if (b < 0 || b >= batch)
		OQZ_FAIL(err, OQZ_E_DATA, "a region of image %lld in a batch of %lld", (long long)b, (long long)batch);
	return OQZ_OK;
}

static enum oqz_status run_roi_align(const struct oqz_call *c, struct oqz_err *err)
{
	const struct roi_params *p = OQZ_PARAMS(c->node, struct roi_params);
	const struct oqz_shape *s = &c->in[0]->shape, *o = &c->out[0]->shape;
	OQZ_CLEANUP_FREE double *x = NULL, *last = NULL, *box = NULL, *y = NULL, *bins = NULL;
	int64_t channels = s->dim[1], plane = s->dim[2] * s->dim[3], out_plane = o->dim[2] * o->dim[3];

	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	OQZ_TRY(oqz_read_f64(c->in[1], &box, err));
	OQZ_TRY(oqz_new_f64(oqz_shape_nelem(s), &last, err)); /* channels-last: a sample is a row of them */
	OQZ_TRY(oqz_new_f64(oqz_shape_nelem(o), &y, err));
	OQZ_TRY(oqz_new_f64(channels * out_plane, &bins, err));
	if (plane == 0 && oqz_shape_nelem(o) > 0)
		OQZ_FAIL(err, OQZ_E_DATA, "regions of an empty image");
	for (int64_t n = 0; n < s->dim[0]; n++)
		turn(x + n * channels * plane, channels, plane, last + n * channels * plane);
	for (int64_t i = 0; i < o->dim[0]; i++) {
		int64_t b = oqz_load_i(c->in[2]->dtype, c->in[2]->data, (size_t)i);
		struct roi r = { 0 };
		OQZ_TRY(check_batch(b, s->dim[0], err));
		OQZ_TRY(roi_of(p, box + 4 * i, &r, err));
		for (int64_t j = 0; j < out_plane; j++)
			roi_bin(&r, last + b * channels * plane, s, j / o->dim[3], j % o->dim[3],
			        strcmp(p->mode, "max") == 0, bins + j * channels);
		turn(bins, out_plane, channels, y + i * channels * out_plane);
	}
	oqz_write_f64(c->out[0], y);
	return OQZ_OK;
}

/* ---- MaxRoiPool ---- */

/* Pixels [lo, hi) of bin i of `bins` over a region that starts at `start` and is `size` long, clipped to the image. */
static void bin_range(double start, double size, int64_t bins, int64_t i, int64_t extent, int64_t *lo, int64_t *hi)
{
	double bin = size / (double)bins, end = (double)extent;

	*lo = (int64_t)fmin(fmax(start + floor((double)i * bin), 0), end);
	*hi = (int64_t)fmin(fmax(start + ceil((double)(i + 1) * bin), 0), end);
}

/* rois: (batch index, x1, y1, x2, y2), corners rounded and inclusive; an empty bin gives 0. */
static enum oqz_status run_max_roi(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape, *o = &c->out[0]->shape;
	double scale = (double)OQZ_PARAMS(c->node, struct roi_params)->spatial_scale;
	OQZ_CLEANUP_FREE double *x = NULL;
	OQZ_CLEANUP_FREE double *box = NULL;
	OQZ_CLEANUP_FREE double *y = NULL;

	OQZ_TRY(oqz_read_f64(c->in[0], &x, err));
	OQZ_TRY(oqz_read_f64(c->in[1], &box, err));
	OQZ_TRY(oqz_new_f64(oqz_shape_nelem(o), &y, err));
	for (int64_t i = 0, n = oqz_shape_nelem(o); i < n; i++) {
		int64_t ox = i % o->dim[3], oy = i / o->dim[3] % o->dim[2],
		        ch = i / (o->dim[2] * o->dim[3]) % o->dim[1];
		const double *r = box + 5 * (i / (o->dim[1] * o->dim[2] * o->dim[3]));
		double x1 = round(r[1] * scale), y1 = round(r[2] * scale);
		int64_t b = r[0] >= 0 && r[0] < (double)s->dim[0] ? (int64_t)r[0] : -1, x_lo, x_hi, y_lo, y_hi;
		OQZ_TRY(check_batch(b, s->dim[0], err));
		bin_range(x1, fmax(round(r[3] * scale) - x1 + 1, 1), o->dim[3], ox, s->dim[3], &x_lo, &x_hi);
		bin_range(y1, fmax(round(r[4] * scale) - y1 + 1, 1), o->dim[2], oy, s->dim[2], &y_lo, &y_hi);
		double best = x_lo < x_hi && y_lo < y_hi ? -INFINITY : 0;
		for (int64_t v = y_lo; v < y_hi; v++)
			for (int64_t u = x_lo; u < x_hi; u++)
				best = fmax(best, x[((b * s->dim[1] + ch) * s->dim[2] + v) * s->dim[3] + u]);
		y[i] = best;
	}
	oqz_write_f64(c->out[0], y);
	return OQZ_OK;
}

/* ---- NonMaxSuppression ---- */

struct nms_params {
	int64_t center_point_box;
};

static const struct oqz_attr_spec nms_attrs[] = {
	OQZ_A_INT(struct nms_params, center_point_box, 0),
	{ .name = NULL },
};

/* boxes (B, N, 4), scores (B, C, N) -> (selected, 3) of (batch, class, box) */
static enum oqz_status infer_nms(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(oqz_need_rank(c, 0, 3, 3, err));
	OQZ_TRY(oqz_need_rank(c, 1, 3, 3, err));
	if (oqz_in_rank(c, 0) == 3 && oqz_in_rank(c, 1) == 3) {
		const int64_t *b = c->in[0]->shape.dim, *s = c->in[1]->shape.dim;
		OQZ_TRY(oqz_need_dim(b[2], 4, "numbers of a box", err));
		OQZ_TRY(oqz_need_dim(s[0], b[0], "batch of the scores", err));
		OQZ_TRY(oqz_need_dim(s[2], b[1], "boxes with scores", err));
	}
	c->out[0] = (struct oqz_type) { OQZ_DT_I64, { .rank = 2, .dim = { OQZ_DIM_UNKNOWN, 3 } } };
	return OQZ_OK;
}

struct candidate {
	double y0, x0, y1, x1;
};

/* Few of the boxes are looked at in the order of their scores, so they stand in a heap instead of being sorted. */
struct ranked {
	double score;
	int64_t box;
};

/* Higher score first, then lower index: a total order. */
static bool ahead(const struct ranked *a, const struct ranked *b)
{
	return a->score > b->score || (a->score == b->score && a->box < b->box);
}

/* Element i sinks to where what lies below it is behind it. */
static void sink(struct ranked *heap, int64_t n, int64_t i)
{
	struct ranked r = heap[i];

	for (int64_t k; (k = 2 * i + 1) < n; i = k) {
		k += k + 1 < n && ahead(&heap[k + 1], &heap[k]);
		if (!ahead(&heap[k], &r))
			break;
		heap[i] = heap[k];
	}
	heap[i] = r;
}

static struct candidate make_candidate(const double *b, bool center)
{
	if (center) /* x, y, width, height */
		return (struct candidate) { b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2 };
	/* y, x of any two opposite corners */
	return (struct candidate) { fmin(b[0], b[2]), fmin(b[1], b[3]), fmax(b[0], b[2]), fmax(b[1], b[3]) };
}

/* The boxes that were kept, coordinate by coordinate, so that a candidate is held against many at once. */
struct kept {
	double *y0, *x0, *y1, *x1;
	int64_t n;
};

enum { KEPT_AT_ONCE = 64 };

/* How many of n kept boxes overlap a by more than `limit`, as intersection over union. */
OQZ_KERNEL
static int count_overlaps(const struct candidate *a, const double *restrict y0, const double *restrict x0,
                          const double *restrict y1, const double *restrict x1, int64_t n, double limit)
{
	double area_a = (a->y1 - a->y0) * (a->x1 - a->x0);
	int count = 0;

	for (int64_t j = 0; j < n; j++) {
		double h = (a->y1 < y1[j] ? a->y1 : y1[j]) - (a->y0 > y0[j] ? a->y0 : y0[j]);
		double w = (a->x1 < x1[j] ? a->x1 : x1[j]) - (a->x0 > x0[j] ? a->x0 : x0[j]);
		double area = (y1[j] - y0[j]) * (x1[j] - x0[j]), both = h * w, iou = both / (area_a + area - both);
		bool apart = (h <= 0) | (w <= 0) | (area_a <= 0) | (area <= 0);

		count += !((apart ? 0 : iou) <= limit);
	}
	return count;
}

static bool overlaps_none(const struct candidate *a, const struct kept *k, double limit)
{
	for (int64_t j = 0; j < k->n; j += KEPT_AT_ONCE) {
		int64_t n = k->n - j < KEPT_AT_ONCE ? k->n - j : KEPT_AT_ONCE;
		if (count_overlaps(a, k->y0 + j, k->x0 + j, k->y1 + j, k->x1 + j, n, limit))
			return false;
	}
	return true;
}

static void keep(struct kept *k, const struct candidate *c)
{
	k->y0[k->n] = c->y0;
	k->x0[k->n] = c->x0;
	k->y1[k->n] = c->y1;
	k->x1[k->n++] = c->x1;
}

struct nms {
	int64_t most;
	double iou, score;
	bool use_score, center;
	OQZ_VEC(int64_t) picked;
};

static void nms_release(struct nms *n) { oqz_vec_release(&n->picked); }

static bool pick(struct nms *n, int64_t batch, int64_t cls, int64_t box)
{
	return oqz_vec_push(&n->picked, batch) && oqz_vec_push(&n->picked, cls) && oqz_vec_push(&n->picked, box);
}

/* One class of one image. `heap` and `k` have room for all boxes. */
static enum oqz_status suppress(struct nms *n, struct ranked *heap, struct kept *k, const double *boxes,
                                const double *scores, int64_t count, int64_t batch, int64_t cls, struct oqz_err *err)
{
	int64_t left = 0;

	for (int64_t i = 0; i < count; i++)
		if ((!n->use_score && !isnan(scores[i])) || scores[i] > n->score)
			heap[left++] = (struct ranked) { scores[i], i };
	for (int64_t i = left / 2 - 1; i >= 0; i--)
		sink(heap, left, i);
	for (k->n = 0; left > 0 && k->n < n->most; sink(heap, left, 0)) {
		int64_t box = heap[0].box;
		struct candidate c = make_candidate(boxes + 4 * box, n->center);
		heap[0] = heap[--left];
		if (!overlaps_none(&c, k, n->iou))
			continue;
		if (!pick(n, batch, cls, box))
			return oqz_err_nomem(err, "selected boxes", 0);
		keep(k, &c);
	}
	return OQZ_OK;
}

static double scalar_or(const struct oqz_tensor *t, double dflt)
{
	return t && oqz_tensor_nelem(t) > 0 ? oqz_load_f(t->dtype, t->data, 0) : dflt;
}

static enum oqz_status run_nms(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[1]->shape;
	OQZ_CLEANUP(nms_release) struct nms n = { 0 };
	OQZ_CLEANUP_FREE double *boxes = NULL;
	OQZ_CLEANUP_FREE double *scores = NULL;
	OQZ_CLEANUP_FREE struct ranked *work = calloc((size_t)s->dim[2] + 1, sizeof *work);
	OQZ_CLEANUP_FREE double *room = calloc((size_t)s->dim[2] + 1, 4 * sizeof *room);
	int64_t most = s->dim[2];
	struct kept k = { room, room + most, room + 2 * most, room + 3 * most, 0 };

	if (!work || !room)
		return oqz_err_nomem(err, "boxes", (size_t)s->dim[2] * sizeof *work);
	n.most = c->in[2] && oqz_tensor_nelem(c->in[2]) > 0 ? oqz_load_i(c->in[2]->dtype, c->in[2]->data, 0) : 0;
	n.iou = scalar_or(c->in[3], 0);
	n.use_score = c->in[4] != NULL;
	n.score = scalar_or(c->in[4], 0);
	n.center = OQZ_PARAMS(c->node, struct nms_params)->center_point_box != 0;
	OQZ_TRY(oqz_read_f64(c->in[0], &boxes, err));
	OQZ_TRY(oqz_read_f64(c->in[1], &scores, err));
	for (int64_t i = 0; i < s->dim[0] * s->dim[1]; i++)
		OQZ_TRY(suppress(&n, work, &k, boxes + i / s->dim[1] * s->dim[2] * 4, scores + i * s->dim[2], s->dim[2],
		                 i / s->dim[1], i % s->dim[1], err));
	const struct oqz_shape out = { .rank = 2, .dim = { (int64_t)(n.picked.n / 3), 3 } };
	OQZ_TRY(oqz_tensor_alloc(c->out[0], OQZ_DT_I64, &out, err));
	if (n.picked.n)
		memcpy(c->out[0]->data, n.picked.v, n.picked.n * sizeof *n.picked.v);
	return OQZ_OK;
}

const struct oqz_op oqz_ops_detect[] = {
	{ OQZ_ROW(MAX_ROI_POOL), OQZ_ROW_PARAMS(struct roi_params, max_roi_attrs), .infer = infer_max_roi,
	  .run = run_max_roi, OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX) },
	{ OQZ_ROW(NON_MAX_SUPPRESSION), OQZ_ROW_PARAMS(struct nms_params, nms_attrs), .infer = infer_nms,
	  .run = run_nms,
	  OQZ_ROW_ROLES(OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX) },
	{ OQZ_ROW(ROI_ALIGN), OQZ_ROW_PARAMS(struct roi_params, roi_align_attrs), .infer = infer_roi_align,
	  .run = run_roi_align, OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX) },
	{ .name = NULL },
};
