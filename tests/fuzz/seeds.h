/* SPDX-License-Identifier: Apache-2.0
 *
 * Valid small inputs for every fuzz target, made by the program's own writers and by the reference encoders of the
 * image formats.
 */
#ifndef OQZ_TESTS_SEEDS_H
#define OQZ_TESTS_SEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seed {
	uint8_t *data;
	size_t size;
};

struct seeds {
	struct seed v[32];
	size_t n;
};

/* Fills in the seeds of a target ("onnx", "png", ...). False when there is no such target. */
bool seeds_make(const char *target, struct seeds *ret);
void seeds_free(struct seeds *s);
/* Names of all targets, NULL at the end. */
extern const char *const seeds_targets[];

#endif
