/* SPDX-License-Identifier: Apache-2.0
 *
 * A scheme on one tensor, outside of any network: what `oqz qdq` does.
 */
#ifndef OQZ_QUANT_QDQ_TENSOR_H
#define OQZ_QUANT_QDQ_TENSOR_H

#include "core/quant/qplan.h"

/* Calibrates the scheme on the tensor itself (an activation counts as one image) and quantizes and dequantizes it.
 * `axis`: the output-channel axis of a weight, -1 for none. *ret is a new float32 tensor of t's shape; *ret_plan (may
 * be NULL) the plan with its one site, node and tensor called "tensor". A scheme that wants no such site:
 * OQZ_E_UNSUPPORTED. */
enum oqz_status oqz_qdq_tensor(const struct oqz_quantizer *q, const struct oqz_host *host,
                               const struct oqz_params *params, const char *scheme, const struct oqz_tensor *t,
                               enum oqz_input_role role, int axis, struct oqz_tensor *ret, struct oqz_qplan **ret_plan,
                               struct oqz_err *err);
/* Replays a plan: its site of this role, which must be the only one, or the only one at all. */
enum oqz_status oqz_qdq_replay(const struct oqz_qplan *plan, enum oqz_input_role role, const struct oqz_tensor *t,
                               struct oqz_tensor *ret, struct oqz_err *err);

#endif
