/* SPDX-License-Identifier: Apache-2.0
 *
 * .npy files (numpy.lib.format, versions 1.0 to 3.0). The header is a Python dictionary literal of three known keys;
 * only that is parsed, strictly: anything else (other keys, Fortran order, big-endian, records, objects) is refused by
 * name.
 */
#include "core/tensor/npy.h"
#include "core/base/checked.h"
#include "core/base/file.h"
#include "core/base/str.h"

#include <stdio.h>
#include <string.h>

static const size_t npy_limit = (size_t)1 << 36; /* bytes of a file; memory ends first */

static const struct {
	char descr[5];
	enum oqz_dtype dtype;
} types[] = {
	{ "<f4", OQZ_DT_F32 }, { "|u1", OQZ_DT_U8 },    { "|i1", OQZ_DT_I8 },  { "<u2", OQZ_DT_U16 },
	{ "<i2", OQZ_DT_I16 }, { "<i4", OQZ_DT_I32 },   { "<i8", OQZ_DT_I64 }, { "|b1", OQZ_DT_BOOL },
	{ "<f2", OQZ_DT_F16 }, { "<f8", OQZ_DT_F64 },   { "<u4", OQZ_DT_U32 }, { "<u8", OQZ_DT_U64 },
	{ "<c8", OQZ_DT_C64 }, { "<c16", OQZ_DT_C128 },
};

/* A cursor over the header text. */
struct reader {
	const char *s, *end;
};

static void skip_blanks(struct reader *r)
{
	while (r->s < r->end && (*r->s == ' ' || *r->s == '\n' || *r->s == '\t'))
		r->s++;
}

static bool take(struct reader *r, char c)
{
	skip_blanks(r);
	if (r->s == r->end || *r->s != c)
		return false;
	r->s++;
	return true;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	skip_blanks(r);
	if ((size_t)(r->end - r->s) < n || memcmp(r->s, word, n) != 0)
		return false;
	r->s += n;
	return true;
}

/* 'text' or "text" without escapes; false when malformed or longer than the room. */
static bool take_string(struct reader *r, char *buf, size_t size)
{
	char quote;
	size_t n = 0;

	if (take(r, '\''))
		quote = '\'';
	else if (take(r, '"'))
		quote = '"';
	else
		return false;
	for (; r->s < r->end && *r->s != quote; r->s++) {
		if (n + 1 >= size || *r->s == '\\')
			return false;
		buf[n++] = *r->s;
	}
	buf[n] = 0;
	return take(r, quote);
}

static bool take_dim(struct reader *r, int64_t *ret)
{
	int64_t v = 0;
	const char *from;

	skip_blanks(r);
	for (from = r->s; r->s < r->end && *r->s >= '0' && *r->s <= '9'; r->s++)
		if (!oqz_i64_mul(v, 10, &v) || !oqz_i64_add(v, *r->s - '0', &v))
			return false;
	*ret = v;
	return r->s > from;
}

static enum oqz_status parse_shape(struct reader *r, const char *name, struct oqz_shape *s, struct oqz_err *err)
{
	s->rank = 0;
	if (!take(r, '('))
		OQZ_FAIL(err, OQZ_E_DATA, "%s: the shape in the .npy header is not a tuple", name);
	while (!take(r, ')')) {
		if (s->rank == OQZ_MAX_RANK)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: more than %d dimensions", name, OQZ_MAX_RANK);
		if (!take_dim(r, &s->dim[s->rank++]))
			OQZ_FAIL(err, OQZ_E_DATA, "%s: a dimension in the .npy header is not a number", name);
		if (take(r, ','))
			continue;
		if (!take(r, ')'))
			OQZ_FAIL(err, OQZ_E_DATA, "%s: the shape in the .npy header does not end", name);
		break;
	}
	return OQZ_OK;
}

static enum oqz_status parse_type(struct reader *r, const char *name, enum oqz_dtype *ret, struct oqz_err *err)
{
	char descr[32];

	if (!take_string(r, descr, sizeof descr))
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: structured .npy arrays are not supported", name);
	for (size_t i = 0; i < OQZ_COUNTOF(types); i++)
		if (strcmp(types[i].descr, descr) == 0 ||
		    (types[i].descr[0] == '|' && descr[0] == '<' && strcmp(types[i].descr + 1, descr + 1) == 0)) {
			*ret = types[i].dtype;
			return OQZ_OK;
		}
	OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: .npy element type '%s' is not supported%s", name, descr,
	         descr[0] == '>' ? " (big-endian)" : "");
}

static enum oqz_status parse_header(struct reader *r, const char *name, enum oqz_dtype *dtype, struct oqz_shape *shape,
                                    struct oqz_err *err)
{
	char key[32];
	bool have_type = false, have_order = false, have_shape = false;

	if (!take(r, '{'))
		OQZ_FAIL(err, OQZ_E_DATA, "%s: the .npy header is not a dictionary", name);
	while (!take(r, '}')) {
		if (!take_string(r, key, sizeof key) || !take(r, ':'))
			OQZ_FAIL(err, OQZ_E_DATA, "%s: damaged .npy header", name);
		if (strcmp(key, "descr") == 0) {
			OQZ_TRY(parse_type(r, name, dtype, err));
			have_type = true;
		} else if (strcmp(key, "shape") == 0) {
			OQZ_TRY(parse_shape(r, name, shape, err));
			have_shape = true;
		} else if (strcmp(key, "fortran_order") == 0) {
			if (take_word(r, "True"))
				OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: a Fortran-order array; save it in C order", name);
			if (!take_word(r, "False"))
				OQZ_FAIL(err, OQZ_E_DATA, "%s: damaged .npy header", name);
			have_order = true;
		} else {
			OQZ_FAIL(err, OQZ_E_DATA, "%s: unknown key '%s' in the .npy header", name, key);
		}
		if (!take(r, ',') && (r->s == r->end || *r->s != '}'))
			OQZ_FAIL(err, OQZ_E_DATA, "%s: damaged .npy header", name);
	}
	if (!have_type || !have_order || !have_shape)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: the .npy header lacks a key", name);
	return OQZ_OK;
}

enum oqz_status oqz_npy_parse(const void *data, size_t size, const char *name, struct oqz_tensor *ret,
                              struct oqz_err *err)
{
	const unsigned char *p = data;
	struct oqz_shape shape = { 0 };
	enum oqz_dtype dtype = OQZ_DT_UNDEFINED;
	size_t at, len, bytes;
	int64_t n;

	if (size < 10 || memcmp(p, "\x93NUMPY", 6) != 0)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: not a .npy file", name);
	if (p[6] < 1 || p[6] > 3)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: .npy format %d.%d", name, p[6], p[7]);
	at = p[6] == 1 ? 10 : 12;
	len = p[8] | (size_t)p[9] << 8;
	if (p[6] > 1 && size >= 12)
		len |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
	if (at > size || len > size - at)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: the .npy header is cut off", name);
	struct reader r = { (const char *)p + at, (const char *)p + at + len };
	OQZ_TRY(parse_header(&r, name, &dtype, &shape, err));
	if (oqz_shape_count(&shape, &n, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s", name);
	if (!oqz_size_mul((size_t)n, oqz_dtype_size(dtype), &bytes) || bytes != size - at - len)
		OQZ_FAIL(err, OQZ_E_DATA, "%s: %zu bytes of data do not match the shape in the .npy header", name,
		         size - at - len);
	struct oqz_tensor t = { 0 };
	if (oqz_tensor_alloc(&t, dtype, &shape, err) != OQZ_OK)
		return oqz_err_prefix(err, "%s", name);
	if (bytes)
		memcpy(t.data, p + at + len, bytes);
	*ret = t;
	return OQZ_OK;
}

enum oqz_status oqz_npy_read(const char *path, struct oqz_tensor *ret, struct oqz_err *err)
{
	OQZ_CLEANUP_FREE char *data = NULL;
	size_t size;

	OQZ_TRY(oqz_file_read(path, npy_limit, &data, &size, err));
	return oqz_npy_parse(data, size, path, ret, err);
}

static const char *descr_of(enum oqz_dtype t)
{
	for (size_t i = 0; i < OQZ_COUNTOF(types); i++)
		if (types[i].dtype == t)
			return types[i].descr;
	return NULL;
}

/* Magic, version 1.0, the dictionary padded with blanks so that the data starts at a multiple of 64. */
static void add_header(struct oqz_str *out, const char *descr, const struct oqz_shape *s)
{
	struct oqz_str dict = { 0 };

	oqz_str_addf(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
	for (int i = 0; i < s->rank; i++)
		oqz_str_addf(&dict, "%lld,%s", (long long)s->dim[i], i + 1 < s->rank ? " " : "");
	oqz_str_add(&dict, "), }");
	while ((10 + dict.len + 1) % 64 && oqz_str_ok(&dict))
		oqz_str_add(&dict, " ");
	oqz_str_add(&dict, "\n");
	unsigned char head[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, dict.len & 255, dict.len >> 8 & 255 };
	oqz_str_addn(out, head, sizeof head);
	oqz_str_addn(out, oqz_str_get(&dict), dict.len);
	out->failed |= dict.failed;
	oqz_str_release(&dict);
}

enum oqz_status oqz_npy_write(const char *path, const struct oqz_tensor *t, struct oqz_err *err)
{
	const char *descr = descr_of(t->dtype);
	size_t n = (size_t)oqz_tensor_nelem(t), bytes = descr ? oqz_tensor_bytes(t) : n * sizeof(float);
	OQZ_CLEANUP_FREE float *values = NULL;
	struct oqz_str out = { 0 };

	if (t->layout != OQZ_LAYOUT_PLAIN)
		OQZ_FAIL(err, OQZ_E_INTERNAL, "%s: only plain tensors are written", path);
	if (!descr) {
		if (oqz_dtype_size(t->dtype) == 0)
			OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%s: tensors of type %s cannot be written", path,
			         oqz_dtype_name(t->dtype));
		values = malloc(bytes + 1);
		if (!values)
			return oqz_err_nomem(err, path, bytes);
		oqz_to_f32(t->dtype, t->data, n, values);
	}
	add_header(&out, descr ? descr : "<f4", &t->shape);
	if (bytes)
		oqz_str_addn(&out, descr ? t->data : values, bytes);
	enum oqz_status st =
	    oqz_str_ok(&out) ? oqz_file_write(path, out.s, out.len, err) : oqz_err_nomem(err, path, bytes);
	oqz_str_release(&out);
	return st;
}
