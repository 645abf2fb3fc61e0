/* SPDX-License-Identifier: Apache-2.0
 *
 * A convolution's output in bands of rows, so that whoever reads it does so while it is in the cache. Each band is a
 * convolution of its own: the input rows that it needs, with the padding of the whole at the upper and lower edge only.
 * Same weights, same kernel, same sums in the same order: the same bits.
 */
#ifndef OQZ_EXEC_DNNL_BANDS_H
#define OQZ_EXEC_DNNL_BANDS_H

#include "core/exec/dnnl/dnnl_conv.h"

/* Elements of a band, about: with float32 outputs of four lanes, their codes and the input rows within a second-level
 * cache of 1 to 2 MiB. A variable for tests, which try small tensors. */
extern size_t oqz_dnnl_band;

/* Bands that have as many rows and the same padding share a primitive: the first, those between, the last, which may
 * be lower. */
enum { OQZ_DNNL_BAND_KINDS = 4 };

struct oqz_dnnl_bands {
	const struct oqz_dnnl_prim *whole; /* not owned */
	size_t n;                          /* 1: the whole; 0: no bands */
	int64_t rows;                      /* of the output, in all bands but the last */
	struct oqz_dnnl_window win;
	int64_t in_rows, out_rows; /* of the whole */
	size_t in_row, out_row;    /* elements of a row */
	struct {
		int64_t in, out, pad_l, pad_r;
		struct oqz_dnnl_prim *prim;
	} kind[OQZ_DNNL_BAND_KINDS];
	int n_kinds;
};

/* Output rows of a band; 0: no bands. `batch` images (0: not of two dimensions) of `out_rows` rows, each of `out_row`
 * elements in all images together. */
int64_t oqz_dnnl_bands_rows(const struct oqz_dnnl_conv_geom *g, int64_t batch, int64_t out_rows, size_t out_row);

/* What `whole` was made from: descriptors of source and output (channels-last), bias (NULL: none), the same attributes.
 * A small output is one band; where oneDNN would compute bands otherwise than the whole, there are none. `whole` must
 * outlive *ret. */
enum oqz_status oqz_dnnl_bands_init(struct oqz_dnnl_bands *ret, const struct oqz_dnnl_conv_geom *g,
                                    const dnnl_memory_desc_t *src, const dnnl_memory_desc_t *dst,
                                    const dnnl_memory_desc_t *bias, const struct oqz_dnnl_attr *attr,
                                    const struct oqz_dnnl_prim *whole, struct oqz_err *err);
void oqz_dnnl_bands_release(struct oqz_dnnl_bands *b);

/* Elements of the output that a band has (the last may have fewer); 0: no bands. */
size_t oqz_dnnl_bands_size(const struct oqz_dnnl_bands *b);
/* Scratch memory of the bands' primitives. */
size_t oqz_dnnl_bands_scratch(const struct oqz_dnnl_bands *b);
/* Writes band i to `out`. `src`: the whole source, elements of `size` bytes. */
enum oqz_status oqz_dnnl_bands_run(const struct oqz_dnnl_bands *b, size_t i, const void *src, size_t size, float *out,
                                   void *scratch, struct oqz_err *err);

#endif
