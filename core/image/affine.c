/* SPDX-License-Identifier: Apache-2.0
 *
 * cv2.warpAffine as of OpenCV 4.6 (imgproc/src/imgwarp.cpp; 4.11 replaced the kernel): positions in 10 bits rounded to
 * 1/32 pixel, bilinear weights in 15 bits; and the matrix of mmpose's top-down crop.
 */
#include "core/image/resize.h"

#include <math.h>
#include <string.h>

enum { POS_BITS = 10, FRAC_BITS = 5, FRAC = 1 << FRAC_BITS, WEIGHT_BITS = 15 };

static void sample(const struct oqz_image *src, int64_t x, int64_t y, int32_t fx, int32_t fy, uint8_t border,
                   uint8_t *out)
{
	const size_t ch = (size_t)src->channels;
	const int32_t w[4] = { (FRAC - fx) * (FRAC - fy) * 32, fx * (FRAC - fy) * 32, (FRAC - fx) * fy * 32,
		               fx * fy * 32 };
	const uint8_t *p[4];

	for (int i = 0; i < 4; i++) {
		int64_t px = x + (i & 1), py = y + (i >> 1);
		bool inside = px >= 0 && py >= 0 && px < src->width && py < src->height;
		p[i] = inside ? src->data + ((size_t)py * (size_t)src->width + (size_t)px) * ch : NULL;
	}
	for (size_t c = 0; c < ch; c++) {
		int32_t sum = 1 << (WEIGHT_BITS - 1);
		for (int i = 0; i < 4; i++)
			sum += w[i] * (p[i] ? p[i][c] : border);
		out[c] = (uint8_t)(sum >> WEIGHT_BITS);
	}
}

enum oqz_status oqz_warp_affine(const struct oqz_image *src, const double m[6], int32_t width, int32_t height,
                                uint8_t border, struct oqz_image *dst, struct oqz_err *err)
{
	double det = m[0] * m[4] - m[1] * m[3], d = det != 0 ? 1.0 / det : 0;
	double a = m[4] * d, b = m[1] * -d, c = m[3] * -d, e = m[0] * d;
	double tx = -a * m[2] - b * m[5], ty = -c * m[2] - e * m[5];
	const double limit = 1e15; /* keeps llrint defined for matrices nobody means */

	OQZ_TRY(oqz_image_reserve(dst, width, height, src->channels, err));
	if (!(fabs(a) < limit && fabs(b) < limit && fabs(c) < limit && fabs(e) < limit && fabs(tx) < limit &&
	      fabs(ty) < limit))
		OQZ_FAIL(err, OQZ_E_DATA, "an affine crop that cannot be inverted");
	uint8_t *out = dst->data;
	for (int32_t y = 0; y < height; y++) {
		int64_t x0 = llrint((b * y + tx) * (1 << POS_BITS)) + FRAC / 2;
		int64_t y0 = llrint((e * y + ty) * (1 << POS_BITS)) + FRAC / 2;
		for (int32_t x = 0; x < width; x++, out += src->channels) {
			int64_t px = (x0 + llrint(a * x * (1 << POS_BITS))) >> (POS_BITS - FRAC_BITS);
			int64_t py = (y0 + llrint(c * x * (1 << POS_BITS))) >> (POS_BITS - FRAC_BITS);
			sample(src, px >> FRAC_BITS, py >> FRAC_BITS, (int32_t)(px & (FRAC - 1)),
			       (int32_t)(py & (FRAC - 1)), border, out);
		}
	}
	return OQZ_OK;
}

/* Solves the n x n system in place by elimination with partial pivoting, as OpenCV's LU does. */
static void solve6(double a[6][6], double b[6])
{
	for (int i = 0; i < 6; i++) {
		int k = i;
		for (int j = i + 1; j < 6; j++)
			if (fabs(a[j][i]) > fabs(a[k][i]))
				k = j;
		for (int j = i; j < 6 && k != i; j++) {
			double t = a[i][j];
			a[i][j] = a[k][j];
			a[k][j] = t;
		}
		double t = b[i];
		b[i] = b[k];
		b[k] = t;
		double d = -1 / a[i][i];
		for (int j = i + 1; j < 6; j++) {
			double alpha = a[j][i] * d;
			for (k = i + 1; k < 6; k++)
				a[j][k] += alpha * a[i][k];
			b[j] += alpha * b[i];
		}
	}
	for (int i = 5; i >= 0; i--) {
		double s = b[i];
		for (int k = i + 1; k < 6; k++)
			s -= a[i][k] * b[k];
		b[i] = s / a[i][i];
	}
}

void oqz_topdown_matrix(const float box[4], double padding, int32_t width, int32_t height, double m[6])
{
	const float aspect = (float)((double)width / height);
	float cx = (box[0] + box[2]) * 0.5f, cy = (box[1] + box[3]) * 0.5f;
	float sw = (float)((box[2] - box[0]) * (float)padding), sh = (float)((box[3] - box[1]) * (float)padding);

	if (sw > sh * aspect)
		sh = sw / aspect;
	else
		sw = sh * aspect;
	const float half = sw * -0.5f, dst_half = (float)(width * -0.5);
	const float src[3][2] = { { cx, cy }, { cx + half, cy }, { cx + half, cy + (cx - (cx + half)) } };
	const float dx = (float)(width * 0.5), dy = (float)(height * 0.5);
	const float dst[3][2] = { { dx, dy }, { dx + dst_half, dy }, { dx + dst_half, dy + (dx - (dx + dst_half)) } };
	double a[6][6] = { { 0 } }, b[6];
	for (int i = 0; i < 3; i++) {
		a[i][0] = a[i + 3][3] = src[i][0];
		a[i][1] = a[i + 3][4] = src[i][1];
		a[i][2] = a[i + 3][5] = 1;
		b[i] = dst[i][0];
		b[i + 3] = dst[i][1];
	}
	solve6(a, b);
	memcpy(m, b, sizeof b);
}
