/* SPDX-License-Identifier: Apache-2.0
 *
 * The small operators of ai.onnx.ml: LabelEncoder (any of its forms is a table of keys and values of one type each),
 * Binarizer, ArrayFeatureExtractor.
 */
#include "core/ops/ops_util.h"
#include "core/ops/sort_key.h"
#include "core/tensor/text.h"

#include <stdlib.h>

/* ---- LabelEncoder ---- */

struct encoder {
	const struct oqz_tensor *keys_tensor, *values_tensor, *default_tensor;
	struct oqz_strings keys_strings, values_strings, classes_strings;
	struct oqz_ints keys_int64s, values_int64s;
	struct oqz_floats keys_floats, values_floats;
	const char *default_string;
	int64_t default_int64;
	float default_float;
};

/* One side of the table as the file says it: a tensor, or a list of one of three types. */
struct labels {
	enum oqz_dtype dtype; /* UNDEFINED: not given */
	size_t n;
	const void *numbers; /* elements in their memory form, or */
	const char *const *words;
};

static struct labels labels_of(const struct oqz_tensor *t, const struct oqz_strings *s, const struct oqz_ints *i,
                               const struct oqz_floats *f)
{
	if (t)
		return (struct labels) { t->dtype, (size_t)oqz_tensor_nelem(t), t->data, NULL };
	if (s->v)
		return (struct labels) { OQZ_DT_STRING, s->n, NULL, s->v };
	if (i->v)
		return (struct labels) { OQZ_DT_I64, i->n, i->v, NULL };
	return (struct labels) { f->v ? OQZ_DT_F32 : OQZ_DT_UNDEFINED, f->n, f->v, NULL };
}

/* The places of the classes, the values of the form of operator set 1. */
static struct labels counting(size_t n) { return (struct labels) { OQZ_DT_I64, n, NULL, NULL }; }

static enum oqz_status table_of(const struct encoder *p, enum oqz_dtype in, struct labels *keys, struct labels *values,
                                struct oqz_err *err)
{
	const struct labels classes = { OQZ_DT_STRING, p->classes_strings.n, NULL, p->classes_strings.v };

	if (p->classes_strings.v) {
		*keys = in == OQZ_DT_I64 ? counting(classes.n) : classes;
		*values = in == OQZ_DT_I64 ? classes : counting(classes.n);
	} else {
		*keys = labels_of(p->keys_tensor, &p->keys_strings, &p->keys_int64s, &p->keys_floats);
		*values = labels_of(p->values_tensor, &p->values_strings, &p->values_int64s, &p->values_floats);
	}
	if (!keys->dtype || !values->dtype || keys->n != values->n)
		OQZ_FAIL(err, OQZ_E_DATA, "%zu keys for %zu values", keys->n, values->n);
	if (in != OQZ_DT_UNDEFINED && in != keys->dtype)
		OQZ_FAIL(err, OQZ_E_DATA, "labels are %s, the keys %s", oqz_dtype_name(in),
		         oqz_dtype_name(keys->dtype));
	if (p->default_tensor &&
	    (oqz_tensor_nelem(p->default_tensor) != 1 || p->default_tensor->dtype != values->dtype))
		OQZ_FAIL(err, OQZ_E_DATA, "default_tensor is not one %s", oqz_dtype_name(values->dtype));
	return OQZ_OK;
}

static enum oqz_status infer_encoder(struct oqz_infer *c, struct oqz_err *err)
{
	struct labels keys, values;

	OQZ_TRY(table_of(OQZ_PARAMS(c->node, struct encoder), c->in[0]->dtype, &keys, &values, err));
	c->out[0] = (struct oqz_type) { values.dtype, c->in[0]->shape };
	return OQZ_OK;
}

static enum oqz_status materialize(const struct labels *l, struct oqz_tensor *t, struct oqz_err *err)
{
	struct oqz_shape s = oqz_shape_of(1, (const int64_t[]) { (int64_t)l->n });

	OQZ_TRY(oqz_tensor_alloc(t, l->dtype, &s, err));
	for (size_t i = 0; l->words && i < l->n; i++)
		OQZ_TRY(oqz_text_set(t, i, l->words[i], strlen(l->words[i]), err));
	for (size_t i = 0; !l->words && !l->numbers && i < l->n; i++)
		((int64_t *)t->data)[i] = (int64_t)i;
	if (l->numbers && l->n)
		memcpy(t->data, l->numbers, oqz_tensor_bytes(t));
	return OQZ_OK;
}

/* What is given to keys that the table does not have, in out[0]'s type. */
static enum oqz_status fallback(const struct encoder *p, struct oqz_tensor *t, struct oqz_err *err)
{
	switch (t->dtype) {
	case OQZ_DT_STRING: return oqz_text_set(t, 0, p->default_string, strlen(p->default_string), err);
	case OQZ_DT_F32: oqz_store_f(t->dtype, t->data, 0, (double)p->default_float); return OQZ_OK;
	default: oqz_store_i(t->dtype, t->data, 0, p->default_int64); return OQZ_OK;
	}
}

struct key {
	uint64_t word; /* equal where the labels are */
	size_t at;
};

static uint64_t word_of(const struct oqz_tensor *t, size_t i)
{
	return t->dtype == OQZ_DT_STRING ? (uint64_t)(uintptr_t)oqz_text_at(t, i) : oqz_sort_key(t->dtype, t->data, i);
}

static int by_word(const void *pa, const void *pb)
{
	const struct key *a = pa, *b = pb;

	return a->word != b->word ? (a->word < b->word ? -1 : 1) : a->at < b->at ? -1 : a->at > b->at;
}

/* The last of equal keys counts, as in a dictionary that is filled in order. NULL when there is none. */
static const struct key *find(const struct key *keys, size_t n, uint64_t word)
{
	size_t from = 0, to = n; /* the first key that is larger */

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (keys[mid].word <= word)
			from = mid + 1;
		else
			to = mid;
	}
	return from > 0 && keys[from - 1].word == word ? &keys[from - 1] : NULL;
}

static enum oqz_status encode(const struct oqz_call *c, const struct oqz_tensor *keys, const struct oqz_tensor *values,
                              const struct oqz_tensor *other, struct oqz_err *err)
{
	size_t n = (size_t)oqz_tensor_nelem(keys), size = oqz_dtype_size(values->dtype);
	OQZ_CLEANUP_FREE struct key *sorted = malloc(n * sizeof *sorted + 1);
	char *out = c->out[0]->data;

	if (!sorted)
		return oqz_err_nomem(err, "labels", n * sizeof *sorted);
	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct key) { word_of(keys, i), i };
	qsort(sorted, n, sizeof *sorted, by_word);
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(c->in[0]); i++) {
		const struct key *k = find(sorted, n, word_of(c->in[0], i));
		const struct oqz_tensor *from = k ? values : other;
		memcpy(out + i * size, (const char *)from->data + (k ? k->at : 0) * size, size);
	}
	return OQZ_OK;
}

static enum oqz_status run_encoder(const struct oqz_call *c, struct oqz_err *err)
{
	const struct encoder *p = OQZ_PARAMS(c->node, struct encoder);
	struct oqz_tensor key_table = { 0 }, value_table = { 0 }, other = { 0 };
	struct oqz_shape scalar = { .rank = 0 };
	struct labels keys, values;

	OQZ_TRY(table_of(p, c->in[0]->dtype, &keys, &values, err));
	enum oqz_status st = materialize(&keys, &key_table, err);
	if (st == OQZ_OK)
		st = materialize(&values, &value_table, err);
	if (st == OQZ_OK)
		st = oqz_tensor_alloc(&other, values.dtype, &scalar, err);
	if (st == OQZ_OK && !p->default_tensor)
		st = fallback(p, &other, err);
	if (st == OQZ_OK)
		st = encode(c, &key_table, &value_table, p->default_tensor ? p->default_tensor : &other, err);
	oqz_tensor_release(&key_table);
	oqz_tensor_release(&value_table);
	oqz_tensor_release(&other);
	return st;
}

/* ---- Binarizer ---- */

struct binarizer {
	float threshold;
};

static enum oqz_status run_binarizer(const struct oqz_call *c, struct oqz_err *err)
{
	double threshold = (double)OQZ_PARAMS(c->node, struct binarizer)->threshold;
	const struct oqz_tensor *x = c->in[0];

	(void)err;
	for (size_t i = 0; i < (size_t)oqz_tensor_nelem(x); i++)
		oqz_store_i(x->dtype, c->out[0]->data, i, oqz_load_f(x->dtype, x->data, i) > threshold);
	return OQZ_OK;
}

/* ---- ArrayFeatureExtractor: entries of the last axis ---- */

static enum oqz_status infer_extractor(struct oqz_infer *c, struct oqz_err *err)
{
	const struct oqz_shape *x = &c->in[0]->shape, *y = &c->in[1]->shape;

	OQZ_TRY(oqz_need_rank(c, 0, 1, OQZ_MAX_RANK, err));
	c->out[0] = *c->in[0];
	if (x->rank < 0)
		return OQZ_OK;
	if (x->rank == 1) { /* a vector is one row */
		c->out[0].shape.rank = 2;
		c->out[0].shape.dim[0] = 1;
	}
	c->out[0].shape.dim[c->out[0].shape.rank - 1] = oqz_shape_concrete(y) ? oqz_shape_nelem(y) : OQZ_DIM_UNKNOWN;
	return OQZ_OK;
}

static enum oqz_status run_extractor(const struct oqz_call *c, struct oqz_err *err)
{
	const struct oqz_tensor *x = c->in[0], *y = c->in[1];
	int64_t width = x->shape.dim[x->shape.rank - 1], n = oqz_tensor_nelem(y), rows;
	size_t size = oqz_dtype_size(x->dtype);

	rows = oqz_shape_span(&x->shape, 0, x->shape.rank - 1);
	for (int64_t k = 0; k < n; k++) {
		int64_t at = oqz_load_i(y->dtype, y->data, (size_t)k);
		if (!oqz_dtype_is_int(y->dtype) || at < 0 || at >= width)
			OQZ_FAIL(err, OQZ_E_DATA, "index %lld of %lld features", (long long)at, (long long)width);
		for (int64_t r = 0; r < rows; r++)
			memcpy((char *)c->out[0]->data + (size_t)(r * n + k) * size,
			       (const char *)x->data + (size_t)(r * width + at) * size, size);
	}
	return OQZ_OK;
}

static const struct oqz_attr_spec encoder_attrs[] = {
	OQZ_A_TENSOR(struct encoder, keys_tensor),
	OQZ_A_TENSOR(struct encoder, values_tensor),
	OQZ_A_TENSOR(struct encoder, default_tensor),
	OQZ_A_STRINGS(struct encoder, keys_strings),
	OQZ_A_STRINGS(struct encoder, values_strings),
	OQZ_A_STRINGS(struct encoder, classes_strings),
	OQZ_A_INTS(struct encoder, keys_int64s),
	OQZ_A_INTS(struct encoder, values_int64s),
	OQZ_A_FLOATS(struct encoder, keys_floats),
	OQZ_A_FLOATS(struct encoder, values_floats),
	OQZ_A_STRING(struct encoder, default_string, "_Unused", NULL),
	OQZ_A_INT(struct encoder, default_int64, -1),
	OQZ_A_FLOAT(struct encoder, default_float, -0.0F),
	{ .name = NULL },
};
static const struct oqz_attr_spec binarizer_attrs[] = { OQZ_A_FLOAT(struct binarizer, threshold, 0), { .name = NULL } };

const struct oqz_op oqz_ops_label[] = {
	{ OQZ_ROW(ARRAY_FEATURE_EXTRACTOR), .texts = true, OQZ_ROW_ROLES(OQZ_ROLE_ACTIVATION, OQZ_ROLE_INDEX),
	  .infer = infer_extractor, .run = run_extractor },
	{ OQZ_ROW(BINARIZER), OQZ_ROW_PARAMS(struct binarizer, binarizer_attrs), .infer = oqz_infer_same,
	  .run = run_binarizer },
	{ OQZ_ROW(LABEL_ENCODER), .texts = true, OQZ_ROW_PARAMS(struct encoder, encoder_attrs), .infer = infer_encoder,
	  .run = run_encoder },
	{ .name = NULL },
};
