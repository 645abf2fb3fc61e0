/* SPDX-License-Identifier: Apache-2.0
 *
 * Einsum: letters name axes, "..." stands for broadcast axes in front; an absent right side means the letters that
 * occur once, in alphabetical order, behind the ellipsis. The kernel walks all labels' extents, which is the
 * definition, and adds up in double.
 */
#include "core/ops/op_matmul.h"
#include "core/ops/ops_util.h"

#include <stdlib.h>

enum { MAX_OPERANDS = OQZ_EINSUM_OPERANDS, LETTERS = OQZ_EINSUM_LETTERS, MAX_LABELS = OQZ_EINSUM_LABELS };

/* Labels 0..51 are letters, 52.. the ellipsis axes counted from the right. */
struct term {
	int rank;
	int label[OQZ_MAX_RANK];
};

struct equation {
	int n_in;
	struct term in[MAX_OPERANDS], out;
	int64_t extent[MAX_LABELS]; /* -1: not known, 0 is an extent */
	bool used[MAX_LABELS];
	bool unknown; /* some operand's rank is not known: no shape can be told */
};

static int letter_of(char ch)
{
	return ch >= 'a' && ch <= 'z' ? 26 + ch - 'a' : ch >= 'A' && ch <= 'Z' ? ch - 'A' : -1;
}

static enum oqz_status push(struct term *t, int label, struct oqz_err *err)
{
	if (t->rank >= OQZ_MAX_RANK)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "a term of the equation has more than %d axes", OQZ_MAX_RANK);
	t->label[t->rank++] = label;
	return OQZ_OK;
}

/* One term up to ',', '-' or the end. `dots`: axes that "..." stands for. *at moves behind it. */
static enum oqz_status parse_term(const char **at, struct term *t, int dots, bool *ret_dots, struct oqz_err *err)
{
	const char *s = *at;

	t->rank = 0;
	*ret_dots = false;
	for (; *s && *s != ',' && *s != '-'; s++) {
		if (*s == ' ')
			continue;
		if (strncmp(s, "...", 3) == 0 && !*ret_dots) {
			for (int i = dots - 1; i >= 0; i--)
				OQZ_TRY(push(t, LETTERS + i, err));
			*ret_dots = true;
			s += 2;
			continue;
		}
		int label = letter_of(*s);
		if (label < 0)
			OQZ_FAIL(err, OQZ_E_DATA, "the equation has a '%c' where a letter should be", *s);
		OQZ_TRY(push(t, label, err));
	}
	*at = s;
	return OQZ_OK;
}

static int count_letters(const char *s)
{
	int n = 0;

	for (; *s && *s != ',' && *s != '-'; s++)
		n += letter_of(*s) >= 0;
	return n;
}

/* Extents of one operand's labels; ellipsis axes broadcast, letters must agree (1 broadcasts as well, as in NumPy). */
static enum oqz_status bind(struct equation *e, const struct term *t, const struct oqz_shape *s, struct oqz_err *err)
{
	if (t->rank != s->rank)
		OQZ_FAIL(err, OQZ_E_DATA, "the equation gives an operand %d axes, it has %d", t->rank, (int)s->rank);
	for (int i = 0; i < t->rank; i++) {
		int64_t *have = &e->extent[t->label[i]], d = s->dim[i];
		bool first = !e->used[t->label[i]];
		if (first || *have == 1 || (*have < 0 && d > 1))
			*have = d;
		else if (d > 1 && d != *have)
			OQZ_FAIL(err, OQZ_E_DATA, "an axis of the equation is %lld and %lld long", (long long)*have,
			         (long long)d);
		e->used[t->label[i]] = true;
	}
	return OQZ_OK;
}

static enum oqz_status implicit_output(struct equation *e, int dots, struct oqz_err *err)
{
	int count[LETTERS] = { 0 };

	for (int i = 0; i < e->n_in; i++)
		for (int j = 0; j < e->in[i].rank; j++)
			if (e->in[i].label[j] < LETTERS)
				count[e->in[i].label[j]]++;
	e->out.rank = 0;
	for (int i = dots - 1; i >= 0; i--)
		OQZ_TRY(push(&e->out, LETTERS + i, err));
	for (int i = 0; i < LETTERS; i++)
		if (count[i] == 1)
			OQZ_TRY(push(&e->out, i, err));
	return OQZ_OK;
}

static enum oqz_status parse(const char *text, const struct oqz_type *const *in, int n_in, struct equation *e,
                             struct oqz_err *err)
{
	int most_dots = 0;
	bool has_dots;

	memset(e, 0, sizeof *e);
	for (int i = 0; i < MAX_LABELS; i++)
		e->extent[i] = -1;
	if (n_in > MAX_OPERANDS)
		OQZ_FAIL(err, OQZ_E_UNSUPPORTED, "%d operands (at most %d)", n_in, MAX_OPERANDS);
	e->n_in = n_in;
	for (int i = 0; i < n_in; i++) {
		if (!in[i] || in[i]->shape.rank < 0) {
			e->unknown = true;
			return OQZ_OK;
		}
		int dots = in[i]->shape.rank - count_letters(text);
		OQZ_TRY(parse_term(&text, &e->in[i], dots, &has_dots, err));
		most_dots = has_dots && dots > most_dots ? dots : most_dots;
		OQZ_TRY(bind(e, &e->in[i], &in[i]->shape, err));
		if (i + 1 < n_in && *text++ != ',')
			OQZ_FAIL(err, OQZ_E_DATA, "the equation has fewer terms than there are inputs");
	}
	if (!*text)
		return implicit_output(e, most_dots, err);
	if (strncmp(text, "->", 2) != 0)
		OQZ_FAIL(err, OQZ_E_DATA, "the equation has more terms than there are inputs");
	text += 2;
	OQZ_TRY(parse_term(&text, &e->out, most_dots, &has_dots, err));
	if (*text)
		OQZ_FAIL(err, OQZ_E_DATA, "the equation goes on behind its right side");
	for (int i = 0; i < e->out.rank; i++)
		if (!e->used[e->out.label[i]])
			OQZ_FAIL(err, OQZ_E_DATA, "axis %d of the right side is in no operand", i);
	return OQZ_OK;
}

static const char *text_of(const struct oqz_node *n) { return OQZ_PARAMS(n, struct oqz_einsum_params)->equation; }

enum oqz_status oqz_einsum_infer(struct oqz_infer *c, struct oqz_err *err)
{
	struct equation e;

	OQZ_TRY(oqz_same_dtype(c, 0, c->n_in, &c->out[0].dtype, err));
	OQZ_TRY(parse(text_of(c->node), c->in, c->n_in, &e, err));
	if (e.unknown)
		return OQZ_OK;
	c->out[0].shape.rank = e.out.rank;
	for (int i = 0; i < e.out.rank; i++)
		c->out[0].shape.dim[i] = e.extent[e.out.label[i]];
	return OQZ_OK;
}

static int label_position(const int *order, int n, int label)
{
	for (int i = 0; i < n; i++)
		if (order[i] == label)
			return i;
	return -1;
}

static void plan_walk(const struct equation *e, const struct oqz_type *const *in, struct oqz_einsum_walk *w)
{
	int order[MAX_LABELS];

	memset(w, 0, sizeof *w);
	for (int i = 0; i < e->out.rank; i++)
		order[w->n++] = e->out.label[i];
	w->n_out = w->n;
	for (int l = 0; l < MAX_LABELS; l++)
		if (e->used[l] && label_position(order, w->n, l) < 0)
			order[w->n++] = l;
	for (int i = 0; i < w->n; i++)
		w->extent[i] = e->extent[order[i]];
	for (int k = 0; k < e->n_in; k++) {
		int64_t stride[OQZ_MAX_RANK];
		oqz_shape_strides(&in[k]->shape, stride);
		for (int i = 0; i < e->in[k].rank; i++)
			if (in[k]->shape.dim[i] != 1)
				w->stride[k][label_position(order, w->n, e->in[k].label[i])] += stride[i];
	}
}

enum oqz_status oqz_einsum_walk(const struct oqz_node *n, const struct oqz_type *const *in, int n_in,
                                struct oqz_einsum_walk *ret, struct oqz_err *err)
{
	struct equation e;

	OQZ_TRY(parse(text_of(n), in, n_in, &e, err));
	plan_walk(&e, in, ret);
	return OQZ_OK;
}

/* Steps the labels [from, to) like an odometer, moving the operands' offsets; false after the last position. */
static bool advance(const struct oqz_einsum_walk *w, int from, int to, int n_in, int64_t *pos, int64_t *offset)
{
	for (int i = to - 1; i >= from; i--) {
		for (int k = 0; k < n_in; k++)
			offset[k] += w->stride[k][i];
		if (++pos[i] < w->extent[i])
			return true;
		for (int k = 0; k < n_in; k++)
			offset[k] -= w->stride[k][i] * w->extent[i];
		pos[i] = 0;
	}
	return false;
}

struct operands {
	double *v[MAX_OPERANDS], *y;
};

/* sum + the products along label `at`, from the operands' offsets on, in order. */
static double add_products(const struct oqz_einsum_walk *w, int at, int n_in, const struct operands *o,
                           const int64_t *offset, double sum)
{
	int64_t n = w->extent[at];

	if (n_in == 2) {
		const double *a = o->v[0] + offset[0], *b = o->v[1] + offset[1];
		int64_t sa = w->stride[0][at], sb = w->stride[1][at];
		for (int64_t i = 0; i < n; i++)
			sum += a[i * sa] * b[i * sb];
		return sum;
	}
	for (int64_t i = 0; i < n; i++) {
		double product = 1;
		for (int k = 0; k < n_in; k++)
			product *= o->v[k][offset[k] + i * w->stride[k][at]];
		sum += product;
	}
	return sum;
}

static void operands_release(struct operands *o)
{
	for (int i = 0; i < MAX_OPERANDS; i++)
		free(o->v[i]);
	free(o->y);
}

enum oqz_status oqz_einsum_run(const struct oqz_call *c, struct oqz_err *err)
{
	OQZ_CLEANUP(operands_release) struct operands o = { 0 };
	const struct oqz_type *types[MAX_OPERANDS];
	struct oqz_type type[MAX_OPERANDS];
	int64_t pos[MAX_LABELS] = { 0 }, offset[MAX_OPERANDS] = { 0 }, total = oqz_tensor_nelem(c->out[0]);
	struct oqz_einsum_walk w;

	for (int i = 0; i < c->n_in && i < MAX_OPERANDS; i++) {
		type[i] = (struct oqz_type) { c->in[i]->dtype, c->in[i]->shape };
		types[i] = &type[i];
		OQZ_TRY(oqz_read_f64(c->in[i], &o.v[i], err));
	}
	OQZ_TRY(oqz_einsum_walk(c->node, types, c->n_in, &w, err));
	OQZ_TRY(oqz_new_f64(total, &o.y, err));
	if (w.n == w.n_out) /* nothing is summed: a sum of one */
		w.extent[w.n++] = 1;
	bool empty = false;
	for (int i = w.n_out; i < w.n; i++)
		empty |= w.extent[i] == 0;
	for (int64_t i = 0; i < total && !empty; i++) {
		do
			o.y[i] = add_products(&w, w.n - 1, c->n_in, &o, offset, o.y[i]);
		while (advance(&w, w.n_out, w.n - 1, c->n_in, pos, offset));
		advance(&w, 0, w.n_out, c->n_in, pos, offset);
	}
	oqz_write_f64(c->out[0], o.y);
	return OQZ_OK;
}

int64_t oqz_einsum_macs(const struct oqz_node *n)
{
	const struct oqz_type *types[MAX_OPERANDS];
	struct equation e;
	int64_t macs = 1;

	if (n->n_in < 2 || n->n_in > MAX_OPERANDS)
		return 0;
	for (int i = 0; i < n->n_in; i++)
		types[i] = &n->in[i]->type;
	if (parse(text_of(n), types, n->n_in, &e, NULL) != OQZ_OK || e.unknown)
		return 0;
	for (int i = 0; i < MAX_LABELS; i++)
		if (e.used[i] && (e.extent[i] < 0 || !oqz_i64_mul(macs, e.extent[i], &macs)))
			return 0;
	return macs;
}
