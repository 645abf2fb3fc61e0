/* SPDX-License-Identifier: Apache-2.0
 *
 * oneDNN behind a small interface of our own, see dnnl_util.h. Primitives use the "user" scratchpad mode: with the
 * default one oneDNN would keep a scratchpad in each primitive, and two threads could not run it at once.
 */
#include "core/exec/dnnl/dnnl_spot.h"
#include "core/base/checked.h"
#include "core/base/pages.h"
#include "core/ops/strided.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Set once, before the first use of oneDNN, and constant afterwards. */
static struct {
	pthread_once_t once;
	dnnl_engine_t engine;
	void (*set_num_threads)(int);
} lib = { .once = PTHREAD_ONCE_INIT };

static bool isa_has(dnnl_cpu_isa_t want) { return (dnnl_get_effective_cpu_isa() & want) == want; }

static void lib_init(void)
{
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
	/* By name: whichever OpenMP library oneDNN itself was linked with (libgomp, libomp) is the one to be told. */
	*(void **)&lib.set_num_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
	if (lib.set_num_threads)
		lib.set_num_threads(1);
#endif
	if (dnnl_engine_create(&lib.engine, dnnl_cpu, 0) != dnnl_success)
		lib.engine = NULL;
}

dnnl_engine_t oqz_dnnl_engine(void)
{
	pthread_once(&lib.once, lib_init);
	return lib.engine;
}

void oqz_dnnl_enter(void)
{
	oqz_dnnl_engine();
	if (lib.set_num_threads)
		lib.set_num_threads(1);
}

enum oqz_status oqz_dnnl_err(struct oqz_err *err, const char *what, dnnl_status_t s)
{
	static const char *const text[] = { "success",       "out of memory", "invalid arguments", "unimplemented",
		                            "iterator ends", "runtime error", "not required" };
	const char *t = (size_t)s < OQZ_COUNTOF(text) ? text[s] : "unknown status";
	int len = (int)strcspn(what, "(");

	return oqz_err_set(err,
	                   s == dnnl_out_of_memory   ? OQZ_E_NOMEM
	                   : s == dnnl_unimplemented ? OQZ_E_UNSUPPORTED
	                                             : OQZ_E_INTERNAL,
	                   "oneDNN: %.*s: %s", len, what, t);
}

enum oqz_status oqz_dnnl_decline(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return OQZ_E_UNSUPPORTED;
}

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

/* ---- primitives ------------------------------------------------------------------------------------------------- */

/* The memory objects of one run. `busy` is taken by test-and-set; sets are only ever added, so the list needs no lock.
 */
struct argset {
	atomic_flag busy;
	struct argset *next;
	dnnl_stream_t stream;
	dnnl_exec_arg_t arg[2 * OQZ_DNNL_ARGS + 1]; /* supplied ones first, then the scratchpad, then constants */
};

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
	_Atomic(struct argset *) sets;
};

static void argset_free(struct argset *s, int n_own)
{
	for (int i = 0; i < n_own; i++)
		dnnl_memory_destroy(s->arg[i].memory);
	dnnl_stream_destroy(s->stream);
	free(s);
}

void oqz_dnnl_prim_free(struct oqz_dnnl_prim *p)
{
	if (!p)
		return;
	for (struct argset *s = atomic_load(&p->sets), *next; s; s = next) {
		next = s->next;
		argset_free(s, p->n_arg + (p->scratch_bytes > 0));
	}
	for (int i = 0; i < p->n_fixed && !p->borrowed; i++) {
		dnnl_memory_destroy(p->fixed[i].mem);
		free(p->fixed[i].data);
	}
	oqz_dnnl_spot_free(p->spot);
	dnnl_primitive_destroy(p->prim);
	dnnl_primitive_desc_destroy(p->pd);
	free(p);
}

static const char *impl_name(const_dnnl_primitive_desc_t pd)
{
	const char *name = "";

	return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) == dnnl_success && name ? name : "";
}

/* Of oneDNN 2.6's implementations on tile instructions (AMX) some are wrong: convolution jit_1x1 writes whole tiles
 * beyond its output where the pixels end within a block of them (8x6 pixels, 80 to 480 channels), brgconv writes beyond
 * its scratch memory or leaves products out (kernel 1x7, stride 2), and the matrix product uses tiles that it has not
 * set up (34x63 by 63x67); with a zero point of the source, convolution jit is wrong at wide padding (7x9 pixels,
 * kernel 5x2, 4 rows above). tests/unit/test_dnnl_qconv.c and test_dnnl_matmul.c find these within some thousand rounds
 * (OQZ_TEST_ROUNDS); tens of thousands have found nothing in the others. */
static bool trusted(const_dnnl_primitive_desc_t pd, const_dnnl_primitive_attr_t attr)
{
	static const char *const wrong[] = { "jit_1x1:avx512_core_amx", "brgconv:avx512_core_amx",
		                             "brg:avx512_core_amx" };
	const int32_t *zero = NULL;
	dnnl_dim_t n = 0;
	int mask;

	for (size_t i = 0; i < OQZ_COUNTOF(wrong); i++)
		if (strstr(impl_name(pd), wrong[i]))
			return false;
	bool shifted = dnnl_primitive_attr_get_zero_points(attr, DNNL_ARG_SRC, &n, &mask, &zero) == dnnl_success &&
	               n == 1 && *zero != 0;
	return !shifted || !strstr(impl_name(pd), "jit:avx512_core_amx");
}

/* One primitive is made at a time: the thread sanitizer finds keys of oneDNN 2.6's cache of primitives that one thread
 * reads while another replaces them. Describing them and running them is not affected. */
static dnnl_status_t create_alone(dnnl_primitive_t *ret, const_dnnl_primitive_desc_t pd)
{
	static pthread_mutex_t creation = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&creation);
	dnnl_status_t s = dnnl_primitive_create(ret, pd);
	pthread_mutex_unlock(&creation);
	return s;
}

/* The first implementation of oneDNN's list that can be trusted, is none of those that `slow` is part of the name of,
 * and can be made: 2.6 offers kernels on tile instructions that it then fails to make (int8, 4 groups of 4 channels,
 * a dilated window). */
static dnnl_status_t create_first(const void *op_desc, const_dnnl_primitive_attr_t attr, const char *slow,
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
		if (trusted(p->pd, attr) && !(slow && strstr(impl_name(p->pd), slow)))
			made = create_alone(&p->prim, p->pd);
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

enum oqz_status oqz_dnnl_prim_new_but(const void *op_desc, dnnl_primitive_attr_t attr, const char *slow,
                                      struct oqz_dnnl_prim **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_dnnl_prim_free_cleanup) struct oqz_dnnl_prim *p = calloc(1, sizeof *p);
	dnnl_primitive_attr_t own = NULL;

	if (!p)
		return oqz_err_nomem(err, "a primitive", sizeof *p);
	oqz_dnnl_enter();
	if (!oqz_dnnl_engine())
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "oneDNN has no engine for this CPU");
	if (!attr)
		DNNL_TRY(dnnl_primitive_attr_create(&own));
	dnnl_status_t s = dnnl_primitive_attr_set_scratchpad_mode(own ? own : attr, dnnl_scratchpad_mode_user);
	if (s == dnnl_success)
		s = create_first(op_desc, own ? own : attr, slow, p);
	if (slow && s == dnnl_unimplemented)
		s = create_first(op_desc, own ? own : attr, NULL, p);
	if (own)
		dnnl_primitive_attr_destroy(own);
	if (s != dnnl_success)
		return oqz_dnnl_err(err, "dnnl_primitive_create", s);
	p->scratch_bytes = dnnl_memory_desc_get_size(oqz_dnnl_prim_md(p, dnnl_query_scratchpad_md));
	OQZ_TRY(oqz_dnnl_spot_new(p->pd, &p->spot, err));
	*ret = oqz_steal(p);
	return OQZ_OK;
}

enum oqz_status oqz_dnnl_prim_new(const void *op_desc, dnnl_primitive_attr_t attr, struct oqz_dnnl_prim **ret,
                                  struct oqz_err *err)
{
	return oqz_dnnl_prim_new_but(op_desc, attr, NULL, ret, err);
}

const dnnl_memory_desc_t *oqz_dnnl_prim_md(const struct oqz_dnnl_prim *p, dnnl_query_t what)
{
	return dnnl_primitive_desc_query_md(p->pd, what, 0);
}

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
		s = create_alone(&prim, pd);
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

enum oqz_status oqz_dnnl_prim_pack(struct oqz_dnnl_prim *p, int arg, const dnnl_memory_desc_t *have, const void *data,
                                   const dnnl_memory_desc_t *want, struct oqz_err *err)
{
	size_t bytes = dnnl_memory_desc_get_size(want), total;
	OQZ_CLEANUP_FREE void *mem = NULL, *transposed = NULL;
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
	mem = oqz_pages_alloc(total); /* padding of blocked layouts must read as zero */
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
	if (strcmp(impl_name(p->pd), impl_name(from->pd)) != 0 ||
	    !dnnl_memory_desc_equal(oqz_dnnl_prim_md(p, dnnl_query_weights_md),
	                            oqz_dnnl_prim_md(from, dnnl_query_weights_md)))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "another kernel or order of weights");
	memcpy(p->fixed, from->fixed, sizeof p->fixed);
	p->n_fixed = from->n_fixed;
	p->borrowed = true;
	oqz_dnnl_spot_borrow(p->spot, from->spot);
	return OQZ_OK;
}

void oqz_dnnl_prim_arg(struct oqz_dnnl_prim *p, int arg, const dnnl_memory_desc_t *md)
{
	if (p->n_arg < OQZ_DNNL_ARGS) {
		p->arg[p->n_arg].arg = arg;
		p->arg[p->n_arg++].md = *md;
	}
}

/* Adds a set, taken by the caller. The list head is the only thing of a shared primitive that ever changes. */
static enum oqz_status argset_new(struct oqz_dnnl_prim *p, struct argset **ret, struct oqz_err *err)
{
	struct argset *s = calloc(1, sizeof *s);
	dnnl_engine_t e = oqz_dnnl_engine();
	int n = 0;

	if (!s)
		return oqz_err_nomem(err, "a primitive's arguments", sizeof *s);
	dnnl_status_t st = dnnl_stream_create(&s->stream, e, dnnl_stream_in_order);
	for (int i = 0; i < p->n_arg && st == dnnl_success; i++) {
		st = dnnl_memory_create(&s->arg[n].memory, &p->arg[i].md, e, DNNL_MEMORY_NONE);
		s->arg[n++].arg = p->arg[i].arg;
	}
	if (p->scratch_bytes && st == dnnl_success) {
		st = dnnl_memory_create(&s->arg[n].memory, oqz_dnnl_prim_md(p, dnnl_query_scratchpad_md), e,
		                        DNNL_MEMORY_NONE);
		s->arg[n++].arg = DNNL_ARG_SCRATCHPAD;
	}
	if (st != dnnl_success) {
		argset_free(s, n);
		return oqz_dnnl_err(err, "dnnl_memory_create", st);
	}
	for (int i = 0; i < p->n_fixed; i++, n++)
		s->arg[n] = (dnnl_exec_arg_t) { p->fixed[i].arg, p->fixed[i].mem };
	atomic_flag_test_and_set(&s->busy);
	s->next = atomic_load(&p->sets);
	while (!atomic_compare_exchange_weak(&p->sets, &s->next, s))
		;
	*ret = s;
	return OQZ_OK;
}

static enum oqz_status execute(const struct oqz_dnnl_prim *p, const void *const *data, void *scratch,
                               struct oqz_err *err)
{
	struct argset *s;

	oqz_dnnl_enter();
	for (s = atomic_load(&p->sets); s; s = s->next)
		if (!atomic_flag_test_and_set_explicit(&s->busy, memory_order_acquire))
			break;
	if (!s)
		OQZ_TRY(argset_new((struct oqz_dnnl_prim *)p, &s, err));
	for (int i = 0; i < p->n_arg; i++)
		dnnl_memory_set_data_handle_v2(s->arg[i].memory, (void *)data[i], s->stream);
	if (p->scratch_bytes)
		dnnl_memory_set_data_handle_v2(s->arg[p->n_arg].memory, scratch, s->stream);
	int n = p->n_arg + (p->scratch_bytes > 0) + p->n_fixed;
	dnnl_status_t st = dnnl_primitive_execute(p->prim, s->stream, n, s->arg);
	if (st == dnnl_success)
		st = dnnl_stream_wait(s->stream);
	atomic_flag_clear_explicit(&s->busy, memory_order_release);
	return st == dnnl_success ? OQZ_OK : oqz_dnnl_err(err, "dnnl_primitive_execute", st);
}

static const void *supplied(const struct oqz_dnnl_prim *p, const void *const *data, int arg)
{
	for (int i = 0; i < p->n_arg; i++)
		if (p->arg[i].arg == arg)
			return data[i];
	return NULL;
}

enum oqz_status oqz_dnnl_prim_run(const struct oqz_dnnl_prim *p, const void *const *data, void *scratch,
                                  struct oqz_err *err)
{
	if (!p->spot)
		return execute(p, data, scratch, err);
	unsigned run = atomic_fetch_add_explicit(&((struct oqz_dnnl_prim *)p)->runs, 1, memory_order_relaxed) + 1;
	if (run & (run - 1))
		return execute(p, data, scratch, err);
	struct oqz_dnnl_look look = { .dst = supplied(p, data, DNNL_ARG_DST), .turn = run };
	oqz_dnnl_spot_begin(p->spot, &look);
	OQZ_TRY(execute(p, data, scratch, err));
	return oqz_dnnl_spot_end(p->spot, &look, supplied(p, data, DNNL_ARG_SRC), supplied(p, data, DNNL_ARG_WEIGHTS),
	                         err);
}

size_t oqz_dnnl_prim_scratch(const struct oqz_dnnl_prim *p) { return oqz_align_up(p->scratch_bytes, 64); }
size_t oqz_dnnl_prim_bytes(const struct oqz_dnnl_prim *p) { return p->bytes; }

void oqz_dnnl_prim_name(const struct oqz_dnnl_prim *p, const char *family, char *ret, size_t size)
{
	const char *name = NULL;

	dnnl_primitive_desc_query(p->pd, dnnl_query_impl_info_str, 0, &name);
	snprintf(ret, size, "dnnl.%s.%s", family, name ? name : "?");
}

void oqz_dnnl_choice(struct oqz_step_choice *ret, const struct oqz_dnnl_prim *p, const char *family)
{
	ret->scratch_bytes = oqz_dnnl_prim_scratch(p);
	ret->state_bytes = oqz_dnnl_prim_bytes(p);
	ret->inplace_input = -1;
	oqz_dnnl_prim_name(p, family, ret->name, sizeof ret->name);
}

enum oqz_status oqz_dnnl_run_unary(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	return oqz_dnnl_prim_run(state, (const void *[]) { c->in[0]->data, c->out[0]->data }, c->scratch, err);
}

void oqz_dnnl_destroy_prim(void *state) { oqz_dnnl_prim_free(state); }

/* ---- what the CPU can do ---------------------------------------------------------------------------------------- */

bool oqz_dnnl_exact_int8(void)
{
#if defined(__x86_64__)
	/* oneDNN's word (which ONEDNN_MAX_CPU_ISA can lower) and the CPU's own */
	return isa_has(dnnl_cpu_isa_avx512_core_vnni) && __builtin_cpu_supports("avx512vnni");
#else
	return false;
#endif
}

bool oqz_dnnl_native_bf16(void)
{
#if defined(__x86_64__)
	return isa_has(dnnl_cpu_isa_avx512_core_bf16) && __builtin_cpu_supports("avx512bf16");
#else
	return false;
#endif
}

const char *oqz_dnnl_describe(char *buf, size_t size)
{
	static const struct {
		dnnl_cpu_isa_t isa;
		const char *name;
	} rows[] = {
		{ dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx" },
		{ dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16" },
		{ dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni" },
		{ dnnl_cpu_isa_avx512_core, "avx512_core" },
		{ dnnl_cpu_isa_avx2_vnni, "avx2_vnni" },
		{ dnnl_cpu_isa_avx2, "avx2" },
		{ dnnl_cpu_isa_avx, "avx" },
		{ dnnl_cpu_isa_sse41, "sse41" },
	};
	const dnnl_version_t *v = dnnl_version();
	const char *isa = "generic";

	for (size_t i = 0; i < OQZ_COUNTOF(rows); i++)
		if (isa_has(rows[i].isa)) {
			isa = rows[i].name;
			break;
		}
	snprintf(buf, size, "%s; oneDNN %d.%d.%d", isa, v->major, v->minor, v->patch);
	return buf;
}
