/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: what a quantizer decided, as data. A list of sites (node name, input index, tensor name, role) with a spec
 * each. It can be printed, hashed, saved as JSON, replayed, and applied to a float graph, which gives an ordinary graph
 * with QuantizeLinear/DequantizeLinear nodes.
 */
#ifndef OQZ_QUANT_QPLAN_H
#define OQZ_QUANT_QPLAN_H

#include "core/graph/graph.h"
#include "core/quant/format.h"

struct oqz_str;

struct oqz_qplan_site {
	const char *node;   /* node name in the float graph */
	int input;          /* -1 - k: output k */
	const char *tensor; /* name of the value on that edge */
	enum oqz_input_role role;
	struct oqz_qspec spec; /* arrays owned by the plan */
	const char *rule;      /* "percentile q=0.9999 scope=batch": how the range was found, for people */
};

/* A constant that an improvement replaced (core/quant/improve.h): what input `input` of the node reads instead. Of the
 * same shape, but for the upper limit of a Clip, which may have one per channel ([C, 1, ..]). For an input that is
 * computed: what it is multiplied by, per channel, before the node reads it. */
struct oqz_qplan_constant {
	const char *node;
	int input;
	struct oqz_tensor value; /* float32; a share */
};

/* A value that an improvement rescaled: what the quantized graph computes is the float graph's value times factor[i] at
 * index i of `axis`. Comparisons take that out again. */
struct oqz_qplan_gain {
	const char *value;
	int axis;
	size_t n;
	const float *factor;
};

struct oqz_qplan {
	struct oqz_arena *arena;
	const char *scheme; /* plugin name and canonical parameters: "int8:axis=output,bits=8,..." */
	const char
	    *calibration; /* what ranges were found on: "calibration:images=32,batch=1,weights=float"; "": nothing */
	OQZ_VEC(struct oqz_qplan_site) sites; /* in node order */
	OQZ_VEC(struct oqz_qplan_constant) constants;
	OQZ_VEC(struct oqz_qplan_gain) gains;
};

/* Empty; NULL when out of memory. Freeing NULL is fine. */
struct oqz_qplan *oqz_qplan_new(void);
void oqz_qplan_free(struct oqz_qplan *p);
OQZ_DEFINE_CLEANUP(struct oqz_qplan, oqz_qplan_free)
/* Copies the site deeply. */
enum oqz_status oqz_qplan_add(struct oqz_qplan *p, const struct oqz_qplan_site *site, struct oqz_err *err);

/* Whether any of its grids is a plugin's own function: such a plan cannot be read back, and does not say all. */
bool oqz_qplan_is_custom(const struct oqz_qplan *p);

/* Replaces a constant, or one replaced before; shares the tensor, which must be float32. */
enum oqz_status oqz_qplan_set_constant(struct oqz_qplan *p, const char *node, int input, const struct oqz_tensor *value,
                                       struct oqz_err *err);
/* Multiplies a value's gain. Copies everything. */
enum oqz_status oqz_qplan_add_gain(struct oqz_qplan *p, const char *value, int axis, size_t n, const float *factor,
                                   struct oqz_err *err);
const struct oqz_qplan_gain *oqz_qplan_gain(const struct oqz_qplan *p, const char *value);
/* Puts the plan's constants into a graph; limits per channel of a Clip "N" become a Min "N/limit" before it, factors of
 * a computed input a Mul "N/<input>/scale". A node or input that is not there, or not of the same shape:
 * OQZ_E_MISMATCH. */
enum oqz_status oqz_qplan_replace(const struct oqz_qplan *p, struct oqz_graph *g, struct oqz_err *err);
/* The part of the plan's JSON for constants and gains (qplan_json.c): appended, or read from the parsed members, each
 * of which may be absent. */
void oqz_qplan_extras_to_json(const struct oqz_qplan *p, struct oqz_str *out);
struct json_t;
enum oqz_status oqz_qplan_extras_from_json(struct oqz_qplan *p, const struct json_t *constants,
                                           const struct json_t *gains, struct oqz_err *err);

/* Copies the text. */
enum oqz_status oqz_qplan_set_scheme(struct oqz_qplan *p, const char *scheme, struct oqz_err *err);
enum oqz_status oqz_qplan_set_calibration(struct oqz_qplan *p, const char *calibration, struct oqz_err *err);

/* Canonical JSON (fixed key order, shortest round-trip numbers) and back. Damaged files: what and where. */
enum oqz_status oqz_qplan_to_json(const struct oqz_qplan *p, struct oqz_str *out, struct oqz_err *err);
enum oqz_status oqz_qplan_from_json(const char *text, size_t size, const char *name, struct oqz_qplan **ret,
                                    struct oqz_err *err);
/* SHA-256 of the canonical JSON. */
enum oqz_status oqz_qplan_hash(const struct oqz_qplan *p, char hex[65], struct oqz_err *err);

/* Float graph + plan -> quantized graph. The edge `x` into node N becomes
 *     x -> QuantizeLinear "N/<input>/q" -> DequantizeLinear "N/<input>/dq" -> N        activations
 *     constant codes -> DequantizeLinear "N/<input>/dq" -> N                            weights
 * one pair per consumer edge, as the zoo has it; nodes and their output values keep their names. Output k of N becomes
 *     N -> y -> QuantizeLinear "N/out<k>/q" -> DequantizeLinear "N/out<k>/dq" -> all that read y
 * (as an output of the graph, y is the name of what leaves the pair). What ONNX cannot say
 * (other roundings, odd widths, custom) becomes one FakeQuant node of domain "oqz". The result is resolved and
 * inferred. A site that does not fit the graph: OQZ_E_MISMATCH naming it. A plan with CUSTOM grids calls into its
 * plugin's instance, which must then outlive the result; it can be printed and hashed but not read back. */
enum oqz_status oqz_qplan_apply(const struct oqz_qplan *p, const struct oqz_graph *g, struct oqz_graph **ret,
                                struct oqz_err *err);

#endif
