/* SPDX-License-Identifier: Apache-2.0
 *
 * For the inner loops of a task: KERNEL puts a function into the plugin once per x86-64 level, chosen when it is
 * loaded, where the compiler and the system can. Results are the same: contraction is off for plugins as well.
 */
#ifndef OQZ_TASKS_KERNEL_H
#define OQZ_TASKS_KERNEL_H

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#ifdef OQZ_TARGET_CLONES
#define KERNEL __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define KERNEL
#endif

#endif
