/* SPDX-License-Identifier: Apache-2.0
 *
 * Operator tests as text: one row is an operator, its attributes, input and expected output tensors.
 *
 *	{ "Concat", "axis=1", "float32[1,2]: 1 2; float32[1,1]: 3", "float32[1,3]: 1 2 3" }
 *
 * Attributes: `name=3` int, `name=0.5` float, `name=word` or `name='any-thing'` string, `name=[1,2]` ints,
 *`name=[0.5,1.0]` floats, `name=[a,b]` strings, `name=float32[1]:7` a tensor (no blanks). Inputs and outputs: `;`
 *between tensors, `-` for one left out; values are numbers, `nan`, `inf`; a tensor with fewer values than elements
 *repeats its last one. Strings stand in single quotes: `string[2]: 'a b' ''`.
 */
#ifndef OQZ_TESTS_OP_TEXT_H
#define OQZ_TESTS_OP_TEXT_H

#include "core/ops/op.h"
#include "tests/support/support.h"

struct op_row {
	const char *op, *attrs, *in, *out;
	double tolerance; /* absolute plus relative; 0: exact */
	int opset;        /* 0: the newest; older ones are translated */
};

/* Parses one tensor; fails the test when the text is wrong. The caller releases it. */
struct oqz_tensor op_tensor(const char *text);

/* Builds the node, resolves it, runs the reference kernel and compares types, shapes and values. */
void op_check(const struct op_row *row);
void op_check_all(const struct op_row *rows, size_t n);
/* The row's operator must fail, when resolved or when run, with a message that contains `text`. Outputs are only
 * counted (none given: one). */
void op_refuses(const struct op_row *row, enum oqz_status code, const char *text);

/* Attributes in the rows' notation. */
void op_set_attrs(struct oqz_node *n, const char *text);

/* Runs an operator of domain "" on tensors; outputs belong to the caller. For tests that compute what they expect. */
void op_run_text(const char *op, const char *attrs, const struct oqz_tensor *const *in, int n_in,
                 struct oqz_tensor *out, int n_out);

/* A float32 tensor of numbers in [-scale, scale) from a seed. */
struct oqz_tensor op_random(uint64_t seed, double scale, const struct oqz_shape *shape);

#endif
