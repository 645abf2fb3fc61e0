/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts: UTF-8 to code points, PaddleOCR's normalisations, Levenshtein distance, greedy CTC decoding.
 */
#include "ocr.h"

bool ocr_code_points(const char *s, uint32_t *ret, size_t *ret_n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	size_t n = 0;

	while (*p) {
		int bytes = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
		if (!bytes)
			return false;
		uint32_t c = bytes == 1 ? *p : *p & (0x7fU >> bytes);
		for (int i = 1; i < bytes; i++) {
			if (p[i] >> 6 != 2)
				return false;
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < least[bytes] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
		if (ret)
			ret[n] = c;
		n++;
		p += bytes;
	}
	*ret_n = n;
	return true;
}

void ocr_normalise(char *s, bool ignore_space, bool filter)
{
	char *to = s;

	for (; *s; s++) {
		bool digit = *s >= '0' && *s <= '9', upper = *s >= 'A' && *s <= 'Z', lower = *s >= 'a' && *s <= 'z';
		if ((ignore_space && *s == ' ') || (filter && !digit && !upper && !lower))
			continue;
		*to++ = filter && upper ? (char)(*s + 32) : *s;
	}
	*to = 0;
}

uint32_t ocr_distance(const uint32_t *a, size_t n, const uint32_t *b, size_t m, uint32_t *row)
{
	for (size_t j = 0; j <= m; j++)
		row[j] = (uint32_t)j;
	for (size_t i = 0; i < n; i++) {
		uint32_t diagonal = row[0];
		row[0] = (uint32_t)i + 1;
		for (size_t j = 0; j < m; j++) {
			uint32_t swap = diagonal + (a[i] != b[j]), drop = row[j + 1] + 1, add = row[j] + 1;
			diagonal = row[j + 1];
			uint32_t least = swap < drop ? swap : drop;
			row[j + 1] = least < add ? least : add;
		}
	}
	return row[m];
}

/* Repetitions go first, blanks after them: "a, blank, a" is "aa". */
size_t ocr_ctc(const float *x, int64_t steps, int64_t classes, int64_t *kept, double *ret_confidence)
{
	double sum = 0;
	int64_t last = -1;
	size_t n = 0;

	for (int64_t t = 0; t < steps; t++, x += classes) {
		int64_t best = 0;
		for (int64_t c = 1; c < classes; c++)
			if (x[c] > x[best] || x[best] != x[best])
				best = x[c] == x[c] ? c : best;
		if (best != last && best != 0) {
			kept[n++] = best;
			sum += x[best];
		}
		last = best;
	}
	*ret_confidence = n ? sum / (double)n : 0;
	return n;
}
