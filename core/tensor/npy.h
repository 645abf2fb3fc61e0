/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy .npy files (format 1.0 and 2.0, C order, little-endian): how tensors go in and out of the program.
 */
#ifndef OQZ_TENSOR_NPY_H
#define OQZ_TENSOR_NPY_H

#include "core/tensor/tensor.h"

/* Reads a .npy file into a new buffer. Fortran order, big-endian, structured or object arrays are clear errors. */
enum oqz_status oqz_npy_read(const char *path, struct oqz_tensor *ret, struct oqz_err *err);
/* The same from memory; `name` is for messages. */
enum oqz_status oqz_npy_parse(const void *data, size_t size, const char *name, struct oqz_tensor *ret,
                              struct oqz_err *err);
/* Writes a PLAIN tensor. Types that NumPy lacks (bfloat16, FP8, int4) are written as float32 values. */
enum oqz_status oqz_npy_write(const char *path, const struct oqz_tensor *t, struct oqz_err *err);

#endif
