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

struct oqz_qplan_site {
	const char *node;   /* node name in the float graph */
	int input;          /* -1 - k: output k */
	const char *tensor; /* name of the value on that edge */
	enum oqz_input_role role;
	struct oqz_qspec spec; /* arrays owned by the plan */
	const char *rule;      /* "percentile q=0.9999 scope=batch": how the range was found, for people */
};

struct oqz_qplan {
	struct oqz_arena *arena;
	const char *scheme;                   /* plugin name and canonical parameters: "int8:axis=output,bits=8,..." */
	OQZ_VEC(struct oqz_qplan_site) sites; /* in node order */
};

struct oqz_qplan *oqz_qplan_new(void);
void oqz_qplan_free(struct oqz_qplan *p);
OQZ_DEFINE_CLEANUP(struct oqz_qplan, oqz_qplan_free)
/* Copies the site deeply. */
enum oqz_status oqz_qplan_add(struct oqz_qplan *p, const struct oqz_qplan_site *site, struct oqz_err *err);

/* Copies the text. */
enum oqz_status oqz_qplan_set_scheme(struct oqz_qplan *p, const char *scheme, struct oqz_err *err);

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
