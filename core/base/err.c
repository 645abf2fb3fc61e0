/* SPDX-License-Identifier: Apache-2.0
 *
 * Error records. Messages are cut at the record's size rather than allocated, so reporting an error cannot fail.
 */
#include "core/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum oqz_status oqz_err_vset(struct oqz_err *err, enum oqz_status code, const char *fmt, va_list ap)
{
	if (err) {
		err->code = code;
		vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	}
	return code;
}

enum oqz_status oqz_err_set(struct oqz_err *err, enum oqz_status code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	oqz_err_vset(err, code, fmt, ap);
	va_end(ap);
	return code;
}

enum oqz_status oqz_err_prefix(struct oqz_err *err, const char *fmt, ...)
{
	char old[sizeof err->msg];
	va_list ap;

	if (!err)
		return OQZ_E_INTERNAL;
	memcpy(old, err->msg, sizeof old);
	va_start(ap, fmt);
	int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof err->msg && strncmp(old, err->msg, (size_t)n) == 0 && old[n] == ':') {
		memcpy(err->msg, old, sizeof old);
	} else if (n >= 0 && (size_t)n < sizeof err->msg) {
		size_t at = (size_t)n, room = sizeof err->msg - at, len = strlen(old);
		snprintf(err->msg + at, room, ": ");
		if (room > 3)
			memcpy(err->msg + at + 2, old, len < room - 3 ? len + 1 : room - 3);
		err->msg[sizeof err->msg - 1] = 0;
	}
	return err->code;
}

enum oqz_status oqz_err_nomem(struct oqz_err *err, const char *what, size_t bytes)
{
	return oqz_err_set(err, OQZ_E_NOMEM, "out of memory: %s needs %zu bytes", what, bytes);
}

enum oqz_status oqz_err_errno(struct oqz_err *err, int errnum, const char *path)
{
	enum oqz_status code = errnum == ENOENT ? OQZ_E_NOENT : errnum == ENOMEM ? OQZ_E_NOMEM : OQZ_E_IO;

	return oqz_err_set(err, code, "%s: %s", path, strerror(errnum));
}

const char *oqz_status_name(enum oqz_status code)
{
	switch (code) {
	case OQZ_OK: return "ok";
	case OQZ_E_NOMEM: return "nomem";
	case OQZ_E_USAGE: return "usage";
	case OQZ_E_PLUGIN: return "plugin";
	case OQZ_E_NOENT: return "missing";
	case OQZ_E_DATA: return "damaged";
	case OQZ_E_UNSUPPORTED: return "unsupported";
	case OQZ_E_IO: return "io";
	case OQZ_E_LIMIT: return "limit";
	case OQZ_E_INTERNAL: return "internal";
	case OQZ_E_INTERRUPTED: return "interrupted";
	case OQZ_E_MISMATCH: return "mismatch";
	case OQZ_E_AGAIN: return "again";
	}
	return "unknown";
}
