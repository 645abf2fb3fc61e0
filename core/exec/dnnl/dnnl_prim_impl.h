/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of a primitive, for the files that make one: dnnl_prim.c (the object, and running it), dnnl_select.c (which of
 * oneDNN's implementations it is), dnnl_pack.c (its weights).
 */
#ifndef OQZ_EXEC_DNNL_PRIM_IMPL_H
#define OQZ_EXEC_DNNL_PRIM_IMPL_H

#include "core/exec/dnnl/dnnl_spot.h"
#include "core/exec/dnnl/dnnl_util.h"

#include <stdatomic.h>

struct oqz_dnnl_argset; /* the memory objects of one run */

struct oqz_dnnl_prim {
	dnnl_primitive_t prim;
	dnnl_primitive_desc_t pd;
	size_t scratch_bytes, bytes;
	int n_arg, n_fixed;
	struct {
		int arg;
		dnnl_memory_desc_t md;
	} arg[OQZ_DNNL_ARGS];
	struct {
		int arg;
		dnnl_memory_t mem;
		void *data;
	} fixed[OQZ_DNNL_ARGS];
	bool borrowed;              /* `fixed` is another primitive's */
	struct oqz_dnnl_spot *spot; /* NULL: results are not checked */
	atomic_uint runs;
	_Atomic(struct oqz_dnnl_argset *) sets;
};

/* dnnl_select.c. Sets p->pd and p->prim: the first implementation of oneDNN's list that can be trusted, is none of
 * those that `slow` (or NULL) is part of the name of, and can be made. */
dnnl_status_t oqz_dnnl_select(const void *op_desc, const_dnnl_primitive_attr_t attr, const char *slow,
                              struct oqz_dnnl_prim *p);
/* dnnl_primitive_create() for one caller at a time. */
dnnl_status_t oqz_dnnl_create_alone(dnnl_primitive_t *ret, const_dnnl_primitive_desc_t pd);
/* oneDNN's name of the implementation, "" where it has none. */
const char *oqz_dnnl_impl_name(const_dnnl_primitive_desc_t pd);

#endif
