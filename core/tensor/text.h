/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts: the elements of string tensors. Every distinct text stands once in a table of the process, and an element is
 * the pointer to it. So whatever moves elements by their size moves strings as well, equal texts are equal pointers,
 * copies and releases of tensors need no case of their own, and zeroed memory holds empty texts. Texts stay until the
 * process ends; a limit bounds what a model can make of them.
 */
#ifndef OQZ_TENSOR_TEXT_H
#define OQZ_TENSOR_TEXT_H

#include "core/base/err.h"
#include "core/tensor/tensor.h"
#include <stddef.h>

struct oqz_text; /* NULL is the empty text */

/* The text of these n bytes, which may be any. Thread-safe. OQZ_E_LIMIT when all texts together exceed 256 MiB,
 * OQZ_E_NOMEM. */
enum oqz_status oqz_text_of(const char *bytes, size_t n, const struct oqz_text **ret, struct oqz_err *err);
/* The bytes, with a NUL behind them, valid for ever; and how many there are without it. */
const char *oqz_text_bytes(const struct oqz_text *t);
size_t oqz_text_len(const struct oqz_text *t);
/* <0, 0, >0 in order of bytes, as memcmp. */
int oqz_text_compare(const struct oqz_text *a, const struct oqz_text *b);

/* Elements of a tensor of OQZ_DT_STRING. */
static inline const struct oqz_text *oqz_text_at(const struct oqz_tensor *t, size_t i)
{
	return ((const struct oqz_text *const *)t->data)[i];
}
/* Element i becomes the text of these bytes. */
enum oqz_status oqz_text_set(struct oqz_tensor *t, size_t i, const char *bytes, size_t n, struct oqz_err *err);

/* The number as ONNX Cast writes it: the shortest decimal that reads back to the same value of its type, plain between
 * 1e-4 and 1e16 ("0.25", "3.0"), else scientific ("1e-05"); "NaN", "INF", "-INF"; integers in decimal; "True", "False".
 * t must be numeric and not complex. */
enum oqz_status oqz_text_from_number(const struct oqz_tensor *t, size_t i, const struct oqz_text **ret,
                                     struct oqz_err *err);
/* The number that the text says (ONNX Cast): decimal or scientific, [+-]INF and NaN in any case. OQZ_E_DATA for
 * anything else. *ret_whole holds it exactly where *ret_is_whole, which integers beyond 2^53 need. */
enum oqz_status oqz_text_to_number(const struct oqz_text *t, double *ret, bool *ret_is_whole, int64_t *ret_whole,
                                   struct oqz_err *err);

#endif
