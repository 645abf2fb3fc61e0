/* SPDX-License-Identifier: Apache-2.0
 *
 * See torch_sum.h. After torch 1.13's description of its cascade summation (aten/src/ATen/native/cpu/SumKernel.cpp).
 */
#include "core/quant/torch_sum.h"

enum { PARTS = 4, LEVELS = 4 };

/* Of the numbers v[0], v[step], ..., v[(n - 1) step]. */
static float cascade(const float *v, size_t n, size_t step)
{
	float acc[LEVELS] = { 0 };
	size_t bits = 0, i = 0;

	while ((size_t)1 << bits < n)
		bits++;
	size_t power = bits / LEVELS > 4 ? bits / LEVELS : 4, mask = ((size_t)1 << power) - 1;
	while (i < n) {
		acc[0] += v[i++ * step];
		/* a full chunk moves up, and a full level of chunks with it */
		for (size_t j = 1, full = i; j < LEVELS && !(full & mask); j++, full >>= power) {
			acc[j] += acc[j - 1];
			acc[j - 1] = 0;
		}
	}
	for (int j = 1; j < LEVELS; j++)
		acc[0] += acc[j];
	return acc[0];
}

float oqz_torch_sum(const float *v, size_t n, size_t width)
{
	size_t vectors = n / width, rows = vectors / PARTS;
	float total = 0;

	for (size_t i = vectors * width; i < n; i++)
		total += v[i];
	for (size_t lane = 0; lane < width; lane++) {
		float part[PARTS];
		for (size_t k = 0; k < PARTS; k++)
			part[k] = cascade(v + k * width + lane, rows, PARTS * width);
		for (size_t i = rows * PARTS; i < vectors; i++)
			part[0] += v[i * width + lane];
		total += part[0] + part[1] + part[2] + part[3];
	}
	return total;
}
