/* SPDX-License-Identifier: Apache-2.0
 *
 * Changing a tensor's layout against the definition: shapes around the tiles that it is done in, both ways, elements of
 * every size.
 */
#include "core/base/rng.h"
#include "core/tensor/tensor.h"
#include "tests/support/support.h"

#include <string.h>

static void check(const struct oqz_shape *s, enum oqz_dtype t, bool to_last)
{
	struct oqz_tensor a = { 0 }, b = { 0 };
	size_t size = oqz_dtype_size(t);
	int64_t images = s->dim[0], channels = s->dim[1], pixels = oqz_shape_span(s, 2, s->rank);

	ck_ok(oqz_tensor_alloc(&a, t, s, err));
	ck_ok(oqz_tensor_alloc(&b, t, s, err));
	a.layout = to_last ? OQZ_LAYOUT_PLAIN : OQZ_LAYOUT_CHANNELS_LAST;
	b.layout = to_last ? OQZ_LAYOUT_CHANNELS_LAST : OQZ_LAYOUT_PLAIN;
	for (size_t i = 0; i < oqz_tensor_bytes(&a); i++)
		((unsigned char *)a.data)[i] = (unsigned char)(i * 2654435761u >> 13);
	oqz_tensor_relayout(&b, &a);
	for (int64_t n = 0; n < images; n++)
		for (int64_t c = 0; c < channels; c++)
			for (int64_t p = 0; p < pixels; p++) {
				int64_t plain = (n * channels + c) * pixels + p, last = (n * pixels + p) * channels + c;
				ck_assert_msg(memcmp((char *)b.data + (size_t)(to_last ? last : plain) * size,
				                     (char *)a.data + (size_t)(to_last ? plain : last) * size,
				                     size) == 0,
				              "%s, %lld channels, %lld pixels, %s: channel %lld, pixel %lld",
				              oqz_dtype_name(t), (long long)channels, (long long)pixels,
				              to_last ? "to channels-last" : "back", (long long)c, (long long)p);
			}
	oqz_tensor_release(&a);
	oqz_tensor_release(&b);
}

START_TEST(every_element_arrives)
{
	static const enum oqz_dtype types[] = { OQZ_DT_U8, OQZ_DT_F16, OQZ_DT_F32, OQZ_DT_F64, OQZ_DT_C128 };
	static const int64_t fixed[][3] = { { 3, 20, 33 }, { 19, 16, 16 }, { 16, 4, 4 }, { 4, 1, 1 }, { 1, 5, 7 } };
	struct oqz_rng r;

	oqz_rng_init(&r, 41);
	for (int i = 0; i < 200; i++) {
		const int64_t *f = fixed[i % (int)OQZ_COUNTOF(fixed)];
		bool drawn = i >= 50;
		struct oqz_shape s = { .rank = 4,
			               .dim = { 1 + (int64_t)oqz_rng_below(&r, 2),
			                        drawn ? 1 + (int64_t)oqz_rng_below(&r, 70) : f[0],
			                        drawn ? 1 + (int64_t)oqz_rng_below(&r, 12) : f[1],
			                        drawn ? 1 + (int64_t)oqz_rng_below(&r, 12) : f[2] } };
		check(&s, types[i / 2 % (int)OQZ_COUNTOF(types)], i & 1);
	}
	struct oqz_shape none = { .rank = 3, .dim = { 1, 0, 5 } };
	check(&none, OQZ_DT_F32, true);
}
END_TEST

OQZ_TEST_MAIN("relayout", every_element_arrives)
