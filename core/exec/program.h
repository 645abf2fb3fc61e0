/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of a program: slots (tensors with a place in memory) and steps (an implementation with its slots). Shared by
 * the planner's files and by context.c, nobody else.
 */
#ifndef OQZ_EXEC_PROGRAM_H
#define OQZ_EXEC_PROGRAM_H

#include "core/exec/impl.h"
#include "core/exec/layout.h"

enum { OQZ_SCRATCHES = 3 };

enum oqz_slot_kind {
	OQZ_SLOT_ARENA, /* at `offset` of each context's arena */
	OQZ_SLOT_CONST, /* owned by the program */
	OQZ_SLOT_HEAP,  /* shape depends on data: allocated by the step that makes it, owned by the context */
};

/* A value in one layout. Several slots may share memory (reshapes, in-place steps): `root` says whose. */
struct oqz_slot {
	enum oqz_slot_kind kind;
	struct oqz_tensor tensor; /* dtype, layout, shape; CONST: memory too */
	const struct oqz_value *value;
	int root;        /* index of the slot whose memory this is; itself if its own */
	int first, last; /* steps that write first and read last; -1 and nsteps at the edges */
	bool pinned;     /* never overwritten in place (tap) */
	size_t offset, bytes;
};

struct oqz_step {
	struct oqz_step_desc *desc;
	const struct oqz_impl *impl;
	struct oqz_step_choice choice;
	int n_in, n_out;
	int *in, *out; /* slots; -1: left out, absorbed or not wanted */
	bool dynamic;  /* outputs are allocated while running */
	bool passing;  /* output 0 is read by nobody but the next step, once, and that could do so ahead */
	int chain;     /* what this step makes ahead the next one reads ahead at once: its input; -1: none */
	int scratch;   /* which of a context's pieces of scratch memory is its */
	int64_t macs;
	size_t bytes;
};

struct oqz_program_tap {
	const char *name;
	int slot;
	int step;  /* that has written the slot when it can be read; -1: from the start */
	int maker; /* the step whose output it is; -1: none (constant, input, alias) */
};

struct oqz_program {
	struct oqz_graph *graph; /* bound clone */
	struct oqz_arena *arena; /* steps' arrays and descriptions */
	OQZ_VEC(struct oqz_slot) slots;
	OQZ_VEC(struct oqz_step) steps;
	size_t n_inputs, n_outputs, n_taps;
	int *inputs, *outputs; /* slots */
	struct oqz_program_tap *taps;
	size_t arena_bytes, weight_bytes;
	size_t scratch_bytes[OQZ_SCRATCHES]; /* what a step has made ahead those before, still running, leave alone */
	size_t state_bytes;                  /* of the packed weights, taken from the budget (core/base/budget.h) */
	const char *largest; /* "the activations (largest: ...)": what to say when a context does not fit */
};

/* A quantized layer or an operator with its activation, as recognised in the graph (group.c); by node index. */
struct oqz_group {
	bool group; /* any quant[].present */
	struct oqz_step_quant quant[3];
	struct oqz_value *in[3]; /* what the step reads instead of node->in[i]; NULL: that */
	struct oqz_node *act;    /* candidate for fusion; NULL: none */
};

/* State of planning. Arrays are in the program's arena, by value id or node index. */
struct oqz_planner {
	struct oqz_program *p;
	struct oqz_graph *g;
	const struct oqz_exec_options *opt;
	struct oqz_group *groups;
	bool *keep;     /* value: graph output or tap, must exist in memory */
	bool *tapped;   /* value: tap */
	bool *needed;   /* value: somebody reads it */
	bool *skip;     /* node: part of an earlier step */
	int (*slot)[2]; /* value: slot in each layout, -1 */
	int *made;      /* value: slot as the step left it, -1 */
};

/* Only one consumer reads the value, and nobody wants to see it. */
static inline bool oqz_value_private(const struct oqz_planner *pl, const struct oqz_value *v)
{
	return v->uses.n == 1 && !pl->keep[v->id] && !v->is_output;
}

/* What may be fused behind an operator. */
struct oqz_fuse {
	const struct oqz_node *act;           /* right behind it; NULL: nothing */
	const struct oqz_node *add, *add_act; /* an Add, and the activation behind that; NULL: nothing */
	struct oqz_value *other;              /* the Add's other operand, which becomes */
	int add_in;                           /* this input of the step */
};
/* fuse.c: `made` must say what has been computed by now. */
void oqz_plan_fuse(const struct oqz_planner *pl, const struct oqz_node *n, struct oqz_fuse *ret);

/* Constants of up to so many bytes stay: they are not worth the risk of a dangling parameter. */
enum { OQZ_SMALL_CONSTANT = 4096 };

/* group.c: finds groups and activations; marks what is needed. Constant QuantizeLinear nodes are evaluated. */
enum oqz_status oqz_plan_groups(struct oqz_planner *pl, struct oqz_err *err);
/* absorb.c: activations that quantized layers apply to their input themselves. */
void oqz_plan_absorb(struct oqz_planner *pl);
/* group.c: evaluates every needed node whose inputs are all constant. `all`: dequantization too. */
enum oqz_status oqz_plan_constants(struct oqz_planner *pl, bool all, struct oqz_err *err);
/* rewrite.c: activations written as two nodes become one. */
enum oqz_status oqz_plan_rewrite(struct oqz_planner *pl, struct oqz_err *err);
/* steps.c: emits the steps in order. */
enum oqz_status oqz_plan_steps(struct oqz_planner *pl, struct oqz_err *err);
/* choose.c: the first implementation that accepts; fills impl, choice, and desc with as much of the tail as it takes.
 */
enum oqz_status oqz_plan_choose(struct oqz_planner *pl, struct oqz_step *s, const struct oqz_fuse *fuse,
                                struct oqz_err *err);
/* slots.c: whether a value of this concrete type can be had at all: its size can be counted and is below the memory
 * limit. */
enum oqz_status oqz_slot_fits(const struct oqz_value *v, const struct oqz_type *t, struct oqz_err *err);
/* slots.c: a new slot (-1: out of memory); the slot of a value in a layout, inserting a reorder step when needed. */
int oqz_slot_add(struct oqz_program *p, const struct oqz_value *v, enum oqz_slot_kind kind, const struct oqz_type *t,
                 enum oqz_layout layout);
enum oqz_status oqz_slot_get(struct oqz_planner *pl, struct oqz_value *v, enum oqz_layout layout, int *ret,
                             struct oqz_err *err);
/* slots.c: makes node's output a view of its input where the bytes agree. *ret says whether that was so. */
enum oqz_status oqz_slot_alias(struct oqz_planner *pl, const struct oqz_node *n, bool *ret, struct oqz_err *err);
/* permute.c: one step for a Reshape and the Transpose (and Reshape) behind it, where that saves a reorder. *ret_last is
 * the last node that the step stands for, NULL when there is none. */
enum oqz_status oqz_plan_permute(struct oqz_planner *pl, struct oqz_node *reshape, struct oqz_node **ret_last,
                                 struct oqz_err *err);
/* concat_norm.c: one step for a Concat of channels, the BatchNormalization behind it and its activation. *ret_last as
 * above. */
enum oqz_status oqz_plan_concat_norm(struct oqz_planner *pl, struct oqz_node *concat, struct oqz_node **ret_last,
                                     struct oqz_err *err);
/* steps.c: an empty step with room for its slots; false: out of memory. */
bool oqz_step_init(struct oqz_program *p, const struct oqz_node *n, int n_in, int n_out, struct oqz_step *ret);
/* memplan.c: life times, in-place steps, offsets. */
enum oqz_status oqz_plan_memory(struct oqz_program *p, const struct oqz_exec_options *opt, struct oqz_err *err);

#endif
