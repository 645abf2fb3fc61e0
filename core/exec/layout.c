/* SPDX-License-Identifier: Apache-2.0
 *
 * See layout.h. Channels-last is the second dimension innermost; below three dimensions there is nothing to choose.
 */
#include "core/exec/layout.h"

bool oqz_type_concrete(const struct oqz_type *t)
{
	if (t->dtype == OQZ_DT_UNDEFINED || oqz_dtype_is_list(t->dtype) || t->shape.rank < 0)
		return false;
	for (int i = 0; i < t->shape.rank; i++)
		if (t->shape.dim[i] < 0)
			return false;
	return true;
}

bool oqz_layouts_same(const struct oqz_shape *s)
{
	return s->rank < 3 || s->dim[1] == 1 || oqz_shape_span(s, 2, s->rank) == 1;
}

void oqz_layout_strides(const struct oqz_shape *s, enum oqz_layout layout, int64_t *ret)
{
	int64_t step = 1;

	if (layout == OQZ_LAYOUT_CHANNELS_LAST && s->rank >= 3) {
		ret[1] = 1;
		step = s->dim[1];
		for (int i = s->rank - 1; i >= 2; i--) {
			ret[i] = step;
			step *= s->dim[i];
		}
		ret[0] = step;
		return;
	}
	for (int i = s->rank - 1; i >= 0; i--) {
		ret[i] = step;
		step *= s->dim[i];
	}
}
