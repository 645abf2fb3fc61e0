/* SPDX-License-Identifier: Apache-2.0
 *
 * TfIdfVectorizer: counts how often each n-gram of a list occurs in a row of integers or strings. Both are compared as
 * 64-bit words: a text stands once, so its pointer will do (core/tensor/text.h).
 */
#include "core/ops/ops_util.h"
#include "core/tensor/text.h"

struct ngrams {
	int64_t max_gram_length, max_skip_count, min_gram_length;
	const char *mode;
	struct oqz_ints ngram_counts, ngram_indexes, pool_int64s;
	struct oqz_strings pool_strings;
	struct oqz_floats weights;
};

enum { MAX_SKIP = 1 << 20, MAX_WIDTH = 1 << 24 };

static size_t pool_size(const struct ngrams *p) { return p->pool_strings.v ? p->pool_strings.n : p->pool_int64s.n; }

static enum oqz_status check(const struct ngrams *p, int64_t *ret_width, struct oqz_err *err)
{
	size_t grams = 0, from, to;
	int64_t width = 0;

	if (p->pool_strings.v && p->pool_int64s.v)
		OQZ_FAIL(err, OQZ_E_DATA, "pools of both integers and strings");
	if (p->min_gram_length < 1 || p->max_gram_length < p->min_gram_length || p->max_skip_count < 0 ||
	    p->max_skip_count > MAX_SKIP || p->ngram_counts.n < (size_t)p->max_gram_length)
		OQZ_FAIL(err, OQZ_E_DATA, "lengths %lld to %lld, skips %lld with %zu ngram_counts",
		         (long long)p->min_gram_length, (long long)p->max_gram_length, (long long)p->max_skip_count,
		         p->ngram_counts.n);
	for (size_t i = 0; i < p->ngram_counts.n; i++) {
		if (p->ngram_counts.v[i] < 0 || (uint64_t)p->ngram_counts.v[i] > pool_size(p))
			OQZ_FAIL(err, OQZ_E_DATA, "ngram_counts leave the pool");
		from = (size_t)p->ngram_counts.v[i];
		to = i + 1 < p->ngram_counts.n ? (size_t)p->ngram_counts.v[i + 1] : pool_size(p);
		if (to < from || (to - from) % (i + 1))
			OQZ_FAIL(err, OQZ_E_DATA, "the pool's %zu-grams take %zu entries", i + 1, to - from);
		grams += (to - from) / (i + 1);
	}
	if (grams != p->ngram_indexes.n || (p->weights.v && p->weights.n != grams))
		OQZ_FAIL(err, OQZ_E_DATA, "%zu n-grams, %zu indexes, %zu weights", grams, p->ngram_indexes.n,
		         p->weights.n);
	for (size_t i = 0; i < grams; i++) {
		if (p->ngram_indexes.v[i] < 0 || p->ngram_indexes.v[i] >= MAX_WIDTH)
			OQZ_FAIL(err, OQZ_E_LIMIT, "output index %lld", (long long)p->ngram_indexes.v[i]);
		if (p->ngram_indexes.v[i] >= width)
			width = p->ngram_indexes.v[i] + 1;
	}
	*ret_width = width;
	return OQZ_OK;
}

static enum oqz_status infer_ngrams(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_type *x = c->in[0];
	int64_t width = 0;

	OQZ_TRY(check(OQZ_PARAMS(c->node, struct ngrams), &width, err));
	OQZ_TRY(oqz_need_rank(c, 0, 1, 2, err));
	bool strings = OQZ_PARAMS(c->node, struct ngrams)->pool_strings.v != NULL;
	if (x->dtype != OQZ_DT_UNDEFINED &&
	    (strings ? x->dtype != OQZ_DT_STRING : x->dtype != OQZ_DT_I32 && x->dtype != OQZ_DT_I64))
		OQZ_FAIL(err, OQZ_E_DATA, "n-grams of %s in %s", strings ? "strings" : "integers",
		         oqz_dtype_name(x->dtype));
	c->out[0].dtype = OQZ_DT_F32;
	c->out[0].shape = oqz_shape_unknown(x->shape.rank);
	if (x->shape.rank > 0)
		c->out[0].shape.dim[0] = x->shape.dim[0];
	if (x->shape.rank > 0)
		c->out[0].shape.dim[x->shape.rank - 1] = width;
	return OQZ_OK;
}

static int64_t word_at(const struct oqz_tensor *x, size_t i)
{
	return x->dtype == OQZ_DT_STRING ? (int64_t)(uintptr_t)oqz_text_at(x, i) : oqz_load_i(x->dtype, x->data, i);
}

/* How often one n-gram stands in a row with `step` from item to item. */
static int64_t occurrences(const struct oqz_tensor *x, int64_t row, int64_t length, const int64_t *gram, int64_t n,
                           int64_t step)
{
	int64_t count = 0;

	for (int64_t at = 0; at + (n - 1) * step < length; at++) {
		int64_t k = 0;

		while (k < n && word_at(x, (size_t)(row * length + at + k * step)) == gram[k])
			k++;
		count += k == n;
	}
	return count;
}

static void count_row(const struct ngrams *p, const int64_t *pool, const struct oqz_tensor *x, int64_t row,
                      int64_t length, float *out)
{
	bool tf = strcmp(p->mode, "IDF") != 0, idf = strcmp(p->mode, "TF") != 0;
	size_t id = 0;

	for (size_t i = 0; i < p->ngram_counts.n; i++) {
		int64_t n = (int64_t)i + 1;
		size_t to = i + 1 < p->ngram_counts.n ? (size_t)p->ngram_counts.v[i + 1] : pool_size(p);
		bool wanted = n >= p->min_gram_length && n <= p->max_gram_length;

		for (size_t at = (size_t)p->ngram_counts.v[i]; at < to; at += (size_t)n, id++) {
			int64_t count = 0, steps = n == 1 ? 1 : p->max_skip_count + 1;

			for (int64_t step = 1; wanted && step <= steps && (n - 1) * step < length; step++)
				count += occurrences(x, row, length, pool + at, n, step);
			float w = idf && p->weights.v ? p->weights.v[id] : 1;
			if (count)
				out[p->ngram_indexes.v[id]] += tf ? (float)count * w : w;
		}
	}
}

/* The pool as words; free() it. */
static enum oqz_status read_pool(const struct ngrams *p, int64_t **ret, struct oqz_err *err)
{
	size_t n = pool_size(p);
	int64_t *pool = malloc(n * sizeof *pool + 1);

	if (!pool)
		return oqz_err_nomem(err, "n-grams", n * sizeof *pool);
	*ret = pool;
	for (size_t i = 0; i < n; i++) {
		const struct oqz_text *t = NULL;
		if (p->pool_strings.v)
			OQZ_TRY(oqz_text_of(p->pool_strings.v[i], strlen(p->pool_strings.v[i]), &t, err));
		pool[i] = p->pool_strings.v ? (int64_t)(uintptr_t)t : p->pool_int64s.v[i];
	}
	return OQZ_OK;
}

static enum oqz_status run_ngrams(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0];
	int64_t rows = x->shape.rank == 2 ? x->shape.dim[0] : 1, length = x->shape.dim[x->shape.rank - 1];
	int64_t width = c->out[0]->shape.dim[c->out[0]->shape.rank - 1];

	OQZ_CLEANUP_FREE int64_t *pool = NULL;

	OQZ_TRY(read_pool(OQZ_PARAMS(c->node, struct ngrams), &pool, err));
	memset(c->out[0]->data, 0, oqz_tensor_bytes(c->out[0]));
	for (int64_t r = 0; r < rows; r++)
		count_row(OQZ_PARAMS(c->node, struct ngrams), pool, x, r, length, (float *)c->out[0]->data + r * width);
	return OQZ_OK;
}

static const char *const modes[] = { "TF", "IDF", "TFIDF", NULL };
static const struct oqz_attr_spec ngram_attrs[] = {
	OQZ_A_REQUIRED(struct ngrams, max_gram_length, OQZ_ATTR_INT),
	OQZ_A_REQUIRED(struct ngrams, max_skip_count, OQZ_ATTR_INT),
	OQZ_A_REQUIRED(struct ngrams, min_gram_length, OQZ_ATTR_INT),
	OQZ_A_REQUIRED_WORD(struct ngrams, mode, modes),
	OQZ_A_REQUIRED(struct ngrams, ngram_counts, OQZ_ATTR_INTS),
	OQZ_A_REQUIRED(struct ngrams, ngram_indexes, OQZ_ATTR_INTS),
	OQZ_A_INTS(struct ngrams, pool_int64s),
	OQZ_A_STRINGS(struct ngrams, pool_strings),
	OQZ_A_FLOATS(struct ngrams, weights),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_ngram[] = {
	{ OQZ_ROW(TF_IDF_VECTORIZER), .texts = true, OQZ_ROW_PARAMS(struct ngrams, ngram_attrs), .infer = infer_ngrams,
	  .run = run_ngrams },
	{ .name = NULL },
};
