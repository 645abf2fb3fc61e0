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

/* Which numbers are at the ends, a byte for each; *ret_others of them, beside those that are `most`, which are counted
 * in the result and get no byte. Of zeros there is a count elsewhere. */
OQZ_KERNEL static uint32_t at_ends(const float *x, uint32_t n, float below, float above, float most, uint8_t *ret,
                                   uint32_t *ret_others)
{
	uint32_t repeated = 0, all = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t b;
		memcpy(&b, &x[i], sizeof b);
		uint32_t end = (((b & 0x7fffffff) - 1) < 0x7f7fffff) & ((x[i] <= below) | (x[i] >= above));
		uint32_t same = end & (x[i] == most);
		repeated += same;
		all += end;
		ret[i] = (uint8_t)(end ^ same);
	}
	*ret_others = all - repeated;
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

/* The ends of at most a block, whose largest number is `most`. An activation may have been bounded by that: it is
 * counted all at once. */
static enum oqz_status count_ends(struct oqz_observer *o, const float *x, size_t n, float most, struct oqz_err *err)
{
	uint8_t end[BLOCK];
	uint32_t others;

	if (n % STEP)
		memset(end + n / STEP * STEP, 0, STEP);
	uint32_t repeated = at_ends(x, (uint32_t)n, o->below, o->above, most, end, &others);
	if (repeated)
		OQZ_TRY(hist_count(o, key_of(most), repeated, err));
	return others ? count_marked(o, x, n, end, err) : OQZ_OK;
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

/* ---------------------------------------------------------------------------------------------------- blocks of which
 * the ends alone matter */

/* For each part of a block the bits of the number farthest up and of that farthest down. Floats of one sign compare as
 * their bits do: as integers with a sign the largest is the one farthest up, if there is one without a sign; as such
 * without a sign the one farthest down, if there is one with a sign. */
enum { PARTS = BLOCK / PART };

struct far {
	int32_t up[PARTS];
	uint32_t down[PARTS];
};

OQZ_KERNEL static void far_both(const float *x, struct far *ret)
{
	for (uint32_t p = 0; p < PARTS; p++) {
		int32_t up = INT32_MIN;
		uint32_t down = 0;
		for (uint32_t i = 0; i < PART; i++) {
			uint32_t b;
			memcpy(&b, &x[p * PART + i], sizeof b);
			up = (int32_t)b > up ? (int32_t)b : up;
			down = b > down ? b : down;
		}
		ret->up[p] = up;
		ret->down[p] = down;
	}
}

/* The same in half the time for numbers that are taken to have no sign: only one that has is farthest down. */
OQZ_KERNEL static void far_up(const float *x, struct far *ret)
{
	for (uint32_t p = 0; p < PARTS; p++) {
		uint32_t most = 0;
		for (uint32_t i = 0; i < PART; i++) {
			uint32_t b;
			memcpy(&b, &x[p * PART + i], sizeof b);
			most = b > most ? b : most;
		}
		ret->up[p] = (int32_t)most;
		ret->down[p] = most;
	}
}

enum oqz_hist_matters oqz_hist_matters(const struct oqz_observer *o)
{
	const float zero_page = -0x1p-149f; /* the limit `below` where the lower end is among the zeros */

	if ((o->needs | OQZ_OBS_MINMAX) != (OQZ_OBS_HISTOGRAM | OQZ_OBS_MINMAX) || o->ranks == 0 || !(o->above > 0))
		return OQZ_HIST_ALL;
	if (o->below < zero_page)
		return OQZ_HIST_ENDS;
	return o->lo == 0 && o->zeros >= o->ranks ? OQZ_HIST_TOP : OQZ_HIST_ALL;
}

enum oqz_status oqz_hist_far(struct oqz_observer *o, const float *x, bool *ret_done, struct oqz_err *err)
{
	const uint32_t sign = 0x80000000, infinite = 0x7f800000;
	bool top = oqz_hist_matters(o) == OQZ_HIST_TOP;
	uint32_t above = bits_of(o->above), below = top ? UINT32_MAX : bits_of(o->below), down = 0;
	int32_t up = INT32_MIN;
	struct far far;

	if (top)
		far_up(x, &far);
	else
		far_both(x, &far);
	for (size_t p = 0; p < PARTS; p++) {
		up = far.up[p] > up ? far.up[p] : up;
		down = far.down[p] > down ? far.down[p] : down;
	}
	*ret_done = up < (int32_t)infinite && down < (top ? sign : sign | infinite);
	if (!*ret_done)
		return OQZ_OK;
	o->count += BLOCK;
	o->hi = up > 0 && oqz_hist_of_bits((uint32_t)up) > o->hi ? oqz_hist_of_bits((uint32_t)up) : o->hi;
	o->lo = down > sign && oqz_hist_of_bits(down) < o->lo ? oqz_hist_of_bits(down) : o->lo;
	if (up < (int32_t)above && down < below)
		return OQZ_OK;
	for (size_t p = 0; p < PARTS; p++)
		if (far.up[p] >= (int32_t)above || far.down[p] >= below)
			OQZ_TRY(count_ends(o, x + p * PART, PART,
			                   far.up[p] > 0 ? oqz_hist_of_bits((uint32_t)far.up[p]) : 0, err));
	return OQZ_OK;
}
