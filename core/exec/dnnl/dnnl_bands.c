/* SPDX-License-Identifier: Apache-2.0
 *
 * See dnnl_bands.h. How high a band is depends on the output's shape alone, so that all lanes of an evaluation,
 * whatever type they compute in, have the same ones.
 */
#include "core/exec/dnnl/dnnl_bands.h"

#include <string.h>

size_t oqz_dnnl_band = (size_t)64 * 1024;
/* No bands where rows are longer than a few times that, or weights that come by for each band are more. */
enum { LONG = 4, HEAVY = 2 };

void oqz_dnnl_bands_release(struct oqz_dnnl_bands *b)
{
	for (int i = 0; i < b->n_kinds; i++)
		oqz_dnnl_prim_free(b->kind[i].prim);
	memset(b, 0, sizeof *b);
}

/* Rows in a band: a divisor of all rows where one is near what is wanted, as then fewer kinds are needed. */
static int64_t choose_rows(int64_t all, size_t row)
{
	int64_t want = row >= oqz_dnnl_band ? 1 : (int64_t)(oqz_dnnl_band / row);

	if (all * 2 <= want * 3)
		return all;
	for (int64_t r = want; 2 * r > want; r--)
		if (all % r == 0)
			return r;
	return want;
}

static size_t weights_of(const struct oqz_dnnl_conv_geom *g)
{
	size_t n = 1;

	for (int i = 0; i < g->n_wdims; i++)
		n *= (size_t)g->wdims[i];
	return n;
}

int64_t oqz_dnnl_bands_rows(const struct oqz_dnnl_conv_geom *g, int64_t batch, int64_t out_rows, size_t out_row)
{
	int64_t rows = batch == 1 ? choose_rows(out_rows, out_row) : out_rows;

	if ((size_t)rows * out_row > LONG * oqz_dnnl_band || (rows < out_rows && weights_of(g) > HEAVY * oqz_dnnl_band))
		return 0;
	return rows;
}

struct extent {
	int64_t first, in, out, pad_l, pad_r;
};

/* Band i: its rows of the input (the first and how many), of the output, and what is padded. */
static struct extent extent_of(const struct oqz_dnnl_bands *b, size_t i)
{
	const struct oqz_dnnl_window *w = &b->win;
	int64_t o = (int64_t)i * b->rows, n = b->out_rows - o < b->rows ? b->out_rows - o : b->rows;
	int64_t from = o * w->stride[0] - w->pad_l[0];
	int64_t to = from + (n - 1) * w->stride[0] + (w->kernel[0] - 1) * (w->dilate[0] + 1) + 1;
	int64_t first = from < 0 ? 0 : from, last = to > b->in_rows ? b->in_rows : to;

	return (
	    struct extent) { .first = first, .in = last - first, .out = n, .pad_l = first - from, .pad_r = to - last };
}

static int find_kind(const struct oqz_dnnl_bands *b, const struct extent *e)
{
	for (int i = 0; i < b->n_kinds; i++)
		if (b->kind[i].in == e->in && b->kind[i].out == e->out && b->kind[i].pad_l == e->pad_l &&
		    b->kind[i].pad_r == e->pad_r)
			return i;
	return -1;
}

/* A channels-last descriptor with another number of rows. */
static enum oqz_status with_rows(const dnnl_memory_desc_t *md, int64_t rows, dnnl_memory_desc_t *ret,
                                 struct oqz_err *err)
{
	struct oqz_shape s = { .rank = 4 };

	for (int i = 0; i < 4; i++)
		s.dim[i] = i == 2 ? rows : md->dims[i];
	if (!oqz_dnnl_md(&s, md->data_type, OQZ_LAYOUT_CHANNELS_LAST, ret))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a band of %lld rows", (long long)rows);
	return OQZ_OK;
}

static enum oqz_status add_kind(struct oqz_dnnl_bands *b, const struct extent *e, const struct oqz_dnnl_conv_geom *g,
                                const dnnl_memory_desc_t *src, const dnnl_memory_desc_t *dst,
                                const dnnl_memory_desc_t *bias, const struct oqz_dnnl_attr *attr, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_prim_free_cleanup) struct oqz_dnnl_prim *p = NULL;
	struct oqz_dnnl_conv_geom band = *g;
	dnnl_memory_desc_t s, d, any = oqz_dnnl_md_any(oqz_dnnl_prim_md(b->whole, dnnl_query_weights_md));
	dnnl_convolution_desc_t cd;

	if (b->n_kinds == OQZ_DNNL_BAND_KINDS || e->in < 1)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "bands of too many kinds");
	band.win.pad_l[0] = e->pad_l;
	band.win.pad_r[0] = e->pad_r;
	OQZ_TRY(with_rows(src, e->in, &s, err));
	OQZ_TRY(with_rows(dst, e->out, &d, err));
	OQZ_TRY(oqz_dnnl_conv_desc(&band, &s, &any, bias, &d, &cd, err));
	OQZ_TRY(oqz_dnnl_prim_new(&cd, attr->attr, &p, err));
	OQZ_TRY(oqz_dnnl_prim_borrow(p, b->whole, err));
	oqz_dnnl_prim_arg(p, DNNL_ARG_SRC, &s);
	oqz_dnnl_prim_arg(p, DNNL_ARG_DST, &d);
	b->kind[b->n_kinds].in = e->in;
	b->kind[b->n_kinds].out = e->out;
	b->kind[b->n_kinds].pad_l = e->pad_l;
	b->kind[b->n_kinds].pad_r = e->pad_r;
	b->kind[b->n_kinds++].prim = oqz_steal(p);
	return OQZ_OK;
}

enum oqz_status oqz_dnnl_bands_init(struct oqz_dnnl_bands *ret, const struct oqz_dnnl_conv_geom *g,
                                    const dnnl_memory_desc_t *src, const dnnl_memory_desc_t *dst,
                                    const dnnl_memory_desc_t *bias, const struct oqz_dnnl_attr *attr,
                                    const struct oqz_dnnl_prim *whole, struct oqz_err *err)
{
	struct oqz_dnnl_bands b = { .whole = whole, .n = 1, .win = g->win };
	enum oqz_status st = OQZ_OK;
	struct oqz_err why = { 0 }; /* a refusal is none for the caller */

	bool images = src->ndims == 4;
	b.in_rows = images ? src->dims[2] : 1;
	b.out_rows = images ? dst->dims[2] : 1;
	b.in_row = dnnl_memory_desc_get_size(src) / dnnl_data_type_size(src->data_type) / (size_t)b.in_rows;
	b.out_row = dnnl_memory_desc_get_size(dst) / dnnl_data_type_size(dst->data_type) / (size_t)b.out_rows;
	b.rows = oqz_dnnl_bands_rows(g, images ? src->dims[0] : 0, b.out_rows, b.out_row);
	if (b.rows == 0)
		st = OQZ_E_UNSUPPORTED;
	b.n = b.rows ? (size_t)((b.out_rows + b.rows - 1) / b.rows) : 0;
	for (size_t i = 0; i < b.n && b.n > 1 && st == OQZ_OK; i++) {
		struct extent e = extent_of(&b, i);
		if (find_kind(&b, &e) < 0)
			st = add_kind(&b, &e, g, src, dst, bias, attr, &why);
	}
	*ret = b;
	if (st != OQZ_OK)
		oqz_dnnl_bands_release(ret);
	return st == OQZ_OK || st == OQZ_E_UNSUPPORTED ? OQZ_OK : oqz_err_set(err, st, "%s", why.msg);
}

size_t oqz_dnnl_bands_size(const struct oqz_dnnl_bands *b) { return (size_t)b->rows * b->out_row; }

size_t oqz_dnnl_bands_scratch(const struct oqz_dnnl_bands *b)
{
	size_t most = 0;

	for (int i = 0; i < b->n_kinds; i++) {
		size_t n = oqz_dnnl_prim_scratch(b->kind[i].prim);
		most = n > most ? n : most;
	}
	return most;
}

enum oqz_status oqz_dnnl_bands_run(const struct oqz_dnnl_bands *b, size_t i, const void *src, size_t size, float *out,
                                   void *scratch, struct oqz_err *err)
{
	struct extent e = extent_of(b, i);
	const struct oqz_dnnl_prim *p = b->n > 1 ? b->kind[find_kind(b, &e)].prim : b->whole;
	const char *from = (const char *)src + (size_t)e.first * b->in_row * size;

	return oqz_dnnl_prim_run(p, (const void *[]) { from, out }, scratch, err);
}
