/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors: a status code for the program, one sentence for the person. The sentence is written where the failure
 * happens and names the thing (file, node, tensor, manifest line); callers may put context in front of it.
 * The core never prints and never exits; only cli/ does.
 */
#ifndef OQZ_BASE_ERR_H
#define OQZ_BASE_ERR_H

#include "core/base/compiler.h"
#include <oqz/types.h>
#include <stdarg.h>

struct oqz_err {
	enum oqz_status code;
	char msg[1000];
};

/* Sets code and message and returns code. `err` may be NULL (the code alone is returned). */
enum oqz_status oqz_err_set(struct oqz_err *err, enum oqz_status code, const char *fmt, ...) OQZ_PRINTF(3, 4);
enum oqz_status oqz_err_vset(struct oqz_err *err, enum oqz_status code, const char *fmt, va_list ap);

/* Puts "<text>: " in front of the message, unless that begins so already (files name themselves); returns err->code. */
enum oqz_status oqz_err_prefix(struct oqz_err *err, const char *fmt, ...) OQZ_PRINTF(2, 3);

/* The common case of failing malloc; returns OQZ_E_NOMEM. `what` names the thing that did not fit. */
enum oqz_status oqz_err_nomem(struct oqz_err *err, const char *what, size_t bytes);

/* Sets a message from errno: "<path>: <strerror>". ENOENT gives OQZ_E_NOENT, ENOMEM OQZ_E_NOMEM, others OQZ_E_IO. */
enum oqz_status oqz_err_errno(struct oqz_err *err, int errnum, const char *path);

/* Short lower-case word of a code, for machine-readable output ("ok", "nomem", "usage", ...). Never NULL. */
const char *oqz_status_name(enum oqz_status code);

/* Originates an error and returns from the calling function. */
#define OQZ_FAIL(err, code, ...) return oqz_err_set((err), (code), __VA_ARGS__)

/* Forwards the failure of a call. */
#define OQZ_TRY(call)                          \
	do {                                   \
		enum oqz_status try_ = (call); \
		if (try_ != OQZ_OK)            \
			return try_;           \
	} while (0)

#endif
