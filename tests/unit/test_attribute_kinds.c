/* SPDX-License-Identifier: Apache-2.0
 *
 * Every attribute of every operator as each of the eight kinds that a file can give it, at old and new operator sets:
 * a wrong kind is refused with a message that names node and attribute. Attributes that old operator sets had are tried
 * on all operators as well, since what translates them reads them before anything has looked at their kinds; there it
 * is enough that nothing breaks (built with sanitizers, that nothing is read as what it is not).
 */
#include "tests/unit/exec_graph.h"

enum { MOST = 16 }; /* inputs and outputs */

static const int64_t ints[] = { 1, 0, -1, INT64_MAX };
static const float floats[] = { 0.5f, -1, NAN };
static const char *const strings[] = { "a", "NOTSET" };

/* Values that fit nothing in particular. */
static struct oqz_attr attribute(struct gb *b, const char *name, enum oqz_attr_type type)
{
	struct oqz_attr a = { .name = name, .type = type };

	switch (type) {
	case OQZ_ATTR_FLOAT: a.f = 0.5f; break;
	case OQZ_ATTR_INT: a.i = 1; break;
	case OQZ_ATTR_STRING: a.s = "NOTSET", a.n = 6; break;
	case OQZ_ATTR_TENSOR: a.tensor = gb_list(b, OQZ_COUNTOF(ints), ints)->constant; break;
	case OQZ_ATTR_GRAPH:
		a.graph = oqz_graph_new();
		a.graph->parent = b->g;
		break;
	case OQZ_ATTR_FLOATS: a.floats = floats, a.n = OQZ_COUNTOF(floats); break;
	case OQZ_ATTR_INTS: a.ints = ints, a.n = OQZ_COUNTOF(ints); break;
	default: a.strings = strings, a.n = OQZ_COUNTOF(strings); break;
	}
	return a;
}

/* One node with one attribute, resolved. */
static enum oqz_status resolve(const char *domain, const char *op, int opset, int n_in, int n_out, const char *name,
                               enum oqz_attr_type type, struct oqz_err *e)
{
	struct oqz_value *in[MOST], *out[MOST];
	struct oqz_node *n;
	struct gb b;
	char text[16];

	gb_init(&b, 1);
	b.g->opsets.v[0].version = opset;
	in[0] = gb_input(&b, "x", GB_DIMS(1, 3, 4, 4));
	for (int i = 1; i < n_in; i++)
		in[i] = in[0];
	for (int i = 0; i < n_out; i++) {
		snprintf(text, sizeof text, "y%d", i);
		ck_ok(oqz_graph_add_value(b.g, text, &out[i], err));
	}
	ck_ok(oqz_graph_add_node(b.g, "the_node", domain, op, opset, in, n_in, out, n_out, NULL, &n, err));
	struct oqz_attr a = attribute(&b, name, type);
	ck_ok(oqz_node_set_attr(n, &a, err));
	enum oqz_status st = oqz_ops_resolve(b.g, e);
	oqz_graph_free(b.g);
	return st;
}

static int count_of(int least, int most) { return least > 0 || most == 0 ? least : 1; }

START_TEST(wrong_kinds_are_refused_by_name)
{
	int tried = 0, bad = 0;

	for (int id = OQZ_OP_NONE + 1; id < OQZ_OP_COUNT; id++) {
		const struct oqz_op *op = oqz_op_row((enum oqz_op_id)id);
		for (const struct oqz_attr_spec *s = op->attrs; s && s->name; s++)
			for (int type = OQZ_ATTR_FLOAT; type <= OQZ_ATTR_STRINGS; type++) {
				struct oqz_err e = { 0 };
				if (type == (int)s->type)
					continue;
				enum oqz_status st =
				    resolve(op->domain, op->name, oqz_domain_newest(op->domain),
				            count_of(op->min_in, op->max_in), count_of(op->min_out, op->max_out),
				            s->name, (enum oqz_attr_type)type, &e);
				/* Another attribute that is required may be missed first. */
				bool named = (st == OQZ_E_DATA || st == OQZ_E_UNSUPPORTED) &&
				             strstr(e.msg, "the_node") &&
				             (strstr(e.msg, s->name) || strstr(e.msg, "required"));
				if (!named)
					printf("%s.%s as kind %d: status %d: %s\n", op->name, s->name, type, (int)st,
					       e.msg);
				bad += !named;
				tried++;
			}
	}
	ck_assert_int_eq(bad, 0);
	ck_assert_int_gt(tried, 1500);
}
END_TEST

/* What operators had or have in some operator set, and what the rules of upgrade.c read. */
static const char *const names[] = {
	"alpha",
	"auto_pad",
	"axes",
	"axis",
	"beta",
	"body",
	"border",
	"broadcast",
	"consumed_inputs",
	"direction",
	"directions",
	"dtype",
	"ends",
	"epsilon",
	"extra_shape",
	"height_scale",
	"is_test",
	"k",
	"keepdims",
	"kernel_shape",
	"max",
	"min",
	"mode",
	"momentum",
	"num_scan_inputs",
	"output_sequence",
	"paddings",
	"pads",
	"perm",
	"ratio",
	"saturate",
	"scale",
	"scales",
	"shape",
	"spatial",
	"split",
	"starts",
	"strides",
	"to",
	"value",
	"width_scale",
};

static int try_names(const char *domain, const char *op, int n_in, int n_out)
{
	static const int opsets[] = { 1, 6, 9, 12, 19 };
	int refused = 0;

	for (size_t o = 0; o < OQZ_COUNTOF(opsets); o++)
		for (size_t k = 0; k < OQZ_COUNTOF(names); k++)
			for (int type = OQZ_ATTR_FLOAT; type <= OQZ_ATTR_STRINGS; type++) {
				struct oqz_err e = { 0 };
				enum oqz_status st = resolve(domain, op, domain[0] ? 1 : opsets[o], n_in, n_out,
				                             names[k], (enum oqz_attr_type)type, &e);
				ck_assert_msg(st == OQZ_OK || (e.msg[0] && strstr(e.msg, "the_node")), "%s.%s: %s", op,
				              names[k], e.msg);
				refused += st != OQZ_OK;
			}
	return refused;
}

START_TEST(old_attributes_of_any_kind_do_no_harm)
{
	const char *domain, *name, *to;
	int refused = 0;

	for (int id = OQZ_OP_NONE + 1; id < OQZ_OP_COUNT; id++) {
		const struct oqz_op *op = oqz_op_row((enum oqz_op_id)id);
		refused += try_names(op->domain, op->name, count_of(op->min_in, op->max_in),
		                     count_of(op->min_out, op->max_out));
	}
	for (size_t i = 0; oqz_upgrade_name(i, &domain, &name, &to); i++)
		for (int n_in = 1; n_in <= 8; n_in++)
			refused += try_names(domain, name, n_in, 1);
	ck_assert_int_gt(refused, 0);
}
END_TEST

OQZ_TEST_MAIN("attribute_kinds", wrong_kinds_are_refused_by_name, old_attributes_of_any_kind_do_no_harm)
