/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes and their attributes on their way into a model.
 */
#include "core/onnx/onnx_save_impl.h"
#include "core/ops/capture.h"

#include <string.h>

static enum oqz_status save_strings(struct oqz_onnx_saver *s, const struct oqz_attr *a, Onnx__AttributeProto *p,
                                    struct oqz_err *err)
{
	p->strings = ONNX_LIST(s, ProtobufCBinaryData, a->n);
	if (!p->strings)
		return oqz_onnx_nomem(err);
	for (size_t i = 0; i < a->n; i++)
		p->strings[i] =
		    (ProtobufCBinaryData) { .len = strlen(a->strings[i]), .data = (uint8_t *)a->strings[i] };
	p->n_strings = a->n;
	return OQZ_OK;
}

static enum oqz_status save_attr(struct oqz_onnx_saver *s, const struct oqz_attr *a, Onnx__AttributeProto **ret,
                                 struct oqz_err *err)
{
	Onnx__AttributeProto *p = ONNX_NEW(s, Onnx__AttributeProto, onnx__attribute_proto__init);

	if (!p)
		return oqz_onnx_nomem(err);
	p->name = (char *)a->name;
	p->has_type = true;
	p->type = (Onnx__AttributeProto__AttributeType)a->type; /* same numbers */
	*ret = p;
	switch (a->type) {
	case OQZ_ATTR_FLOAT: p->has_f = true, p->f = a->f; break;
	case OQZ_ATTR_INT: p->has_i = true, p->i = a->i; break;
	case OQZ_ATTR_STRING:
		p->has_s = true;
		p->s = (ProtobufCBinaryData) { .len = a->n, .data = (uint8_t *)a->s };
		break;
	case OQZ_ATTR_TENSOR: return oqz_onnx_save_tensor(s, a->tensor, NULL, &p->t, err);
	case OQZ_ATTR_GRAPH: return oqz_onnx_save_graph(s, a->graph, &p->g, err);
	case OQZ_ATTR_FLOATS: p->n_floats = a->n, p->floats = (float *)a->floats; break;
	case OQZ_ATTR_INTS: p->n_ints = a->n, p->ints = (int64_t *)a->ints; break;
	case OQZ_ATTR_STRINGS: return save_strings(s, a, p, err);
	case OQZ_ATTR_NONE: OQZ_FAIL(err, OQZ_E_INTERNAL, "attribute %s has no type", a->name);
	}
	return OQZ_OK;
}

/* Every domain once; one version a domain, because a file can say no more. */
static enum oqz_status note_opset(struct oqz_onnx_saver *s, const struct oqz_node *n, struct oqz_err *err)
{
	for (size_t i = 0; i < s->opsets.n; i++)
		if (strcmp(s->opsets.v[i].domain, n->domain) == 0) {
			if (s->opsets.v[i].version != n->opset)
				OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
				         "operator set %d in a model of operator set %d; resolve it first", n->opset,
				         s->opsets.v[i].version);
			return OQZ_OK;
		}
	return oqz_vec_push(&s->opsets, ((struct oqz_opset) { n->domain, n->opset })) ? OQZ_OK : oqz_onnx_nomem(err);
}

enum oqz_status oqz_onnx_keep_imports(struct oqz_onnx_saver *s, const struct oqz_graph *g, struct oqz_err *err)
{
	for (size_t i = 0; i < g->opsets.n; i++) {
		bool known = false;
		for (size_t k = 0; k < s->opsets.n; k++)
			known |= strcmp(s->opsets.v[k].domain, g->opsets.v[i].domain) == 0;
		if (!known && !oqz_vec_push(&s->opsets, g->opsets.v[i]))
			return oqz_onnx_nomem(err);
	}
	return OQZ_OK;
}

static char **save_names(struct oqz_onnx_saver *s, struct oqz_value *const *v, int n)
{
	char **names = ONNX_LIST(s, char *, (size_t)n);

	for (int i = 0; names && i < n; i++)
		names[i] = v[i] ? (char *)v[i]->name : (char *)"";
	return names;
}

/* Inputs that stand for outer values (core/ops/capture.h) are none of ONNX's: a body finds the values by their names.
 */
static int captured_inputs(const struct oqz_node *n)
{
	int sum = 0;

	for (int k = 0; k < OQZ_NODE_MAX_BODIES; k++)
		sum += oqz_node_captured(n, k);
	return sum;
}

static enum oqz_status check_captured(const struct oqz_node *n, struct oqz_err *err)
{
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	int count = oqz_node_bodies(n, body), at = n->n_in - captured_inputs(n);

	for (int k = 0; k < count; k++) {
		int m = oqz_node_captured(n, k);

		for (int i = 0; i < m; i++, at++)
			if (strcmp(n->in[at]->name, body[k]->inputs.v[body[k]->inputs.n - (size_t)(m - i)]->name) != 0)
				OQZ_FAIL(err, OQZ_E_UNSUPPORTED,
				         "a body reads '%s' from outside, which a pass has renamed", n->in[at]->name);
	}
	return OQZ_OK;
}

static void drop_captured(const struct oqz_node *n, Onnx__NodeProto *p)
{
	struct oqz_graph *body[OQZ_NODE_MAX_BODIES];
	int count = oqz_node_bodies(n, body);

	for (size_t i = 0; i < n->n_attr; i++)
		for (int k = 0; k < count; k++)
			if (n->attr[i].graph == body[k])
				for (size_t j = 0; j < p->n_attribute; j++)
					if (strcmp(p->attribute[j]->name, n->attr[i].name) == 0)
						p->attribute[j]->g->n_input -= (size_t)oqz_node_captured(n, k);
}

enum oqz_status oqz_onnx_save_node(struct oqz_onnx_saver *s, const struct oqz_node *n, Onnx__NodeProto **ret,
                                   struct oqz_err *err)
{
	Onnx__NodeProto *p = ONNX_NEW(s, Onnx__NodeProto, onnx__node_proto__init);

	if (!p || !(p->input = save_names(s, n->in, n->n_in)) || !(p->output = save_names(s, n->out, n->n_out)) ||
	    !(p->attribute = ONNX_LIST(s, Onnx__AttributeProto *, n->n_attr)))
		return oqz_onnx_nomem(err);
	OQZ_TRY(note_opset(s, n, err));
	OQZ_TRY(check_captured(n, err));
	p->n_input = (size_t)(n->n_in - captured_inputs(n));
	p->n_output = (size_t)n->n_out;
	p->name = (char *)n->name;
	p->op_type = (char *)n->op_type;
	p->domain = *n->domain ? (char *)n->domain : NULL;
	for (size_t i = 0; i < n->n_attr; i++)
		if (strcmp(n->attr[i].name, "captured") != 0)
			OQZ_TRY(save_attr(s, &n->attr[i], &p->attribute[p->n_attribute++], err));
	drop_captured(n, p);
	*ret = p;
	return OQZ_OK;
}
