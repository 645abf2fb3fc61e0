/* SPDX-License-Identifier: Apache-2.0
 *
 * Movers of boxes: small cases by hand, and the strided copy against indices computed the long way, on boxes whose
 * sides lie in any order, with gaps, backwards and repeated.
 */
#include "core/base/rng.h"
#include "core/ops/strided.h"
#include "tests/support/op_text.h"
#include <string.h>

START_TEST(boxes_by_hand)
{
	static const struct op_row rows[] = {
		{ "Transpose", "", "uint8[2,3]: 1 2 3 4 5 6", "uint8[3,2]: 1 4 2 5 3 6" },
		{ "Transpose", "perm=[0,2,1]", "float64[1,2,2]: 1 2 3 4", "float64[1,2,2]: 1 3 2 4" },
		{ "Concat", "axis=-1", "int16[2,1]: 1 2; int16[2,2]: 3 4 5 6", "int16[2,3]: 1 3 4 2 5 6" },
		{ "Concat", "axis=0", "float32[1]: 1; float32[0]:; float32[1]: 2", "float32[2]: 1 2" },
		{ "Split", "axis=1", "float32[1,5]: 1 2 3 4 5; int64[2]: 2 3",
		  "float32[1,2]: 1 2; float32[1,3]: 3 4 5" },
		{ "Split", "num_outputs=2", "float32[5]: 1 2 3 4 5", "float32[3]: 1 2 3; float32[2]: 4 5" },
		{ "Split", "axis=0 split=[1,2]", "float32[3]: 1 2 3", "float32[1]: 1; float32[2]: 2 3", 0, 11 },
		{ "Slice", "", "float32[5]: 0 1 2 3 4; int64[1]: 1; int64[1]: 4", "float32[3]: 1 2 3" },
		{ "Slice", "", "float32[5]: 0 1 2 3 4; int64[1]: -1; int64[1]: -9; int64[1]: 0; int64[1]: -2",
		  "float32[3]: 4 2 0" },
		{ "Slice", "", "float32[2,2]: 1 2 3 4; int64[1]: 1; int64[1]: 9223372036854775807; int64[1]: -1",
		  "float32[2,1]: 2 4" },
		{ "Slice", "", "float32[3]: 1 2 3; int64[1]: 3; int64[1]: 9", "float32[0]:" },
		{ "Slice", "", "float32[0]:; int64[1]: -3; int64[1]: 17; int64[1]: 0; int64[1]: -2", "float32[0]:" },
		{ "Slice", "starts=[0] ends=[-1] axes=[1]", "float32[1,3]: 1 2 3", "float32[1,2]: 1 2", 0, 9 },
		{ "Expand", "", "float32[2,1]: 1 2; int64[3]: 2 1 2", "float32[2,2,2]: 1 1 2 2 1 1 2 2" },
		{ "Expand", "", "float32[3]: 1 2 3; int64[1]: 1", "float32[3]: 1 2 3" },
		{ "Tile", "", "float32[1,2]: 1 2; int64[2]: 2 2", "float32[2,4]: 1 2 1 2 1 2 1 2" },
		{ "DepthToSpace", "blocksize=2", "float32[1,4,1,2]: 1 2 3 4 5 6 7 8",
		  "float32[1,1,2,4]: 1 3 2 4 5 7 6 8" },
		{ "DepthToSpace", "blocksize=2 mode=CRD", "float32[1,8,1,1]: 1 2 3 4 5 6 7 8",
		  "float32[1,2,2,2]: 1 2 3 4 5 6 7 8" },
		{ "DepthToSpace", "blocksize=2 mode=DCR", "float32[1,8,1,1]: 1 2 3 4 5 6 7 8",
		  "float32[1,2,2,2]: 1 3 5 7 2 4 6 8" },
		{ "SpaceToDepth", "blocksize=2", "float32[1,1,2,4]: 1 3 2 4 5 7 6 8",
		  "float32[1,4,1,2]: 1 2 3 4 5 6 7 8" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "Transpose", "perm=[0,0]", "float32[1,1]: 1" }, OQZ_E_DATA, "permutation");
	op_refuses(&(struct op_row) { "Concat", "axis=0", "float32[1,2]: 1; float32[1,3]: 1" }, OQZ_E_DATA, "input 1");
	op_refuses(&(struct op_row) { "Split", "axis=0", "float32[3]: 1; int64[1]: 2" }, OQZ_E_DATA, "add up");
	op_refuses(
	    &(struct op_row) { "Slice", "", "float32[3]: 1; int64[1]: 0; int64[1]: 1; int64[1]: 0; int64[1]: 0" },
	    OQZ_E_DATA, "step of 0");
}
END_TEST

START_TEST(pads_by_hand)
{
	static const struct op_row rows[] = {
		{ "Pad", "", "float32[2]: 1 2; int64[2]: 1 2; float32[]: 9", "float32[5]: 9 1 2 9 9" },
		{ "Pad", "", "int8[1,2]: 1 2; int64[4]: 1 0 0 1", "int8[2,3]: 0 0 0 1 2 0" },
		{ "Pad", "", "float32[4]: 1 2 3 4; int64[2]: -1 1", "float32[4]: 2 3 4 0" },
		{ "Pad", "mode=reflect", "float32[3]: 1 2 3; int64[2]: 2 2", "float32[7]: 3 2 1 2 3 2 1" },
		{ "Pad", "mode=reflect", "float32[3]: 1 2 3; int64[2]: 4 0", "float32[7]: 1 2 3 2 1 2 3" },
		{ "Pad", "mode=edge", "float32[2,2]: 1 2 3 4; int64[4]: 1 0 0 1", "float32[3,3]: 1 2 2 1 2 2 3 4 4" },
		{ "Pad", "mode=wrap", "float32[3]: 1 2 3; int64[2]: 2 1", "float32[6]: 2 3 1 2 3 1" },
		{ "Pad", "", "float32[1,2]: 1 2; int64[2]: 1 0; float32[]: 0; int64[1]: -1", "float32[1,3]: 0 1 2" },
		{ "Pad", "pads=[1,0] value=5.0", "float32[1]: 1", "float32[2]: 5 1", 0, 2 },
		{ "CenterCropPad", "", "float32[5]: 1 2 3 4 5; int64[1]: 2", "float32[2]: 2 3" },
		{ "CenterCropPad", "axes=[1]", "float32[1,2]: 1 2; int64[1]: 5", "float32[1,5]: 0 1 2 0 0" },
	};

	op_check_all(rows, OQZ_COUNTOF(rows));
	op_refuses(&(struct op_row) { "Pad", "", "float32[2]: 1; int64[1]: 1" }, OQZ_E_DATA, "pads");
	op_refuses(&(struct op_row) { "Pad", "mode=edge", "float32[0]:; int64[2]: 1 1" }, OQZ_E_DATA, "empty");
}
END_TEST

START_TEST(transposes_agree_with_their_definition)
{
	static const int64_t dims[] = { 3, 17, 5, 33 };
	static const struct {
		const char *attr;
		int perm[4];
	} perms[] = { { "perm=[0,2,3,1]", { 0, 2, 3, 1 } },
		      { "perm=[3,1,2,0]", { 3, 1, 2, 0 } },
		      { "perm=[0,3,1,2]", { 0, 3, 1, 2 } },
		      { "perm=[1,0,2,3]", { 1, 0, 2, 3 } },
		      { "perm=[0,1,3,2]", { 0, 1, 3, 2 } } };
	struct oqz_shape s = oqz_shape_of(4, dims);
	struct oqz_tensor x = op_random(7, 1, &s);

	for (size_t p = 0; p < OQZ_COUNTOF(perms); p++) {
		struct oqz_tensor y = { 0 };
		int64_t c[4];

		op_run_text("Transpose", perms[p].attr, (const struct oqz_tensor *[]) { &x }, 1, &y, 1);
		for (int64_t i = 0; i < oqz_tensor_nelem(&y); i++) {
			int64_t rest = i, at;

			for (int d = 3; d >= 0; d--) {
				c[perms[p].perm[d]] = rest % y.shape.dim[d];
				rest /= y.shape.dim[d];
			}
			at = ((c[0] * dims[1] + c[1]) * dims[2] + c[2]) * dims[3] + c[3];
			ck_assert(((float *)y.data)[i] == ((float *)x.data)[at]);
		}
		oqz_tensor_release(&y);
	}
	oqz_tensor_release(&x);
}
END_TEST

static int64_t draw(struct oqz_rng *r, int64_t from, int64_t to)
{
	return from + (int64_t)oqz_rng_below(r, (uint64_t)(to - from + 1));
}

/* Strides of a side whose dimensions lie in any order, the innermost's elements `apart`. Returns the span. */
static int64_t draw_side(struct oqz_rng *r, const struct oqz_box *b, int64_t apart, int64_t *stride)
{
	bool done[4] = { false };
	int64_t span = apart;

	for (int i = 0; i < b->rank; i++) {
		int d = (int)draw(r, 0, b->rank - 1);
		while (done[d])
			d = (d + 1) % b->rank;
		done[d] = true;
		stride[d] = span;
		span *= b->dim[d];
	}
	return span;
}

/* Elements that differ from their neighbours. */
static void fill_source(unsigned char *s, size_t size, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		for (size_t k = 0; k < size; k++)
			s[(size_t)i * size + k] = (unsigned char)((uint64_t)(i * 2654435761u + 12345) >> (8 * k));
}

START_TEST(boxes_are_copied_element_by_element)
{
	enum { MOST = 1 << 16 };
	static unsigned char from[8 * MOST], want[8 * MOST + 64], got[8 * MOST + 64];
	static const int64_t extents[] = { 1, 2, 2, 2, 3, 5, 7, 15, 16, 17, 32, 48, 70 };

	for (uint64_t seed = 1; seed <= 4000; seed++) {
		struct oqz_rng r;
		struct oqz_box b = { .rank = 0 };
		int64_t all = 1, first = 0;
		oqz_rng_init(&r, seed);
		size_t size = (size_t[]) { 4, 4, 4, 1, 2, 8 }[draw(&r, 0, 5)];
		for (int64_t rank = draw(&r, 1, 4); b.rank < rank;) {
			int64_t n = extents[draw(&r, 0, OQZ_COUNTOF(extents) - 1)];
			n = draw(&r, 0, 99) == 0 ? 0 : draw(&r, 0, 30) == 0 ? 1300 : n;
			n = all * n > MOST / 2 ? 2 - draw(&r, 0, 1) : n;
			n = all * n > MOST / 2 ? 1 : n;
			all *= n;
			oqz_box_add(&b, n, 0, 0);
		}
		int64_t n_src = draw_side(&r, &b, draw(&r, 0, 3) ? 1 : 2, b.src),
		        n_dst = draw_side(&r, &b, draw(&r, 0, 3) ? 1 : 2, b.dst);
		for (int d = 0; d < b.rank && all; d++)
			if (draw(&r, 0, 7) == 0) {
				b.src[d] = 0; /* repeated */
			} else if (draw(&r, 0, 7) == 0) {
				first += (b.dim[d] - 1) * b.src[d]; /* backwards */
				b.src[d] = -b.src[d];
			}
		fill_source(from, size, n_src);
		memset(want, 0xa5, sizeof want);
		memset(got, 0xa5, sizeof got);
		for (int64_t i = 0; i < all; i++) {
			int64_t rest = i, s = first, t = 0;
			for (int d = b.rank - 1; d >= 0; rest /= b.dim[d], d--) {
				s += rest % b.dim[d] * b.src[d];
				t += rest % b.dim[d] * b.dst[d];
			}
			memcpy(want + (size_t)t * size, from + (size_t)s * size, size);
		}
		oqz_box_copy(&b, size, from + (size_t)first * size, got);
		ck_assert_msg(memcmp(want, got, (size_t)n_dst * size + 64) == 0, "seed %llu", (unsigned long long)seed);
	}
}
END_TEST

OQZ_TEST_MAIN("op_move", boxes_by_hand, pads_by_hand, transposes_agree_with_their_definition,
              boxes_are_copied_element_by_element)
