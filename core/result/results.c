/* SPDX-License-Identifier: Apache-2.0
 *
 * Life of a set of results, and the words of its enumerations (one table each, used by writing and reading alike).
 */
#include "core/result/results.h"
#include "core/result/words.h"

#include <string.h>

struct oqz_results *oqz_results_new(void)
{
	struct oqz_results *r = calloc(1, sizeof *r);

	if (r && !(r->arena = oqz_arena_new())) {
		free(r);
		return NULL;
	}
	return r;
}

void oqz_results_free(struct oqz_results *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->cells.n; i++) {
		/* cells that were taken over from another set share its vectors and are not ours to free */
		if (r->cells.v[i]->owner != r)
			continue;
		oqz_vec_release(&r->cells.v[i]->metrics);
		oqz_vec_release(&r->cells.v[i]->layers);
	}
	oqz_vec_release(&r->cells);
	oqz_vec_release(&r->floats);
	oqz_vec_release(&r->failed_images);
	oqz_vec_release(&r->gates);
	oqz_vec_release(&r->links);
	oqz_vec_release(&r->samples);
	oqz_arena_free(r->arena);
	free(r);
}

struct oqz_cell_result *oqz_results_add_cell(struct oqz_results *r)
{
	struct oqz_cell_result *c = OQZ_ARENA_NEW(r->arena, struct oqz_cell_result);

	if (!c || !oqz_vec_push(&r->cells, c))
		return NULL;
	c->owner = r;
	return c;
}

const char *const oqz_unit_words[] = { "ratio", "dB", "count", "pixels", "scalar", NULL };
const char *const oqz_test_words[] = { "none", "mcnemar", "bootstrap", NULL };
const char *const oqz_cell_words[] = { "ok", "failed", "skipped", NULL };

int oqz_word_index(const char *const *words, const char *word)
{
	for (int i = 0; word && words[i]; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

const char *oqz_word(const char *const *words, unsigned i)
{
	for (unsigned k = 0; words[k]; k++)
		if (k == i)
			return words[k];
	return "unknown";
}
