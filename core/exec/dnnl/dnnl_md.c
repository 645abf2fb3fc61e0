/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory descriptors from our shapes and layouts.
 */
#include "core/exec/dnnl/dnnl_util.h"

bool oqz_dnnl_md(const struct oqz_shape *shape, dnnl_data_type_t type, enum oqz_layout layout, dnnl_memory_desc_t *ret)
{
	dnnl_dims_t dims, strides;
	int rank = shape->rank;
	int64_t s = 1;

	if (rank < 1 || rank > DNNL_MAX_NDIMS || oqz_shape_nelem(shape) <= 0)
		return false;
	for (int i = 0; i < rank; i++)
		dims[i] = shape->dim[i];
	bool last = layout == OQZ_LAYOUT_CHANNELS_LAST && rank >= 3;
	if (last) {
		strides[1] = 1;
		s = dims[1];
	}
	for (int i = rank - 1; i >= 0; i--)
		if (!last || i != 1) {
			strides[i] = s;
			s *= dims[i];
		}
	return dnnl_memory_desc_init_by_strides(ret, rank, dims, type, strides) == dnnl_success;
}

dnnl_memory_desc_t oqz_dnnl_md_any(const dnnl_memory_desc_t *md)
{
	dnnl_memory_desc_t r;

	dnnl_memory_desc_init_by_tag(&r, md->ndims, md->dims, md->data_type, dnnl_format_tag_any);
	return r;
}

dnnl_memory_desc_t oqz_dnnl_md_dims(int n, const dnnl_dim_t *dims, dnnl_data_type_t type)
{
	dnnl_memory_desc_t r;
	dnnl_dims_t strides;
	int64_t s = 1;

	for (int i = n - 1; i >= 0; i--) {
		strides[i] = s;
		s *= dims[i];
	}
	dnnl_memory_desc_init_by_strides(&r, n, dims, type, strides);
	return r;
}
