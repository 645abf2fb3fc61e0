/* SPDX-License-Identifier: Apache-2.0
 *
 * What every built quantizer must keep: its life cycle, memory given back, one instance not disturbing another, the
 * same answer to the same question, specs that fit their tensors. Run against the recording host of fake.h.
 */
#include "core/base/params.h"
#include "core/base/str.h"
#include "core/quant/format.h"
#include "plugins/host.h"
#include "tests/contract/fake.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct instance {
	const struct oqz_quantizer *q;
	struct oqz_params *params;
	const char *text;
	void *self;
	OQZ_VEC(struct oqz_site) sites;
};

/* Opening may be refused, with a reason. */
static bool open_instance(struct instance *in, const struct oqz_quantizer *q, const char *params)
{
	struct oqz_err why = { 0 };
	struct oqz_failure f = { &why };
	int fails = fake.fails;

	*in = (struct instance) { .q = q, .text = params };
	ck_ok(oqz_params_parse(q->base.params, params, q->base.name, &in->params, err));
	enum oqz_status st = q->open(&fake_quantizer_host, in->params, &in->self, &f);
	if (st == OQZ_OK) {
		ck_assert_msg(in->self != NULL, "%s: open() gave no instance", q->base.name);
		return true;
	}
	ck_assert_msg(st < 0 && why.msg[0] && fake.fails > fails, "%s: open(%s) failed without a reason", q->base.name,
	              params);
	oqz_params_free(in->params);
	return false;
}

static void close_instance(struct instance *in)
{
	in->q->close(in->self);
	oqz_params_free(in->params);
	oqz_vec_release(&in->sites);
}

static void ask_sites(struct instance *in)
{
	struct oqz_err why = { 0 };
	struct oqz_failure f = { &why };

	oqz_vec_release(&fake.sites);
	enum oqz_status st = in->q->sites(in->self, NULL, &fake, &f);
	ck_assert_msg(st == OQZ_OK, "%s: sites(%s): %s", in->q->base.name, in->text, why.msg);
	ck_assert_msg(fake.sites.n > 0, "%s: sites(%s) asks for nothing in a graph of Conv and Gemm", in->q->base.name,
	              in->text);
	oqz_vec_release(&in->sites);
	for (size_t i = 0; i < fake.sites.n; i++)
		ck_assert(oqz_vec_push(&in->sites, fake.sites.v[i]));
}

static void add_bytes(struct oqz_str *out, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		oqz_str_addf(out, "%02x", ((const unsigned char *)p)[i]);
}

/* The spec as text: what the program would keep of it. */
static void add_answer(struct instance *in, const struct oqz_site *s, const struct oqz_shape *shape,
                       const struct oqz_site_stats *stats, struct oqz_str *out)
{
	struct oqz_err why = { 0 };
	struct oqz_failure f = { &why };
	struct oqz_qspec spec = { 0 };

	enum oqz_status st = in->q->plan(in->self, NULL, s, stats, &spec, &f);
	ck_assert_msg(st == OQZ_OK, "%s: plan(%s): %s", in->q->base.name, in->text, why.msg);
	if (spec.grid.kind != OQZ_GRID_CUSTOM) {
		st = oqz_qspec_check(&spec, shape, &why);
		ck_assert_msg(st == OQZ_OK, "%s: plan(%s): %s", in->q->base.name, in->text, why.msg);
		st = oqz_grid_verify(&spec.grid, &why);
		ck_assert_msg(st == OQZ_OK, "%s: plan(%s): %s", in->q->base.name, in->text, why.msg);
		oqz_grid_describe(&spec.grid, out);
	}
	oqz_str_addf(out, " axis %d block %lld scale ", spec.axis, (long long)spec.block);
	add_bytes(out, spec.scale, spec.n_scale * sizeof *spec.scale);
	oqz_str_add(out, " zero ");
	if (spec.zero)
		add_bytes(out, spec.zero, spec.n_scale * sizeof *spec.zero);
	oqz_str_add(out, "\n");
}

/* Asked twice: by this program and by one of API 1.3, which knows no exact range. */
static void ask_plan(struct instance *in, size_t i, struct oqz_str *out)
{
	const struct oqz_site *s = &in->sites.v[i];
	struct oqz_shape shape;
	float lo[16], hi[16];
	double exact_lo[16], exact_hi[16];
	struct oqz_site_stats stats = {
		.struct_size = sizeof stats,
		.n = 1,
		.lo = lo,
		.hi = hi,
		.count = 100,
		.exact_lo = exact_lo,
		.exact_hi = exact_hi,
	};
	struct oqz_str older = { 0 };

	ck_assert(fake_input_shape(s->node, s->input, &shape));
	if (s->axis >= 0)
		stats.n = (size_t)shape.dim[s->axis];
	ck_assert(stats.n <= OQZ_COUNTOF(lo));
	for (size_t k = 0; k < stats.n; k++) {
		lo[k] = -1.5f - 0.25f * (float)k;
		hi[k] = 2 + 0.125f * (float)(k + i);
		exact_lo[k] = (double)lo[k];
		exact_hi[k] = (double)hi[k];
	}
	size_t start = out->len;
	add_answer(in, s, &shape, &stats, out);
	stats.struct_size = offsetof(struct oqz_site_stats, exact_lo);
	stats.exact_lo = stats.exact_hi = NULL;
	add_answer(in, s, &shape, &stats, &older);
	ck_assert_str_eq(oqz_str_get(out) + start, oqz_str_get(&older));
	oqz_str_release(&older);
}

static void whole_plan(struct instance *in, struct oqz_str *out)
{
	oqz_str_clear(out);
	ask_sites(in);
	for (size_t i = 0; i < in->sites.n; i++)
		ask_plan(in, i, out);
}

START_TEST(every_parameter_set_gives_a_fitting_plan)
{
	fake_modules_t all = fake_open_all(OQZ_KIND_QUANTIZER);
	struct oqz_str plan = { 0 };
	const char *params;

	ck_assert_uint_gt(all.n, 0);
	for (size_t m = 0; m < all.n; m++) {
		const struct oqz_quantizer *q = &all.v[m]->desc.quantizer;
		for (size_t i = 0; (params = fake_params(q->base.params, "", i)) != NULL; i++) {
			struct instance in;
			fake_reset();
			bool opened = open_instance(&in, q, params);
			ck_assert_msg(opened || i > 0, "%s: the defaults are refused: %s", q->base.name, fake.message);
			if (opened) {
				whole_plan(&in, &plan);
				close_instance(&in);
			}
		}
	}
	fake_reset();
	oqz_str_release(&plan);
	fake_close_all(&all);
}
END_TEST

START_TEST(same_question_same_answer)
{
	fake_modules_t all = fake_open_all(OQZ_KIND_QUANTIZER);

	for (size_t m = 0; m < all.n; m++) {
		const struct oqz_quantizer *q = &all.v[m]->desc.quantizer;
		struct oqz_str once = { 0 }, again = { 0 }, other = { 0 };
		struct instance a, b;
		ck_assert(open_instance(&a, q, ""));
		whole_plan(&a, &once);
		whole_plan(&a, &again);
		ck_assert_msg(strcmp(oqz_str_get(&once), oqz_str_get(&again)) == 0, "%s: asked twice, two answers",
		              q->base.name);
		ck_assert(open_instance(&b, q, ""));
		whole_plan(&b, &other);
		ck_assert_msg(strcmp(oqz_str_get(&once), oqz_str_get(&other)) == 0,
		              "%s: two equal instances, two answers", q->base.name);
		close_instance(&a);
		close_instance(&b);
		fake_reset();
		oqz_str_release(&once);
		oqz_str_release(&again);
		oqz_str_release(&other);
	}
	fake_close_all(&all);
}
END_TEST

/* Two instances with different parameters, called in turns, answer as each does alone. */
START_TEST(instances_do_not_disturb_each_other)
{
	fake_modules_t all = fake_open_all(OQZ_KIND_QUANTIZER);
	const char *params;

	for (size_t m = 0; m < all.n; m++) {
		const struct oqz_quantizer *q = &all.v[m]->desc.quantizer;
		for (size_t i = 1; (params = fake_params(q->base.params, "", i)) != NULL; i++) {
			struct oqz_str alone = { 0 }, turns = { 0 }, rest = { 0 };
			struct instance a, b;
			ck_assert(open_instance(&a, q, ""));
			whole_plan(&a, &alone);
			if (open_instance(&b, q, params)) {
				ask_sites(&a);
				ask_sites(&b);
				for (size_t s = 0; s < a.sites.n; s++) {
					if (s < b.sites.n)
						ask_plan(&b, s, &rest);
					ask_plan(&a, s, &turns);
				}
				ck_assert_msg(strcmp(oqz_str_get(&alone), oqz_str_get(&turns)) == 0,
				              "%s: an instance with %s disturbs one with defaults", q->base.name,
				              params);
				close_instance(&b);
			}
			close_instance(&a);
			fake_reset();
			oqz_str_release(&alone);
			oqz_str_release(&turns);
			oqz_str_release(&rest);
		}
	}
	fake_close_all(&all);
}
END_TEST

OQZ_TEST_MAIN("quantizer contract", every_parameter_set_gives_a_fitting_plan, same_question_same_answer,
              instances_do_not_disturb_each_other)
