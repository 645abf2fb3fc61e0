/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz/types.h - the words that the core and every plugin share: status codes, element types, tensor views.
 *
 * Numbers in this file are part of the plugin ABI: they never change meaning, new ones are appended.
 */
#ifndef OQZ_TYPES_H
#define OQZ_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Result of everything that can fail for more than one reason. 0 is success, all others are negative. */
enum oqz_status {
	OQZ_OK = 0,
	OQZ_E_NOMEM = -1,       /* memory, or a limit on it */
	OQZ_E_USAGE = -2,       /* a wrong call, option, parameter or manifest */
	OQZ_E_PLUGIN = -3,      /* a plugin is missing, refused or broke its contract */
	OQZ_E_NOENT = -4,       /* a file or a named thing does not exist */
	OQZ_E_DATA = -5,        /* a file is damaged or contradicts itself */
	OQZ_E_UNSUPPORTED = -6, /* valid, but not something this program does */
	OQZ_E_IO = -7,          /* the system refused: permission, disk full, ... */
	OQZ_E_LIMIT = -8,       /* larger than a limit allows (time, size, count) */
	OQZ_E_INTERNAL = -9,    /* a bug of ours */
	OQZ_E_INTERRUPTED = -10,
	OQZ_E_MISMATCH = -11, /* two things that must belong together do not */
	OQZ_E_AGAIN = -12,    /* not finished: call again (two-phase calibration) */
};

/* Element types. The numbers are those of ONNX TensorProto.DataType (onnx.proto), so no translation table exists.
 * Types narrower than a byte are held one element per byte in memory (signed ones sign-extended) and packed in files
 * only. */
enum oqz_dtype {
	OQZ_DT_UNDEFINED = 0,
	OQZ_DT_F32 = 1,
	OQZ_DT_U8 = 2,
	OQZ_DT_I8 = 3,
	OQZ_DT_U16 = 4,
	OQZ_DT_I16 = 5,
	OQZ_DT_I32 = 6,
	OQZ_DT_I64 = 7,
	OQZ_DT_STRING = 8,
	OQZ_DT_BOOL = 9,
	OQZ_DT_F16 = 10,
	OQZ_DT_F64 = 11,
	OQZ_DT_U32 = 12,
	OQZ_DT_U64 = 13,
	OQZ_DT_C64 = 14,
	OQZ_DT_C128 = 15,
	OQZ_DT_BF16 = 16,
	OQZ_DT_F8E4M3FN = 17,
	OQZ_DT_F8E4M3FNUZ = 18,
	OQZ_DT_F8E5M2 = 19,
	OQZ_DT_F8E5M2FNUZ = 20,
	OQZ_DT_U4 = 21,
	OQZ_DT_I4 = 22,
	OQZ_DT_F4E2M1 = 23,
	OQZ_DT_F8E8M0 = 24,
	OQZ_DT_U2 = 25,
	OQZ_DT_I2 = 26,
	OQZ_DT_COUNT
};

enum { OQZ_MAX_RANK = 8 };

/* Extent of a tensor, outermost dimension first. rank 0 is a scalar (one element). In a concrete shape every dim >= 0.
 */
struct oqz_shape {
	int32_t rank;
	int64_t dim[OQZ_MAX_RANK];
};

/* A borrowed, read-only, dense tensor in row-major order: what plugins see of tensors.
 * `data` stays valid for the duration of the call that hands the view over, no longer. */
struct oqz_view {
	enum oqz_dtype dtype;
	struct oqz_shape shape;
	const void *data;
};

#ifdef __cplusplus
}
#endif
#endif
