/* SPDX-License-Identifier: Apache-2.0
 *
 * GridSample and AffineGrid, for two and three spatial dimensions. A sample is a weighted sum over a small box of
 * pixels: one tap per dimension for nearest, two for linear, four for cubic; what lies outside is found by the padding
 * mode.
 */
#include "core/ops/op_grid.h"
#include "core/ops/ops_util.h"

enum { MAX_SPATIAL = 3, MAX_TAPS = OQZ_GRID_TAPS, MAX_BOX = MAX_TAPS * MAX_TAPS * MAX_TAPS };

static enum oqz_status infer_sample(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *x = &c->in[0]->shape, *g = &c->in[1]->shape;

	OQZ_TRY(oqz_need_rank(c, 0, 4, 5, err));
	OQZ_TRY(oqz_need_rank(c, 1, 4, 5, err));
	c->out[0].dtype = c->in[0]->dtype;
	if (x->rank < 0 || g->rank < 0)
		return OQZ_OK;
	if (x->rank != g->rank)
		OQZ_FAIL(err, OQZ_E_DATA, "a grid of rank %d for a tensor of rank %d", g->rank, x->rank);
	OQZ_TRY(oqz_need_dim(g->dim[g->rank - 1], x->rank - 2, "coordinates of the grid", err));
	OQZ_TRY(oqz_need_dim(g->dim[0], x->dim[0], "batch of the grid", err));
	c->out[0].shape = oqz_shape_unknown(x->rank);
	c->out[0].shape.dim[0] = x->dim[0];
	c->out[0].shape.dim[1] = x->dim[1];
	for (int d = 2; d < x->rank; d++)
		c->out[0].shape.dim[d] = g->dim[d - 1];
	return OQZ_OK;
}

/* Reflects x into [lo, hi]. */
static double reflect(double x, double lo, double hi)
{
	double range = hi - lo;

	if (!(range > 0) || !isfinite(x))
		return lo;
	double r = fmod(x < lo ? lo - x : x - lo, 2 * range);
	return r <= range ? lo + r : hi - (r - range);
}

/* A pixel coordinate brought inside by the padding mode; "zeros" leaves it alone. */
static double bring_in(const struct oqz_grid_params *p, double x, int64_t n)
{
	double edge = p->align_corners ? 0 : -0.5;

	if (p->padding_mode[0] == 'b')
		return x < 0 ? 0 : x > (double)(n - 1) ? (double)(n - 1) : x;
	if (p->padding_mode[0] == 'r' && (x < edge || x > (double)(n - 1) - edge))
		return reflect(x, edge, (double)(n - 1) - edge);
	return x;
}

int oqz_grid_taps(const struct oqz_grid_params *p, double coordinate, int64_t n, int64_t *index, double *weight)
{
	const double a = -0.75;
	double x = p->align_corners ? (coordinate + 1) / 2 * (double)(n - 1) : ((coordinate + 1) * (double)n - 1) / 2;
	int count = p->mode[0] == 'n' ? 1 : p->mode[0] == 'l' ? 2 : 4;

	if (!isfinite(x))
		x = -1;
	x = bring_in(p, count == 1 ? rint(x) : x, n);
	double base = count == 1 ? rint(x) : floor(x), f = x - base;
	for (int k = 0; k < count; k++) {
		int offset = count == 4 ? k - 1 : k;
		double at = bring_in(p, base + offset, n), d = fabs(f - offset);

		at = rint(at);
		index[k] = at >= 0 && at <= (double)(n - 1) ? (int64_t)at : -1;
		if (count == 4)
			weight[k] =
			    d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
		else
			weight[k] = count == 1 ? 1 : 1 - d;
	}
	return count;
}

/* The box of taps of one grid point: offsets into a channel (-1: a zero) and weights. Returns their number. */
static int box_of(const struct oqz_grid_params *p, const struct oqz_tensor *x, const struct oqz_tensor *grid,
                  size_t point, int64_t *offset, double *weight)
{
	int dims = x->shape.rank - 2, count = 1;

	offset[0] = 0;
	weight[0] = 1;
	for (int d = 0; d < dims; d++) {
		int64_t index[MAX_TAPS], old[MAX_BOX], n = x->shape.dim[2 + d];
		double w[MAX_TAPS], was[MAX_BOX];
		/* The grid's last dimension is (x, y, z): innermost first. */
		double at = oqz_load_f(grid->dtype, grid->data, point * (size_t)dims + (size_t)(dims - 1 - d));
		int taps = oqz_grid_taps(p, at, n, index, w);

		memcpy(old, offset, (size_t)count * sizeof *old);
		memcpy(was, weight, (size_t)count * sizeof *was);
		for (int i = count - 1; i >= 0; i--)
			for (int k = 0; k < taps; k++) {
				offset[i * taps + k] = old[i] < 0 || index[k] < 0 ? -1 : old[i] * n + index[k];
				weight[i * taps + k] = was[i] * w[k];
			}
		count *= taps;
	}
	return count;
}

/* sum[i] += weight[i] * x[offset[i]] for n points; a negative offset is a zero. */
OQZ_KERNEL
static void add_taps(const double *restrict x, const int32_t *restrict offset, const double *restrict weight,
                     double *restrict sum, int n)
{
	for (int i = 0; i < n; i++)
		sum[i] += offset[i] < 0 ? 0 : weight[i] * x[offset[i]];
}

/* Points whose taps are found once and then used for all channels, tap by tap. */
enum { POINTS_AT_ONCE = 64 };

struct block {
	int points, taps;
	int32_t offset[MAX_BOX][POINTS_AT_ONCE];
	double weight[MAX_BOX][POINTS_AT_ONCE];
};

static void find_taps(const struct oqz_grid_params *p, const struct oqz_call *c, int64_t first, int64_t points,
                      struct block *b)
{
	int64_t offset[MAX_BOX];
	double weight[MAX_BOX];

	b->points = (int)(points < POINTS_AT_ONCE ? points : POINTS_AT_ONCE);
	for (int i = 0; i < b->points; i++) {
		b->taps = box_of(p, c->in[0], c->in[1], (size_t)(first + i), offset, weight);
		for (int k = 0; k < b->taps; k++) {
			b->offset[k][i] = (int32_t)offset[k];
			b->weight[k][i] = weight[k];
		}
	}
}

/* The block's points of one channel, whose plane is x. */
static void sample_block(const struct block *b, const double *x, double *sum)
{
	memset(sum, 0, (size_t)b->points * sizeof *sum);
	for (int k = 0; k < b->taps; k++)
		add_taps(x, b->offset[k], b->weight[k], sum, b->points);
}

static void store_numbers(struct oqz_tensor *t, int64_t first, const double *v, int n)
{
	float *plain = t->data;

	if (t->dtype == OQZ_DT_F32)
		for (int i = 0; i < n; i++)
			plain[first + i] = (float)v[i];
	else
		for (int i = 0; i < n; i++)
			oqz_store_f(t->dtype, t->data, (size_t)(first + i), v[i]);
}

static enum oqz_status run_sample(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_grid_params *p = OQZ_PARAMS(c->node, struct oqz_grid_params);
	const struct oqz_tensor *x = c->in[0];
	int64_t batch = x->shape.dim[0], channels = x->shape.dim[1];
	int64_t plane = oqz_shape_span(&x->shape, 2, x->shape.rank),
	        points = oqz_shape_span(&c->in[1]->shape, 1, x->shape.rank - 1);
	OQZ_CLEANUP_FREE struct block *b = malloc(sizeof *b);
	OQZ_CLEANUP_FREE double *v = NULL;
	double sum[POINTS_AT_ONCE];

	if (x->shape.rank == 5 && p->mode[0] == 'c')
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "cubic GridSample of three spatial dimensions");
	if (plane == 0 && points > 0)
		OQZ_FAIL(err, OQZ_E_DATA, "an empty image to sample from");
	if (plane > INT32_MAX)
		OQZ_FAIL(err, OQZ_E_LIMIT, "an image of %lld points to sample from", (long long)plane);
	if (!b)
		return oqz_err_nomem(err, "samples", sizeof *b);
	OQZ_TRY(oqz_read_f64(x, &v, err));
	for (int64_t n = 0; n < batch; n++)
		for (int64_t i = 0; i < points; i += POINTS_AT_ONCE) {
			find_taps(p, c, n * points + i, points - i, b);
			for (int64_t ch = n * channels; ch < (n + 1) * channels; ch++) {
				sample_block(b, v + ch * plane, sum);
				store_numbers(c->out[0], ch * points + i, sum, b->points);
			}
		}
	return OQZ_OK;
}

/* ---- AffineGrid ---- */

struct affine {
	int64_t align_corners;
};

static enum oqz_status infer_affine(struct oqz_infer *c, struct oqz_err *err)
{
	int64_t size[OQZ_MAX_RANK];
	size_t n;
	bool known;

	OQZ_TRY(oqz_need_rank(c, 0, 3, 3, err));
	c->out[0].dtype = c->in[0]->dtype;
	OQZ_TRY(oqz_const_ints(c, 1, size, OQZ_MAX_RANK, &n, &known, err));
	if (!known)
		return OQZ_OK;
	if (n != 4 && n != 5)
		OQZ_FAIL(err, OQZ_E_DATA, "a size of %zu dims", n);
	if (c->in[0]->shape.rank >= 0) {
		OQZ_TRY(oqz_need_dim(c->in[0]->shape.dim[0], size[0], "batch of theta", err));
		OQZ_TRY(oqz_need_dim(c->in[0]->shape.dim[1], (int64_t)n - 2, "rows of theta", err));
		OQZ_TRY(oqz_need_dim(c->in[0]->shape.dim[2], (int64_t)n - 1, "columns of theta", err));
	}
	c->out[0].shape = oqz_shape_unknown((int)n);
	c->out[0].shape.dim[0] = size[0];
	for (size_t d = 2; d < n; d++)
		c->out[0].shape.dim[d - 1] = size[d];
	c->out[0].shape.dim[n - 1] = (int64_t)n - 2;
	return OQZ_OK;
}

/* Coordinates -1..1 of pixel i of n: at the pixels' centres, or with the corner pixels at the ends. */
static double spread(int64_t i, int64_t n, bool align)
{
	if (align)
		return n > 1 ? -1 + 2 * (double)i / (double)(n - 1) : 0;
	return -1 + (2 * (double)i + 1) / (double)n;
}

static enum oqz_status run_affine(const struct oqz_call *c, struct oqz_err *err)
{
	bool align = OQZ_PARAMS(c->node, struct affine)->align_corners != 0;
	const struct oqz_tensor *theta = c->in[0];
	struct oqz_tensor *out = c->out[0];
	int dims = out->shape.rank - 2;
	int64_t points = oqz_shape_span(&out->shape, 1, dims + 1), total = out->shape.dim[0] * points;

	(void)err;
	for (int64_t i = 0; i < total; i++) {
		double v[MAX_SPATIAL + 1];
		int64_t rest = i % points;

		/* v is (x, y, z, 1): innermost dimension first. */
		for (int d = 0; d < dims; d++) {
			int64_t n = out->shape.dim[dims - d];

			v[d] = spread(rest % n, n, align);
			rest /= n;
		}
		v[dims] = 1;
		for (int r = 0; r < dims; r++) {
			double sum = 0;

			for (int k = 0; k <= dims; k++)
				sum += v[k] * oqz_load_f(theta->dtype, theta->data,
				                         (size_t)((i / points * dims + r) * (dims + 1) + k));
			oqz_store_f(out->dtype, out->data, (size_t)(i * dims + r), sum);
		}
	}
	return OQZ_OK;
}

static const char *const modes[] = { "linear", "nearest", "cubic", NULL };
static const char *const paddings[] = { "zeros", "border", "reflection", NULL };
static const struct oqz_attr_spec sample_attrs[] = {
	OQZ_A_INT(struct oqz_grid_params, align_corners, 0),
	OQZ_A_STRING(struct oqz_grid_params, mode, "linear", modes),
	OQZ_A_STRING(struct oqz_grid_params, padding_mode, "zeros", paddings),
	{ .name = NULL },
};
static const struct oqz_attr_spec affine_attrs[] = { OQZ_A_INT(struct affine, align_corners, 0), { .name = NULL } };

const struct oqz_op oqz_ops_grid[] = {
	{ OQZ_ROW(AFFINE_GRID), OQZ_ROW_PARAMS(struct affine, affine_attrs),
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX), .infer = infer_affine, .run = run_affine },
	{ OQZ_ROW(GRID_SAMPLE), OQZ_ROW_PARAMS(struct oqz_grid_params, sample_attrs), .infer = infer_sample,
	  .run = run_sample },
	{ .name = NULL },
};
