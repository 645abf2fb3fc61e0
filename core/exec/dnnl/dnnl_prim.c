/* SPDX-License-Identifier: Apache-2.0
 *
 * A primitive that any number of threads may run at once, see dnnl_util.h. Primitives use the "user" scratchpad mode:
 * with the default one oneDNN would keep a scratchpad in each primitive, and two threads could not run it at once.
 */
#include "core/exec/dnnl/dnnl_prim_impl.h"
#include "core/base/checked.h"
#include "core/base/pages.h"

#include <stdio.h>

/* The memory objects of one run. `busy` is taken by test-and-set; sets are only ever added, so the list needs no lock.
 */
struct oqz_dnnl_argset {
	atomic_flag busy;
	struct oqz_dnnl_argset *next;
	dnnl_stream_t stream;
	dnnl_exec_arg_t arg[2 * OQZ_DNNL_ARGS + 1]; /* supplied ones first, then the scratchpad, then constants */
};

static void argset_free(struct oqz_dnnl_argset *s, int n_own)
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
	for (struct oqz_dnnl_argset *s = atomic_load(&p->sets), *next; s; s = next) {
		next = s->next;
		argset_free(s, p->n_arg + (p->scratch_bytes > 0));
	}
	for (int i = 0; i < p->n_fixed && !p->borrowed; i++) {
		dnnl_memory_destroy(p->fixed[i].mem);
		oqz_pages_release(p->fixed[i].data);
	}
	oqz_dnnl_spot_free(p->spot);
	dnnl_primitive_destroy(p->prim);
	dnnl_primitive_desc_destroy(p->pd);
	free(p);
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
		s = oqz_dnnl_select(op_desc, own ? own : attr, slow, p);
	if (slow && s == dnnl_unimplemented)
		s = oqz_dnnl_select(op_desc, own ? own : attr, NULL, p);
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

void oqz_dnnl_prim_arg(struct oqz_dnnl_prim *p, int arg, const dnnl_memory_desc_t *md)
{
	if (p->n_arg < OQZ_DNNL_ARGS) {
		p->arg[p->n_arg].arg = arg;
		p->arg[p->n_arg++].md = *md;
	}
}

/* Adds a set, taken by the caller. The list head is the only thing of a shared primitive that ever changes. */
static enum oqz_status argset_new(struct oqz_dnnl_prim *p, struct oqz_dnnl_argset **ret, struct oqz_err *err)
{
	struct oqz_dnnl_argset *s = calloc(1, sizeof *s);
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
	struct oqz_dnnl_argset *s;

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
	const char *name = oqz_dnnl_impl_name(p->pd);

	snprintf(ret, size, "dnnl.%s.%s", family, *name ? name : "?");
}

void oqz_dnnl_choice(struct oqz_step_choice *ret, const struct oqz_dnnl_prim *p, const char *family)
{
	ret->scratch_bytes = oqz_dnnl_prim_scratch(p);
	ret->state_bytes = oqz_dnnl_prim_bytes(p);
	ret->inplace_input = -1;
	oqz_dnnl_prim_name(p, family, ret->name, sizeof ret->name);
}

bool oqz_dnnl_take(size_t *bytes, int64_t floats, size_t *ret_at)
{
	size_t n;

	return floats >= 0 && oqz_size_mul((size_t)floats, sizeof(float), &n) && oqz_size_take(bytes, n, ret_at);
}

enum oqz_status oqz_dnnl_run_unary(const void *state, const struct oqz_step_call *c, struct oqz_err *err)
{
	return oqz_dnnl_prim_run(state, (const void *[]) { c->in[0]->data, c->out[0]->data }, c->scratch, err);
}

void oqz_dnnl_destroy_prim(void *state) { oqz_dnnl_prim_free(state); }
