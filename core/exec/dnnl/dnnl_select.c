/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of oneDNN's implementations a primitive is: its list, in its order, without what is wrong, slow or cannot be
 * made.
 */
#include "core/exec/dnnl/dnnl_prim_impl.h"

#include <pthread.h>
#include <string.h>

const char *oqz_dnnl_impl_name(const_dnnl_primitive_desc_t pd)
{
	const char *name = "";

	return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) == dnnl_success && name ? name : "";
}

/* Of oneDNN 2.6's implementations on tile instructions (AMX) some are wrong: convolution jit_1x1 writes whole tiles
 * beyond its output where the pixels end within a block of them (8x6 pixels, 80 to 480 channels), brgconv writes beyond
 * its scratch memory or leaves products out (kernel 1x7, stride 2), and the matrix product uses tiles that it has not
 * set up (34x63 by 63x67); with a zero point of the source, convolution jit is wrong at wide padding (7x9 pixels,
 * kernel 5x2, 4 rows above). tests/unit/test_dnnl_qconv.c and test_dnnl_matmul.c find these within some thousand rounds
 * (OQZ_TEST_ROUNDS); tens of thousands have found nothing in the others. With two workers one of
 * some twenty evaluations of a detector (PicoDet under FP8) makes a brgconv_1x1 on bfloat16 (96 to 96 channels, 10x40
 * pixels) that is wrong from then on: all but the first block of output channels are multiplied by what lies behind the
 * packed weights, which are unchanged, and its own descriptor is the one that was asked for. Never with one worker, and
 * never on int8. dnnl_qtiles.c takes most such layers before oneDNN is asked. */
static bool trusted(const_dnnl_primitive_desc_t pd, const_dnnl_primitive_attr_t attr)
{
	static const char *const wrong[] = { "jit_1x1:avx512_core_amx", "brgconv:avx512_core_amx",
		                             "brg:avx512_core_amx", "brgconv_1x1:avx512_core_amx_bf16" };
	const int32_t *zero = NULL;
	dnnl_dim_t n = 0;
	int mask;

	for (size_t i = 0; i < OQZ_COUNTOF(wrong); i++)
		if (strstr(oqz_dnnl_impl_name(pd), wrong[i]))
			return false;
	bool shifted = dnnl_primitive_attr_get_zero_points(attr, DNNL_ARG_SRC, &n, &mask, &zero) == dnnl_success &&
	               n == 1 && *zero != 0;
	return !shifted || !strstr(oqz_dnnl_impl_name(pd), "jit:avx512_core_amx");
}

/* One primitive is made at a time: the thread sanitizer finds keys of oneDNN 2.6's cache of primitives that one thread
 * reads while another replaces them. Describing them and running them is not affected. */
dnnl_status_t oqz_dnnl_create_alone(dnnl_primitive_t *ret, const_dnnl_primitive_desc_t pd)
{
	static pthread_mutex_t creation = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&creation);
	dnnl_status_t s = dnnl_primitive_create(ret, pd);
	pthread_mutex_unlock(&creation);
	return s;
}

/* 2.6 offers kernels on tile instructions that it then fails to make (int8, 4 groups of 4 channels, a dilated window).
 */
dnnl_status_t oqz_dnnl_select(const void *op_desc, const_dnnl_primitive_attr_t attr, const char *slow,
                              struct oqz_dnnl_prim *p)
{
	dnnl_primitive_desc_iterator_t it;
	dnnl_status_t s = dnnl_primitive_desc_iterator_create(&it, op_desc, attr, oqz_dnnl_engine(), NULL);

	if (s != dnnl_success)
		return s;
	for (; s == dnnl_success; s = dnnl_primitive_desc_iterator_next(it)) {
		dnnl_status_t made = dnnl_unimplemented;
		p->pd = dnnl_primitive_desc_iterator_fetch(it);
		if (!p->pd) {
			s = dnnl_out_of_memory;
			break;
		}
		if (trusted(p->pd, attr) && !(slow && strstr(oqz_dnnl_impl_name(p->pd), slow)))
			made = oqz_dnnl_create_alone(&p->prim, p->pd);
		if (made == dnnl_success)
			break;
		dnnl_primitive_desc_destroy(p->pd);
		p->pd = NULL;
		if (made == dnnl_out_of_memory) {
			s = made;
			break;
		}
	}
	dnnl_primitive_desc_iterator_destroy(it);
	return s == dnnl_iterator_ends ? dnnl_unimplemented : s;
}
