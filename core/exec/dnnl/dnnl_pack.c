/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant arguments of primitives: weights in the order that a kernel wants, packed once, checked, and shared with
 * primitives of the same kernel.
 */
#include "core/exec/dnnl/dnnl_prim_impl.h"
#include "core/base/checked.h"
#include "core/base/pages.h"
#include "core/ops/strided.h"

#include <string.h>

/* Copies data (laid out as `have`) into memory laid out as `want`. */
static enum oqz_status reorder(const dnnl_memory_desc_t *have, const void *data, const dnnl_memory_desc_t *want,
                               dnnl_memory_t to, struct oqz_err *err)
{
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_t prim = NULL;
	dnnl_memory_t from = NULL;
	dnnl_stream_t stream = NULL;
	dnnl_engine_t e = oqz_dnnl_engine();

	dnnl_status_t s = dnnl_reorder_primitive_desc_create(&pd, have, e, want, e, NULL);
	if (s == dnnl_success)
		s = oqz_dnnl_create_alone(&prim, pd);
	if (s == dnnl_success)
		s = dnnl_memory_create(&from, have, e, (void *)data);
	if (s == dnnl_success)
		s = dnnl_stream_create(&stream, e, dnnl_stream_in_order);
	if (s == dnnl_success) {
		dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
		s = dnnl_primitive_execute(prim, stream, 2, args);
	}
	if (s == dnnl_success)
		s = dnnl_stream_wait(stream);
	dnnl_stream_destroy(stream);
	dnnl_memory_destroy(from);
	dnnl_primitive_destroy(prim);
	dnnl_primitive_desc_destroy(pd);
	return s == dnnl_success ? OQZ_OK : oqz_dnnl_err(err, "packing weights", s);
}

/* Codes of weights in the order of a plain descriptor that also has room for compensations of signed sources. oneDNN
 * 2.6's reorder forgets to compute these where it transposes a block of 8 x 8 (a group of 8 input channels, 8 output
 * channels in all); where the order is the same it computes them. */
static enum oqz_status transpose_codes(const dnnl_memory_desc_t *have, const void *data, const dnnl_memory_desc_t *want,
                                       dnnl_memory_desc_t *ret, void **ret_data, struct oqz_err *err)
{
	struct oqz_box box = { 0 };
	size_t bytes = dnnl_memory_desc_get_size(have);

	if (have->format_desc.blocking.inner_nblks || have->data_type != want->data_type)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "codes of weights are not in plain order");
	for (int i = 0; i < have->ndims; i++)
		oqz_box_add(&box, have->dims[i], have->format_desc.blocking.strides[i],
		            want->format_desc.blocking.strides[i]);
	*ret_data = malloc(bytes);
	if (!*ret_data)
		return oqz_err_nomem(err, "codes of weights", bytes);
	oqz_box_copy(&box, dnnl_data_type_size(have->data_type), data, *ret_data);
	DNNL_TRY(dnnl_memory_desc_init_by_strides(ret, want->ndims, want->dims, want->data_type,
	                                          want->format_desc.blocking.strides));
	return OQZ_OK;
}

OQZ_KERNEL static uint64_t bytes_sum(const uint8_t *x, size_t n)
{
	enum { BLOCK = 1 << 16 }; /* whose sum has 24 bits: narrow sums are faster */
	uint64_t sum = 0;

	for (size_t at = 0; at < n; at += BLOCK) {
		size_t m = n - at < BLOCK ? n - at : BLOCK;
		uint32_t part = 0;
		for (size_t i = 0; i < m; i++)
			part += x[at + i];
		sum += part;
	}
	return sum;
}

/* Packing only moves weights about and fills up with zeros, so the sum of all bytes stays the same. Wrong weights would
 * go unnoticed: whatever else a layer shows, it shows numbers. */
enum oqz_status oqz_dnnl_check_packed(const dnnl_memory_desc_t *have, const void *data, const dnnl_memory_desc_t *want,
                                      const void *packed, struct oqz_err *err)
{
	size_t size = dnnl_data_type_size(have->data_type), n = 1, padded = 1;

	for (int i = 0; i < have->ndims; i++) {
		n *= (size_t)have->dims[i];
		padded *= (size_t)want->padded_dims[i];
	}
	if (have->data_type != want->data_type || (want->extra.flags & dnnl_memory_extra_flag_scale_adjust) ||
	    dnnl_memory_desc_get_size(have) != n * size || dnnl_memory_desc_get_size(want) < padded * size)
		return OQZ_OK; /* converted on the way, or not all there is lies in one piece */
	if (bytes_sum(data, n * size) != bytes_sum(packed, padded * size))
		OQZ_FAIL(err, OQZ_E_INTERNAL,
		         "oneDNN has packed a layer's weights wrongly; please report this, and run again");
	return OQZ_OK;
}

static void pages_cleanup(void *p) { oqz_pages_release(*(void **)p); }

enum oqz_status oqz_dnnl_prim_pack(struct oqz_dnnl_prim *p, int arg, const dnnl_memory_desc_t *have, const void *data,
                                   const dnnl_memory_desc_t *want, struct oqz_err *err)
{
	size_t bytes = dnnl_memory_desc_get_size(want), total;
	OQZ_CLEANUP(pages_cleanup) void *mem = NULL;
	OQZ_CLEANUP_FREE void *transposed = NULL;
	dnnl_memory_desc_t same_order;
	dnnl_memory_t m = NULL;

	oqz_dnnl_enter();
	OQZ_TRY(oqz_dnnl_spot_keep(p->spot, arg, have, data, err));
	if (want->extra.flags != dnnl_memory_extra_flag_none && want->format_desc.blocking.inner_nblks == 0) {
		OQZ_TRY(transpose_codes(have, data, want, &same_order, &transposed, err));
		have = &same_order;
		data = transposed;
	}
	if (p->n_fixed == OQZ_DNNL_ARGS || !oqz_size_add(bytes, 64, &total))
		OQZ_FAIL(err, OQZ_E_INTERNAL, "too many constant arguments");
	mem = oqz_pages_share(total); /* padding of blocked layouts must read as zero */
	if (!mem)
		return oqz_err_nomem(err, "packed weights", bytes);
	DNNL_TRY(dnnl_memory_create(&m, want, oqz_dnnl_engine(), mem));
	enum oqz_status st = reorder(have, data, want, m, err);
	if (st == OQZ_OK)
		st = oqz_dnnl_check_packed(have, data, want, mem, err);
	if (st != OQZ_OK) {
		dnnl_memory_destroy(m);
		return st;
	}
	p->fixed[p->n_fixed].arg = arg;
	p->fixed[p->n_fixed].mem = m;
	p->fixed[p->n_fixed++].data = oqz_steal(mem);
	p->bytes += bytes;
	return OQZ_OK;
}

enum oqz_status oqz_dnnl_prim_borrow(struct oqz_dnnl_prim *p, const struct oqz_dnnl_prim *from, struct oqz_err *err)
{
	if (strcmp(oqz_dnnl_impl_name(p->pd), oqz_dnnl_impl_name(from->pd)) != 0 ||
	    !dnnl_memory_desc_equal(oqz_dnnl_prim_md(p, dnnl_query_weights_md),
	                            oqz_dnnl_prim_md(from, dnnl_query_weights_md)))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "another kernel or order of weights");
	memcpy(p->fixed, from->fixed, sizeof p->fixed);
	p->n_fixed = from->n_fixed;
	p->borrowed = true;
	oqz_dnnl_spot_borrow(p->spot, from->spot);
	return OQZ_OK;
}
