/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting into the histogram, which is most of what calibration costs beside inference. Numbers that are not wanted
 * must cost next to nothing, once only the ends are, and those that are wanted no branch each that is wrong at each: so
 * kernels say which they are, and the counting follows.
 */
#include "core/quant/observer.h"

#include <string.h>

enum {
	BLOCK = OQZ_OBSERVER_BLOCK,
	ROW = OQZ_HIST_IGNORED, /* counted together */
	PART = 128,             /* of a block: has a largest number of its own */
	KEY_SHIFT = 12,         /* the part of a float's bits that a histogram tells apart */
	STEP = sizeof(uint64_t),
};

/* Keys: sign, exponent, leading bits of the mantissa. What is not counted, zeros and what is no finite number, gets
 * keys of the page that nobody reads: a branch would be wrong half of the time, for half of what comes behind a Relu is
 * zero, and one counter for all would wait for itself. `n` is at most ROW. */
OQZ_KERNEL static void hist_keys(const float *x, size_t n, uint32_t *key)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t b;
		memcpy(&b, &x[i], sizeof b);
		bool want = ((b & 0x7fffffff) - 1) < 0x7f7fffff;
		key[i] = want ? b >> KEY_SHIFT : OQZ_HIST_PAGES * OQZ_HIST_BINS + (uint32_t)i;
	}
}

static enum oqz_status hist_count(struct oqz_observer *o, uint32_t key, uint64_t times, struct oqz_err *err)
{
	uint64_t *page = o->page[key / OQZ_HIST_BINS];

	if (!page && !(page = oqz_hist_page(o, (int)(key / OQZ_HIST_BINS))))
		return oqz_err_nomem(err, "a page of a histogram", OQZ_HIST_BINS * sizeof *page);
	page[key % OQZ_HIST_BINS] += times;
	o->fresh += (int64_t)times;
	return OQZ_OK;
}

/* All numbers of a row. */
static enum oqz_status hist_whole(struct oqz_observer *o, const float *x, size_t n, struct oqz_err *err)
{
	uint32_t key[ROW];

	hist_keys(x, n, key);
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(hist_count(o, key[i], 1, err));
	return OQZ_OK;
}

static uint32_t bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static uint32_t key_of(float x) { return bits_of(x) >> KEY_SHIFT; }

/* ---------------------------------------------------------------------------------------------------- the ends */

/* Which numbers are at the ends, a byte for each, and how many of these are `most`, which get no such byte. Of zeros
 * there is a count elsewhere. */
OQZ_KERNEL static uint32_t at_ends(const float *x, uint32_t n, float below, float above, float most, uint8_t *ret)
{
	uint32_t repeated = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t b;
		memcpy(&b, &x[i], sizeof b);
		uint32_t end = (((b & 0x7fffffff) - 1) < 0x7f7fffff) & ((x[i] <= below) | (x[i] >= above));
		uint32_t same = end & (x[i] == most);
		repeated += same;
		ret[i] = (uint8_t)(end ^ same);
	}
	return repeated;
}

/* Counts the numbers of which `end` says so. They are few: eight at a time are passed over if there is none among them,
 * and where there is one, all eight go the same way. The bytes behind the n, up to a multiple of eight, are 0. */
static enum oqz_status count_marked(struct oqz_observer *o, const float *x, size_t n, const uint8_t *end,
                                    struct oqz_err *err)
{
	uint16_t found[BLOCK];
	size_t k = 0;

	for (size_t at = 0; at < n; at += STEP) {
		uint64_t any;
		memcpy(&any, end + at, sizeof any);
		for (size_t i = at; any && i < at + STEP; i++) {
			found[k] = (uint16_t)i;
			k += end[i];
		}
	}
	for (size_t i = 0; i < k; i++)
		OQZ_TRY(hist_count(o, key_of(x[found[i]]), 1, err));
	return OQZ_OK;
}

/* The ends of a block whose largest number is `most`. An activation may have been bounded by that: it is counted all at
 * once. */
static enum oqz_status count_ends(struct oqz_observer *o, const float *x, size_t n, float most, struct oqz_err *err)
{
	uint8_t end[BLOCK];

	if (n < BLOCK)
		memset(end + n / STEP * STEP, 0, STEP);
	uint32_t repeated = at_ends(x, (uint32_t)n, o->below, o->above, most, end);
	if (repeated)
		OQZ_TRY(hist_count(o, key_of(most), repeated, err));
	return count_marked(o, x, n, end, err);
}

enum oqz_status oqz_hist_block(struct oqz_observer *o, float least, float most, const float *x, size_t n,
                               struct oqz_err *err)
{
	if (o->below < o->above)
		return least <= o->below || most >= o->above ? count_ends(o, x, n, most, err) : OQZ_OK;
	for (size_t at = 0; at < n; at += ROW)
		OQZ_TRY(hist_whole(o, x + at, n - at < ROW ? n - at : ROW, err));
	return OQZ_OK;
}

/* ---------------------------------------------------------------------------------------------------- the top alone */

/* Bits of the largest number of each part of a block, where none has a sign; at least those of infinity if one is no
 * finite number without a sign. */
OQZ_KERNEL static uint32_t most_bits(const float *x, uint32_t *most)
{
	uint32_t all = 0;

	for (uint32_t p = 0; p < BLOCK / PART; p++) {
		uint32_t m = 0;
		for (uint32_t i = 0; i < PART; i++) {
			uint32_t b;
			memcpy(&b, &x[p * PART + i], sizeof b);
			m = b > m ? b : m;
		}
		most[p] = m;
		all = m > all ? m : all;
	}
	return all;
}

/* As at_ends, of a part: bits from `from` on and their largest; *ret_others: how many got a byte. */
OQZ_KERNEL static uint32_t at_top(const float *x, uint32_t from, uint32_t most, uint8_t *ret, uint32_t *ret_others)
{
	uint32_t repeated = 0, wanted = 0;

	for (uint32_t i = 0; i < PART; i++) {
		uint32_t b;
		memcpy(&b, &x[i], sizeof b);
		repeated += b == most;
		wanted += b >= from;
		ret[i] = (b >= from) & (b < most);
	}
	*ret_others = wanted - repeated;
	return repeated;
}

static float of_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

/* Of numbers below zero there are none: what has some would be looked at twice. */
bool oqz_hist_top_only(const struct oqz_observer *o)
{
	return (o->needs | OQZ_OBS_MINMAX) == (OQZ_OBS_HISTOGRAM | OQZ_OBS_MINMAX) && o->ranks > 0 &&
	       o->zeros >= o->ranks && o->lo == 0 && o->above > 0;
}

enum oqz_status oqz_hist_top(struct oqz_observer *o, const float *x, bool *ret_done, struct oqz_err *err)
{
	uint32_t most[BLOCK / PART], all = most_bits(x, most), from = bits_of(o->above);
	uint8_t end[PART];
	uint32_t others;

	*ret_done = all < 0x7f800000;
	if (!*ret_done)
		return OQZ_OK;
	o->count += BLOCK;
	o->hi = of_bits(all) > o->hi ? of_bits(all) : o->hi;
	for (size_t p = 0; all >= from && p < BLOCK / PART; p++) {
		if (most[p] < from)
			continue;
		uint32_t repeated = at_top(x + p * PART, from, most[p], end, &others);
		OQZ_TRY(hist_count(o, most[p] >> KEY_SHIFT, repeated, err));
		if (others)
			OQZ_TRY(count_marked(o, x + p * PART, PART, end, err));
	}
	return OQZ_OK;
}
