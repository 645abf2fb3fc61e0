/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of strings: StringConcat, StringSplit, StringNormalizer, RegexFullMatch. What only moves strings is any
 * mover (core/tensor/text.h). Upper and lower case are those of Unicode, by the C library's C.UTF-8 locale, whatever
 * the attribute `locale` says: results must not depend on the languages that a machine has installed.
 */
#include "core/base/str.h"
#include "core/ops/broadcast.h"
#include "core/ops/ops_util.h"
#include "core/ops/regex.h"
#include "core/tensor/text.h"

#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

static enum oqz_status need_text(const struct oqz_infer *c, int i, struct oqz_err *err)
{
	enum oqz_dtype t = oqz_in_type(c, i).dtype;

	if (t != OQZ_DT_UNDEFINED && t != OQZ_DT_STRING)
		OQZ_FAIL(err, OQZ_E_DATA, "input %d is %s, should be string", i, oqz_dtype_name(t));
	return OQZ_OK;
}

/* Element i of out becomes what was gathered in b, which is emptied. */
static enum oqz_status give(struct oqz_tensor *out, size_t i, struct oqz_str *b, struct oqz_err *err)
{
	if (!oqz_str_ok(b))
		return oqz_err_nomem(err, "a text", b->len);
	OQZ_TRY(oqz_text_set(out, i, oqz_str_get(b), b->len, err));
	oqz_str_clear(b);
	return OQZ_OK;
}

/* ---- StringConcat ---- */

static enum oqz_status infer_concat(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(need_text(c, 0, err));
	OQZ_TRY(need_text(c, 1, err));
	OQZ_TRY(oqz_infer_broadcast(c, err));
	c->out[0].dtype = OQZ_DT_STRING;
	return OQZ_OK;
}

static enum oqz_status join(const struct oqz_call *c, struct oqz_str *b, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0], *y = c->in[1];
	struct oqz_bcast it;
	size_t at = 0;

	oqz_bcast_init(&it, &c->out[0]->shape, 2, (const struct oqz_shape *[]) { &x->shape, &y->shape });
	for (int64_t row = 0; row < it.rows; row++, oqz_bcast_next(&it))
		for (int64_t j = 0; j < it.run; j++) {
			const struct oqz_text *s = oqz_text_at(x, (size_t)(it.at[0] + it.step[0] * j)),
			                      *t = oqz_text_at(y, (size_t)(it.at[1] + it.step[1] * j));
			oqz_str_addn(b, oqz_text_bytes(s), oqz_text_len(s));
			oqz_str_addn(b, oqz_text_bytes(t), oqz_text_len(t));
			OQZ_TRY(give(c->out[0], at++, b, err));
		}
	return OQZ_OK;
}

static enum oqz_status run_concat(const struct oqz_call *c, struct oqz_err *err)
{
	struct oqz_str b = { 0 };
	enum oqz_status st = join(c, &b, err);

	oqz_str_release(&b);
	return st;
}

/* ---- StringSplit ---- */

struct split {
	const char *delimiter;
	int64_t maxsplit;
};

static enum oqz_status infer_split(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;

	OQZ_TRY(need_text(c, 0, err));
	OQZ_TRY(oqz_need_rank(c, 0, 0, OQZ_MAX_RANK - 1, err));
	c->out[0] = (struct oqz_type) { OQZ_DT_STRING, *s };
	if (s->rank >= 0)
		c->out[0].shape.dim[c->out[0].shape.rank++] = OQZ_DIM_UNKNOWN;
	c->out[1] = (struct oqz_type) { OQZ_DT_I64, *s };
	return OQZ_OK;
}

/* What is left of a text that is being split. */
struct rest {
	const char *p, *end;
	bool done;
};

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/* Without a delimiter, runs of blanks separate and blanks at the ends do not count. `more`: another cut is allowed; the
 * last part is all that is left. */
static bool next_word(struct rest *r, bool more, const char **part, size_t *n)
{
	r->p = skip_blanks(r->p, r->end);
	if (r->p == r->end)
		return false;
	*part = r->p;
	while (r->p < r->end && (!more || !is_blank(*r->p)))
		r->p++;
	*n = (size_t)(r->p - *part);
	return true;
}

/* With one, every occurrence separates, also from nothing. */
static bool next_part(struct rest *r, const char *delimiter, bool more, const char **part, size_t *n)
{
	size_t len = strlen(delimiter), left = (size_t)(r->end - r->p);

	if (r->done)
		return false;
	*part = r->p;
	const char *cut = more ? memmem(r->p, left, delimiter, len) : NULL;
	r->done = !cut;
	*n = cut ? (size_t)(cut - r->p) : left;
	r->p = cut ? cut + len : r->end;
	return true;
}

/* Writes the parts from out[first] on, or only counts them. An empty text has no words, and one (empty) part. A
 * negative maxsplit (none given) does not limit. */
static enum oqz_status split_text(const struct split *p, const struct oqz_text *t, struct oqz_tensor *out, size_t first,
                                  int64_t *ret_n, struct oqz_err *err)
{
	const char *bytes = oqz_text_bytes(t), *part;
	struct rest r = { bytes, bytes + oqz_text_len(t), false };
	bool words = !p->delimiter || !*p->delimiter;
	int64_t count = 0;
	size_t n;

	for (;;) {
		bool more = p->maxsplit < 0 || count < p->maxsplit;
		if (words ? !next_word(&r, more, &part, &n) : !next_part(&r, p->delimiter, more, &part, &n))
			break;
		if (out)
			OQZ_TRY(oqz_text_set(out, first + (size_t)count, part, n, err));
		count++;
	}
	*ret_n = count;
	return OQZ_OK;
}

static enum oqz_status run_split(const struct oqz_call *c, struct oqz_err *err)
{
	const struct split *p = OQZ_PARAMS(c->node, struct split);
	const struct oqz_tensor *x = c->in[0];
	size_t n = (size_t)oqz_tensor_nelem(x);
	struct oqz_shape s = x->shape;
	int64_t most = 0, count;

	for (size_t i = 0; i < n; i++) {
		OQZ_TRY(split_text(p, oqz_text_at(x, i), NULL, 0, &count, err));
		most = count > most ? count : most;
		if (c->out[1])
			((int64_t *)c->out[1]->data)[i] = count;
	}
	s.dim[s.rank++] = most;
	OQZ_TRY(oqz_tensor_alloc(c->out[0], OQZ_DT_STRING, &s, err)); /* filled up with empty texts */
	for (size_t i = 0; i < n; i++)
		OQZ_TRY(split_text(p, oqz_text_at(x, i), c->out[0], i * (size_t)most, &count, err));
	return OQZ_OK;
}

/* ---- StringNormalizer ---- */

struct normalizer {
	const char *case_change_action, *locale;
	int64_t is_case_sensitive;
	struct oqz_strings stopwords;
};

static enum oqz_status infer_normalizer(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *s = &c->in[0]->shape;

	OQZ_TRY(need_text(c, 0, err));
	OQZ_TRY(oqz_need_rank(c, 0, 1, 2, err));
	if (s->rank == 2)
		OQZ_TRY(oqz_need_dim(s->dim[0], 1, "rows of strings", err));
	c->out[0] = (struct oqz_type) { OQZ_DT_STRING, oqz_shape_unknown(s->rank) };
	if (s->rank == 2)
		c->out[0].shape.dim[0] = 1;
	return OQZ_OK;
}

/* Appends the n bytes with each letter's case changed; bytes that are no UTF-8 are kept. */
static enum oqz_status add_cased(struct oqz_str *b, const char *s, size_t n, char action, locale_t unicode,
                                 struct oqz_err *err)
{
	char out[MB_LEN_MAX];
	mbstate_t in_state = { 0 }, out_state = { 0 };
	locale_t before = uselocale(unicode);

	for (size_t i = 0; i < n;) {
		wchar_t w = 0;
		size_t used = mbrtowc(&w, s + i, n - i, &in_state), made;
		bool text = used != (size_t)-1 && used != (size_t)-2 && used != 0;

		if (text)
			w = (wchar_t)(action == 'U' ? towupper((wint_t)w) : towlower((wint_t)w));
		made = text ? wcrtomb(out, w, &out_state) : (size_t)-1;
		if (made == (size_t)-1) {
			memset(&in_state, 0, sizeof in_state);
			memset(&out_state, 0, sizeof out_state);
			used = made = 1;
			out[0] = s[i];
		}
		oqz_str_addn(b, out, made);
		i += used;
	}
	uselocale(before);
	return oqz_str_ok(b) ? OQZ_OK : oqz_err_nomem(err, "a text", n);
}

/* What a run works with; texts that are compared are in lower case unless case matters. */
struct work {
	const struct normalizer *p;
	locale_t unicode;
	struct oqz_str buffer;
	const struct oqz_text **stop, **kept;
	size_t n_kept;
};

static enum oqz_status cased(struct work *w, const char *s, size_t n, char action, const struct oqz_text **ret,
                             struct oqz_err *err)
{
	if (action == 'N')
		return oqz_text_of(s, n, ret, err);
	oqz_str_clear(&w->buffer);
	OQZ_TRY(add_cased(&w->buffer, s, n, action, w->unicode, err));
	return oqz_text_of(oqz_str_get(&w->buffer), w->buffer.len, ret, err);
}

static enum oqz_status normalize(struct work *w, const struct oqz_tensor *x, struct oqz_err *err)
{
	char compared = w->p->is_case_sensitive ? 'N' : 'L', made = *w->p->case_change_action;

	for (size_t k = 0; k < w->p->stopwords.n; k++) {
		const char *word = w->p->stopwords.v[k];
		OQZ_TRY(cased(w, word, strlen(word), compared, &w->stop[k], err));
	}
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(x); i++) {
		const struct oqz_text *t = oqz_text_at(x, i), *key = NULL;
		bool drop = false;

		OQZ_TRY(cased(w, oqz_text_bytes(t), oqz_text_len(t), compared, &key, err));
		for (size_t k = 0; k < w->p->stopwords.n && !drop; k++)
			drop = w->stop[k] == key;
		if (!drop)
			OQZ_TRY(cased(w, oqz_text_bytes(t), oqz_text_len(t), made, &w->kept[w->n_kept++], err));
	}
	return OQZ_OK;
}

static enum oqz_status run_in(struct work *w, const struct oqz_call *c, struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(c->in[0]);
	struct oqz_shape s = c->in[0]->shape;

	w->unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	w->stop = calloc(w->p->stopwords.n + 1, sizeof *w->stop);
	w->kept = calloc(n + 1, sizeof *w->kept);
	if (!w->unicode)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "the C library has no locale C.UTF-8");
	if (!w->stop || !w->kept)
		return oqz_err_nomem(err, "texts", n * sizeof *w->kept);
	OQZ_TRY(normalize(w, c->in[0], err));
	if (w->n_kept == 0)
		w->n_kept = 1; /* "if all are removed, a single empty string" */
	s.dim[s.rank - 1] = (int64_t)w->n_kept;
	OQZ_TRY(oqz_tensor_alloc(c->out[0], OQZ_DT_STRING, &s, err));
	memcpy(c->out[0]->data, w->kept, w->n_kept * sizeof *w->kept);
	return OQZ_OK;
}

static enum oqz_status run_normalizer(const struct oqz_call *c, struct oqz_err *err)
{
	struct work w = { .p = OQZ_PARAMS(c->node, struct normalizer) };
	enum oqz_status st = run_in(&w, c, err);

	if (w.unicode)
		freelocale(w.unicode);
	oqz_str_release(&w.buffer);
	free(w.stop);
	free(w.kept);
	return st;
}

/* ---- RegexFullMatch ---- */

struct regex_match {
	const char *pattern;
};

static enum oqz_status infer_match(struct oqz_infer *c, struct oqz_err *err)
{
	OQZ_TRY(need_text(c, 0, err));
	c->out[0] = (struct oqz_type) { OQZ_DT_BOOL, c->in[0]->shape };
	return OQZ_OK;
}

static enum oqz_status run_match(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(oqz_regex_free_cleanup) struct oqz_regex *r = NULL;
	bool yes;

	OQZ_TRY(oqz_regex_new(OQZ_PARAMS(c->node, struct regex_match)->pattern, &r, err));
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(c->in[0]); i++) {
		const struct oqz_text *t = oqz_text_at(c->in[0], i);
		OQZ_TRY(oqz_regex_full_match(r, oqz_text_bytes(t), oqz_text_len(t), &yes, err));
		((uint8_t *)c->out[0]->data)[i] = yes;
	}
	return OQZ_OK;
}

static const char *const actions[] = { "LOWER", "UPPER", "NONE", NULL };
static const struct oqz_attr_spec split_attrs[] = {
	OQZ_A_STRING(struct split, delimiter, NULL, NULL),
	OQZ_A_INT(struct split, maxsplit, -1),
	{ .name = NULL },
};
static const struct oqz_attr_spec normalizer_attrs[] = {
	OQZ_A_STRING(struct normalizer, case_change_action, "NONE", actions),
	OQZ_A_INT(struct normalizer, is_case_sensitive, 0),
	OQZ_A_STRING(struct normalizer, locale, "en_US", NULL),
	OQZ_A_STRINGS(struct normalizer, stopwords),
	{ .name = NULL },
};
static const struct oqz_attr_spec match_attrs[] = {
	OQZ_A_REQUIRED(struct regex_match, pattern, OQZ_ATTR_STRING),
	{ .name = NULL },
};

const struct oqz_op oqz_ops_string[] = {
	{ OQZ_ROW(REGEX_FULL_MATCH), .texts = true, OQZ_ROW_PARAMS(struct regex_match, match_attrs),
	  .infer = infer_match, .run = run_match },
	{ OQZ_ROW(STRING_CONCAT), .texts = true, .infer = infer_concat, .run = run_concat },
	{ OQZ_ROW(STRING_NORMALIZER), .texts = true, OQZ_ROW_PARAMS(struct normalizer, normalizer_attrs),
	  .infer = infer_normalizer, .run = run_normalizer },
	{ OQZ_ROW(STRING_SPLIT), .texts = true, OQZ_ROW_PARAMS(struct split, split_attrs), .infer = infer_split,
	  .run = run_split },
	{ .name = NULL },
};
