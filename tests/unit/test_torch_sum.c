/* SPDX-License-Identifier: Apache-2.0
 *
 * core/quant/torch_sum against torch 1.13 itself: sums of a lone tensor and of a column, to the last bit.
 */
#include "core/quant/torch_sum.h"
#include "tests/support/support.h"

/* x.sum() of n numbers, and of a column of an (n, 2) tensor: numbers that one after the other, or in double precision,
 * give other sums. */
START_TEST(sums_are_torch_s)
{
	static const struct {
		size_t n;
		float lone, column;
	} rows[] = {
		{ 1, 0x1.e442ccp-3f, 0x1.e442ccp-3f },
		{ 7, 0x1.fa9b1p+1f, 0x1.fa9b1p+1f },
		{ 8, 0x1.25730cp+2f, 0x1.25730ap+2f },
		{ 9, 0x1.9f6dfcp+1f, 0x1.9f6dfcp+1f },
		{ 100, 0x1.861126p+5f, 0x1.861126p+5f },
		{ 1000, 0x1.f5a2dcp+8f, 0x1.f5a2d8p+8f },
		{ 4096, 0x1.f90d22p+10f, 0x1.f90d22p+10f },
		{ 8192, 0x1.f9d042p+11f, 0x1.f9d044p+11f },
		/* a column's chunks hold 16 numbers up to 2^21 of them, then 32 */
		{ 2097152, 0x1.000f82p+20f, 0x1.000f82p+20f },
		{ 2097156, 0x1.ffaf0ep+19f, 0x1.ffaf16p+19f },
	};
	static float x[2097156];

	for (size_t k = 0; k < OQZ_COUNTOF(rows); k++) {
		uint32_t seed = (uint32_t)rows[k].n;
		for (size_t i = 0; i < rows[k].n; i++)
			x[i] = (float)((double)(seed = seed * 1664525u + 1013904223u) * 0x1p-32);
		float lone = oqz_torch_sum(x, rows[k].n, rows[k].n < 8 ? OQZ_TORCH_SCALAR : OQZ_TORCH_VECTOR);
		float column = oqz_torch_sum(x, rows[k].n, OQZ_TORCH_SCALAR);
		ck_assert_msg(lone == rows[k].lone && column == rows[k].column, "%zu: %a %a", rows[k].n, (double)lone,
		              (double)column);
	}
	ck_assert(oqz_torch_sum(x, 0, OQZ_TORCH_VECTOR) == 0);
}
END_TEST

OQZ_TEST_MAIN("torch_sum", sums_are_torch_s)
