/* SPDX-License-Identifier: Apache-2.0
 *
 * A step made by hand, for tests of single implementations: a node on the stack, types and constants, then create, run,
 * destroy as the planner would. Activations are given and taken in PLAIN order; layouts are changed as the
 * implementation asks. Scratch memory is exactly as large as it asked for, between guard bytes; so is the output,
 * between more of them, since kernels that write whole tiles miss by kilobytes.
 */
#ifndef OQZ_TESTS_DNNL_STEP_H
#define OQZ_TESTS_DNNL_STEP_H

#include "core/base/rng.h"
#include "core/exec/impl.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEP_MAX = 8, STEP_GUARD = 64, STEP_OUT_GUARD = 1 << 16 };

struct step {
	struct oqz_graph *graph; /* holds the parsed attributes */
	struct oqz_node node, act;
	struct oqz_value value[STEP_MAX], *value_ptr[STEP_MAX], result, *result_ptr;
	struct oqz_attr attr[16], act_attr[4];
	struct oqz_value act_value[3];
	struct oqz_value *act_in[3];
	struct oqz_step_desc d;
	struct oqz_tensor in[STEP_MAX]; /* PLAIN; constants and activations alike */
	struct oqz_tensor out;          /* PLAIN, after step_run */
	char name[64], why[200];
	size_t state_bytes;
};

static inline struct oqz_tensor step_tensor(enum oqz_dtype t, struct oqz_shape s)
{
	struct oqz_tensor r = { 0 };

	ck_ok(oqz_tensor_alloc(&r, t, &s, err));
	return r;
}

#define DIMS(...) oqz_shape_of((int)(sizeof((int64_t[]) { __VA_ARGS__ }) / 8), (int64_t[]) { __VA_ARGS__ })

static inline void step_init(struct step *s, const char *op)
{
	memset(s, 0, sizeof *s);
	s->graph = oqz_graph_new();
	ck_assert_ptr_nonnull(s->graph);
	s->node = (struct oqz_node) { .name = "n", .domain = "", .op_type = op, .attr = s->attr };
	s->act = (struct oqz_node) { .name = "a", .domain = "", .attr = s->act_attr, .in = s->act_in };
	s->d.node = &s->node;
	s->d.n_out = 1;
}

static inline void step_int(struct step *s, const char *name, int64_t v)
{
	s->attr[s->node.n_attr++] = (struct oqz_attr) { .name = name, .type = OQZ_ATTR_INT, .i = v };
}

static inline void step_float(struct step *s, const char *name, float v)
{
	s->attr[s->node.n_attr++] = (struct oqz_attr) { .name = name, .type = OQZ_ATTR_FLOAT, .f = v };
}

static inline void step_string(struct step *s, const char *name, const char *v)
{
	s->attr[s->node.n_attr++] = (struct oqz_attr) { .name = name, .type = OQZ_ATTR_STRING, .s = v, .n = strlen(v) };
}

static inline void step_ints(struct step *s, const char *name, size_t n, const int64_t *v)
{
	s->attr[s->node.n_attr++] = (struct oqz_attr) { .name = name, .type = OQZ_ATTR_INTS, .n = n, .ints = v };
}

/* Adds the next input; takes the tensor over. */
static inline struct oqz_tensor *step_input(struct step *s, struct oqz_tensor t, bool constant)
{
	int i = s->d.n_in++;

	s->in[i] = t;
	s->d.in_type[i] = (struct oqz_type) { t.dtype, t.shape };
	if (constant)
		s->d.constant[i] = &s->in[i];
	return &s->in[i];
}

static inline void step_output(struct step *s, struct oqz_shape shape)
{
	s->d.out_type[0] = (struct oqz_type) { OQZ_DT_F32, shape };
	s->out = step_tensor(OQZ_DT_F32, shape);
}

static inline void step_act(struct step *s, const char *op)
{
	s->act.op_type = op;
	s->d.act = &s->act;
}

static inline void step_act_float(struct step *s, const char *name, float v)
{
	s->act_attr[s->act.n_attr++] = (struct oqz_attr) { .name = name, .type = OQZ_ATTR_FLOAT, .f = v };
}

/* Clip's bounds and PRelu's slope are inputs. */
static inline void step_act_input(struct step *s, int i, struct oqz_tensor *t)
{
	s->act_value[i].constant = t;
	s->act_in[i] = &s->act_value[i];
	s->act.n_in = i + 1;
}

/* Parses the node's attributes as the loader would. */
static inline enum oqz_status step_resolve(struct step *s, struct oqz_err *err)
{
	for (int i = 0; i < s->d.n_in; i++) {
		s->value[i].type = s->d.in_type[i];
		s->value[i].constant = (struct oqz_tensor *)s->d.constant[i];
		s->value_ptr[i] = s->d.in_type[i].dtype == OQZ_DT_UNDEFINED ? NULL : &s->value[i];
	}
	s->node.n_in = s->d.n_in;
	s->node.n_out = s->d.n_out;
	s->node.in = s->value_ptr;
	s->result_ptr = &s->result;
	s->node.out = &s->result_ptr;
	s->node.opset = 21;
	s->node.graph = s->graph;
	return s->node.op ? OQZ_OK : oqz_node_resolve(&s->node, err);
}

/* Memory between guard bytes. */
static inline unsigned char *step_guarded(size_t bytes)
{
	unsigned char *memory = aligned_alloc(64, (bytes + 2 * STEP_OUT_GUARD + 63) / 64 * 64);

	memset(memory, 0xa5, bytes + 2 * STEP_OUT_GUARD);
	return memory;
}

static inline void step_check_guards(const unsigned char *memory, size_t bytes, const char *name)
{
	size_t spoiled = 0;

	for (size_t i = 0; i < STEP_OUT_GUARD; i++)
		spoiled += (memory[i] != 0xa5) + (memory[STEP_OUT_GUARD + bytes + i] != 0xa5);
	ck_assert_msg(spoiled == 0, "%s wrote %zu bytes beyond its output (%zu bytes)", name, spoiled, bytes);
}

/* The output in bands, each in memory of its own, must be the whole one bit for bit. */
static inline void step_bands(const struct oqz_impl *impl, const struct oqz_step_choice *ch,
                              const struct oqz_step_call *call)
{
	const float *whole = call->out[0]->data;
	size_t n = (size_t)oqz_tensor_nelem(call->out[0]);

	for (size_t i = 0; ch->band && i * ch->band < n; i++) {
		size_t first = i * ch->band, size = n - first < ch->band ? n - first : ch->band;
		unsigned char *memory = step_guarded(size * sizeof(float));
		float *out = (float *)(memory + STEP_OUT_GUARD);
		ck_ok(impl->band(ch->state, call, i, out, err));
		step_check_guards(memory, size * sizeof(float), ch->name);
		ck_assert_msg(memcmp(out, whole + first, size * sizeof(float)) == 0,
		              "%s: band %zu of %zu elements differs", ch->name, i, ch->band);
		free(memory);
	}
}

/* Creates, runs once with every input given, destroys. OQZ_E_UNSUPPORTED (why set) when declined. */
static inline enum oqz_status step_run(struct step *s, const struct oqz_impl *impl, struct oqz_err *err)
{
	struct oqz_step_choice ch = { .inplace_input = -1 };
	struct oqz_tensor in[STEP_MAX] = { { 0 } }, out = { 0 };
	const struct oqz_tensor *pin[STEP_MAX] = { 0 };

	OQZ_TRY(step_resolve(s, err));
	OQZ_TRY(impl->create(&s->d, &ch, s->why, sizeof s->why, err));
	size_t bytes = oqz_tensor_bytes(&s->out);
	unsigned char *memory = step_guarded(bytes);
	out = (struct oqz_tensor) { .dtype = OQZ_DT_F32, .shape = s->out.shape, .data = memory + STEP_OUT_GUARD };
	for (int i = 0; i < s->d.n_in; i++) {
		if (!s->in[i].data || (s->d.constant[i] && !ch.uses_constant[i]))
			continue;
		in[i] = step_tensor(s->in[i].dtype, s->in[i].shape);
		in[i].layout = ch.in_layout[i];
		oqz_tensor_relayout(&in[i], &s->in[i]);
		pin[i] = &in[i];
	}
	out.layout = ch.out_layout[0];
	unsigned char *scratch = aligned_alloc(64, (ch.scratch_bytes + 2 * STEP_GUARD + 63) / 64 * 64);
	memset(scratch, 0xa5, ch.scratch_bytes + 2 * STEP_GUARD);
	struct oqz_tensor *pout[1] = { &out };
	struct oqz_step_call call = { .in = pin, .out = pout, .scratch = scratch + STEP_GUARD };
	enum oqz_status st = impl->run(ch.state, &call, err);
	if (st == OQZ_OK)
		step_bands(impl, &ch, &call);
	for (int i = 0; i < STEP_GUARD; i++)
		ck_assert_msg(scratch[i] == 0xa5 && scratch[STEP_GUARD + ch.scratch_bytes + (size_t)i] == 0xa5,
		              "%s wrote beyond its scratch memory", ch.name);
	step_check_guards(memory, bytes, ch.name);
	oqz_tensor_relayout(&s->out, &out);
	snprintf(s->name, sizeof s->name, "%s", ch.name);
	s->state_bytes = ch.state_bytes;
	impl->destroy(ch.state);
	free(scratch);
	free(memory);
	for (int i = 0; i < STEP_MAX; i++)
		oqz_tensor_release(&in[i]);
	return st;
}

static inline void step_release(struct step *s)
{
	for (int i = 0; i < STEP_MAX; i++)
		oqz_tensor_release(&s->in[i]);
	oqz_tensor_release(&s->out);
	oqz_graph_free(s->graph);
}

/* How often a test of random cases goes round, and from which seed: OQZ_TEST_ROUNDS and OQZ_TEST_SEED, for a long
 * search by hand (with CK_TIMEOUT_MULTIPLIER=100 or the like, or it ends with the test's ten minutes). */
static inline int step_rounds(int dflt)
{
	const char *n = getenv("OQZ_TEST_ROUNDS");

	return n && atoi(n) > 0 ? atoi(n) : dflt;
}

static inline uint64_t step_seed(uint64_t dflt)
{
	const char *n = getenv("OQZ_TEST_SEED");

	return n ? strtoull(n, NULL, 10) : dflt;
}

/* Uniform in [-1, 1). */
static inline void fill_f32(struct oqz_rng *r, struct oqz_tensor *t)
{
	float *p = t->data;

	for (int64_t i = 0; i < oqz_tensor_nelem(t); i++)
		p[i] = (float)(oqz_rng_f64(r) * 2 - 1);
}

/* A whole number in [lo, hi]. */
static inline int64_t rand_in(struct oqz_rng *r, int64_t lo, int64_t hi)
{
	return lo + (int64_t)oqz_rng_below(r, (uint64_t)(hi - lo + 1));
}

/* |got - want| <= tol * (scale of want): scale is the largest magnitude, as rounding errors of sums go with it. */
static inline void expect_near(const struct step *s, const double *want, double tol, const char *what)
{
	const float *got = s->out.data;
	int64_t n = oqz_tensor_nelem(&s->out), at = -1;
	double scale = 1e-30, worst = -1;

	for (int64_t i = 0; i < n; i++)
		scale = fmax(scale, fabs(want[i]));
	for (int64_t i = 0; i < n; i++) {
		double e = fabs(got[i] - want[i]);
		if (!(e <= worst)) {
			worst = e;
			at = i;
		}
	}
	ck_assert_msg(worst <= tol * scale, "%s (%s): element %lld is %.9g, not %.9g", what, s->name, (long long)at,
	              (double)got[at], want[at]);
}

/* Runs the step and the operator's reference kernel on the same inputs; the step's activation must be absent. */
static inline void step_expect_reference(struct step *s, const struct oqz_impl *impl, double tol, const char *what)
{
	const struct oqz_tensor *in[STEP_MAX];
	struct oqz_tensor ref = { 0 };

	ck_ok(step_resolve(s, err));
	for (int i = 0; i < s->d.n_in; i++)
		in[i] = s->in[i].data ? &s->in[i] : NULL;
	ck_ok(oqz_op_run(&s->node, in, &ref, err));
	if (!s->out.data)
		step_output(s, ref.shape);
	int64_t n = oqz_tensor_nelem(&ref);
	double *want = malloc((size_t)n * sizeof *want);
	for (int64_t i = 0; i < n; i++)
		want[i] = ((float *)ref.data)[i];
	struct oqz_err err = { 0 };
	enum oqz_status st = step_run(s, impl, &err);
	ck_assert_msg(st == OQZ_OK, "%s: %d %s %s", what, st, s->why, err.msg);
	expect_near(s, want, tol, what);
	free(want);
	oqz_tensor_release(&ref);
}

/* ---- convolution geometry for reference loops ---------------------------------------------------------------------
 */

struct convcase {
	int nsp;
	int64_t batch, ic, oc, group;
	int64_t in[3], k[3], stride[3], dil[3], pad[6], out[3];
};

static inline bool convcase_random(struct oqz_rng *r, struct convcase *c, int nsp)
{
	static const int64_t chans[] = { 1, 3, 8, 16, 17, 32, 40, 64 };

	memset(c, 0, sizeof *c);
	c->nsp = nsp;
	c->batch = rand_in(r, 0, 3) == 0 ? 3 : 1;
	int64_t kind = rand_in(r, 0, 3);
	if (kind == 0) { /* depthwise */
		c->ic = c->oc = c->group = chans[rand_in(r, 0, 7)];
	} else if (kind == 1) { /* grouped */
		c->group = rand_in(r, 2, 4);
		c->ic = c->group * rand_in(r, 1, 17);
		c->oc = c->group * rand_in(r, 1, 17);
	} else {
		c->group = 1;
		c->ic = chans[rand_in(r, 0, 7)];
		c->oc = chans[rand_in(r, 0, 7)];
	}
	for (int i = 0; i < nsp; i++) {
		c->in[i] = rand_in(r, 1, nsp == 3 ? 6 : 14);
		c->k[i] = rand_in(r, 0, 2) ? 2 * rand_in(r, 0, 2) + 1 : rand_in(r, 1, 4);
		c->stride[i] = rand_in(r, 1, 3);
		c->dil[i] = rand_in(r, 0, 3) ? 1 : rand_in(r, 2, 3);
		c->pad[i] = rand_in(r, 0, c->k[i] - 1);
		c->pad[nsp + i] = rand_in(r, 0, 2) ? c->pad[i] : rand_in(r, 0, c->k[i] - 1);
		int64_t ext = (c->k[i] - 1) * c->dil[i] + 1, room = c->in[i] + c->pad[i] + c->pad[nsp + i] - ext;
		if (room < 0)
			return false;
		c->out[i] = room / c->stride[i] + 1;
	}
	for (int i = nsp; i < 3; i++)
		c->in[i] = c->k[i] = c->stride[i] = c->dil[i] = c->out[i] = 1;
	return true;
}

static inline struct oqz_shape convcase_shape(const struct convcase *c, int64_t a, int64_t b, const int64_t *sp)
{
	struct oqz_shape s = { .rank = c->nsp + 2, .dim = { a, b } };

	for (int i = 0; i < c->nsp; i++)
		s.dim[i + 2] = sp[i];
	return s;
}

static inline void convcase_attrs(const struct convcase *c, struct step *s)
{
	step_int(s, "group", c->group);
	step_ints(s, "kernel_shape", (size_t)c->nsp, c->k);
	step_ints(s, "strides", (size_t)c->nsp, c->stride);
	step_ints(s, "dilations", (size_t)c->nsp, c->dil);
	step_ints(s, "pads", 2 * (size_t)c->nsp, c->pad);
}

/* Calls tap(ctx, out index, in index, weight index) for every product of the convolution; PLAIN indices. */
typedef void convcase_tap(void *ctx, int64_t o, int64_t i, int64_t w);
static inline void convcase_walk(const struct convcase *c, convcase_tap *tap, void *ctx)
{
	int64_t icg = c->ic / c->group, ocg = c->oc / c->group, isz = c->in[0] * c->in[1] * c->in[2],
	        osz = c->out[0] * c->out[1] * c->out[2], ksz = c->k[0] * c->k[1] * c->k[2];
	/* pads are per spatial dim in order, first beginnings then ends */
	for (int64_t nb = 0; nb < c->batch; nb++)
		for (int64_t oc = 0; oc < c->oc; oc++)
			for (int64_t o = 0; o < osz; o++)
				for (int64_t icl = 0; icl < icg; icl++)
					for (int64_t k = 0; k < ksz; k++) {
						int64_t oi[3] = { o / (c->out[1] * c->out[2]),
							          o / c->out[2] % c->out[1], o % c->out[2] },
						        ki[3] = { k / (c->k[1] * c->k[2]), k / c->k[2] % c->k[1],
							          k % c->k[2] },
						        at[3];
						bool inside = true;
						for (int d = 0; d < 3; d++) {
							at[d] = oi[d] * c->stride[d] + ki[d] * c->dil[d] -
							        (d < c->nsp ? c->pad[d] : 0);
							inside &= at[d] >= 0 && at[d] < c->in[d];
						}
						int64_t ic = oc / ocg * icg + icl;
						int64_t i = (nb * c->ic + ic) * isz +
						            (at[0] * c->in[1] + at[1]) * c->in[2] + at[2];
						tap(ctx, (nb * c->oc + oc) * osz + o, inside ? i : -1,
						    (oc * icg + icl) * ksz + k);
					}
}

#endif
