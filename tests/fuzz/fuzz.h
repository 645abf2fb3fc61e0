/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share. A target is one file with libFuzzer's entry point and its name: it feeds foreign bytes
 * to one parser, uses whatever came out as the program would, and stops the process when a promise is broken. It runs
 * in two mains: libFuzzer's (--enable-fuzzing), and replay.c, which `make check` uses.
 */
#ifndef OQZ_TESTS_FUZZ_H
#define OQZ_TESTS_FUZZ_H

#include "core/base/err.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* "onnx": which seeds (seeds.h) and which folder of regressions belong to the target. */
extern const char fuzz_target[];

/* A promise to the caller that hostile bytes broke; ends the process, which is what fuzzers look for. */
#define FUZZ_CHECK(cond) ((cond) ? (void)0 : fuzz_broken(#cond, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *what, const char *file, int line);
/* Ends the process unless the message says something. */
void fuzz_refused(const struct oqz_err *err);

/* Counts the inputs that went all the way through; replay.c wants every seed to be among them. */
extern unsigned long fuzz_accepted;

/* Where results go that only have to be computed. */
extern volatile uint64_t fuzz_sink;

/* Path of a file in this process's temporary folder, which goes away at exit. Ring of four buffers. */
const char *fuzz_path(const char *name);
/* The same, written. For parsers whose interface is a path. */
const char *fuzz_file(const char *name, const void *data, size_t size);

#endif
