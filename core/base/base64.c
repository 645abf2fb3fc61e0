/* SPDX-License-Identifier: Apache-2.0
 *
 * See base64.h. In pieces, because libcrypto counts in int and decodes padding to zeros.
 */
#include "core/base/base64.h"
#include "core/base/str.h"

#include <openssl/evp.h>
#include <string.h>

enum { PIECE = 3 * 1024 };

void oqz_base64_add(struct oqz_str *out, const void *data, size_t size)
{
	unsigned char text[PIECE / 3 * 4 + 1];

	for (size_t at = 0; at < size; at += PIECE) {
		size_t n = size - at < PIECE ? size - at : PIECE;
		int len = EVP_EncodeBlock(text, (const unsigned char *)data + at, (int)n);
		oqz_str_addn(out, text, (size_t)len);
	}
}

enum oqz_status oqz_base64_decode(const char *text, size_t len, void *data, size_t size, struct oqz_err *err)
{
	unsigned char bytes[PIECE];
	size_t padding = len && text[len - 1] == '=' ? (len > 1 && text[len - 2] == '=' ? 2 : 1) : 0;

	if (len % 4 != 0 || len / 4 * 3 < padding || len / 4 * 3 - padding != size)
		OQZ_FAIL(err, OQZ_E_DATA, "base64 text of %zu characters does not hold %zu bytes", len, size);
	for (size_t at = 0, done = 0; at < len; at += PIECE / 3 * 4, done += PIECE) {
		size_t n = len - at < PIECE / 3 * 4 ? len - at : PIECE / 3 * 4;
		bool last = at + n == len;
		/* padding elsewhere than at the end would be taken for zeros */
		if (memchr(text + at, '=', n - (last ? padding : 0)) ||
		    EVP_DecodeBlock(bytes, (const unsigned char *)text + at, (int)n) != (int)(n / 4 * 3))
			OQZ_FAIL(err, OQZ_E_DATA, "this is no base64 text");
		memcpy((char *)data + done, bytes, size - done < n / 4 * 3 ? size - done : n / 4 * 3);
	}
	return OQZ_OK;
}
