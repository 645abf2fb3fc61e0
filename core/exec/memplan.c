/* SPDX-License-Identifier: Apache-2.0
 *
 * The arena's layout. A slot lives from the step that writes it to the last that reads it; steps that may work in place
 * take over their input's memory when they are its last reader; what remains is packed by size, largest first, into the
 * smallest hole that is free during its whole life. Greedy by size is within a few per cent of the optimum on
 * convolutional networks (Pisarchyk, Lee 2020, "Efficient memory management for deep neural net inference").
 */
#include "core/exec/program.h"
#include "core/base/checked.h"

#include <string.h>

static int root_of(struct oqz_program *p, int s)
{
	while (p->slots.v[s].root != s)
		s = p->slots.v[s].root;
	return s;
}

static void touch(struct oqz_program *p, int s, int step)
{
	struct oqz_slot *r = &p->slots.v[root_of(p, s)];

	if (r->last < step)
		r->last = step;
}

/* Which input of step i + 1 is step i's output, as it lies, and can be read ahead; -1: none. */
static int reads_ahead(struct oqz_program *p, size_t i)
{
	const struct oqz_step *s = &p->steps.v[i], *next = s + 1;

	if (i + 1 == p->steps.n || s->out[0] < 0 || s->dynamic || next->dynamic || !next->impl->ahead)
		return -1;
	for (int k = 0; k < 2 && k < next->n_in; k++) {
		const struct oqz_slot *in = next->in[k] < 0 ? NULL : &p->slots.v[next->in[k]];
		const struct oqz_slot *out = &p->slots.v[s->out[0]];
		if (next->choice.ahead[k] && in && in->kind == OQZ_SLOT_ARENA &&
		    root_of(p, next->in[k]) == root_of(p, s->out[0]) && in->tensor.dtype == out->tensor.dtype &&
		    in->bytes == out->bytes)
			return k;
	}
	return -1;
}

/* Elementwise steps whose result the next step can read ahead: whoever lets the former read ahead does it with both. */
static void find_chains(struct oqz_program *p)
{
	for (size_t i = 0; i < p->steps.n; i++) {
		struct oqz_step *s = &p->steps.v[i];
		s->chain = s->choice.ahead_makes ? reads_ahead(p, i) : -1;
	}
}

/* Somebody may make the step in bands: it can be, and its output is a tap. */
static bool in_bands(const struct oqz_program *p, size_t i)
{
	const struct oqz_step *s = &p->steps.v[i];

	if (!s->choice.band || s->dynamic || s->out[0] < 0)
		return false;
	for (size_t k = 0; k < p->n_taps; k++)
		if (p->taps[k].maker == (int)i && p->taps[k].step == (int)i && p->taps[k].slot == s->out[0])
			return true;
	return false;
}

/* The first of the steps that may be at work when step i begins, as it reads ahead: the one before, or the one before
 * that in a chain; i itself when there is none. */
static size_t at_work(struct oqz_program *p, size_t i)
{
	size_t first = i;

	if (i > 0 && reads_ahead(p, i - 1) >= 0)
		first = i > 1 && p->steps.v[i - 1].chain >= 0 && reads_ahead(p, i - 2) >= 0 ? i - 2 : i - 1;
	return first < i && !in_bands(p, first) ? first + 1 : first; /* it is done */
}

/* Scratch memory that no step at the same time uses. */
static void share_scratch(struct oqz_program *p)
{
	for (size_t i = 0; i < p->steps.n; i++) {
		struct oqz_step *s = &p->steps.v[i];
		bool taken[OQZ_SCRATCHES + 1] = { false };
		for (size_t k = at_work(p, i); k < i; k++)
			taken[p->steps.v[k].scratch] |= p->steps.v[k].choice.scratch_bytes > 0;
		for (s->scratch = 0; taken[s->scratch];)
			s->scratch++;
	}
}

static void find_lives(struct oqz_program *p, const struct oqz_exec_options *opt)
{
	int end = (int)p->steps.n;

	for (int i = 0; i < end; i++) {
		const struct oqz_step *s = &p->steps.v[i];
		for (int k = 0; k < s->n_in; k++)
			if (s->in[k] >= 0)
				touch(p, s->in[k], i);
		for (int k = 0; k < s->n_out; k++)
			if (s->out[k] >= 0) {
				p->slots.v[s->out[k]].first = i;
				touch(p, s->out[k], i);
			}
	}
	for (size_t i = 0; i < p->n_inputs; i++)
		touch(p, p->inputs[i], 0);
	for (size_t i = 0; i < p->n_outputs; i++)
		touch(p, p->outputs[i], end);
	/* A tap stays through the step after the one that made it, and as long as any reader of the value, whichever
	 * layout it reads, has not run: the local error of a layer needs the layer's input then. */
	for (size_t i = 0; i < p->n_taps; i++) {
		int slot = p->taps[i].slot;
		touch(p, slot, p->taps[i].step + 1);
		for (int k = 0; k < end; k++)
			for (int j = 0; j < p->steps.v[k].n_in; j++)
				if (p->steps.v[k].in[j] >= 0 &&
				    p->slots.v[p->steps.v[k].in[j]].value == p->slots.v[slot].value)
					touch(p, slot, k);
	}
	for (size_t i = 0; i < opt->n_holds; i++) {
		int tap = oqz_program_tap(p, opt->holds[i].value), until = oqz_program_tap(p, opt->holds[i].until);
		if (tap >= 0 && until >= 0)
			touch(p, p->taps[tap].slot, p->taps[until].step + 1);
	}
}

/* What a step may write while others are at work must not lie on what these still need. */
static void begin_early(struct oqz_program *p)
{
	for (size_t i = 0; i < p->steps.n; i++) {
		size_t first = at_work(p, i);
		for (int k = 0; k < p->steps.v[i].n_out; k++)
			if (p->steps.v[i].out[k] >= 0 && p->slots.v[p->steps.v[i].out[k]].first > (int)first)
				p->slots.v[p->steps.v[i].out[k]].first = (int)first;
	}
}

static bool pinned(struct oqz_program *p, int root)
{
	for (size_t i = 0; i < p->slots.n; i++)
		if (p->slots.v[i].pinned && root_of(p, (int)i) == root)
			return true;
	return false;
}

/* A step that may be at work while step i writes, and reads this memory elsewhere than step i: in bands, and not ahead.
 */
static bool reads_meanwhile(struct oqz_program *p, size_t i, int root)
{
	for (size_t j = at_work(p, i); j < i && p->steps.v[i].impl->ahead; j++)
		for (int k = 0; k < p->steps.v[j].n_in && p->steps.v[j].choice.band; k++)
			if (p->steps.v[j].in[k] >= 0 && !(k < 2 && p->steps.v[j].choice.ahead[k]) &&
			    root_of(p, p->steps.v[j].in[k]) == root)
				return true;
	return false;
}

static bool can_take_over(struct oqz_program *p, size_t i, int k)
{
	const struct oqz_step *s = &p->steps.v[i];

	if (s->dynamic || k < 0 || k >= s->n_in || s->in[k] < 0 || s->out[0] < 0)
		return false;
	int from = root_of(p, s->in[k]);
	const struct oqz_slot *in = &p->slots.v[from], *out = &p->slots.v[s->out[0]];
	if (in->kind != OQZ_SLOT_ARENA || in->last != (int)i || in->bytes != out->bytes || pinned(p, from) ||
	    reads_meanwhile(p, i, from))
		return false;
	for (int j = 0; j < s->n_in; j++)
		if (j != k && s->in[j] >= 0 && s->in[j] != s->in[k] && root_of(p, s->in[j]) == from)
			return false;
	return true;
}

/* Output 0 takes over an input's memory when this step is the last to look at it, through one slot only. Of two the
 * older one: what the step before has made may never have been written to its place (see `passing`). */
static void merge_inplace(struct oqz_program *p)
{
	for (size_t i = 0; i < p->steps.n; i++) {
		const struct oqz_step *s = &p->steps.v[i];
		int k = s->choice.inplace_input;
		if (s->choice.inplace_either && s->in[0] >= 0 && s->in[1] >= 0 &&
		    p->slots.v[root_of(p, s->in[1 - k])].first < p->slots.v[root_of(p, s->in[k])].first)
			k = 1 - k;
		if (!can_take_over(p, i, k) && !(s->choice.inplace_either && can_take_over(p, i, k = 1 - k)))
			continue;
		int from = root_of(p, s->in[k]);
		p->slots.v[s->out[0]].root = from;
		p->slots.v[from].last = p->slots.v[s->out[0]].last;
	}
}

static bool lives_meet(const struct oqz_slot *a, const struct oqz_slot *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* Smallest hole among the slots placed so far (sorted by offset) that are alive together with s. */
static size_t find_hole(const struct oqz_program *p, const int *placed, size_t n, const struct oqz_slot *s)
{
	size_t at = 0, best = SIZE_MAX, best_size = SIZE_MAX, size = oqz_align_up(s->bytes, OQZ_EXEC_ALIGN);

	for (size_t i = 0; i < n; i++) {
		const struct oqz_slot *o = &p->slots.v[placed[i]];
		if (!lives_meet(s, o))
			continue;
		if (o->offset > at && o->offset - at >= size && o->offset - at < best_size) {
			best = at;
			best_size = o->offset - at;
		}
		size_t end = o->offset + oqz_align_up(o->bytes, OQZ_EXEC_ALIGN);
		if (end > at)
			at = end;
	}
	return best == SIZE_MAX ? at : best;
}

static int by_size(const void *a, const void *b)
{
	const struct oqz_slot *const *x = a, *const *y = b;

	if ((*x)->bytes != (*y)->bytes)
		return (*x)->bytes < (*y)->bytes ? 1 : -1;
	return *x < *y ? -1 : *x > *y;
}

static enum oqz_status place(struct oqz_program *p, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE struct oqz_slot **order = malloc((p->slots.n + 1) * sizeof *order);
	OQZ_CLEANUP_FREE int *placed = malloc((p->slots.n + 1) * sizeof *placed);
	size_t n = 0, np = 0;

	if (!order || !placed)
		return oqz_err_nomem(err, "the memory plan", p->slots.n * sizeof *order);
	for (size_t i = 0; i < p->slots.n; i++)
		if (p->slots.v[i].kind == OQZ_SLOT_ARENA && p->slots.v[i].root == (int)i)
			order[n++] = &p->slots.v[i];
	qsort(order, n, sizeof(*order), by_size);
	for (size_t i = 0; i < n; i++) {
		struct oqz_slot *s = order[i];
		s->offset = find_hole(p, placed, np, s);
		size_t end = s->offset + oqz_align_up(s->bytes, OQZ_EXEC_ALIGN), at = np++;
		if (end < s->offset || end > SIZE_MAX / 4)
			OQZ_FAIL(err, OQZ_E_LIMIT, "the activations need more memory than can be addressed");
		for (; at > 0 && p->slots.v[placed[at - 1]].offset > s->offset; at--)
			placed[at] = placed[at - 1];
		placed[at] = (int)(s - p->slots.v);
		if (end > p->arena_bytes)
			p->arena_bytes = end;
	}
	return OQZ_OK;
}

/* Marks steps whose output 0 the next step reads, once and possibly ahead, and nobody else: neither through a slot that
 * shares its memory, nor a caller for longer than a tap lasts. */
static void find_passing(struct oqz_program *p, const struct oqz_exec_options *opt)
{
	for (size_t i = 0; i + 1 < p->steps.n; i++) {
		struct oqz_step *s = &p->steps.v[i];
		const struct oqz_step *next = &p->steps.v[i + 1];
		int root = s->out[0] < 0 ? -1 : p->slots.v[s->out[0]].root, reads = 0;
		bool kept = root < 0 || s->dynamic || next->dynamic || !next->impl->ahead, over = false;
		int last = kept ? 0 : p->slots.v[root].last;
		for (size_t j = i + 1; j < p->steps.n && (int)j <= last && !kept && !over; j++) {
			const struct oqz_step *r = &p->steps.v[j];
			for (int k = 0; k < r->n_in; k++)
				if (r->in[k] >= 0 && p->slots.v[r->in[k]].root == root) {
					kept |= j > i + 1 || k > 1 || !r->choice.ahead[k];
					reads++;
				}
			for (int k = 0; k < r->n_out; k++) /* from here on other numbers are there */
				over |= r->out[k] >= 0 && p->slots.v[r->out[k]].root == root;
		}
		for (size_t k = 0; k < p->n_outputs; k++)
			kept |= !over && p->slots.v[p->outputs[k]].root == root;
		for (size_t k = 0; k < opt->n_holds; k++) {
			int tap = oqz_program_tap(p, opt->holds[k].value);
			kept |= tap >= 0 && p->slots.v[p->taps[tap].slot].root == root;
		}
		s->passing = !kept && reads == 1;
	}
}

enum oqz_status oqz_plan_memory(struct oqz_program *p, const struct oqz_exec_options *opt, struct oqz_err *err)
{
	find_chains(p);
	share_scratch(p);
	find_lives(p, opt);
	begin_early(p);
	merge_inplace(p);
	for (size_t i = 0; i < p->slots.n; i++)
		p->slots.v[i].root = root_of(p, (int)i);
	find_passing(p, opt);
	return place(p, err);
}
