/* SPDX-License-Identifier: Apache-2.0
 *
 * Private to core/result: names of enumeration values in files.
 */
#ifndef OQZ_RESULT_WORDS_H
#define OQZ_RESULT_WORDS_H

/* Indexed by enum oqz_metric_unit, oqz_metric_test, oqz_cell_status; end with NULL. */
extern const char *const oqz_unit_words[], *const oqz_test_words[], *const oqz_cell_words[];

/* -1 when absent; "unknown" beyond the end. */
int oqz_word_index(const char *const *words, const char *word);
const char *oqz_word(const char *const *words, unsigned i);

#endif
