/* SPDX-License-Identifier: Apache-2.0
 *
 * From a graph to a program, in order: clone and bind shapes, evaluate constants, recognise groups, emit steps with
 * their implementations and layouts, lay out memory. Each stage is a file of its own (group.c, steps.c, choose.c,
 * slots.c, memplan.c); this one strings them together and answers questions about the result.
 */
#include "core/exec/program.h"
#include "core/base/budget.h"
#include "core/base/checked.h"
#include "core/base/str.h"
#include "core/ops/fold.h"

#include <string.h>

static const char *const engine_names[] = { "auto", "sim", "reference" };

bool oqz_engine_parse(const char *word, enum oqz_engine *ret)
{
	for (size_t i = 0; word && i < OQZ_COUNTOF(engine_names); i++)
		if (strcmp(word, engine_names[i]) == 0) {
			*ret = (enum oqz_engine)i;
			return true;
		}
	return false;
}

const char *oqz_engine_name(enum oqz_engine e) { return engine_names[e]; }

/* Taps and outputs must exist in memory. An unknown tap is the caller's mistake. */
static enum oqz_status mark_kept(struct oqz_planner *pl, struct oqz_err *err)
{
	for (size_t i = 0; i < pl->g->outputs.n; i++)
		pl->keep[pl->g->outputs.v[i]->id] = true;
	for (size_t i = 0; i < pl->opt->n_taps; i++) {
		struct oqz_value *v = oqz_graph_value(pl->g, pl->opt->taps[i]);
		if (!v || (size_t)v->id >= pl->g->values.n || pl->g->values.v[v->id] != v)
			OQZ_FAIL(err, OQZ_E_NOENT, "%s has no value named '%s'",
			         pl->g->source ? pl->g->source : "the graph", pl->opt->taps[i]);
		pl->keep[v->id] = pl->tapped[v->id] = true;
	}
	return OQZ_OK;
}

static enum oqz_status planner_init(struct oqz_planner *pl, struct oqz_err *err)
{
	struct oqz_arena *a = pl->p->arena;
	size_t nv = pl->g->values.n, nn = pl->g->nodes.n;

	pl->groups = OQZ_ARENA_NEW_N(a, struct oqz_group, nn);
	pl->keep = OQZ_ARENA_NEW_N(a, bool, nv);
	pl->tapped = OQZ_ARENA_NEW_N(a, bool, nv);
	pl->needed = OQZ_ARENA_NEW_N(a, bool, nv);
	pl->skip = OQZ_ARENA_NEW_N(a, bool, nn);
	pl->slot = oqz_arena_calloc(a, nv, sizeof *pl->slot);
	pl->made = OQZ_ARENA_NEW_N(a, int, nv);
	if (!pl->groups || !pl->keep || !pl->tapped || !pl->needed || !pl->skip || !pl->slot || !pl->made)
		return oqz_err_nomem(err, "the plan", nv * 32);
	for (size_t i = 0; i < nv; i++)
		pl->slot[i][0] = pl->slot[i][1] = pl->made[i] = -1;
	return OQZ_OK;
}

static enum oqz_status add_inputs(struct oqz_planner *pl, struct oqz_err *err)
{
	struct oqz_program *p = pl->p;

	p->n_inputs = pl->g->inputs.n;
	p->inputs = OQZ_ARENA_NEW_N(p->arena, int, p->n_inputs);
	if (!p->inputs)
		return oqz_err_nomem(err, "the plan", p->n_inputs);
	for (size_t i = 0; i < p->n_inputs; i++) {
		struct oqz_value *v = pl->g->inputs.v[i];
		struct oqz_type t = oqz_value_type(v);
		bool list = oqz_dtype_is_list(t.dtype);
		if (list || t.dtype == OQZ_DT_STRING ? !pl->opt->lists : !oqz_type_concrete(&t))
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "input '%s' is not a tensor of a known type", v->name);
		if (!list)
			OQZ_TRY(oqz_slot_fits(v, &t, err));
		int s = oqz_slot_add(p, v, list ? OQZ_SLOT_HEAP : OQZ_SLOT_ARENA, &t, OQZ_LAYOUT_PLAIN);
		if (s < 0)
			return oqz_err_nomem(err, "the plan", sizeof(struct oqz_slot));
		p->inputs[i] = pl->made[v->id] = pl->slot[v->id][OQZ_LAYOUT_PLAIN] = s;
		p->slots.v[s].pinned = pl->tapped[v->id];
	}
	return OQZ_OK;
}

/* Finds where each output and tap has come to lie. */
static enum oqz_status find_results(struct oqz_planner *pl, struct oqz_err *err)
{
	struct oqz_program *p = pl->p;

	p->n_outputs = pl->g->outputs.n;
	p->n_taps = pl->opt->n_taps;
	p->outputs = OQZ_ARENA_NEW_N(p->arena, int, p->n_outputs);
	p->taps = OQZ_ARENA_NEW_N(p->arena, struct oqz_program_tap, p->n_taps);
	if (!p->outputs || !p->taps)
		return oqz_err_nomem(err, "the plan", p->n_taps * sizeof *p->taps);
	for (size_t i = 0; i < p->n_outputs; i++) {
		const struct oqz_value *v = pl->g->outputs.v[i];
		if ((v->kind != OQZ_VALUE_TENSOR || v->type.dtype == OQZ_DT_STRING) && !pl->opt->lists)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "output '%s' is not a tensor of numbers", v->name);
		OQZ_TRY(oqz_slot_get(pl, pl->g->outputs.v[i], OQZ_LAYOUT_PLAIN, &p->outputs[i], err));
	}
	for (size_t i = 0; i < p->n_taps; i++) {
		struct oqz_value *v = oqz_graph_value(pl->g, pl->opt->taps[i]);
		struct oqz_program_tap *t = &p->taps[i];
		*t = (struct oqz_program_tap) { .name = v->name, .slot = pl->made[v->id], .step = -1, .maker = -1 };
		if (t->slot < 0)
			OQZ_TRY(oqz_slot_get(pl, v, OQZ_LAYOUT_PLAIN, &t->slot, err));
		p->slots.v[t->slot].pinned = true;
	}
	for (size_t i = 0; i < p->n_taps; i++) {
		struct oqz_program_tap *t = &p->taps[i];
		for (size_t s = 0; s < p->steps.n; s++)
			for (int k = 0; k < p->steps.v[s].n_out; k++) {
				int out = p->steps.v[s].out[k];
				if (out >= 0 && out == t->slot)
					t->maker = (int)s;
				if (out >= 0 && p->slots.v[t->slot].root == out)
					t->step = (int)s;
			}
	}
	return OQZ_OK;
}

/* Constants that no step reads while running are given back: packed copies have taken their place. */
static void drop_constants(struct oqz_planner *pl)
{
	struct oqz_program *p = pl->p;
	bool *used = pl->needed; /* no longer wanted for anything else */

	memset(used, 0, pl->g->values.n * sizeof *used);
	for (size_t s = 0; s < p->steps.n; s++) {
		const struct oqz_step_desc *d = p->steps.v[s].desc;
		for (int i = 0; i < d->node->n_in && i < OQZ_STEP_MAX_IN; i++) {
			struct oqz_value *v = d->node->in[i];
			struct oqz_group *g = &pl->groups[d->node->index];
			if (i < 3 && g->in[i])
				v = g->in[i];
			if (v && p->steps.v[s].choice.uses_constant[i])
				used[v->id] = true;
			/* scales and zero points stay: they are small, and implementations may hold on to them */
			if (i < 3 && g->quant[i].present && d->node->in[i]->producer)
				for (int k = 1; k < d->node->in[i]->producer->n_in; k++)
					if (d->node->in[i]->producer->in[k])
						used[d->node->in[i]->producer->in[k]->id] = true;
		}
		for (int i = 0; d->act && i < d->act->n_in; i++)
			if (d->act->in[i])
				used[d->act->in[i]->id] = true;
	}
	for (size_t i = 0; i < pl->g->values.n; i++) {
		struct oqz_value *v = pl->g->values.v[i];
		if (v->constant && !used[i] && oqz_tensor_bytes(v->constant) > OQZ_SMALL_CONSTANT)
			oqz_tensor_release(v->constant);
	}
}

static enum oqz_status name_largest(struct oqz_program *p, struct oqz_err *err)
{
	const struct oqz_slot *most = NULL;
	char shape[OQZ_SHAPE_STR], bytes[OQZ_BYTES_STR];

	for (size_t i = 0; i < p->slots.n; i++)
		if (p->slots.v[i].kind == OQZ_SLOT_ARENA && (!most || p->slots.v[i].bytes > most->bytes))
			most = &p->slots.v[i];
	p->largest = !most ? "the work memory"
	                   : oqz_arena_printf(p->arena, "the activations together (largest: '%s' %s%s, %s, %s%s%s)",
	                                      most->value->name, oqz_dtype_name(most->tensor.dtype),
	                                      oqz_shape_str(&most->tensor.shape, shape, sizeof shape),
	                                      oqz_bytes_str(most->bytes, bytes, sizeof bytes),
	                                      most->value->producer ? "of node '" : "an input",
	                                      most->value->producer ? most->value->producer->name : "",
	                                      most->value->producer ? "'" : "");
	return p->largest ? OQZ_OK : oqz_err_nomem(err, "the plan", 1);
}

static enum oqz_status plan(struct oqz_planner *pl, const struct oqz_shape *shapes, struct oqz_err *err)
{
	OQZ_TRY(oqz_bind_shapes(pl->g, shapes, err));
	OQZ_TRY(planner_init(pl, err));
	OQZ_TRY(mark_kept(pl, err));
	if (pl->opt->engine != OQZ_ENGINE_REFERENCE)
		OQZ_TRY(oqz_plan_rewrite(pl, err));
	OQZ_TRY(oqz_plan_groups(pl, err));
	OQZ_TRY(add_inputs(pl, err));
	OQZ_TRY(oqz_plan_steps(pl, err));
	OQZ_TRY(find_results(pl, err));
	OQZ_TRY(oqz_plan_memory(pl->p, pl->opt, err));
	for (size_t i = 0; i < pl->p->steps.n; i++) {
		pl->p->weight_bytes += pl->p->steps.v[i].choice.state_bytes;
		const struct oqz_step *s = &pl->p->steps.v[i];
		size_t *scratch = &pl->p->scratch_bytes[s->scratch], n = s->choice.scratch_bytes;
		*scratch = n > *scratch ? oqz_align_up(n, OQZ_EXEC_ALIGN) : *scratch;
	}
	for (size_t i = 0; i < pl->p->slots.n; i++)
		if (pl->p->slots.v[i].kind == OQZ_SLOT_CONST)
			pl->p->weight_bytes += oqz_tensor_bytes(&pl->p->slots.v[i].tensor);
	drop_constants(pl);
	OQZ_TRY(name_largest(pl->p, err));
	return oqz_budget_check(oqz_program_context_bytes(pl->p), pl->p->largest, err);
}

enum oqz_status oqz_program_of(struct oqz_graph **g, const struct oqz_exec_options *opt, const struct oqz_shape *shapes,
                               struct oqz_program **ret, struct oqz_err *err)
{
	static const struct oqz_exec_options defaults;
	OQZ_CLEANUP(oqz_graph_free_cleanup) struct oqz_graph *taken = oqz_steal(*g);
	OQZ_CLEANUP(oqz_program_free_cleanup) struct oqz_program *p = calloc(1, sizeof *p);

	if (!p || !(p->arena = oqz_arena_new()))
		return oqz_err_nomem(err, "a program", sizeof *p);
	p->graph = oqz_steal(taken);
	struct oqz_planner pl = { .p = p, .g = p->graph, .opt = opt ? opt : &defaults };
	OQZ_TRY(plan(&pl, shapes, err));
	*ret = oqz_steal(p);
	return OQZ_OK;
}

enum oqz_status oqz_program_new(const struct oqz_graph *g, const struct oqz_exec_options *opt,
                                const struct oqz_shape *shapes, struct oqz_program **ret, struct oqz_err *err)
{
	struct oqz_graph *own;

	OQZ_TRY(oqz_graph_clone(g, &own, err));
	return oqz_program_of(&own, opt, shapes, ret, err);
}

void oqz_program_free(struct oqz_program *p)
{
	if (!p)
		return;
	oqz_budget_give(p->state_bytes);
	for (size_t i = 0; i < p->steps.n; i++)
		if (p->steps.v[i].impl && p->steps.v[i].impl->destroy)
			p->steps.v[i].impl->destroy(p->steps.v[i].choice.state);
	for (size_t i = 0; i < p->slots.n; i++)
		if (p->slots.v[i].kind == OQZ_SLOT_CONST)
			oqz_tensor_release(&p->slots.v[i].tensor);
	oqz_vec_release(&p->steps);
	oqz_vec_release(&p->slots);
	oqz_graph_free(p->graph);
	oqz_arena_free(p->arena);
	free(p);
}

size_t oqz_program_nsteps(const struct oqz_program *p) { return p->steps.n; }

void oqz_program_step(const struct oqz_program *p, size_t i, struct oqz_step_info *ret)
{
	const struct oqz_step *s = &p->steps.v[i];

	*ret = (struct oqz_step_info) {
		.node = s->desc->node->name,
		.op = s->impl == &oqz_impl_reorder ? "Reorder" : s->desc->node->op_type,
		.impl = s->choice.name,
		.macs = s->macs,
		.bytes = s->bytes,
	};
}

size_t oqz_program_context_bytes(const struct oqz_program *p)
{
	size_t n = p->arena_bytes;

	for (int i = 0; i < OQZ_SCRATCHES; i++)
		n += p->scratch_bytes[i];
	return n;
}
size_t oqz_program_weight_bytes(const struct oqz_program *p) { return p->weight_bytes; }
size_t oqz_program_ninputs(const struct oqz_program *p) { return p->n_inputs; }
size_t oqz_program_noutputs(const struct oqz_program *p) { return p->n_outputs; }
const char *oqz_program_input_name(const struct oqz_program *p, size_t i) { return p->graph->inputs.v[i]->name; }
const char *oqz_program_output_name(const struct oqz_program *p, size_t i) { return p->graph->outputs.v[i]->name; }

int oqz_program_tap(const struct oqz_program *p, const char *value)
{
	for (size_t i = 0; i < p->n_taps; i++)
		if (strcmp(p->taps[i].name, value) == 0)
			return (int)i;
	return -1;
}

long oqz_program_tap_step(const struct oqz_program *p, int tap) { return p->taps[tap].step; }

size_t oqz_program_tap_ninputs(const struct oqz_program *p, int tap)
{
	size_t n = 0;

	if (p->taps[tap].maker >= 0) {
		const struct oqz_step *s = &p->steps.v[p->taps[tap].maker];
		for (int i = 0; i < s->n_in; i++)
			n += s->in[i] >= 0 && p->slots.v[s->in[i]].kind != OQZ_SLOT_CONST;
	}
	return n;
}

const char *oqz_program_tap_input(const struct oqz_program *p, int tap, size_t at)
{
	const struct oqz_step *s = p->taps[tap].maker >= 0 ? &p->steps.v[p->taps[tap].maker] : NULL;

	for (int i = 0; s && i < s->n_in; i++)
		if (s->in[i] >= 0 && p->slots.v[s->in[i]].kind != OQZ_SLOT_CONST && at-- == 0)
			return p->slots.v[s->in[i]].value->name;
	return NULL;
}
