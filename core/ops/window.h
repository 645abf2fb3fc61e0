/* SPDX-License-Identifier: Apache-2.0
 *
 * Sliding windows: the geometry that convolutions and poolings share, with their attributes made explicit. One place
 * computes padding and output sizes; type rules, reference kernels and the lowered kernels all read it here.
 */
#ifndef OQZ_OPS_WINDOW_H
#define OQZ_OPS_WINDOW_H

#include "core/ops/op.h"

enum { OQZ_WINDOW_MAX = 3 };

/* Attributes of Conv, ConvInteger, QLinearConv, DeformConv, ConvTranspose (the last two lists are its own). */
struct oqz_conv_params {
	const char *auto_pad; /* NOTSET, SAME_UPPER, SAME_LOWER, VALID */
	int64_t group;
	struct oqz_ints kernel_shape, pads, strides, dilations;
	struct oqz_ints output_padding, output_shape;
	int64_t offset_group; /* DeformConv */
};

/* Attributes of MaxPool, AveragePool, LpPool, MaxUnpool and the global poolings (p only). */
struct oqz_pool_params {
	const char *auto_pad;
	int64_t ceil_mode, count_include_pad, storage_order, p;
	struct oqz_ints kernel_shape, pads, strides, dilations;
};

/* n spatial dims, outermost first. Unknown extents are -1; pads are 0 where they cannot be known yet. */
struct oqz_window {
	int n;
	int64_t in[OQZ_WINDOW_MAX], kernel[OQZ_WINDOW_MAX], stride[OQZ_WINDOW_MAX], dilation[OQZ_WINDOW_MAX];
	int64_t pad_begin[OQZ_WINDOW_MAX], pad_end[OQZ_WINDOW_MAX], out[OQZ_WINDOW_MAX];
};

/* Geometry of a convolution-like node over input x with weight w (M, C/group, kernel...). DeformConv as well. */
enum oqz_status oqz_conv_window(const struct oqz_conv_params *p, const struct oqz_shape *x, const struct oqz_shape *w,
                                struct oqz_window *ret, struct oqz_err *err);
/* ConvTranspose: `out` is the larger side; pads are those cut from it. */
enum oqz_status oqz_conv_transpose_window(const struct oqz_conv_params *p, const struct oqz_shape *x,
                                          const struct oqz_shape *w, struct oqz_window *ret, struct oqz_err *err);
/* Poolings with kernel_shape. ceil_mode: the last window must start inside the input or its left padding. */
enum oqz_status oqz_pool_window(const struct oqz_pool_params *p, const struct oqz_shape *x, struct oqz_window *ret,
                                struct oqz_err *err);
/* The same window with leading dims of extent 1, so that n is 3. */
struct oqz_window oqz_window_3d(const struct oqz_window *w);

#endif
