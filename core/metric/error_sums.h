/* SPDX-License-Identifier: Apache-2.0
 *
 * Relative error of a layer, ||A - B|| / ||B||: sums per image, reduction over images, and the model's AQE, MQE, OQE.
 * A is the quantized lane's tensor, B the float lane's. (The seed's measure, pooled over all elements of all images;
 * the mean and the maximum over images are kept beside it.)
 */
#ifndef OQZ_METRIC_ERROR_SUMS_H
#define OQZ_METRIC_ERROR_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* One layer, one image, one lane: what the ledger keeps (two doubles). */
struct oqz_error_sums {
	double err2; /* sum of (A-B)^2 */
	double ref2; /* sum of B^2 */
};

enum { OQZ_ERROR_BLOCK = 4096 };

/* Sums in double over float32 elements, in blocks of 4096 added in index order, 16 partial sums inside a block in a
 * fixed order: the same result for every CPU and thread count. A and B lie in memory in the same order. */
void oqz_error_sums(const float *a, const float *b, size_t n, struct oqz_error_sums *ret);
/* The same piece by piece and for several A at once, which are held against one B while it is in the cache: adds the
 * sums of one block, n <= OQZ_ERROR_BLOCK elements (fewer only in the last), to err2[i] of a[i] and to *ref2 (NULL: not
 * wanted). */
void oqz_error_block(const float *const *a, size_t n_a, const float *b, size_t n, double *err2, double *ref2);

/* A layer over images, reduced in image order. */
struct oqz_layer_error {
	double pooled; /* sqrt(sum err2 / sum ref2); 0 if no error; +inf if ref2 is 0 and err2 is not, or a sum is not
	                  finite */
	double mean, max; /* of the per-image ratios; 0/0 counts as 0; x/0 is left out and counted in undefined */
	int64_t images, undefined, nonfinite; /* nonfinite: images with NaN or infinity, left out of mean and max */
};
/* `stride` is the distance between two images' sums, in structs (layers of one image usually lie together). */
void oqz_layer_error(const struct oqz_error_sums *per_image, size_t n, size_t stride, struct oqz_layer_error *ret);

/* A model over its layers. A mean or maximum over nothing is NaN. */
struct oqz_model_error {
	double aqe, mqe; /* mean and maximum of the layers' pooled errors; infinite ones are left out of the mean */
	double oqe;      /* maximum over the layers marked as outputs */
	double mean_aqe, mean_mqe, mean_oqe; /* the same of the layers' mean of ratios */
	int64_t layers, infinite;            /* layers with an infinite pooled error */
};
/* is_output[i] marks layers that count for OQE; NULL marks none. */
void oqz_model_error(const struct oqz_layer_error *layers, const unsigned char *is_output, size_t n,
                     struct oqz_model_error *ret);

#endif
