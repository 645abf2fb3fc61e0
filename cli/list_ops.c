/* SPDX-License-Identifier: Apache-2.0
 *
 * oqz list ops: every operator that runs, with its operator sets and implementations, as columns or as the page
 * operators.md of the documentation, which is made from this output when oqz is built.
 */
#include "cli/list_ops.h"
#include "cli/cli.h"
#include "core/base/str.h"
#include "core/exec/impl.h"
#include "core/ops/op.h"

#include <stdlib.h>
#include <string.h>

/* One line of the list. */
struct entry {
	const char *domain, *name;
	int since;
	enum oqz_op_id id; /* NONE: written out as others when a model is loaded */
	const char *to;    /* as which, where it is one */
};

/* Implementations in order of preference: of the plain operator, then those on quantized inputs in brackets. The
 * reference is always the last resort. */
static void implementations(const struct entry *e, struct oqz_str *out)
{
	if (e->id == OQZ_OP_NONE) {
		oqz_str_addf(out, "written out as %s", e->to ? e->to : "other operators");
		return;
	}
	for (int group = 0; group < 2; group++) {
		const struct oqz_impl *const *list = oqz_impl_list(e->id, group != 0);
		for (; list && *list; list++)
			oqz_str_addf(out, group ? "[%s] " : "%s ", (*list)->name);
	}
	oqz_str_add(out, "reference");
}

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcmp(x->domain, y->domain);

	return c ? c : strcmp(x->name, y->name);
}

/* free() it; NULL when out of memory. */
static struct entry *collect(size_t *ret_n)
{
	const char *domain, *name, *to;
	size_t n = 0, more = 0;

	while (oqz_upgrade_name(more, &domain, &name, &to))
		more++;
	struct entry *e = calloc((size_t)OQZ_OP_COUNT + more, sizeof *e);
	if (!e)
		return NULL;
	for (int id = 0; id < OQZ_OP_COUNT; id++) {
		const struct oqz_op *op = oqz_op_row((enum oqz_op_id)id);
		if (op)
			e[n++] = (struct entry) { op->domain, op->name, op->since, op->id, NULL };
	}
	for (size_t i = 0; i < more; i++) {
		oqz_upgrade_name(i, &domain, &name, &to);
		e[n++] = (struct entry) { domain, name, 1, OQZ_OP_NONE, to };
	}
	qsort(e, n, sizeof *e, by_name);
	*ret_n = n;
	return e;
}

/* "9-27", or "1" for a domain that has one operator set. */
static void opsets(const struct entry *e, char *out, size_t size)
{
	int newest = oqz_domain_newest(e->domain);

	snprintf(out, size, newest > e->since ? "%d-%d" : "%d", e->since, newest);
}

static void print_columns(const struct entry *e, size_t n)
{
	struct oqz_str impls = { 0 };
	char name[100], sets[30];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof name, "%s%s%s", e[i].domain, *e[i].domain ? "::" : "", e[i].name);
		opsets(&e[i], sets, sizeof sets);
		oqz_str_clear(&impls);
		implementations(&e[i], &impls);
		printf("%-28s  %-6s  %s\n", name, sets, oqz_str_get(&impls));
	}
	oqz_str_release(&impls);
}

static const char page_head[] = "# Operators\n\n"
                                "Every operator that oqz runs, as `oqz list ops --markdown` prints it. Operator sets: "
                                "those whose models are understood;\n"
                                "older forms of an operator are translated to the newest when a model is loaded. "
                                "Implementations stand in order of\n"
                                "preference, those in brackets on quantized inputs; `reference` is the plain kernel "
                                "that the others are tested against.\n";

static void print_page(const struct entry *e, size_t n)
{
	struct oqz_str impls = { 0 };
	const char *domain = NULL;
	char sets[30];

	fputs(page_head, stdout);
	for (size_t i = 0; i < n; i++) {
		if (!domain || strcmp(domain, e[i].domain) != 0) {
			domain = e[i].domain;
			printf("\n## %s\n\n| operator | operator sets | implementations |\n|---|---|---|\n",
			       *domain ? domain : "ai.onnx");
		}
		opsets(&e[i], sets, sizeof sets);
		oqz_str_clear(&impls);
		implementations(&e[i], &impls);
		printf("| %s | %s | %s |\n", e[i].name, sets, oqz_str_get(&impls));
	}
	oqz_str_release(&impls);
}

int cli_list_ops(bool markdown)
{
	size_t n = 0;
	struct entry *e = collect(&n);

	if (!e) {
		struct oqz_err err = { 0 };
		oqz_err_nomem(&err, "the list", 0);
		return cli_fail(&err);
	}
	(markdown ? print_page : print_columns)(e, n);
	free(e);
	return OQZ_EXIT_OK;
}
