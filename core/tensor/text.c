/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of texts (text.h): an open hash set under a lock. Reading a text needs no lock, it never changes. Numbers
 * are written by trying digits until the value comes back, which serves every float type alike.
 */
#include "core/tensor/text.h"
#include "core/base/hash.h"
#include "core/base/str.h"
#include "core/base/vec.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_BYTES = 256 << 20, FEWEST_SLOTS = 256 };

struct oqz_text {
	uint64_t hash;
	size_t len;
	char bytes[];
};

static struct {
	pthread_mutex_t lock;
	struct oqz_text **slot;
	size_t n, cap, bytes;
} texts = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* The slot that holds this text, or the free one where it belongs; cap is a power of two. */
static struct oqz_text **place(struct oqz_text **slot, size_t cap, uint64_t hash, const char *bytes, size_t n)
{
	size_t at = (size_t)hash & (cap - 1);

	while (slot[at] && (slot[at]->hash != hash || slot[at]->len != n || memcmp(slot[at]->bytes, bytes, n) != 0))
		at = (at + 1) & (cap - 1);
	return &slot[at];
}

/* Keeps a third of the slots free. */
static bool grow(void)
{
	size_t cap = texts.cap ? texts.cap * 2 : FEWEST_SLOTS;
	struct oqz_text **slot;

	if (texts.cap && texts.n * 3 < texts.cap * 2)
		return true;
	slot = calloc(cap, sizeof *slot);
	if (!slot)
		return false;
	for (size_t i = 0; i < texts.cap; i++)
		if (texts.slot[i])
			*place(slot, cap, texts.slot[i]->hash, texts.slot[i]->bytes, texts.slot[i]->len) =
			    texts.slot[i];
	free(texts.slot);
	texts.slot = slot;
	texts.cap = cap;
	return true;
}

static enum oqz_status add(const char *bytes, size_t n, const struct oqz_text **ret, struct oqz_err *err)
{
	uint64_t hash = oqz_hash64(bytes, n);

	if (!grow())
		return oqz_err_nomem(err, "texts", texts.cap * sizeof *texts.slot);
	struct oqz_text **at = place(texts.slot, texts.cap, hash, bytes, n);
	if (!*at) {
		if (n > MOST_BYTES || texts.bytes > MOST_BYTES - n)
			OQZ_FAIL(err, OQZ_E_LIMIT, "the texts of all string tensors exceed %d MiB", MOST_BYTES >> 20);
		struct oqz_text *t = malloc(sizeof *t + n + 1);
		if (!t)
			return oqz_err_nomem(err, "a text", n);
		t->hash = hash;
		t->len = n;
		memcpy(t->bytes, bytes, n);
		t->bytes[n] = 0;
		texts.bytes += n + sizeof *t; /* empty ones cannot come here, so this bounds their number, too */
		texts.n++;
		*at = t;
	}
	*ret = *at;
	return OQZ_OK;
}

enum oqz_status oqz_text_of(const char *bytes, size_t n, const struct oqz_text **ret, struct oqz_err *err)
{
	if (n == 0) {
		*ret = NULL;
		return OQZ_OK;
	}
	pthread_mutex_lock(&texts.lock);
	enum oqz_status st = add(bytes, n, ret, err);
	pthread_mutex_unlock(&texts.lock);
	return st;
}

const char *oqz_text_bytes(const struct oqz_text *t) { return t ? t->bytes : ""; }

size_t oqz_text_len(const struct oqz_text *t) { return t ? t->len : 0; }

int oqz_text_compare(const struct oqz_text *a, const struct oqz_text *b)
{
	size_t na = oqz_text_len(a), nb = oqz_text_len(b);
	int c = a == b ? 0 : memcmp(oqz_text_bytes(a), oqz_text_bytes(b), na < nb ? na : nb);

	return c ? c : na < nb ? -1 : na > nb;
}

enum oqz_status oqz_text_set(struct oqz_tensor *t, size_t i, const char *bytes, size_t n, struct oqz_err *err)
{
	return oqz_text_of(bytes, n, (const struct oqz_text **)t->data + i, err);
}

/* ---- numbers ---- */

/* "d.ddde+xx" with the fewest digits that read back to x as an element of type t. */
static void shortest(enum oqz_dtype t, double x, char out[static 40])
{
	union {
		uint8_t code[sizeof(double)];
		double align;
	} back;

	for (int digits = 0; digits < 18; digits++) {
		snprintf(out, 40, "%.*e", digits, x);
		oqz_store_f(t, back.code, 0, strtod(out, NULL));
		if (oqz_load_f(t, back.code, 0) == x)
			return;
	}
}

static void write_float(enum oqz_dtype t, double x, char out[static 64])
{
	char e[40];

	if (isnan(x) || isinf(x)) {
		strcpy(out, isnan(x) ? "NaN" : x > 0 ? "INF" : "-INF");
		return;
	}
	shortest(t, x, e);
	x = strtod(e, NULL); /* no more digits than those, in front of the point either: float16's 65504 is "65500.0" */
	int exponent = atoi(strchr(e, 'e') + 1), digits = (int)strcspn(e, "e") - (*e == '-') - (strchr(e, '.') != NULL);
	if (x == 0 || (fabs(x) >= 1e-4 && fabs(x) < 1e16)) /* where Python and NumPy change over */
		snprintf(out, 64, "%.*f", digits - 1 - exponent > 1 ? digits - 1 - exponent : 1, x);
	else
		snprintf(out, 64, "%s", e);
}

enum oqz_status oqz_text_from_number(const struct oqz_tensor *t, size_t i, const struct oqz_text **ret,
                                     struct oqz_err *err)
{
	char out[64];

	if (oqz_dtype_is_float(t->dtype))
		write_float(t->dtype, oqz_load_f(t->dtype, t->data, i), out);
	else if (t->dtype == OQZ_DT_BOOL)
		strcpy(out, oqz_load_i(t->dtype, t->data, i) ? "True" : "False");
	else if (t->dtype == OQZ_DT_U64)
		snprintf(out, sizeof out, "%llu", (unsigned long long)oqz_load_i(t->dtype, t->data, i));
	else
		snprintf(out, sizeof out, "%lld", (long long)oqz_load_i(t->dtype, t->data, i));
	return oqz_text_of(out, strlen(out), ret, err);
}

enum oqz_status oqz_text_to_number(const struct oqz_text *t, double *ret, bool *ret_is_whole, int64_t *ret_whole,
                                   struct oqz_err *err)
{
	const char *s = oqz_text_bytes(t), *word = *s == '+' || *s == '-' ? s + 1 : s;
	long long whole = 0;
	bool named = strcasecmp(word, "inf") == 0 || strcasecmp(s, "nan") == 0;

	/* strtod alone would also take hexadecimal numbers and `infinity` */
	if (strlen(s) != oqz_text_len(t) || (!named && s[strspn(s, "+-.0123456789eE")]) || !oqz_parse_f64(s, ret))
		OQZ_FAIL(err, OQZ_E_DATA, "\"%.40s\" is not a number", s);
	*ret_is_whole = oqz_parse_i64(s, &whole);
	*ret_whole = whole;
	return OQZ_OK;
}
