/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory limit of a process: the budget that tensors are taken from, and behind it the system's own limit for
 * everything that is not a tensor (codecs, plugins, annotation files).
 */
#ifndef OQZ_RUN_MEMORY_LIMIT_H
#define OQZ_RUN_MEMORY_LIMIT_H

#include "core/base/err.h"

/* Limits this process, which will have `threads` worker threads; 0 bytes: only the budget, at the machine's memory.
 * Call it before the threads are made. */
enum oqz_status oqz_memory_limit(int64_t bytes, int threads, struct oqz_err *err);

#endif
