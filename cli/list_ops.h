/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of oqz list that knows operators: see list_ops.c.
 */
#ifndef OQZ_CLI_LIST_OPS_H
#define OQZ_CLI_LIST_OPS_H

#include <stdbool.h>

/* Prints all operators, as columns or as a page of Markdown. Returns an exit code. */
int cli_list_ops(bool markdown);

#endif
