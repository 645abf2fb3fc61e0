/* SPDX-License-Identifier: Apache-2.0
 *
 * core/exec/dnnl/dnnl_qdepthwise.c against sums in double, and bit for bit against oneDNN's float32 kernel.
 */
#include "core/exec/dnnl/dnnl_bands.h"
#include "tests/unit/fp8_case.h"

/* Widths around the blocks of 7 pixels, channels around those of 32; kernels that are specialised, and others. */
static bool layer(struct oqz_rng *r, struct convcase *c)
{
	static const int64_t channels[] = { 32, 33, 40, 47, 63, 64, 65, 96 }, kernels[] = { 3, 3, 3, 5, 5, 1, 2, 7 };
	int64_t k = kernels[rand_in(r, 0, 7)], stride = rand_in(r, 1, 2), dilation = rand_in(r, 0, 3) ? 1 : 2;

	*c = (struct convcase) { .nsp = 2, .batch = rand_in(r, 0, 3) ? 1 : 2 };
	c->ic = c->oc = c->group = channels[rand_in(r, 0, 7)];
	for (int i = 0; i < 2; i++) {
		bool odd = rand_in(r, 0, 5) == 0;
		c->in[i] = rand_in(r, 1, 1 << rand_in(r, 1, 5));
		c->k[i] = odd ? rand_in(r, 1, 6) : k;
		c->stride[i] = odd ? rand_in(r, 1, 3) : stride;
		c->dil[i] = odd ? rand_in(r, 1, 4) : dilation;
		c->pad[i] = rand_in(r, 0, c->k[i]);
		c->pad[2 + i] = rand_in(r, 0, 1) ? c->pad[i] : rand_in(r, 0, c->k[i]);
		int64_t room = c->in[i] + c->pad[i] + c->pad[2 + i] - (c->k[i] - 1) * c->dil[i] - 1;
		if (room < 0)
			return false;
		c->out[i] = room / c->stride[i] + 1;
	}
	c->in[2] = c->k[2] = c->stride[2] = c->dil[2] = c->out[2] = 1;
	return true;
}

START_TEST(equals_sums_and_the_float32_kernel)
{
	struct oqz_rng r;
	struct convcase c;
	char what[160];

	if (!oqz_dnnl_native_bf16()) {
		fprintf(stderr, "skipped: this CPU has no bfloat16 products\n");
		return;
	}
	oqz_rng_init(&r, step_seed(31));
	for (int i = 0; i < step_rounds(150); i++) {
		oqz_dnnl_band = (size_t)rand_in(&r, 1, 1 << rand_in(&r, 4, 14));
		if (!layer(&r, &c))
			continue;
		snprintf(what, sizeof what, "round %d: %lldx%lldx%lldx%lld -> %lldx%lld, kernel %lldx%lld", i,
		         (long long)c.batch, (long long)c.ic, (long long)c.in[0], (long long)c.in[1],
		         (long long)c.out[0], (long long)c.out[1], (long long)c.k[0], (long long)c.k[1]);
		fp8_case(&oqz_impl_qdepthwise, &oqz_impl_dnnl_qconv, &c, &r, i & 4 ? OQZ_DT_F8E5M2 : OQZ_DT_F8E4M3FN,
		         !(i & 4) && i % 3 == 0, i & 1, i & 2, what);
	}
}
END_TEST

OQZ_TEST_MAIN("dnnl_qdepthwise", equals_sums_and_the_float32_kernel)
