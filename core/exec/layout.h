/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two layouts mean for a shape. Known to the planner and to the implementations alike.
 */
#ifndef OQZ_EXEC_LAYOUT_H
#define OQZ_EXEC_LAYOUT_H

#include "core/graph/graph.h"

/* Every dimension known, and no list. */
bool oqz_type_concrete(const struct oqz_type *t);
/* True when both layouts mean the same bytes. */
bool oqz_layouts_same(const struct oqz_shape *s);
/* Element strides by logical dimension; ret has room for the rank. */
void oqz_layout_strides(const struct oqz_shape *s, enum oqz_layout layout, int64_t *ret);

#endif
