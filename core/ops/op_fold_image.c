/* SPDX-License-Identifier: Apache-2.0
 *
 * Col2Im: columns of sliding blocks back into an image, overlaps added up. The inverse walk of im2col, in any number of
 * spatial dimensions.
 */
#include "core/ops/ops_util.h"

struct col2im {
	struct oqz_ints dilations, pads, strides;
};

struct fold {
	int dims;
	int64_t image[OQZ_MAX_RANK], block[OQZ_MAX_RANK], dilation[OQZ_MAX_RANK], stride[OQZ_MAX_RANK];
	int64_t pad[OQZ_MAX_RANK], columns[OQZ_MAX_RANK]; /* pad: before; columns: block positions along each dim */
	int64_t block_size, n_columns, image_size;
};

static int64_t at_or(const struct oqz_ints *l, int i, int64_t otherwise) { return l->v ? l->v[i] : otherwise; }

static enum oqz_status product(const int64_t *v, int n, int64_t *ret, struct oqz_err *err)
{
	*ret = 1;
	for (int i = 0; i < n; i++)
		if (v[i] < 1 || !oqz_i64_mul(*ret, v[i], ret))
			OQZ_FAIL(err, OQZ_E_DATA, "dimension %lld", (long long)v[i]);
	return OQZ_OK;
}

static enum oqz_status fold_plan(const struct oqz_node *n, const struct oqz_tensor *image,
                                 const struct oqz_tensor *block, struct fold *f, struct oqz_err *err)
{
	const struct col2im *p = OQZ_PARAMS(n, struct col2im);
	size_t dims, same;

	OQZ_TRY(oqz_read_ints(image, f->image, OQZ_MAX_RANK - 2, &dims, err));
	OQZ_TRY(oqz_read_ints(block, f->block, OQZ_MAX_RANK - 2, &same, err));
	f->dims = (int)dims;
	if (dims < 1 || dims != same || (p->dilations.v && p->dilations.n != dims) ||
	    (p->strides.v && p->strides.n != dims) || (p->pads.v && p->pads.n != 2 * dims))
		OQZ_FAIL(err, OQZ_E_DATA, "image, block, dilations, strides and pads differ in their number of dims");
	OQZ_TRY(product(f->image, f->dims, &f->image_size, err));
	OQZ_TRY(product(f->block, f->dims, &f->block_size, err));
	for (int d = 0; d < f->dims; d++) {
		int64_t extent, room;

		f->dilation[d] = at_or(&p->dilations, d, 1);
		f->stride[d] = at_or(&p->strides, d, 1);
		f->pad[d] = at_or(&p->pads, d, 0);
		if (f->dilation[d] < 1 || f->stride[d] < 1 || f->pad[d] < 0 || at_or(&p->pads, d + f->dims, 0) < 0 ||
		    !oqz_i64_mul(f->dilation[d], f->block[d] - 1, &extent) ||
		    !oqz_i64_add(f->image[d], f->pad[d], &room) ||
		    !oqz_i64_add(room, at_or(&p->pads, d + f->dims, 0), &room) || room - 1 < extent)
			OQZ_FAIL(err, OQZ_E_DATA, "blocks do not fit the image along dimension %d", d);
		f->columns[d] = (room - 1 - extent) / f->stride[d] + 1;
	}
	return product(f->columns, f->dims, &f->n_columns, err);
}

static enum oqz_status infer_col2im(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *x = &c->in[0]->shape;
	struct fold f;

	OQZ_TRY(oqz_need_rank(c, 0, 3, 3, err));
	c->out[0].dtype = c->in[0]->dtype;
	if (!c->constant[1] || !c->constant[2])
		return OQZ_OK;
	OQZ_TRY(fold_plan(c->node, c->constant[1], c->constant[2], &f, err));
	c->out[0].shape = oqz_shape_unknown(2 + f.dims);
	for (int d = 0; d < f.dims; d++)
		c->out[0].shape.dim[2 + d] = f.image[d];
	if (x->rank < 0)
		return OQZ_OK;
	OQZ_TRY(oqz_need_dim(x->dim[2], f.n_columns, "columns", err));
	if (x->dim[1] >= 0 && x->dim[1] % f.block_size)
		OQZ_FAIL(err, OQZ_E_DATA, "%lld rows are no multiple of a block of %lld", (long long)x->dim[1],
		         (long long)f.block_size);
	c->out[0].shape.dim[0] = x->dim[0];
	c->out[0].shape.dim[1] = x->dim[1] < 0 ? OQZ_DIM_UNKNOWN : x->dim[1] / f.block_size;
	return OQZ_OK;
}

/* Columns [*lo, *hi) along the last dim that lie inside the image where a place of the block is at `shift` in column 0.
 */
static void inside(const struct fold *f, int64_t shift, int64_t *lo, int64_t *hi)
{
	int last = f->dims - 1;
	int64_t step = f->stride[last], end = f->image[last] - shift;

	*lo = shift < 0 ? (-shift + step - 1) / step : 0;
	*hi = end <= 0 ? 0 : (end - 1) / step + 1;
	if (*hi > f->columns[last])
		*hi = f->columns[last];
}

/* Image element that a place of the block, `shift` from the block's corner, covers in column 0 of the row of columns
 * with these coordinates, as if the image went on to the sides, without its place along the last dim. -1: none of the
 * row's columns covers an element. */
static int64_t row_of(const struct fold *f, const int64_t *shift, const int64_t *row)
{
	int64_t at = 0;

	for (int d = 0; d < f->dims - 1; d++) {
		int64_t x = row[d] * f->stride[d] + shift[d];

		if (x < 0 || x >= f->image[d])
			return -1;
		at = at * f->image[d] + x;
	}
	return at * f->image[f->dims - 1];
}

/* One body for columns as they lie in memory and as doubles. */
#define ADD_COLUMNS(name, T)                                                                \
	OQZ_KERNEL static void name(const void *from, int64_t n, int64_t step, double *sum) \
	{                                                                                   \
		const T *x = from;                                                          \
		if (step == 1)                                                              \
			OQZ_IVDEP for (int64_t k = 0; k < n; k++) sum[k] += (double)x[k];   \
		else                                                                        \
			for (int64_t k = 0; k < n; k++)                                     \
				sum[k * step] += (double)x[k];                              \
	}
ADD_COLUMNS(add_floats, float)
ADD_COLUMNS(add_doubles, double)

/* One plane: x is (block, columns), of elements of `size`. Blocks' places in turn, columns within, which is the order
 * of every sum. */
static void fold_plane(const struct fold *f, const char *x, size_t size, double *sum)
{
	int last = f->dims - 1;
	int64_t columns = f->columns[last], step = f->stride[last], shift[OQZ_MAX_RANK], lo, hi;

	for (int64_t b = 0; b < f->block_size; b++) {
		int64_t row[OQZ_MAX_RANK] = { 0 }, in = b;

		for (int d = last; d >= 0; d--) {
			shift[d] = in % f->block[d] * f->dilation[d] - f->pad[d];
			in /= f->block[d];
		}
		inside(f, shift[last], &lo, &hi);
		for (int64_t r = 0; r < f->n_columns / columns; r++, x += (size_t)columns * size) {
			int64_t at = row_of(f, shift, row);

			if (at >= 0 && lo < hi)
				(size == sizeof(float) ? add_floats : add_doubles)(
				    x + (size_t)lo * size, hi - lo, step, sum + (at + shift[last] + lo * step));
			for (int d = last - 1; d >= 0 && ++row[d] == f->columns[d]; d--)
				row[d] = 0;
		}
	}
}

static enum oqz_status run_col2im(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE double *sum = NULL;
	OQZ_CLEANUP_FREE double *x = NULL;
	struct fold f;

	OQZ_TRY(fold_plan(c->node, c->in[1], c->in[2], &f, err));
	int64_t planes = c->out[0]->shape.dim[0] * c->out[0]->shape.dim[1];
	int64_t blocks = planes ? f.block_size * f.n_columns : 0; /* no more than there are elements */
	bool floats = c->in[0]->dtype == OQZ_DT_F32;
	OQZ_TRY(oqz_new_f64(floats ? 0 : blocks, &x, err));
	OQZ_TRY(oqz_new_f64(planes ? f.image_size : 0, &sum, err));
	for (int64_t p = 0; p < planes; p++) {
		memset(sum, 0, (size_t)f.image_size * sizeof *sum);
		if (floats) {
			fold_plane(&f, (const char *)((const float *)c->in[0]->data + p * blocks), sizeof(float), sum);
		} else {
			oqz_load_row(c->in[0]->dtype, c->in[0]->data, (size_t)(p * blocks), (size_t)blocks, x);
			fold_plane(&f, (const char *)x, sizeof *x, sum);
		}
		oqz_store_row(c->out[0]->dtype, sum, (size_t)f.image_size, c->out[0]->data, (size_t)(p * f.image_size));
	}
	return OQZ_OK;
}

static const struct oqz_attr_spec col2im_attrs[] = {
	OQZ_A_INTS(struct col2im, dilations),
	OQZ_A_INTS(struct col2im, pads),
	OQZ_A_INTS(struct col2im, strides),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_fold_image[] = {
	{ OQZ_ROW(COL2IM), OQZ_ROW_PARAMS(struct col2im, col2im_attrs),
	  OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX, OQZ_ROLE_INDEX), .infer = infer_col2im,
	  .run = run_col2im },
	{ .name = NULL },
};
