/* SPDX-License-Identifier: Apache-2.0
 *
 * Mock plugin: it exports no entry.
 */
#include "tests/mock/mock.h"

int mock_symbolless(void);
int mock_symbolless(void) { return 1; }
