/* SPDX-License-Identifier: Apache-2.0
 *
 * What the float and the integer convolution share: geometry and the descriptor.
 */
#ifndef OQZ_EXEC_DNNL_CONV_H
#define OQZ_EXEC_DNNL_CONV_H

#include "core/exec/dnnl/dnnl_util.h"

struct oqz_dnnl_conv_geom {
	struct oqz_dnnl_window win;
	int64_t group;
	int n_wdims; /* (g,) O/g, I/g, kernel... */
	dnnl_dims_t wdims;
};

/* `w`: shape of the weights as ONNX has them (O, I/g, kernel...). False: declined, with the reason in `why`. */
bool oqz_dnnl_conv_geometry(const struct oqz_step_desc *d, const struct oqz_shape *w, struct oqz_dnnl_conv_geom *ret,
                            char *why, size_t why_size);
enum oqz_status oqz_dnnl_conv_desc(const struct oqz_dnnl_conv_geom *g, const dnnl_memory_desc_t *src,
                                   const dnnl_memory_desc_t *weights, const dnnl_memory_desc_t *bias,
                                   const dnnl_memory_desc_t *dst, dnnl_convolution_desc_t *ret, struct oqz_err *err);

#endif
