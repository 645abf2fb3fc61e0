/* SPDX-License-Identifier: Apache-2.0
 *
 * Detections by falling score. A bootstrap sorts those of all images a thousand times over, so long lists are sorted by
 * digits of their scores' bits (least significant first, which keeps the order of equal ones), and digits that are the
 * same everywhere are passed over: scores of models are float32, whose last 29 bits as doubles are 0.
 */
#include "eval.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS = 8, VALUES = 256, FEW = 48 };

struct keyed {
	uint64_t key;
	uint32_t index;
};

/* Rises as the score falls; NaN comes last, and -0 is 0. */
static uint64_t key_of(double score)
{
	uint64_t bits;

	if (score != score)
		return UINT64_MAX;
	score += 0.0;
	memcpy(&bits, &score, sizeof bits);
	return ~(bits >> 63 ? ~bits : bits | UINT64_C(1) << 63);
}

static void insert(struct coco_entry *e, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct coco_entry one = e[i];
		uint64_t key = key_of(one.score);
		size_t k = i;
		for (; k > 0 && key_of(e[k - 1].score) > key; k--)
			e[k] = e[k - 1];
		e[k] = one;
	}
}

/* Sorts `a` by digits; returns where the result is: `a` or `b`. */
static struct keyed *by_digits(struct keyed *a, struct keyed *b, size_t n)
{
	uint64_t differ = 0;

	for (size_t i = 1; i < n; i++)
		differ |= a[i].key ^ a[0].key;
	for (int d = 0; d < DIGITS; d++) {
		size_t count[VALUES] = { 0 }, at = 0;
		if (!(differ >> 8 * d & (VALUES - 1)))
			continue;
		for (size_t i = 0; i < n; i++)
			count[a[i].key >> 8 * d & (VALUES - 1)]++;
		for (int v = 0; v < VALUES; v++) {
			size_t c = count[v];
			count[v] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			b[count[a[i].key >> 8 * d & (VALUES - 1)]++] = a[i];
		struct keyed *t = a;
		a = b;
		b = t;
	}
	return a;
}

bool coco_sort(struct coco_entry *e, size_t n)
{
	if (n <= FEW) {
		insert(e, n);
		return true;
	}
	struct keyed *keys = malloc(2 * n * sizeof *keys);
	struct coco_entry *copy = malloc(n * sizeof *copy);
	if (!keys || !copy) {
		free(keys);
		free(copy);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		keys[i] = (struct keyed) { key_of(e[i].score), (uint32_t)i };
	const struct keyed *sorted = by_digits(keys, keys + n, n);
	memcpy(copy, e, n * sizeof *copy);
	for (size_t i = 0; i < n; i++)
		e[i] = copy[sorted[i].index];
	free(keys);
	free(copy);
	return true;
}
