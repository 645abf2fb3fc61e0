/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's memory for a program, and the loop that runs steps. All pointers that steps need are set up once; running
 * allocates nothing, except for steps whose output shapes depend on data (NonZero, NonMaxSuppression, loops), which get
 * tensors of their own that live until the step runs again.
 */
#include "core/exec/program.h"
#include "core/base/budget.h"
#include "core/base/checked.h"
#include "core/base/pages.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NO_STEP SIZE_MAX

struct oqz_context {
	const struct oqz_program *p;
	unsigned char *arena, *scratch[OQZ_SCRATCHES];
	struct oqz_tensor *tensors;        /* by slot */
	struct oqz_step_call *calls;       /* by step */
	const struct oqz_tensor **in_refs; /* what calls[].in and .out point into */
	struct oqz_tensor **out_refs;
	size_t ahead, ahead_last; /* the steps whose `ahead` has seen everything, one or a chain; NO_STEP */
	uint64_t *profile;
	size_t taken; /* from the budget, without `alone` */
	void *alone;  /* memory of oqz_context_run_alone, grown when first needed */
	size_t alone_bytes;
	struct oqz_tensor alone_out;
};

static void bind_tensors(struct oqz_context *c)
{
	const struct oqz_program *p = c->p;

	for (size_t i = 0; i < p->slots.n; i++) {
		const struct oqz_slot *s = &p->slots.v[i];
		c->tensors[i] = s->tensor;
		if (s->kind == OQZ_SLOT_ARENA)
			c->tensors[i].data = c->arena + p->slots.v[s->root].offset;
		if (s->kind == OQZ_SLOT_CONST)
			c->tensors[i].buf = NULL; /* the program's share; this is a borrowed look at it */
	}
}

static void bind_calls(struct oqz_context *c)
{
	const struct oqz_program *p = c->p;
	const struct oqz_tensor **in = c->in_refs;
	struct oqz_tensor **out = c->out_refs;

	for (size_t i = 0; i < p->steps.n; i++) {
		const struct oqz_step *s = &p->steps.v[i];
		c->calls[i] = (struct oqz_step_call) { .in = in, .out = out, .scratch = c->scratch[s->scratch] };
		for (int k = 0; k < s->n_in; k++)
			*in++ = s->in[k] < 0 ? NULL : &c->tensors[s->in[k]];
		for (int k = 0; k < s->n_out; k++)
			*out++ = s->out[k] < 0 ? NULL : &c->tensors[s->out[k]];
	}
}

enum oqz_status oqz_context_new(const struct oqz_program *p, struct oqz_context **ret, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_context_free_cleanup) struct oqz_context *c = calloc(1, sizeof *c);
	size_t n_in = 1, n_out = 1;

	for (size_t i = 0; i < p->steps.n; i++) {
		n_in += (size_t)p->steps.v[i].n_in;
		n_out += (size_t)p->steps.v[i].n_out;
	}
	if (!c)
		return oqz_err_nomem(err, "a context", sizeof *c);
	c->p = p;
	c->ahead = NO_STEP;
	OQZ_TRY(oqz_budget_take(oqz_program_context_bytes(p), p->largest, err));
	c->taken = oqz_program_context_bytes(p);
	c->tensors = calloc(p->slots.n + 1, sizeof *c->tensors);
	c->calls = calloc(p->steps.n + 1, sizeof *c->calls);
	c->in_refs = calloc(n_in, sizeof *c->in_refs);
	c->out_refs = calloc(n_out, sizeof *c->out_refs);
	c->arena = oqz_pages_alloc(p->arena_bytes);
	bool whole = c->tensors && c->calls && c->in_refs && c->out_refs && c->arena;
	for (int i = 0; i < OQZ_SCRATCHES; i++)
		whole &= (c->scratch[i] = oqz_pages_alloc(p->scratch_bytes[i])) != NULL;
	if (!whole)
		return oqz_err_nomem(err, "the activations", c->taken);
	bind_tensors(c);
	bind_calls(c);
	*ret = oqz_steal(c);
	return OQZ_OK;
}

void oqz_context_free(struct oqz_context *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->tensors && i < c->p->slots.n; i++)
		if (c->p->slots.v[i].kind == OQZ_SLOT_HEAP)
			oqz_tensor_release(&c->tensors[i]);
	oqz_budget_give(c->taken + c->alone_bytes);
	free(c->alone);
	free(c->arena);
	for (int i = 0; i < OQZ_SCRATCHES; i++)
		free(c->scratch[i]);
	free(c->tensors);
	free(c->calls);
	free(c->in_refs);
	free(c->out_refs);
	free(c);
}

struct oqz_tensor *oqz_context_input(struct oqz_context *c, size_t i)
{
	c->ahead = NO_STEP; /* a new image: what a failed run left is void */
	return &c->tensors[c->p->inputs[i]];
}

enum oqz_status oqz_context_set_input(struct oqz_context *c, size_t i, const struct oqz_tensor *t, struct oqz_err *err)
{
	struct oqz_tensor *in = oqz_context_input(c, i), copy = { 0 };

	if (t->dtype != in->dtype || (!oqz_dtype_is_list(t->dtype) && !oqz_shape_equal(&t->shape, &in->shape)))
		OQZ_FAIL(err, OQZ_E_MISMATCH, "input '%s' has another type or shape", oqz_program_input_name(c->p, i));
	if (!oqz_dtype_is_list(t->dtype)) {
		oqz_tensor_relayout(in, t);
		return OQZ_OK;
	}
	OQZ_TRY(oqz_tensor_copy(&copy, t, err));
	oqz_tensor_release(in);
	*in = copy;
	return OQZ_OK;
}

const struct oqz_tensor *oqz_context_output(struct oqz_context *c, size_t i) { return &c->tensors[c->p->outputs[i]]; }

const struct oqz_tensor *oqz_context_tap(struct oqz_context *c, int tap) { return &c->tensors[c->p->taps[tap].slot]; }

void oqz_context_set_profile(struct oqz_context *c, uint64_t *ns) { c->profile = ns; }

/* The reference kernel with outputs whose shapes it finds out itself. */
static enum oqz_status run_dynamic(struct oqz_context *c, const struct oqz_step *s, const struct oqz_step_call *call,
                                   struct oqz_err *err)
{
	struct oqz_tensor out[OQZ_STEP_MAX_OUT] = { 0 };
	enum oqz_status st = oqz_op_run(s->desc->node, call->in, out, err);

	for (int k = 0; k < s->n_out; k++) {
		if (st != OQZ_OK || s->out[k] < 0) {
			oqz_tensor_release(&out[k]);
			continue;
		}
		oqz_tensor_release(call->out[k]);
		*call->out[k] = out[k];
	}
	return st;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* not the wall's: neighbours must not count */
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

enum oqz_status oqz_context_run(struct oqz_context *c, size_t from, size_t to, struct oqz_err *err)
{
	for (size_t i = from; i < to; i++) {
		const struct oqz_step *s = &c->p->steps.v[i];
		uint64_t t0 = c->profile ? now_ns() : 0;
		c->calls[i].ahead = from == c->ahead && i <= c->ahead_last;
		enum oqz_status st = s->dynamic ? run_dynamic(c, s, &c->calls[i], err)
		                                : s->impl->run(s->choice.state, &c->calls[i], err);
		if (st != OQZ_OK)
			return oqz_node_err(s->desc->node, err);
		if (c->profile)
			c->profile[i] += now_ns() - t0;
	}
	if (from < to)
		c->ahead = from == c->ahead && to <= c->ahead_last ? to : NO_STEP;
	return OQZ_OK;
}

int oqz_context_ahead_input(const struct oqz_context *c, size_t step, int tap)
{
	const struct oqz_tensor *t = &c->tensors[c->p->taps[tap].slot];

	if (step >= c->p->steps.n)
		return -1;
	const struct oqz_step *s = &c->p->steps.v[step];
	if (!s->impl->ahead || s->dynamic)
		return -1;
	for (int k = 0; k < 2 && k < s->n_in; k++) {
		const struct oqz_tensor *in = s->in[k] < 0 ? NULL : &c->tensors[s->in[k]];
		if (s->choice.ahead[k] && in && in->data == t->data && in->dtype == t->dtype &&
		    oqz_tensor_nelem(in) == oqz_tensor_nelem(t))
			return k;
	}
	return -1;
}

void oqz_context_ahead(struct oqz_context *c, size_t step, int input, const float *x, size_t first, size_t n)
{
	const struct oqz_step *s = &c->p->steps.v[step];

	s->impl->ahead(s->choice.state, &c->calls[step], input, x, first, n);
	if (s->chain >= 0)
		s[1].impl->ahead(s[1].choice.state, &c->calls[step + 1], s->chain,
		                 (const float *)c->calls[step].out[0]->data + first, first, n);
}

void oqz_context_ahead_done(struct oqz_context *c, size_t step)
{
	c->ahead = step;
	c->ahead_last = step + (c->p->steps.v[step].chain >= 0);
}

size_t oqz_context_band_size(const struct oqz_context *c, int tap)
{
	const struct oqz_program_tap *t = &c->p->taps[tap];

	if (t->maker < 0 || t->maker != t->step)
		return 0;
	const struct oqz_step *s = &c->p->steps.v[t->maker];
	return s->out[0] == t->slot && !s->dynamic && s->impl->band ? s->choice.band : 0;
}

enum oqz_status oqz_context_band(struct oqz_context *c, int tap, size_t i, float *out, struct oqz_err *err)
{
	size_t step = (size_t)c->p->taps[tap].maker;
	const struct oqz_step *s = &c->p->steps.v[step];
	uint64_t t0 = c->profile ? now_ns() : 0;

	if (i == 0) {
		c->calls[step].ahead = step == c->ahead;
		c->ahead = NO_STEP;
	}
	if (!out)
		out = (float *)c->calls[step].out[0]->data + i * s->choice.band;
	if (s->impl->band(s->choice.state, &c->calls[step], i, out, err) != OQZ_OK)
		return oqz_node_err(s->desc->node, err);
	if (c->profile)
		c->profile[step] += now_ns() - t0;
	return OQZ_OK;
}

bool oqz_context_passes(const struct oqz_context *c, int tap)
{
	const struct oqz_program_tap *t = &c->p->taps[tap];

	return t->maker >= 0 && c->p->steps.v[t->maker].passing;
}

/* Where the pieces of a step that runs alone lie: inputs that need another layout, outputs, scratch of its own. */
struct alone {
	size_t offset[OQZ_STEP_MAX_IN], out[OQZ_STEP_MAX_OUT], scratch, total;
};

static size_t take(struct alone *a, size_t bytes)
{
	size_t at = a->total;

	a->total += oqz_align_up(bytes, OQZ_EXEC_ALIGN);
	return at;
}

static enum oqz_status alone_check(const struct oqz_program *p, const struct oqz_step *s,
                                   const struct oqz_tensor *const *in, size_t n_in, struct oqz_err *err)
{
	size_t at = 0;

	for (int k = 0; k < s->n_in; k++) {
		if (s->in[k] < 0 || p->slots.v[s->in[k]].kind == OQZ_SLOT_CONST)
			continue;
		const struct oqz_tensor *want = &p->slots.v[s->in[k]].tensor;
		if (k < 3 && s->desc->quant[k].present && !s->desc->quant[k].from_float)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "node '%s' reads codes that another node has made",
			         s->desc->node->name);
		if (at >= n_in)
			OQZ_FAIL(err, OQZ_E_MISMATCH, "node '%s' has more inputs than the %zu given",
			         s->desc->node->name, n_in);
		if (in[at]->dtype != want->dtype || !oqz_shape_equal(&in[at]->shape, &want->shape))
			OQZ_FAIL(err, OQZ_E_MISMATCH, "input %d of node '%s' has another type or shape", k,
			         s->desc->node->name);
		at++;
	}
	if (at != n_in)
		OQZ_FAIL(err, OQZ_E_MISMATCH, "node '%s' has %zu inputs, not %zu", s->desc->node->name, at, n_in);
	return OQZ_OK;
}

static enum oqz_status alone_reserve(struct oqz_context *c, const struct oqz_step *s, struct alone *a,
                                     struct oqz_err *err)
{
	memset(a, 0, sizeof *a);
	for (int k = 0; k < s->n_in; k++)
		a->offset[k] = s->in[k] < 0 ? 0 : take(a, c->p->slots.v[s->in[k]].bytes);
	for (int k = 0; k < s->n_out; k++)
		a->out[k] = s->out[k] < 0 ? 0 : take(a, c->p->slots.v[s->out[k]].bytes);
	a->scratch = take(a, s->choice.scratch_bytes);
	if (a->total > c->alone_bytes) {
		OQZ_TRY(oqz_budget_take(a->total - c->alone_bytes, "a layer on its own", err));
		free(c->alone);
		c->alone_bytes = a->total;
		if (!(c->alone = oqz_pages_alloc(a->total))) {
			oqz_budget_give(a->total);
			c->alone_bytes = 0;
			return oqz_err_nomem(err, "a layer on its own", a->total);
		}
	}
	return OQZ_OK;
}

enum oqz_status oqz_context_reserve_alone(struct oqz_context *c, int tap, struct oqz_err *err)
{
	const struct oqz_program_tap *t = &c->p->taps[tap];
	struct alone a;

	return t->maker < 0 || c->p->steps.v[t->maker].dynamic ? OQZ_OK
	                                                       : alone_reserve(c, &c->p->steps.v[t->maker], &a, err);
}

size_t oqz_context_bytes(const struct oqz_context *c) { return c->taken + c->alone_bytes; }

enum oqz_status oqz_context_run_alone(struct oqz_context *c, int tap, const struct oqz_tensor *const *in, size_t n_in,
                                      const struct oqz_tensor **ret, struct oqz_err *err)
{
	const struct oqz_program_tap *t = &c->p->taps[tap];
	const struct oqz_tensor *ins[OQZ_STEP_MAX_IN] = { 0 };
	struct oqz_tensor moved[OQZ_STEP_MAX_IN], out[OQZ_STEP_MAX_OUT], *outs[OQZ_STEP_MAX_OUT] = { 0 };
	struct alone a;

	if (t->maker < 0 || c->p->steps.v[t->maker].dynamic)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "'%s' is not the output of a step of its own", t->name);
	const struct oqz_step *s = &c->p->steps.v[t->maker];
	OQZ_TRY(alone_check(c->p, s, in, n_in, err));
	OQZ_TRY(alone_reserve(c, s, &a, err));
	size_t at = 0;
	for (int k = 0; k < s->n_in; k++) {
		if (s->in[k] < 0)
			continue;
		const struct oqz_slot *slot = &c->p->slots.v[s->in[k]];
		ins[k] = slot->kind == OQZ_SLOT_CONST ? &c->tensors[s->in[k]] : in[at++];
		if (ins[k]->layout != slot->tensor.layout) {
			moved[k] = slot->tensor;
			moved[k].data = (char *)c->alone + a.offset[k];
			oqz_tensor_relayout(&moved[k], ins[k]);
			ins[k] = &moved[k];
		}
	}
	for (int k = 0; k < s->n_out; k++) {
		if (s->out[k] < 0)
			continue;
		out[k] = c->p->slots.v[s->out[k]].tensor;
		out[k].data = (char *)c->alone + a.out[k];
		outs[k] = &out[k];
		if (s->out[k] == t->slot)
			c->alone_out = out[k];
	}
	struct oqz_step_call call = { .in = ins, .out = outs, .scratch = (char *)c->alone + a.scratch };
	if (s->impl->run(s->choice.state, &call, err) != OQZ_OK)
		return oqz_node_err(s->desc->node, err);
	*ret = &c->alone_out;
	return OQZ_OK;
}
