/* SPDX-License-Identifier: Apache-2.0
 *
 * Confusion matrices: whole numbers until the last division. Pixels whose truth is ignored are not in
 * the matrix; a prediction that is no class is a miss of the true class and nobody's false alarm, as in
 * cityscapesScripts.
 *
 * Packed for a record: most cells are 0, so the cells that are not are stored as (gap to it, count), both in groups of
 * seven bits, least significant first.
 */
#include "segmentation.h"

static uint64_t at(const struct confusion *c, int32_t row, int32_t column)
{
	return c->n[(int64_t)row * (c->classes + 1) + column];
}

static size_t cells(const struct confusion *c) { return (size_t)c->classes * ((size_t)c->classes + 1); }

uint64_t confusion_total(const struct confusion *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < cells(c); i++)
		n += c->n[i];
	return n;
}

uint64_t confusion_correct(const struct confusion *c)
{
	uint64_t n = 0;

	for (int32_t k = 0; k < c->classes; k++)
		n += at(c, k, k);
	return n;
}

double confusion_recall(const struct confusion *c, int32_t k)
{
	uint64_t n = 0;

	for (int32_t j = 0; j <= c->classes; j++)
		n += at(c, k, j);
	return n ? (double)at(c, k, k) / (double)n : -1;
}

double confusion_iou(const struct confusion *c, int32_t k)
{
	uint64_t all = 0;

	for (int32_t j = 0; j <= c->classes; j++)
		all += at(c, k, j);
	for (int32_t i = 0; i < c->classes; i++)
		all += i == k ? 0 : at(c, i, k);
	return all ? (double)at(c, k, k) / (double)all : -1;
}

double confusion_group_iou(const struct confusion *c, const unsigned char *group, unsigned char g)
{
	uint64_t hit = 0, all = 0;

	for (int32_t i = 0; i < c->classes; i++)
		for (int32_t j = 0; j <= c->classes; j++) {
			bool truth = group[i] == g, found = j < c->classes && group[j] == g;
			hit += truth && found ? at(c, i, j) : 0;
			all += truth || found ? at(c, i, j) : 0;
		}
	return all ? (double)hit / (double)all : -1;
}

/* -------------------------------------------------------------------------------------------------- packing */

static size_t put_number(uint64_t x, unsigned char *out)
{
	size_t n = 0;

	do {
		if (out)
			out[n] = (unsigned char)((x & 127) | (x > 127 ? 128 : 0));
		n++;
		x >>= 7;
	} while (x);
	return n;
}

static bool get_number(const unsigned char **p, const unsigned char *end, uint64_t *ret)
{
	uint64_t x = 0;

	for (int shift = 0; *p < end && shift < 63; shift += 7) {
		unsigned char b = *(*p)++;
		x |= (uint64_t)(b & 127) << shift;
		if (!(b & 128)) {
			*ret = x;
			return true;
		}
	}
	return false;
}

size_t confusion_pack(const struct confusion *c, unsigned char *out)
{
	size_t n = 0, gap = 0;

	for (size_t i = 0; i < cells(c); i++, gap++) {
		if (!c->n[i])
			continue;
		n += put_number(gap, out ? out + n : NULL);
		n += put_number(c->n[i], out ? out + n : NULL);
		gap = SIZE_MAX; /* the loop adds one */
	}
	return n;
}

bool confusion_add_packed(struct confusion *c, const unsigned char *p, size_t size)
{
	const unsigned char *end = p + size;
	size_t i = 0, n = cells(c);

	while (p < end) {
		uint64_t gap, count;
		if (!get_number(&p, end, &gap) || !get_number(&p, end, &count) || gap >= n - i || count > UINT32_MAX)
			return false;
		i += gap;
		c->n[i++] += count;
		if (i == n && p < end)
			return false;
	}
	return true;
}
