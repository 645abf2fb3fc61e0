/* SPDX-License-Identifier: Apache-2.0
 *
 * From outputs to candidates, cell by cell, as a head's row says. An output may be a feature map (1, C, H, W), a map
 * per anchor (1, A, H, W, C) or rows of cells (1, N, C) or (1, C, N); a level may be one output or have classes, boxes
 * and objectness apart; levels may stand in any order, since the number of cells tells them apart, or be joined along
 * N.
 *
 * Numbers are float32 with each operation rounded, as the originals compute them.
 */
#include "heads.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* One part (classes, box or objectness) of all cells of a plane. */
struct channels {
	const float *at;
	int64_t cell, channel; /* steps */
};

/* Cells of one level and anchor, row by row. */
struct plane {
	struct channels part[N_PARTS]; /* at NULL: the head has no such part */
	int64_t n, width;
	float stride, anchor[2];
};

static float sigmoid(float x) { return 1 / (1 + expf(-x)); }

static float expected_bin(const struct channels *c, int64_t cell, int64_t first, int bins)
{
	const float *p = c->at + cell * c->cell + first * c->channel;
	float most = p[0], sum = 0, e[MAX_BINS], mean = 0;

	for (int k = 1; k < bins; k++)
		most = fmaxf(most, p[k * c->channel]);
	for (int k = 0; k < bins; k++)
		sum += e[k] = expf(p[k * c->channel] - most);
	for (int k = 0; k < bins; k++)
		mean += (float)k * (e[k] / sum);
	return mean;
}

static void centre_box(float cx, float cy, float w, float h, float box[4])
{
	box[0] = cx - w / 2;
	box[1] = cy - h / 2;
	box[2] = cx + w / 2;
	box[3] = cy + h / 2;
}

/* x0, y0, x1, y1 in network pixels. FastestDet gives shares of the frame, which a stride divides. */
static void cell_box(const struct task *t, const struct plane *p, int64_t cell, const float frame[2], float box[4])
{
	const struct channels *c = &p->part[PART_BOX];
	const float gx = p->width ? (float)(cell % p->width) : 0, gy = p->width ? (float)(cell / p->width) : 0;
	const float s = p->stride, cx = gx + t->head->centre, cy = gy + t->head->centre;
	float v[4];

	for (int k = 0; k < 4; k++)
		v[k] = t->head->coding == BOX_BINS ? expected_bin(c, cell, (int64_t)k * t->bins, t->bins)
		                                   : c->at[cell * c->cell + k * c->channel];
	switch (t->head->coding) {
	case BOX_ANCHOR:
		for (int k = 0; k < 4; k++)
			v[k] = sigmoid(v[k]) * 2;
		centre_box((v[0] - 0.5f + gx) * s, (v[1] - 0.5f + gy) * s, v[2] * v[2] * p->anchor[0],
		           v[3] * v[3] * p->anchor[1], box);
		break;
	case BOX_SIDES:
	case BOX_BINS:
		box[0] = (cx - v[0]) * s;
		box[1] = (cy - v[1]) * s;
		box[2] = (cx + v[2]) * s;
		box[3] = (cy + v[3]) * s;
		break;
	case BOX_EXP: centre_box((v[0] + gx) * s, (v[1] + gy) * s, expf(v[2]) * s, expf(v[3]) * s, box); break;
	case BOX_TANH:
		centre_box((tanhf(v[0]) + gx) * s, (tanhf(v[1]) + gy) * s, sigmoid(v[2]) * frame[0],
		           sigmoid(v[3]) * frame[1], box);
		break;
	case BOX_CENTRE: centre_box(v[0], v[1], v[2], v[3], box); break;
	default: memcpy(box, v, sizeof v);
	}
}

static bool passes(const struct task *t, float score)
{
	return t->inclusive ? score >= t->score_threshold : score > t->score_threshold;
}

static float class_score(const struct head *h, const struct channels *c, int64_t cell, int64_t k, float object)
{
	float x = c->at[cell * c->cell + k * c->channel];

	if (h->sigmoid)
		x = sigmoid(x);
	return h->power ? powf(object, 0.6f) * powf(x, 0.4f) : object * x;
}

/* Adds the cells of a plane; they are numbered from `first`. */
static enum oqz_status decode_plane(const struct task *t, const struct plane *p, size_t first, const float frame[2],
                                    struct candidates *c, struct oqz_failure *f)
{
	const struct head *h = t->head;
	const struct channels *object = &p->part[PART_OBJECT], *class = &p->part[PART_CLASS];

	for (int64_t cell = 0; cell < p->n; cell++) {
		uint32_t at = (uint32_t)(first + (size_t)cell), best = 0;
		float o = object->at ? object->at[cell * object->cell] : 1, best_score = -INFINITY;
		size_t before = c->n;
		if (object->at && h->sigmoid)
			o = sigmoid(o);
		if (object->at && !h->power && !passes(t, o))
			continue; /* YOLOv5's first filter; a class score above 1 could differ */
		for (size_t k = 0; k < t->n_classes; k++) {
			float score = class_score(h, class, cell, (int64_t)k, o);
			if (t->multi_label && passes(t, score))
				TRY(candidates_add(t, c, score, (uint32_t)k, at, f));
			if (score > best_score) {
				best_score = score;
				best = (uint32_t)k;
			}
		}
		if (!t->multi_label && passes(t, best_score))
			TRY(candidates_add(t, c, best_score, best, at, f));
		if (c->n > before)
			cell_box(t, p, cell, frame, c->boxes[at]);
	}
	return OQZ_OK;
}

/* -------------------------------------------------------------------------------------------------- outputs */

/* An output as cells x channels. */
struct rows {
	const char *name;
	const float *at;
	int64_t n, width;              /* cells of a plane; 0 wide: no map */
	int64_t cell, channel, anchor; /* steps */
	int role;                      /* enum part; N_PARTS: all of them */
};

static int64_t part_channels(const struct task *t, char part)
{
	return part == 'c' ? (int64_t)t->n_classes : part == 'o' ? 1 : t->head->coding == BOX_BINS ? 4 * t->bins : 4;
}

static int64_t all_channels(const struct task *t)
{
	int64_t n = 0;

	for (const char *o = t->head->order; *o; o++)
		n += part_channels(t, *o);
	return n;
}

/* What an output with that many channels is; -1: none of it. */
static int role_of(const struct task *t, int64_t channels)
{
	static const char letters[] = "cbo";

	if (channels == all_channels(t))
		return N_PARTS;
	for (int p = 0; p < N_PARTS; p++)
		if (strchr(t->head->order, letters[p]) && channels == part_channels(t, letters[p]))
			return p;
	return -1;
}

static enum oqz_status open_rows(const struct task *t, const struct oqz_output *o, struct rows *ret,
                                 struct oqz_failure *f)
{
	const int64_t *d = o->view.shape.dim, a = (int64_t)t->n_anchors;
	int rank = o->view.shape.rank;
	struct rows r = { .name = o->name, .at = o->view.data, .role = -1 };

	if (o->view.dtype != OQZ_DT_F32)
		return t->host->fail(f, OQZ_E_UNSUPPORTED, "output '%s' is not float32", o->name);
	if (rank == 2) { /* (N, C), one image */
		r.role = role_of(t, d[1]);
		r.n = d[0];
		r.cell = d[1];
		r.channel = 1;
	} else if (rank == 3 && d[0] == 1) {
		bool last = role_of(t, d[2]) >= 0;
		r.role = role_of(t, last ? d[2] : d[1]);
		r.n = last ? d[1] : d[2];
		r.cell = last ? d[2] : 1;
		r.channel = last ? 1 : d[2];
	} else if (rank == 4 && d[0] == 1 && d[1] % a == 0) {
		r.role = role_of(t, d[1] / a);
		r.n = d[2] * d[3];
		r.width = d[3];
		r.cell = 1;
		r.channel = r.n;
		r.anchor = r.n * (d[1] / a);
	} else if (rank == 5 && d[0] == 1 && d[1] == a) {
		r.role = role_of(t, d[4]);
		r.n = d[2] * d[3];
		r.width = d[3];
		r.cell = d[4];
		r.channel = 1;
		r.anchor = r.n * d[4];
	}
	if (r.role < 0 || r.n < 0)
		return t->host->fail(f, OQZ_E_MISMATCH,
		                     "output '%s' does not fit the head '%s' with %zu classes, which has %" PRId64
		                     " channels in all (and %" PRId64 " of a box)",
		                     o->name, t->head->name, t->n_classes, all_channels(t), part_channels(t, 'b'));
	*ret = r;
	return OQZ_OK;
}

/* More cells first. */
static void insert(struct rows *list, size_t *n, const struct rows *r)
{
	size_t i = (*n)++;

	for (; i && list[i - 1].n < r->n; i--)
		list[i] = list[i - 1];
	list[i] = *r;
}

/* The outputs by part and level: full ones, or each part apart. */
struct sorted {
	struct rows of[N_PARTS + 1][MAX_STRIDES];
	size_t n[N_PARTS + 1];
};

static enum oqz_status sort_outputs(const struct task *t, const struct oqz_output *const *outputs, size_t n,
                                    struct sorted *s, size_t *levels, struct oqz_failure *f)
{
	static const char letters[] = "cbo";

	for (size_t i = 0; i < n; i++) {
		struct rows r = { 0 };
		TRY(open_rows(t, outputs[i], &r, f));
		if (s->n[r.role] == MAX_STRIDES)
			return t->host->fail(f, OQZ_E_MISMATCH, "more than %d outputs like '%s'", MAX_STRIDES, r.name);
		insert(s->of[r.role], &s->n[r.role], &r);
	}
	bool full = s->n[N_PARTS] > 0;
	*levels = full ? s->n[N_PARTS] : s->n[PART_BOX];
	for (int p = 0; p < N_PARTS; p++) {
		size_t want = full || !strchr(t->head->order, letters[p]) ? 0 : *levels;
		bool fits = s->n[p] == want;
		for (size_t i = 0; fits && i < want; i++)
			fits = s->of[p][i].n == s->of[PART_BOX][i].n;
		if (!fits || *levels == 0)
			return t->host->fail(f, OQZ_E_MISMATCH,
			                     "the outputs are not levels of the head '%s': of classes, boxes and "
			                     "objectness there are %zu, %zu and %zu, of all in one %zu",
			                     t->head->name, s->n[0], s->n[1], s->n[2], s->n[3]);
	}
	return OQZ_OK;
}

/* Where each part of level i begins. */
static void open_plane(const struct task *t, const struct sorted *s, size_t i, struct plane *p)
{
	static const char letters[] = "cbo";
	const struct rows *full = s->n[N_PARTS] ? &s->of[N_PARTS][i] : NULL;
	int64_t at = 0;

	*p = (struct plane) { .n = full ? full->n : s->of[PART_BOX][i].n,
		              .width = full ? full->width : s->of[PART_BOX][i].width };
	for (const char *o = t->head->order; *o; o++) {
		int part = (int)(strchr(letters, *o) - letters);
		const struct rows *r = full ? full : &s->of[part][i];
		p->part[part] = (struct channels) { r->at + (full ? at * r->channel : 0), r->cell, r->channel };
		at += part_channels(t, *o);
	}
}

static void skip_cells(struct plane *p, int64_t cells)
{
	for (int part = 0; part < N_PARTS; part++)
		if (p->part[part].at)
			p->part[part].at += cells * p->part[part].cell;
}

static int64_t side(int32_t net, int64_t stride) { return (net + stride - 1) / stride; }

/* Cells of all levels of a network of that size. */
static int64_t grid_cells(const struct task *t, const struct oqz_geometry *g)
{
	int64_t n = 0;

	for (size_t i = 0; i < t->n_strides; i++)
		n += side(g->net_width, t->strides[i]) * side(g->net_height, t->strides[i]);
	return n;
}

/* Anchors of a level; those of a map are stacked along channels, those of rows along cells. */
static enum oqz_status decode_level(const struct task *t, const struct sorted *s, struct plane *p, size_t level,
                                    bool joined, size_t *cell, const struct oqz_geometry *g, struct candidates *c,
                                    struct oqz_failure *f)
{
	const float frame[2] = { (float)g->net_width, (float)g->net_height };
	const struct rows *first =
	    s->n[N_PARTS] ? &s->of[N_PARTS][joined ? 0 : level] : &s->of[PART_BOX][joined ? 0 : level];

	if (t->n_strides) {
		int64_t w = side(g->net_width, t->strides[level]), h = side(g->net_height, t->strides[level]);
		int64_t n = joined ? w * h : first->width ? p->n : p->n / (int64_t)t->n_anchors;
		if (n != w * h || (first->width && first->width != w))
			return t->host->fail(f, OQZ_E_MISMATCH,
			                     "output '%s' has %" PRId64 " cells; stride %" PRId64
			                     " of a network of %dx%d gives %" PRId64,
			                     first->name, n, t->strides[level], (int)g->net_width, (int)g->net_height,
			                     w * h);
		p->n = n;
		p->width = w;
		p->stride = (float)t->strides[level];
	}
	for (size_t a = 0; a < t->n_anchors; a++) {
		if (t->anchors) {
			const double *size = t->anchors + 2 * (level * t->n_anchors + a);
			p->anchor[0] = (float)size[0];
			p->anchor[1] = (float)size[1];
		}
		TRY(decode_plane(t, p, *cell, frame, c, f));
		*cell += (size_t)p->n;
		if (first->width) {
			for (int part = 0; part < N_PARTS; part++)
				if (p->part[part].at)
					p->part[part].at += first->anchor;
		} else {
			skip_cells(p, p->n);
		}
	}
	return OQZ_OK;
}

enum oqz_status decode_grid(const struct task *t, const struct oqz_output *const *outputs, size_t n,
                            const struct oqz_geometry *g, struct candidates *ret, struct oqz_failure *f)
{
	struct sorted s = { 0 };
	struct plane p;
	size_t levels = 0, cell = 0, cells = 0;

	TRY(sort_outputs(t, outputs, n, &s, &levels, f));
	open_plane(t, &s, 0, &p);
	bool joined = levels == 1 && t->n_strides > 1 && p.width == 0;
	if (joined && p.n != grid_cells(t, g) * (int64_t)t->n_anchors)
		return t->host->fail(
		    f, OQZ_E_MISMATCH,
		    "the output has %" PRId64 " cells, the strides of a network of %dx%d give %" PRId64, p.n,
		    (int)g->net_width, (int)g->net_height, grid_cells(t, g) * (int64_t)t->n_anchors);
	if (!joined && t->n_strides && levels != t->n_strides)
		return t->host->fail(f, OQZ_E_MISMATCH, "the outputs have %zu levels, the strides are %zu", levels,
		                     t->n_strides);
	if (!t->n_strides && levels != 1)
		return t->host->fail(f, OQZ_E_MISMATCH, "the head '%s' is one output, not %zu", t->head->name, levels);
	for (size_t i = 0; i < levels; i++)
		cells += (size_t)(s.n[N_PARTS] ? s.of[N_PARTS][i].n : s.of[PART_BOX][i].n) * t->n_anchors;
	if (cells >= UINT32_MAX)
		return t->host->fail(f, OQZ_E_LIMIT, "an output of %zu cells", cells);
	TRY(candidates_reserve(t, ret, cells, f));
	for (size_t i = 0; i < (joined ? t->n_strides : levels); i++) {
		if (!joined)
			open_plane(t, &s, i, &p);
		TRY(decode_level(t, &s, &p, i, joined, &cell, g, ret, f));
	}
	return OQZ_OK;
}
