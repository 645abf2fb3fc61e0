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

/* Image element that place `in` of the block at position `column` covers, or -1 in the padding. */
static int64_t covered(const struct fold *f, int64_t in, int64_t column)
{
	int64_t at = 0, pitch = 1;

	for (int d = f->dims - 1; d >= 0; d--) {
		int64_t x = column % f->columns[d] * f->stride[d] + in % f->block[d] * f->dilation[d] - f->pad[d];

		if (x < 0 || x >= f->image[d])
			return -1;
		at += x * pitch;
		pitch *= f->image[d];
		column /= f->columns[d];
		in /= f->block[d];
	}
	return at;
}

static enum oqz_status run_col2im(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	OQZ_CLEANUP_FREE double *sum = NULL;
	struct fold f;

	OQZ_TRY(fold_plan(c->node, c->in[1], c->in[2], &f, err));
	int64_t planes = c->out[0]->shape.dim[0] * c->out[0]->shape.dim[1];
	OQZ_TRY(oqz_new_f64(oqz_tensor_nelem(c->out[0]), &sum, err));
	for (int64_t b = 0; b < f.block_size; b++)
		for (int64_t k = 0; k < f.n_columns; k++) {
			int64_t at = covered(&f, b, k);

			for (int64_t p = 0; p < planes && at >= 0; p++)
				sum[p * f.image_size + at] +=
				    oqz_load_f(x->dtype, x->data, (size_t)((p * f.block_size + b) * f.n_columns + k));
		}
	oqz_write_f64(c->out[0], sum);
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
