/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 (RFC 4648, section 4): binary numbers inside of JSON. Done by libcrypto.
 */
#ifndef OQZ_BASE_BASE64_H
#define OQZ_BASE_BASE64_H

#include "core/base/err.h"
#include <stddef.h>

struct oqz_str;

/* The bytes, padded, in one line. */
void oqz_base64_add(struct oqz_str *out, const void *data, size_t size);
/* Decodes to exactly `size` bytes; anything else, or a character that does not belong there: OQZ_E_DATA. */
enum oqz_status oqz_base64_decode(const char *text, size_t len, void *data, size_t size, struct oqz_err *err);

#endif
